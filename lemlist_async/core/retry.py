"""When to try again: a floor from Retry-After, full jitter above it, a budget, a deadline."""

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
"""Kinds of failed connection that another try would only meet again."""
REFUSED_AT_THE_DOOR = frozenset({408, 425})
"""Statuses that say the request was not worked on."""


@attrs.frozen
class Wait:
    """Try again after `seconds`."""

    seconds: float


@attrs.frozen
class GiveUp:
    """Do not try again, because of `why`."""

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
        """A first try was sent."""
        self.tokens = min(self.floor, self.tokens + self.ratio)

    def spend(self) -> bool:
        """Take one retry out of the budget; False if it is empty."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def decide(
    retry: Retry,
    budget: Budget,
    *,
    tries: int,
    floor: float | None,
    jitter: Callable[[int], float],
    left: float | None,
    free: bool = False,
) -> Wait | GiveUp:
    """Whether there is another try after the `tries` made so far.

    `floor` is what lemlist asked to wait, `jitter(n)` a random wait for the n-th retry, `left` what remains
    of the deadline; all in seconds. A `free` retry leaves the budget alone: one after a 429 makes no outage
    worse, since the throttle paces it.
    """
    if tries >= retry.attempts:
        return GiveUp(f"{tries} tries were made")
    if floor is not None and floor > retry.max_retry_after:
        return GiveUp(f"lemlist asked to wait {floor:g} s, above the cap of {retry.max_retry_after:g} s")
    wait = (floor or 0.0) + jitter(tries)
    if left is not None and wait >= left:
        return GiveUp(f"the wait of {wait:.2f} s would pass the deadline")
    if not free and not budget.spend():
        return GiveUp("the retry budget of the client is spent")
    return Wait(wait)


def may_repeat(error: LemlistError, effect: Effect) -> bool:
    """Whether a call that ended in `error` may be sent again at all."""
    if isinstance(error, AmbiguousError | PlanLimitError | DeadlineExceededError):
        return False
    if isinstance(error, NotSentError):
        return error.kind not in FINAL
    if isinstance(error, DecodeError):
        # JSON that does not parse under a success is damage on the way; a page of HTML is not
        return effect.repeatable and error.damaged
    return isinstance(error, TransportError | RateLimitError | ServerError) or (
        isinstance(error, APIStatusError) and error.status in REFUSED_AT_THE_DOOR
    )


def may_have_happened(error: LemlistError) -> bool:
    """Whether a try that ended in `error` may have taken effect all the same."""
    if isinstance(error, NotSentError):
        return False
    return isinstance(error, TransportError | DecodeError | ServerError | AmbiguousError)


def floor(error: LemlistError) -> float | None:
    """What lemlist asked to wait, in seconds: read on 429 and 503 only, since other answers carry it too."""
    if isinstance(error, APIStatusError) and error.status in {429, 503}:
        return error.retry_after
    return None
