"""Requests that other programs send with the same key."""

from __future__ import annotations

import attrs

from lemlist_async.throttle.sliding_max import SlidingMax


@attrs.define(eq=False)
class ExternalUsage:
    """Requests per window to leave to others: those that the server's headers showed, or that refusals taught.

    A count from the headers is remembered for two windows. A refusal that our own requests do not explain concedes
    one request more than before, for ten windows.
    """

    window: float
    _shown: SlidingMax = attrs.field(init=False)
    _conceded: SlidingMax = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._shown = SlidingMax(2 * self.window)
        self._conceded = SlidingMax(10 * self.window)

    def shown(self, now: float, requests: int) -> None:
        """Note that the server has counted so many requests that are not ours."""
        if requests:
            self._shown.see(now, requests)

    def concede(self, now: float) -> None:
        """Note that the server refused although our own requests left room."""
        self._conceded.see(now, self.at(now) + 1)

    def at(self, now: float) -> int:
        """Return the requests per window to leave to others now."""
        return int(max(self._shown.at(now), self._conceded.at(now)))

    def until(self) -> float:
        """Return when `at` may fall next; infinite if there is nothing to fall."""
        return min(self._shown.until(), self._conceded.until())
