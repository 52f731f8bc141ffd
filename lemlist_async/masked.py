"""Text that is a secret: it works as any other, and shows itself to no printer."""

from __future__ import annotations

import re
from types import MemberDescriptorType
from typing import Any, SupportsIndex


class Masked(str):
    """A text whose `repr` is ``…``, so that dicts, tracebacks with locals and rich show nothing of it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "…"

    def __getitem__(self, index: SupportsIndex | slice) -> Masked:
        # rich shows a part of what is long
        return Masked(super().__getitem__(index))


_SECRETIVE = re.compile(r"secret|token|passw|api[ _-]?key|authorization", re.IGNORECASE)


def secretive(name: str) -> bool:
    """Whether a key that no model knows is named as a secret: its value is masked too."""
    return _SECRETIVE.search(name) is not None


def masked(value: Any) -> Any:
    """A text with its mask; anything else as it is."""
    return Masked(value) if type(value) is str else value


HIDDEN = Masked("…")
"""What stands for a secret where it is shown."""


def mask(cls: type, name: str) -> None:
    """Make a slot of a class give its texts as `Masked`: whoever copies the value copies the mask."""
    owner = next(base for base in cls.__mro__ if name in vars(base))
    slot = vars(owner)[name]
    if not isinstance(slot, MemberDescriptorType):  # it was done before
        return

    def look(self: Any) -> Any:
        return masked(slot.__get__(self))

    setattr(owner, name, property(look, slot.__set__, slot.__delete__))
