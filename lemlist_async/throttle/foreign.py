"""How much of the quota other programs with the same key take."""

from __future__ import annotations

import attrs

from lemlist_async.throttle.lookback import Largest


@attrs.define(eq=False)
class Foreign:
    """Requests per window to leave to others: what the server's headers showed, or what refusals taught.

    What the headers show is remembered for two windows. A refusal that our own requests do not explain
    concedes one request more than before, for ten windows.
    """

    window: float
    _shown: Largest = attrs.field(init=False)
    _conceded: Largest = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._shown = Largest(2 * self.window)
        self._conceded = Largest(10 * self.window)

    def shown(self, now: float, requests: int) -> None:
        """The server has counted so many requests that are not ours."""
        if requests:
            self._shown.see(now, requests)

    def concede(self, now: float) -> None:
        """The server refused though there was room by our own reckoning."""
        self._conceded.see(now, self.at(now) + 1)

    def at(self, now: float) -> int:
        """Requests per window to leave to others now."""
        return int(max(self._shown.at(now), self._conceded.at(now)))

    def until(self) -> float:
        """When `at` may fall next; infinite if there is nothing to fall."""
        return min(self._shown.until(), self._conceded.until())
