"""Secret text, which works like any other and is never printed."""

from __future__ import annotations

import re
from types import MemberDescriptorType
from typing import Any, SupportsIndex


class Masked(str):
    """Text whose `repr` is ``…``, so that dicts, tracebacks with locals and rich do not show it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "…"

    def __getitem__(self, index: SupportsIndex | slice) -> Masked:
        # rich shows a part of a long text
        return Masked(super().__getitem__(index))


_SECRETIVE = re.compile(r"secret|token|passw|api[ _-]?key|authorization", re.IGNORECASE)


def secretive(name: str) -> bool:
    """Return whether the name of an unknown key sounds like a secret, whose value is masked too."""
    return _SECRETIVE.search(name) is not None


def masked(value: Any) -> Any:
    """Return a text as `Masked`, and anything else unchanged."""
    return Masked(value) if type(value) is str else value


HIDDEN = Masked("…")
"""Replacement for a secret in output."""


class MaskedSlot(property):
    """Slot that returns its texts as `Masked`, so that copies of the value are masked too."""

    def __init__(self, slot: MemberDescriptorType) -> None:
        super().__init__(lambda owner: masked(slot.__get__(owner)), slot.__set__, slot.__delete__)
        self.slot: MemberDescriptorType = slot


def mask(cls: type, name: str) -> None:
    """Make a slot of a class a `MaskedSlot`."""
    owner = next(base for base in cls.__mro__ if name in vars(base))
    if not isinstance(slot := vars(owner)[name], MaskedSlot):
        setattr(owner, name, MaskedSlot(slot))


def slot_of(cls: type, name: str) -> MemberDescriptorType:
    """Return the slot of a field, without its mask."""
    found: Any = next(vars(base)[name] for base in cls.__mro__ if name in vars(base))
    return found.slot if isinstance(found, MaskedSlot) else found
