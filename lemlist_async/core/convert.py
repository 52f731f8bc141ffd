"""Converters of single JSON values to the types of fields, and the count of those that have another type."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from lemlist_async.core.headers import read_date
from lemlist_async.core.wire import UnexpectedTypes

Convert = Callable[[Any, UnexpectedTypes, str], Any]
"""Converter of a value of an unexpected type: (value, unexpected_types, field) to the value to keep."""


def plain_type(hint: Any) -> Any:
    """Return an annotation without marks and None, and with literals as their base type."""
    if get_origin(hint) is Annotated:
        return plain_type(hint.__origin__)
    if get_origin(hint) in {Union, types.UnionType}:
        rest = [plain_type(arg) for arg in get_args(hint) if arg is not type(None)]
        return rest[0] if len({id(kind) for kind in rest}) == 1 else Any
    if get_origin(hint) is Literal:
        return cast("Any", type)(get_args(hint)[0])
    return hint


def json_types(kind: Any) -> tuple[type, ...] | None:
    """Return the JSON types of fields that need no conversion: (object,) if any will do, None for other fields."""
    origin = get_origin(kind)
    if kind in {Any, dict, list} or (origin in {dict, list} and get_args(kind)[-1] is Any):
        return (object,)
    if origin in {dict, list} and plain_type(get_args(kind)[-1]) in {Any, *SCALARS}:
        return (cast("type", origin),)
    # a whole number is written as 7 or 7.0, a share as 1 or 0.5
    return {int: (int, float), float: (float, int)}.get(kind, (kind,)) if kind in SCALARS else None


def unexpected(value: Any, unexpected_types: UnexpectedTypes, where: str) -> Any:
    """Count a value, and return it as it came."""
    unexpected_types[where] = unexpected_types.get(where, 0) + 1
    return value


def usual_time(value: Any, _: UnexpectedTypes) -> datetime | None:
    """Decode a time as lemlist writes nearly all; None for every other value."""
    try:
        found = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return None
    if found.tzinfo:
        return found
    # fromisoformat takes the 13 digits of epoch milliseconds for a day and an hour
    return None if len(value) > 8 and value.isdigit() else found.replace(tzinfo=UTC)


def read_time(value: Any, unexpected_types: UnexpectedTypes, where: str) -> Any:
    """Decode a time: ISO 8601, a JavaScript date, an HTTP date, or epoch seconds or milliseconds."""
    found = usual_time(value, unexpected_types)
    return _odd_time(value, unexpected_types, where) if found is None else found


def _odd_time(value: Any, unexpected_types: UnexpectedTypes, where: str) -> Any:
    text: Any = value
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        text = str(int(value))
    if not isinstance(text, str) or (text.lstrip("-").isdigit() and not 9 < len(text) < 16):
        return unexpected(value, unexpected_types, where)
    found = read_date(text.removesuffix(" UTC"))
    return unexpected(value, unexpected_types, where) if found is None else found


def _int(value: Any, unexpected_types: UnexpectedTypes, where: str) -> Any:
    # lemlist sends "50" for an SMTP mailbox where it sends 50 for a Google one
    if type(value) is str and value.isascii() and value.removeprefix("-").isdigit() and len(value) < 20:
        return int(value)
    return value if type(value) is float else unexpected(value, unexpected_types, where)


def _float(value: Any, unexpected_types: UnexpectedTypes, where: str) -> Any:
    return value if type(value) is int else unexpected(value, unexpected_types, where)


SCALARS: dict[type, Convert] = {str: unexpected, bool: unexpected, int: _int, float: _float}
