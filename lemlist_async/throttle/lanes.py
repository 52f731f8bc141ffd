"""Who goes next: a person before a batch, otherwise whoever came first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

from lemlist_async.options import Lane

BULK_TURN = 10
"""While both lanes wait, at least one grant in this many goes to bulk, so that it is never starved."""

T = TypeVar("T")


class Lanes(Generic[T]):
    """Two queues that any waiter may leave at any time; every step costs the same however many wait."""

    def __init__(self) -> None:
        # ordered dicts, not deques: whoever gives up in the middle leaves at once and leaves nothing behind
        self._waiting: dict[Lane, OrderedDict[T, None]] = {
            "interactive": OrderedDict(),
            "bulk": OrderedDict(),
        }
        self._overtaken = 0

    def __len__(self) -> int:
        return len(self._waiting["interactive"]) + len(self._waiting["bulk"])

    def __iter__(self) -> Iterator[T]:
        for lane in self._waiting.values():
            yield from lane

    def size(self, lane: Lane) -> int:
        """How many wait in the lane."""
        return len(self._waiting[lane])

    def push(self, lane: Lane, waiter: T) -> None:
        """Stand at the end of the lane."""
        self._waiting[lane][waiter] = None

    def remove(self, waiter: T) -> None:
        """Leave the queue, wherever it stands; nothing happens if it left before."""
        for lane in self._waiting.values():
            lane.pop(waiter, None)

    def pop(self) -> T:
        """Take out whoever goes next; KeyError if nobody waits."""
        interactive, bulk = self._waiting["interactive"], self._waiting["bulk"]
        if not bulk or (interactive and self._overtaken < BULK_TURN - 1):
            self._overtaken = self._overtaken + 1 if bulk else 0
            return interactive.popitem(last=False)[0]
        self._overtaken = 0
        return bulk.popitem(last=False)[0]

    def ahead_of(self, lane: Lane) -> int:
        """How many of those who wait go before a newcomer of the lane."""
        interactive, bulk = self.size("interactive"), self.size("bulk")
        if lane == "bulk":
            return interactive + bulk
        return interactive + min(bulk, (interactive + self._overtaken) // (BULK_TURN - 1))
