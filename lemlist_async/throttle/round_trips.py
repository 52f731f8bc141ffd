"""How long answers take."""

from __future__ import annotations

from collections import deque

import attrs

from lemlist_async.throttle.lookback import Largest

LOOKBACK = 60.0
"""Seconds for which a round trip is remembered."""
SAMPLES = 10
"""Round trips that must have been seen within `LOOKBACK` before a credit is given."""
SMOOTHING = 0.1
"""Weight of a new round trip in the mean."""


@attrs.define(eq=False)
class RoundTrips:
    """The round trips of the last minute, in seconds from grant to answer."""

    mean: float = attrs.field(default=0.0, init=False)
    """Smoothed; for forecasts only."""
    # the largest of the negated values is the smallest round trip
    _negated: Largest = attrs.field(factory=lambda: Largest(LOOKBACK), init=False)
    _latest: deque[float] = attrs.field(factory=lambda: deque[float](maxlen=SAMPLES), init=False)

    def see(self, now: float, seconds: float) -> None:
        """Add the round trip of an answer that came at `now`."""
        self.mean += (SMOOTHING if self.mean else 1.0) * (seconds - self.mean)
        self._negated.see(now, -seconds)
        self._latest.append(now)

    def smallest(self, now: float) -> float | None:
        """The smallest of the last minute; None while there are fewer than ten.

        No answer is faster: between two checks of the server lies more than between answer and next grant.
        """
        if len(self._latest) < SAMPLES or self._latest[0] <= now - LOOKBACK:
            return None
        return -self._negated.at(now)
