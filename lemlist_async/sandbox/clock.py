"""The sandbox's clock, which a test may advance or speed up, and the work that waits for its time."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterator
from typing import TypeAlias

import attrs

__all__ = ["Agenda", "SandboxClock"]

Action: TypeAlias = Callable[[], None]


@attrs.define(eq=False)
class SandboxClock:
    """Epoch seconds that go on from a moment as another clock does, or so many times faster."""

    base: Callable[[], float]
    speed: float = 1.0
    """Seconds that pass in one second of the clock below; 0 stands still."""
    held: float | None = None
    """Time shown while an action runs, so that each happens at its own time."""
    _since: float = attrs.field(init=False)
    _moment: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.reset()

    def __call__(self) -> float:
        if self.held is not None:
            return self.held
        return self._moment + (self.base() - self._since) * self.speed

    def set(self, moment: float) -> None:
        """Go on from a moment."""
        self._since, self._moment = self.base(), moment

    def reset(self) -> None:
        """Return to the clock below."""
        self.set(self.base())

    def set_speed(self, speed: float) -> None:
        """Go on from the present at another speed."""
        self.set(self())
        self.speed = speed


def _nothing() -> None:
    pass


@attrs.define(eq=False)
class Agenda:
    """Actions by the time at which they are due. Each runs once, in the order of time and then of entry.

    While one runs, the clock shows its time, or that of the one before it if it came late: time never goes back.
    """

    clock: SandboxClock
    changed: Action = _nothing
    """Called when an action is due before all others: a timer has to be set anew."""
    _items: list[tuple[float, int, Action]] = attrs.field(factory=list[tuple[float, int, Action]], init=False)
    _numbers: Iterator[int] = attrs.field(factory=itertools.count, init=False)
    _reached: float = attrs.field(default=-math.inf, init=False)

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
        """Drop all actions, and with them the time that was reached."""
        self._items.clear()
        self._reached = -math.inf

    def run_due(self) -> None:
        """Run what is due by now."""
        self._run_until(self.clock())

    def advance(self, seconds: float) -> None:
        """Skip time. Every action on the way runs at its own time."""
        self._run_until(self.clock() + seconds)

    def _run_until(self, target: float) -> None:
        try:
            while self._items and self._items[0][0] <= target:
                when, _, action = heapq.heappop(self._items)
                self.clock.held = self._reached = max(when, self._reached)
                action()
            self._reached = max(target, self._reached)
        finally:
            self.clock.held = None
            if self.clock() < self._reached:
                self.clock.set(self._reached)
