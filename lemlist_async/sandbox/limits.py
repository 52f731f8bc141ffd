"""Five ways to count "20 requests per 2 seconds", each a small class without a clock of its own.

lemlist documents the quota and not the counting, so a client has to keep to all of them. A refused request costs
nothing under any of the five.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import attrs

__all__ = [
    "POLICIES",
    "Decision",
    "FixedAligned",
    "FixedFirst",
    "Policy",
    "SlidingCounter",
    "SlidingLog",
    "TokenBucket",
    "make_policy",
]


_ROUNDING: Final = 1e-9  # a client that waits for Retry-After must not be a rounding error too early


@attrs.frozen
class Decision:
    """Result of the limit for one request."""

    allowed: bool
    remaining: int
    """Requests that would still pass now, after this one."""
    retry_after: float
    """Seconds until the next request passes; 0.0 if this one did."""
    reset_at: float
    """Time at which the whole quota is free again without further requests, on the clock of ``now``."""


class Policy(Protocol):
    """Counter of one key's requests."""

    limit: int

    def check(self, now: float) -> Decision:
        """Count one request at ``now`` (seconds, never going back), or refuse it."""
        ...


@attrs.define
class FixedAligned:
    """At most ``limit`` in each window of the wall clock: [0, W), [W, 2W), …"""

    limit: int
    window: float
    _index: int = -1
    _used: int = 0

    def check(self, now: float) -> Decision:
        index = math.floor(now / self.window)
        if index != self._index:
            self._index, self._used = index, 0
        end = (index + 1) * self.window
        if self._used >= self.limit:
            return Decision(False, 0, end - now, end)
        self._used += 1
        return Decision(True, self.limit - self._used, 0.0, end)


@attrs.define
class FixedFirst:
    """At most ``limit`` in a window that opens with the first request after the last window closed."""

    limit: int
    window: float
    _end: float = -math.inf
    _used: int = 0

    def check(self, now: float) -> Decision:
        if now >= self._end:
            self._end, self._used = now + self.window, 0
        if self._used >= self.limit:
            return Decision(False, 0, self._end - now, self._end)
        self._used += 1
        return Decision(True, self.limit - self._used, 0.0, self._end)


@attrs.define
class SlidingLog:
    """At most ``limit`` in any W seconds: the strictest reading of the documents."""

    limit: int
    window: float
    _passed: deque[float] = attrs.field(factory=deque[float])

    def check(self, now: float) -> Decision:
        passed = self._passed
        while passed and passed[0] + self.window <= now:
            passed.popleft()
        if len(passed) >= self.limit:
            return Decision(False, 0, passed[0] + self.window - now, passed[-1] + self.window)
        passed.append(now)
        return Decision(True, self.limit - len(passed), 0.0, now + self.window)


@attrs.define
class SlidingCounter:
    """Two aligned windows. The older one is weighted by its share of the last W seconds."""

    limit: int
    window: float
    _index: int = -1
    _current: int = 0
    _previous: int = 0

    def check(self, now: float) -> Decision:
        index = math.floor(now / self.window)
        if index != self._index:
            self._previous = self._current if index == self._index + 1 else 0
            self._index, self._current = index, 0
        weight = 1.0 - (now / self.window - index)
        room = self.limit - self._previous * weight - self._current
        if room < 1.0 - _ROUNDING:
            return Decision(False, 0, self._wait(now), self._reset_at())
        self._current += 1
        return Decision(True, max(0, math.floor(room - 1.0 + _ROUNDING)), 0.0, self._reset_at())

    def _wait(self, now: float) -> float:
        """Seconds until the estimate leaves room for one request. It only falls while none passes."""
        spare = self.limit - 1 - self._current
        if spare >= 0:  # the previous window has to fade to `spare`
            return (self._index + 1.0 - spare / self._previous) * self.window - now
        fade = 1.0 - (self.limit - 1) / self._current  # the present one has to end, and then fade
        return (self._index + 1 + fade) * self.window - now

    def _reset_at(self) -> float:
        return (self._index + (2 if self._current else 1)) * self.window


@attrs.define
class TokenBucket:
    """A bucket of ``limit`` tokens, full at the start, refilled steadily with ``limit`` per window."""

    limit: int
    window: float
    _tokens: float = attrs.field(default=attrs.Factory(lambda self: float(self.limit), takes_self=True))
    _stamp: float = -math.inf

    def check(self, now: float) -> Decision:
        rate = self.limit / self.window
        if self._stamp > -math.inf:
            self._tokens = min(float(self.limit), self._tokens + (now - self._stamp) * rate)
        self._stamp = now
        allowed = self._tokens >= 1.0 - _ROUNDING
        if allowed:
            self._tokens = max(0.0, self._tokens - 1.0)
        wait = 0.0 if allowed else (1.0 - self._tokens) / rate
        return Decision(
            allowed, math.floor(self._tokens + _ROUNDING), wait, now + (self.limit - self._tokens) / rate
        )


POLICIES: Final[dict[str, Callable[[int, float], Policy]]] = {
    "fixed-aligned": FixedAligned,
    "fixed-first": FixedFirst,
    "sliding-log": SlidingLog,
    "sliding-counter": SlidingCounter,
    "token-bucket": TokenBucket,
}


def make_policy(name: str, limit: int, window: float) -> Policy:
    """Build a policy by name; ValueError for one that is not in ``POLICIES``, or numbers not above zero."""
    if name not in POLICIES:
        raise ValueError(f"policy is {name!r}, not one of {', '.join(POLICIES)}")
    if limit < 1 or not 0 < window < math.inf:
        raise ValueError("limit must be at least 1 request, window more than 0 seconds")
    return POLICIES[name](limit, window)
