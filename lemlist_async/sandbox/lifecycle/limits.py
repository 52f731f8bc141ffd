"""Limits of senders: how many messages of a mailbox may leave in 24 hours."""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs

__all__ = ["SenderLimits"]

DAY: Final = 86400.0


@attrs.define(eq=False)
class SenderLimits:
    """Reservations of the last messages of each mailbox, as many as its limit."""

    _slots: dict[str, deque[float]] = attrs.field(factory=dict[str, deque[float]], init=False)

    def reserve(self, mailbox_id: str, limit: int, moment: float) -> float:
        """Return the first moment at which the limit lets a message leave, which counts from now on."""
        slots = self._slots.get(mailbox_id)
        if slots is None or slots.maxlen != max(1, limit):
            slots = self._slots[mailbox_id] = deque(slots or (), maxlen=max(1, limit))
        free = max(moment, slots[0] + DAY) if len(slots) == slots.maxlen else moment
        slots.append(free)
        return free
