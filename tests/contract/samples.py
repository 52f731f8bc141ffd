"""A value for every field of a TypedDict, so that no parameter of an operation goes untried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from lemlist_async.core.validation import Between, Form

_PLAIN: dict[Any, Any] = {
    str: "text",
    bool: True,
    int: 2,
    float: 2.5,
    date: date(2026, 3, 4),
    datetime: datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
    Any: "anything",
}
_FORMS = {"clock": "09:30", "email": "ann@example.com", "url": "https://example.com/1"}


def sample(spec: type, *, without: Sequence[str] = ()) -> Any:
    """Every field of `spec` with a value that its marks allow."""
    hints = get_type_hints(spec, include_extras=True)
    return {name: value_of(hint) for name, hint in hints.items() if name not in without}


def value_of(hint: Any) -> Any:
    """A value that the marks of a type allow."""
    origin, args = get_origin(hint), get_args(hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if is_typeddict(hint):
        return sample(hint)
    if origin is Literal:
        return args[0]
    if origin in {Required, NotRequired}:
        return value_of(args[0])
    if origin is Annotated:
        span = next((mark for mark in hint.__metadata__ if isinstance(mark, Between)), None)
        form = next((mark for mark in hint.__metadata__ if isinstance(mark, Form)), None)
        if form is not None and form.name in _FORMS:
            return [_FORMS[form.name]] if get_origin(args[0]) is Sequence else _FORMS[form.name]
        return value_of(args[0]) if span is None else _within(args[0], span)
    if origin is Sequence:
        return [value_of(args[0])]
    if origin is Mapping:
        return {"key": value_of(args[1])}
    return value_of(args[0])  # a union: what it names first


def _within(hint: Any, span: Between) -> Any:
    number = int(span.low) + 1
    return [number] if get_origin(hint) is Sequence else number
