"""The token bucket that spreads bulk requests: aiolimiter's, read and charged without waiting in it.

aiolimiter waits by itself, which takes a second timer and future for each request. Here its level tells when the next
token is there, and the throttle waits once for that and for the quota. The attributes ``_level``, ``_last_check`` and
``_rate_per_sec`` are internals of aiolimiter, used in this module alone.
"""

from __future__ import annotations

from aiolimiter import AsyncLimiter


class Pacer(AsyncLimiter):
    """A bucket of `requests` tokens that gains as many in `seconds`, on the clock of its caller."""

    __slots__ = ()

    def __init__(self, requests: float, seconds: float) -> None:
        super().__init__(requests, seconds)

    def next_token(self, now: float) -> float:
        """Return when one token will be there; an instant that is not after `now` if it is there already."""
        self._leak_until(now)
        missing = self._level + 1 - self.max_rate
        return now if missing <= 0 else now + missing / self._rate_per_sec

    def charge(self, now: float) -> None:
        """Take one token, whether it is there or not: a debt delays the next ones."""
        self._leak_until(now)
        self._level += 1

    def refund(self) -> None:
        """Give back the token of a request that was never sent."""
        self._level = max(0.0, self._level - 1)

    def _leak_until(self, now: float) -> None:
        # as AsyncLimiter._leak, which reads the clock of an event loop; several loops may share one key
        if self._level:
            self._level = max(0.0, self._level - (now - self._last_check) * self._rate_per_sec)
        self._last_check = now
