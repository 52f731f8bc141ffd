"""Times and models within models are read when somebody first looks at them: at most of a page nobody does."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from types import MemberDescriptorType
from typing import Any

Read = Callable[[Any, dict[str, int], str], Any]
"""From the JSON of a field to its value: (value, unexpected_types, field)."""


class _Undecoded:
    """Stands in a slot until somebody looks."""

    def __repr__(self) -> str:
        return "UNDECODED"


UNDECODED: Any = _Undecoded()

# two threads that look at once must get one object: what one of them changes, the other sees.
# Re-entrant, since the garbage collector may run anybody's finaliser in between.
_reading = threading.RLock()


def _renew() -> None:
    global _reading  # noqa: PLW0603  # what another thread held at a fork, nobody in the child gives back
    _reading = threading.RLock()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_renew)


class Source:
    """The JSON object that a model came as, shown to no printer."""

    __slots__ = ("raw",)

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw

    def __repr__(self) -> str:
        return "…"


class Lazy:
    """An object beside the JSON that it came as; where a slot holds `UNDECODED`, the value is read from there."""

    __slots__ = ("_raw", "_unexpected_types")

    _raw: dict[str, Any] | None
    """The JSON object, where it came as one: it has the keys and nulls, and "50" where a field is 50."""
    _unexpected_types: dict[str, int]
    """Where unexpected_types are counted; not set in an object that a program made, where nothing is late."""

    def _give_source(self) -> Source | None:
        return None if self._raw is None else Source(self._raw)

    def _take_source(self, source: Source | None) -> None:
        self._raw = None if source is None else source.raw


def make_lazy(cls: type[Lazy], name: str, wire: str, read: Read) -> None:
    """Make a field of `cls` one that may be late: a property around its slot.

    Not `__getattr__`, which would make every read of every field slower.
    """
    owner = next(base for base in cls.__mro__ if name in vars(base))
    slot = vars(owner)[name]
    if isinstance(slot, MemberDescriptorType):  # else it was done for the owner, or another heir
        setattr(owner, name, _property(slot, name, wire, read))


def _property(slot: MemberDescriptorType, name: str, wire: str, read: Read) -> property:
    get, put = slot.__get__, slot.__set__

    def look(self: Any) -> Any:
        found = get(self)
        return found if found is not UNDECODED else first_access(self)

    def first_access(self: Any) -> Any:
        with _reading:
            found = get(self)
            if found is UNDECODED:
                came = self._raw[wire]
                found = (
                    None
                    if came is None
                    else read(came, self._unexpected_types, f"{type(self).__name__}.{name}")
                )
                put(self, found)
        return found

    return property(look, put, slot.__delete__)
