"""Objects that keep the JSON they came as, and decode a field when it is first looked at."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection
from typing import Any

import attrs

from lemlist_async.core.wire import UnexpectedTypes

Read = Callable[[dict[str, Any], UnexpectedTypes, str], Any]
"""Decoder of one field: (JSON object, unexpected_types, name of the field) to the value."""

# Re-entrant, since the garbage collector may run a finaliser in between that reads another field.
_reading = threading.RLock()


def _renew() -> None:
    global _reading  # noqa: PLW0603  # a lock that another thread held at the fork is never released in the child
    _reading = threading.RLock()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_renew)


class Source:
    """JSON object that a model was decoded from; its repr hides it."""

    __slots__ = ("raw",)

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw: dict[str, Any] = raw

    def __repr__(self) -> str:
        return "…"


class Lazy:
    """Object that keeps the JSON it was decoded from; a slot is empty until its field is looked at."""

    __slots__ = ("_raw", "_unexpected_types")

    _raw: dict[str, Any] | None
    """JSON object that the instance was decoded from, with its own keys, nulls and "50" where the field is 50."""
    _unexpected_types: UnexpectedTypes
    """Counter of values of unexpected types; unset in an object that a program made, where nothing is lazy."""

    def _give_source(self) -> Source | None:
        return None if self._raw is None else Source(self._raw)

    def _take_source(self, source: Source | None) -> None:
        self._raw = None if source is None else source.raw


_ODD: Any = object()
"""Marker of a value that is not of the usual kind."""


@attrs.frozen
class Field:
    """One field of a model: its slot, and the way from the JSON object to its value."""

    name: str
    wire: str
    secret: bool
    required: bool
    """Whether None is no usual value: of an ``id`` without a default."""
    get: Callable[[Any], Any]
    """Reader of the slot; AttributeError while it is empty."""
    put: Callable[[Any, Any], None]
    types: Collection[type] | None
    """JSON types that need no conversion; None where every value is converted."""
    usual: Callable[[Any, UnexpectedTypes], Any]
    """Converter of values in the usual form, where every value is converted; None for any other."""
    changeable: bool
    """Whether a converted value can be changed, so that all threads must get the same one."""
    read: Read
    """Decoder of any value."""

    def fill(self, owner: Lazy) -> Any:
        """Decode the field into its empty slot."""
        raw = owner._raw  # pyright: ignore[reportPrivateUsage]  # the other half of this module
        if raw is None:
            return object.__getattribute__(owner, self.name)  # it was deleted: the usual error
        value = self._quick(raw)
        if value is _ODD:
            return self._fill_once(owner, raw)
        self.put(owner, value)  # threads that decode it at once put equal values
        return value

    def _quick(self, raw: dict[str, Any]) -> Any:
        value = raw.get(self.wire)
        if value is None:
            return _ODD if self.required else None
        if self.types is None:
            return _ODD if self.changeable or (found := self.usual(value, {})) is None else found
        return value if type(value) in self.types or object in self.types else _ODD

    def _fill_once(self, owner: Lazy, raw: dict[str, Any]) -> Any:
        # Two threads that look at once must get one object, or one of them would change a copy.
        with _reading:
            try:
                return self.get(owner)
            except AttributeError:
                pass
            where = f"{type(owner).__name__}.{self.name}"
            value = self.read(raw, owner._unexpected_types, where)  # pyright: ignore[reportPrivateUsage]
            self.put(owner, value)
        return value
