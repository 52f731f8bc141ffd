"""Retry decisions: a floor from Retry-After, full jitter above it, a budget, a deadline."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from lemlist_async.core.wire import Effect
from lemlist_async.errors import (
    AmbiguousError,
    APIStatusError,
    DeadlineExceededError,
    DecodeError,
    LemlistError,
    NotSentError,
    PlanLimitError,
    RateLimitError,
    ServerError,
    TransportError,
)
from lemlist_async.options import Retry

FINAL = frozenset({"certificate", "proxy", "url"})
"""Kinds of failed connection that another attempt would only repeat."""
REFUSED_AT_THE_DOOR = frozenset({408, 425})
"""Statuses that say the request was not processed."""


@attrs.frozen
class Wait:
    """Make another attempt after `seconds`."""

    seconds: float


@attrs.frozen
class GiveUp:
    """Make no further attempt, because of `why`."""

    why: str


@attrs.define
class Budget:
    """Retries of a whole client as a share of its requests, so that an outage is not made worse.

    A token bucket as in gRPC and botocore: each request earns `ratio` of a token, each retry spends one.
    """

    ratio: float
    floor: float
    tokens: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.tokens = self.floor

    def earn(self) -> None:
        """Add the share of one call."""
        self.tokens = min(self.floor, self.tokens + self.ratio)

    def spend(self) -> bool:
        """Take one retry out of the budget, or return False if it is empty."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def decide(
    retry: Retry,
    budget: Budget,
    *,
    attempts: int,
    floor: float | None,
    jitter: Callable[[int], float],
    left: float | None,
    free: bool = False,
) -> Wait | GiveUp:
    """Decide whether another attempt follows the `attempts` made so far.

    `floor` is the wait that lemlist asked for, `jitter(n)` a random wait for the n-th retry, `left` the rest of the
    deadline; all in seconds. A `free` retry costs no budget: a retry after a 429 makes no outage worse, since the
    throttle paces it.
    """
    if attempts >= retry.attempts:
        return GiveUp(f"{attempts} attempts were made")
    if floor is not None and floor > retry.max_retry_after:
        return GiveUp(f"lemlist asked to wait {floor:g} s, above the cap of {retry.max_retry_after:g} s")
    wait = (floor or 0.0) + jitter(attempts)
    if left is not None and wait >= left:
        return GiveUp(f"the wait of {wait:.2f} s would pass the deadline")
    if not free and not budget.spend():
        return GiveUp("the retry budget of the client is spent")
    return Wait(wait)


def may_repeat(error: LemlistError, effect: Effect) -> bool:
    """Return whether a call that ended in `error` may be sent again at all."""
    if isinstance(error, AmbiguousError | PlanLimitError | DeadlineExceededError):
        return False
    if isinstance(error, NotSentError):
        return error.kind not in FINAL
    if isinstance(error, DecodeError):
        # invalid JSON in a success was damaged in transit; an HTML page would only come again
        return effect.repeatable and error.damaged
    return isinstance(error, TransportError | RateLimitError | ServerError) or (
        isinstance(error, APIStatusError) and error.status in REFUSED_AT_THE_DOOR
    )


def may_have_happened(error: LemlistError) -> bool:
    """Return whether an attempt that ended in `error` may have taken effect."""
    if isinstance(error, NotSentError):
        return False
    return isinstance(error, TransportError | DecodeError | ServerError | AmbiguousError)


def floor(error: LemlistError) -> float | None:
    """Return the seconds that lemlist asked to wait; only for 429 and 503, since lemlist sends Retry-After always."""
    if isinstance(error, APIStatusError) and error.status in {429, 503}:
        return error.retry_after
    return None
