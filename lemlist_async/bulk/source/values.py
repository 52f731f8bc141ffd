"""Values of rows and results as plain JSON: exactly what was given, or an error that says what was not."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import math
import uuid
from collections.abc import Callable, Mapping
from typing import Any, cast

_DEEPEST = 100
"""Levels of lists and mappings; no row of a table has as many."""
_SHOWN = 2_000
"""Characters that are kept of a value of a row that is refused."""
_SHOWN_CELLS = 100


def exact(value: Any, *, depth: int = 0) -> Any:
    """Return a value as plain JSON.

    Dates, times and UUIDs become their texts, decimals too, an enum its value, a dataclass its fields, and a number
    of numpy the same number of Python.

    Raises:
        ValueError: JSON has no such value, or it would change on the way.
    """
    if value is None or value is True or value is False:
        return value
    kind = type(cast("object", value))
    if kind in _WRITERS:
        return _WRITERS[kind](value)
    if depth > _DEEPEST:
        raise ValueError(f"it is nested in more than {_DEEPEST} levels")
    if kind is list or kind is tuple:
        return [exact(item, depth=depth + 1) for item in value]
    if isinstance(value, Mapping):
        items = cast("Mapping[object, Any]", value).items()
        return {name(key): exact(item, depth=depth + 1) for key, item in items}
    return _other(value, depth)


def name(column: object) -> str:
    """Return the name of a column.

    Raises:
        ValueError: it is no text.
    """
    if not isinstance(column, str):
        raise ValueError(f"the column name {_brief(column)} is not a text")
    try:
        return _text(column)
    except ValueError as error:
        raise ValueError(f"the column name {_brief(column)}: {error}") from None


def cells(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of a row as plain JSON; a NaN or NaT stays (as NaN), since pandas has them in empty cells.

    Raises:
        ValueError: saying which cell cannot be sent as it is, and why.
    """
    found: dict[str, Any] = {}
    for column, value in values.items():
        if type(value) is str and value.isascii() and type(column) is str and column.isascii():
            found[column] = value
            continue
        named = name(column)
        if _is_missing(value):
            found[named] = math.nan
            continue
        try:
            found[named] = exact(value)
        except ValueError as error:
            raise ValueError(f"column {named!r}: {error}") from None
    return found


def _is_missing(value: object) -> bool:
    return (isinstance(value, float) and math.isnan(value)) or type(value).__name__ == "NaTType"


def shown(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a row that is refused as JSON to look at; long and odd values are shortened to a text."""
    found: dict[str, Any] = {}
    for column, value in values.items():
        if len(found) == _SHOWN_CELLS:
            break
        found[_readable(column)] = value if _is_plain(value) else _readable(value)
    return found


def readable(text: object) -> str:
    """Return a text without what UTF-8 cannot carry."""
    return text if type(text) is str and text.isascii() else str(text).encode("utf-8", "replace").decode()


def _is_plain(value: object) -> bool:
    if isinstance(value, int) and not isinstance(value, enum.Enum):
        return -(2**63) <= value < 2**64
    return value is None or (isinstance(value, float) and math.isfinite(value))


def _readable(value: object) -> str:
    return readable(value[:_SHOWN] if isinstance(value, str) else _brief(value, _SHOWN))


def _brief(value: object, most: int = 60) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  # a repr of another's class may fail in any way; the row is refused anyway
        text = f"<{type(value).__name__}>"
    return readable(text[:most])


def _text(value: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError(
                "it holds half of a character (a lone surrogate), such as half an emoji"
            ) from None
    return str.__str__(value)


def _whole(value: int) -> int:
    if not -(2**63) <= value < 2**64:
        raise ValueError(
            "it is a whole number of more than 64 bits, which would lose digits; give it as a text"
        )
    return int(value)


def _real(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"JSON has no {value}; give None for an empty cell")
    return float(value)


def _decimal(value: decimal.Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"{value} is no number; give None for an empty cell")
    return str(value)


def _time(value: datetime.datetime | datetime.date | datetime.time) -> str:
    return value.isoformat()


_WRITERS: dict[type, Callable[[Any], Any]] = {
    str: _text,
    int: _whole,
    float: _real,
    decimal.Decimal: _decimal,
    uuid.UUID: str,
    datetime.datetime: _time,
    datetime.date: _time,
    datetime.time: _time,
}


def _other(value: Any, depth: int) -> Any:
    """A value of a type that is not among the usual ones."""
    if isinstance(value, enum.Enum):
        return exact(value.value, depth=depth + 1)
    # a datetime64 would become a mere number
    if type(value).__module__ == "numpy" and getattr(getattr(value, "dtype", None), "kind", "") in set(
        "biuf"
    ):
        plain = value.item() if value.shape == () else value
        if type(plain) in _WRITERS or isinstance(plain, bool):
            return exact(plain)
    if type(value).__name__ in {"NAType", "NaTType"}:
        raise ValueError("it is an empty cell of pandas, which JSON does not know; give None")
    for kind, write in _WRITERS.items():  # subclasses: numpy's texts and floats, pandas' Timestamp
        if isinstance(value, kind):
            return write(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return exact(fields, depth=depth + 1)
    if isinstance(value, bytes | bytearray | memoryview):
        raise ValueError("it is bytes; decode it to a text")
    raise ValueError(f"JSON has no {type(value).__name__} such as {_brief(value)}")
