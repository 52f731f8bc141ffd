"""The sandbox's clock, which a test may advance, and the work that waits for its time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from typing import TypeAlias

import attrs

__all__ = ["Agenda", "SandboxClock"]

Action: TypeAlias = Callable[[], None]


@attrs.define(eq=False)
class SandboxClock:
    """Epoch seconds of another clock, plus the time that was skipped."""

    base: Callable[[], float]
    ahead: float = 0.0

    def __call__(self) -> float:
        return self.base() + self.ahead


def _nothing() -> None:
    pass


@attrs.define(eq=False)
class Agenda:
    """Actions by the time at which they are due. Each runs once, in the order of time and then of entry."""

    clock: SandboxClock
    changed: Action = _nothing
    """Called when an action is due before all others: a timer has to be set anew."""
    _items: list[tuple[float, int, Action]] = attrs.field(factory=list[tuple[float, int, Action]], init=False)
    _numbers: Iterator[int] = attrs.field(factory=itertools.count, init=False)

    @property
    def next(self) -> float | None:
        """Time of the first action, in epoch seconds."""
        return self._items[0][0] if self._items else None

    def at(self, when: float, action: Action) -> None:
        """Run an action at a time, or with the next turn if it is past."""
        item = (when, next(self._numbers), action)
        heapq.heappush(self._items, item)
        if self._items[0] is item:
            self.changed()

    def clear(self) -> None:
        """Drop all actions."""
        self._items.clear()

    def run_due(self) -> None:
        """Run what is due by now."""
        self.advance(0.0)

    def advance(self, seconds: float) -> None:
        """Skip time. Every action on the way runs at its own time."""
        target = self.clock() + seconds
        while self._items and self._items[0][0] <= target:
            when, _, action = heapq.heappop(self._items)
            self.clock.ahead += max(0.0, when - self.clock())
            action()
        self.clock.ahead += max(0.0, target - self.clock())
