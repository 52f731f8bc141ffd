"""Search through every state of a world that its events can lead to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import Protocol

import attrs

Left = tuple[int, ...]
"""Events of each bounded kind that may still come."""


@attrs.frozen
class Step:
    """State of a world after an event."""

    body: Hashable
    """All that decides what may happen from here, but for what is left; the world can be put back into it."""
    left: Left
    broken: bool = False
    """Whether the limit was exceeded on the way."""


class World(Protocol):
    """A small world whose code decides, and whose events come in any order."""

    def begin(self) -> Step:
        """Return the first state."""
        ...

    def moves(self, body: Hashable, left: Left) -> Iterator[tuple[str, Callable[[], Step | None]]]:
        """Give every event that may come now, and the way to its state; None where the event is impossible."""
        ...


@attrs.frozen
class Found:
    """Result of a search."""

    states: int
    events: int
    way: tuple[str, ...] | None
    """Events that lead to more checks in a window than the limit; None if no order of them does."""
    complete: bool = True
    """Whether every state was looked at."""


@attrs.define
class Search:
    """Breadth first, so that the way to a fault is short.

    *Dominance* (`dominance`): of two visits to a body the one with more events left can do all that the other can, so
    the other is left out. Nothing is lost: what is left only allows events, and changes none.
    """

    world: World
    dominance: bool = True
    _seen: dict[Hashable, list[Left]] = attrs.field(factory=dict[Hashable, list[Left]], init=False)
    _ways: list[tuple[int, str]] = attrs.field(factory=list[tuple[int, str]], init=False)
    """Number of the state before, and the event, for each state."""

    def run(self, most: int | None = None) -> Found:
        """Look at every state, or at `most` of them."""
        first = self.world.begin()
        self._is_new(first)
        self._ways.append((-1, ""))
        waiting, events = deque([(0, first)]), 0
        while waiting:
            number, step = waiting.popleft()
            for name, move in self.world.moves(step.body, step.left):
                after = move()
                events += 1
                if after is None:
                    continue
                if after.broken:
                    return Found(len(self._ways), events, (*self._way(number), name))
                if self._is_new(after):
                    waiting.append((len(self._ways), after))
                    self._ways.append((number, name))
            if most is not None and len(self._ways) > most:
                return Found(len(self._ways), events, None, complete=False)
        return Found(len(self._ways), events, None)

    def _is_new(self, step: Step) -> bool:
        known = self._seen.setdefault(step.body, [])
        if self.dominance:
            if any(all(a >= b for a, b in zip(left, step.left, strict=True)) for left in known):
                return False
        elif step.left in known:
            return False
        known.append(step.left)
        return True

    def _way(self, number: int) -> tuple[str, ...]:
        names = list[str]()
        while number > 0:
            number, name = self._ways[number]
            names.append(name)
        return tuple(reversed(names))
