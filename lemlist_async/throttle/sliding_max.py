"""The largest value of the last seconds."""

from __future__ import annotations

import math
from collections import deque

import attrs


@attrs.define(eq=False)
class SlidingMax:
    """The largest value seen within the last `seconds`; 0 if there was none above.

    Only values that can still become the largest are kept, so a long look back costs little.
    """

    seconds: float
    _seen: deque[tuple[float, float]] = attrs.field(factory=deque[tuple[float, float]], init=False)

    def see(self, now: float, value: float) -> None:
        """Add a value."""
        while self._seen and self._seen[-1][1] <= value:
            self._seen.pop()
        self._seen.append((now, value))

    def at(self, now: float) -> float:
        """Return the largest value of the last `seconds`."""
        # the same sum as in `until`: a difference would be rounded another way, and disagree at that very instant
        while self._seen and self._seen[0][0] + self.seconds <= now:
            self._seen.popleft()
        return self._seen[0][1] if self._seen else 0.0

    def until(self) -> float:
        """Return when the value of `at` is forgotten; infinite if there is none."""
        return self._seen[0][0] + self.seconds if self._seen else math.inf

    def clear(self) -> None:
        """Forget all values."""
        self._seen.clear()
