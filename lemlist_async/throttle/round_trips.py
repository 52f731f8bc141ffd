"""Round trip times of a server."""

from __future__ import annotations

import attrs

from lemlist_async.throttle.sliding_max import SlidingMax

LOOKBACK = 60.0
"""Seconds for which a round trip is remembered."""
SAMPLES = 20
"""Round trips that must have been seen before the smallest is relied upon."""
SPAN = 2.0
"""Seconds that the answers of these samples must span.

A stalled network delivers many answers at one instant, all of them late. They count as one observation.
"""
SMOOTHING = 0.1
"""Weight of a new round trip in the mean."""


@attrs.define(eq=False)
class RoundTrips:
    """Round trips of the last minute, in seconds from the first byte sent to the answer."""

    mean: float = attrs.field(default=0.0, init=False)
    """Smoothed; for forecasts only."""
    # the largest of the negated values is the smallest round trip
    _negated: SlidingMax = attrs.field(factory=lambda: SlidingMax(LOOKBACK), init=False)
    _count: int = attrs.field(default=0, init=False)
    _first: float = attrs.field(default=0.0, init=False)
    _latest: float = attrs.field(default=0.0, init=False)

    def see(self, now: float, seconds: float) -> None:
        """Add the round trip of an answer that came at `now`."""
        self.mean += (SMOOTHING if self.mean else 1.0) * (seconds - self.mean)
        if not self._count or self._latest <= now - LOOKBACK:
            self._count, self._first = 0, now
        self._count += 1
        self._latest = now
        self._negated.see(now, -seconds)

    def smallest(self, now: float) -> float | None:
        """Return the smallest of the last minute; None while too few were seen, or in too short a time."""
        relied_upon = self._count >= SAMPLES and self._latest - self._first >= SPAN
        return -self._negated.at(now) if relied_upon and self._latest > now - LOOKBACK else None

    def distrust(self) -> None:
        """Forget the samples, since a refusal contradicted them. The mean stays."""
        self._negated.clear()
        self._count = 0
