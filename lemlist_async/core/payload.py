"""Encoding of keyword arguments as query and body, with wire names and documented ranges."""

from __future__ import annotations

import difflib
import enum
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import (
    Any,
    Literal,
    NotRequired,
    Required,
    cast,
    get_args,
    get_origin,
)

import attrs

from lemlist_async.core import json
from lemlist_async.core.model import unstructure, write_time
from lemlist_async.core.names import Wire, cached, hints_of, marks, wire_name
from lemlist_async.core.validation import Take, is_many, taker, unchecked
from lemlist_async.core.wire import Query, is_object
from lemlist_async.errors import InvalidInputError


@attrs.frozen
class InQuery:
    """Marks a field that is sent in the query; `many` is the form of a list of values."""

    many: Literal["comma", "repeated", "json"] = "comma"


@attrs.frozen
class AsText:
    """Marks a field whose numbers are sent as strings."""


@attrs.frozen
class Payload:
    """Query and body of a call."""

    query: Query = ()
    body: dict[str, Any] | None = None

    def asking(self, **values: str) -> Payload:
        """Return a copy with further values in the query."""
        return Payload([*self.query, *values.items()], self.body)


def encode(spec: type, fields: Mapping[str, Any]) -> Payload:
    """Encode `fields`, named as in the TypedDict `spec`, as query and body.

    A missing field is not sent; None is sent as null in a body and left out of a query.

    Raises:
        TypeError: a field that `spec` does not have, or a required one missing.
        InvalidInputError: a value is outside its documented range, or JSON cannot carry it.
    """
    shape = _shape(spec)
    places = shape.places
    if not places.keys() >= fields.keys():
        raise TypeError(_unknown(min(fields.keys() - places.keys()), places))
    if missing := shape.required - fields.keys():
        raise TypeError(f"missing required argument: {', '.join(sorted(missing))}")
    query: list[tuple[str, str]] = []
    body: dict[str, Any] = {}
    for name, value in fields.items():
        place = places[name]
        # texts and flags without a check are nearly all that is sent
        taken = value if type(value) is place.exact else place.take(name, value)
        if place.query is not None:
            query += [] if taken is None else _in_query(place.wire, place.query, taken)
        else:
            body[place.wire] = str(taken) if place.as_text and taken is not None else taken
    return Payload(query, body if shape.has_body else None)


def query_value(value: Any) -> str:
    """Encode one value for a query: ``true``, ISO 8601, a plain number, or the text itself."""
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return write_time(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInputError(f"a query cannot carry {value!r}")
    if isinstance(value, str | int | float):
        return str(value)
    raise InvalidInputError(f"a query cannot carry a {type(value).__name__}")


def to_json(value: Any) -> bytes:
    """Encode a body as JSON.

    Raises:
        InvalidInputError: the body holds a NaN, a lone surrogate, or another value that JSON cannot carry.
    """
    try:
        text = json.dumps(value, default=_json_default, own_times=True)
        if b"null" in text and (where := _not_a_number(value)) is not None:
            # the encoder wrote null, which would empty a field at lemlist
            raise InvalidInputError(f"{where or 'the body'} is not a number (NaN) or infinite")
        return text
    except TypeError as error:
        raise InvalidInputError(f"the body cannot be written as JSON: {error}") from None


def _not_a_number(value: Any, where: str = "") -> str | None:
    """Return the place of a NaN or an infinite number in a body; None without one."""
    if isinstance(value, float):
        return None if math.isfinite(value) else where
    items: Iterable[tuple[Any, Any]] = ()
    if is_object(value):
        items = value.items()
    elif isinstance(value, list | tuple | set | frozenset):
        items = enumerate(cast("Iterable[Any]", value))
    elif not isinstance(value, str | int | None) and (shown := unstructure(value)) is not value:
        return _not_a_number(shown, where)
    found = (_not_a_number(one, f"{where}.{name}" if where else str(name)) for name, one in items)
    return next((place for place in found if place is not None), None)


def _json_default(value: Any) -> Any:
    if isinstance(value, datetime):
        return write_time(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(cast("set[Any]", value))
    shown = unstructure(value)
    if shown is value:
        raise TypeError(f"{type(value).__name__} is not JSON")
    return shown


@attrs.frozen
class _Place:
    """Destination, wire name and checks of one field."""

    wire: str
    query: InQuery | None
    exact: type | None
    """Type whose values are sent as they are."""
    take: Take
    as_text: bool


@attrs.frozen
class _Shape:
    """Fields of a TypedDict."""

    places: dict[str, _Place]
    required: frozenset[str]
    has_body: bool


@cached
def _shape(spec: type) -> _Shape:
    places = {name: _place(spec, name, _bare(hint)) for name, hint in hints_of(spec).items()}
    return _Shape(places, _required(spec), any(place.query is None for place in places.values()))


def _required(spec: type) -> frozenset[str]:
    # a TypedDict does not see `Required` in annotations that are strings
    marked = {name: get_origin(hint) for name, hint in hints_of(spec).items()}
    declared: frozenset[str] = getattr(spec, "__required_keys__", frozenset())
    known = declared.union(name for name, mark in marked.items() if mark is Required)
    return known.difference(name for name, mark in marked.items() if mark is NotRequired)


def _place(spec: type, name: str, hint: Any) -> _Place:
    as_text = next(marks(hint, AsText), None) is not None
    return _Place(
        wire=next((mark.name for mark in marks(hint, Wire)), wire_name(spec, name)),
        query=next(marks(hint, InQuery), None),
        exact=None if as_text else unchecked(hint),
        take=taker(hint, _nested),
        as_text=as_text,
    )


def _bare(hint: Any) -> Any:
    return _bare(get_args(hint)[0]) if get_origin(hint) in {Required, NotRequired} else hint


def _nested(spec: type, value: Mapping[str, Any]) -> Any:
    return encode(spec, value).body


def _in_query(name: str, how: InQuery, value: Any) -> Query:
    if how.many == "json":
        return [(name, to_json(value).decode())]
    if not is_many(value):
        return [(name, query_value(value))]
    values = [query_value(one) for one in value]
    return [(name, ",".join(values))] if how.many == "comma" else [(name, one) for one in values]


def _unknown(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"unknown argument {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
