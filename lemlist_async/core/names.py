"""Names of fields: in Python, on the wire, and the marks beside their types."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Annotated, Any, ParamSpec, TypeVar, cast, get_origin, get_type_hints

import attrs

T = TypeVar("T")
P = ParamSpec("P")


def cached(function: Callable[P, T]) -> Callable[P, T]:
    """`functools.cache` with the signature kept; type checkers take a model class for unhashable."""
    return cast("Callable[P, T]", functools.cache(function))


@attrs.frozen
class Wire:
    """Name on the wire, where it is not the camelCase of the Python name."""

    name: str


@attrs.frozen
class Secret:
    """Marks a field whose value is never shown: a key, a hook's URL."""


Id = Annotated[str, Wire("_id")]


class SnakeCase:
    """Marker of models whose keys lemlist spells in snake_case, as those of its databases."""

    __slots__ = ()


def camel(name: str) -> str:
    """Convert snake_case to camelCase."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


@cached
def hints_of(cls: type) -> dict[str, Any]:
    """Return the annotations of a class with their marks."""
    return get_type_hints(cls, include_extras=True)


def marks(hint: Any, kind: type[T]) -> Iterator[T]:
    """Yield the marks of one kind on an annotation."""
    if get_origin(hint) is Annotated:
        yield from (mark for mark in hint.__metadata__ if isinstance(mark, kind))


@cached
def wire_name(cls: type, name: str) -> str:
    """Return the name of a field on the wire."""
    rule = str if SnakeCase in cls.__mro__ else camel
    return next((mark.name for mark in marks(hints_of(cls)[name], Wire)), rule(name))


@cached
def fields_of(cls: type) -> tuple[tuple[str, str, bool], ...]:
    """Return (name, wire name, whether it is secret) of each field of a model except `extra`."""
    hints = hints_of(cls)
    return tuple(
        (field.name, wire_name(cls, field.name), any(marks(hints[field.name], Secret)))
        for field in attrs.fields(cls)
        if field.name not in {"extra", "_source"}
    )
