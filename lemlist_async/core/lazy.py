"""Decode dates and nested models on first access; most of them are never read."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from types import MemberDescriptorType
from typing import Any

Read = Callable[[Any, dict[str, int], str], Any]
"""Decoder of one field: (JSON value, unexpected_types, name of the field) to the value."""


class _Undecoded:
    """Placeholder in a slot whose value is not decoded yet."""

    def __repr__(self) -> str:
        return "UNDECODED"


UNDECODED: Any = _Undecoded()

# Two threads that read a field at once must get one object, or one of them would change a copy.
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
    """Object that keeps the JSON it was decoded from; a slot that holds `UNDECODED` is decoded from there."""

    __slots__ = ("_raw", "_unexpected_types")

    _raw: dict[str, Any] | None
    """JSON object that the instance was decoded from, with its own keys, nulls and "50" where the field is 50."""
    _unexpected_types: dict[str, int]
    """Counter of values of unexpected types; unset in an object that a program made, where nothing is lazy."""

    def _give_source(self) -> Source | None:
        return None if self._raw is None else Source(self._raw)

    def _take_source(self, source: Source | None) -> None:
        self._raw = None if source is None else source.raw


def make_lazy(cls: type[Lazy], name: str, wire: str, read: Read) -> None:
    """Make a field of `cls` lazy: wrap its slot in a property.

    `__getattr__` would make every read of every field slower.
    """
    owner = next(base for base in cls.__mro__ if name in vars(base))
    slot = vars(owner)[name]
    if isinstance(slot, MemberDescriptorType):  # otherwise done before, for the owner or another subclass
        setattr(owner, name, _property(slot, name, wire, read))


def _property(slot: MemberDescriptorType, name: str, wire: str, read: Read) -> property:
    get, put = slot.__get__, slot.__set__

    def get_value(self: Any) -> Any:
        found = get(self)
        return found if found is not UNDECODED else first_access(self)

    def first_access(self: Any) -> Any:
        with _reading:
            found = get(self)
            if found is UNDECODED:
                raw, where = self._raw[wire], f"{type(self).__name__}.{name}"
                found = None if raw is None else read(raw, self._unexpected_types, where)
                put(self, found)
        return found

    return property(get_value, put, slot.__delete__)
