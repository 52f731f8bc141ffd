"""The order of waiting requests: interactive before bulk, otherwise first come, first served."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

from lemlist_async.options import Lane

BULK_TURN = 10
"""While both lanes wait, at least one grant in this many goes to bulk, so that it is never starved."""

T = TypeVar("T")
_ABSENT = object()


class Lanes(Generic[T]):
    """Two queues that any waiter may leave at any time; every step costs the same however many wait."""

    def __init__(self) -> None:
        # ordered dicts, not deques: a waiter that gives up in the middle leaves at once and leaves nothing behind
        self._waiting: dict[Lane, OrderedDict[T, object]] = {
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
        """Return how many wait in the lane."""
        return len(self._waiting[lane])

    def push(self, lane: Lane, waiter: T) -> None:
        """Stand at the end of the lane."""
        self._waiting[lane][waiter] = None

    def remove(self, waiter: T) -> bool:
        """Leave the queue, wherever the waiter stands; return whether it was there."""
        return any(lane.pop(waiter, _ABSENT) is not _ABSENT for lane in self._waiting.values())

    def next_lane(self) -> Lane:
        """Return the lane whose first waiter goes next; any of them if there is no waiter."""
        interactive, bulk = self._waiting["interactive"], self._waiting["bulk"]
        return "interactive" if not bulk or (interactive and self._overtaken < BULK_TURN - 1) else "bulk"

    def pop(self) -> T:
        """Take out the waiter that goes next; KeyError if there is none."""
        lane = self.next_lane()
        self._overtaken = self._overtaken + 1 if lane == "interactive" and self._waiting["bulk"] else 0
        return self._waiting[lane].popitem(last=False)[0]

    def ahead_of(self, lane: Lane) -> int:
        """Return how many waiters go before a newcomer of the lane."""
        interactive, bulk = self.size("interactive"), self.size("bulk")
        if lane == "bulk":
            return interactive + bulk
        return interactive + min(bulk, (interactive + self._overtaken) // (BULK_TURN - 1))
