"""Options of a client, validated on construction."""

from __future__ import annotations

from typing import Literal, TypedDict, get_args

import attrs

from lemlist_async.checks import instance_of, number, one_of

Lane = Literal["interactive", "bulk"]
"""Lane of the throttle: interactive calls, for which a person waits, overtake queued bulk calls."""


@attrs.frozen(kw_only=True)
class Retry:
    """Retry policy of a call.

    The n-th wait is ``floor + uniform(0, min(cap, base * 2**(n-1)))``, where ``floor`` is lemlist's
    Retry-After: full jitter above what lemlist asked for.
    """

    attempts: int = attrs.field(default=5, validator=number(1, 20))
    """Attempts in total, including the first one (1 to 20)."""
    base: float = attrs.field(default=0.5, validator=number(0, 60))
    """Ceiling of the first random wait, in seconds."""
    cap: float = attrs.field(default=30.0, validator=number(0, 600))
    """Ceiling of every random wait, in seconds."""
    max_retry_after: float = attrs.field(default=120.0, validator=number(0, 3600))
    """A Retry-After above this many seconds ends the call at once."""
    budget: float = attrs.field(default=0.2, validator=number(0, 1))
    """Retries of the whole client as a share of its calls."""
    budget_floor: float = attrs.field(default=20.0, validator=number(0, 10_000))
    """Retries allowed beyond that share, and the most that the budget ever holds."""


@attrs.frozen(kw_only=True)
class Timeouts:
    """Limits of one attempt, in seconds. The deadline of a whole call is `Options.deadline`."""

    connect: float = attrs.field(default=10.0, validator=number(0.001, 600))
    """TCP and TLS."""
    attempt: float | None = attrs.field(default=60.0, validator=number(0.001, 3600, or_none=True))
    """From the send to the last byte of the response, however slowly it arrives; for a stream, to the end of its
    headers. A limit of 5 s or more may end up to 0.25 s late."""
    read: float = attrs.field(default=60.0, validator=number(0.001, 3600))
    """Longest silence within a stream."""


@attrs.frozen(kw_only=True)
class AuthBreaker:
    """Settings of the circuit breaker, which stops sending an API key that lemlist refuses."""

    failure_threshold: int | None = attrs.field(default=3, validator=number(1, 1000, or_none=True))
    """Consecutive refusals of the key after which it is not sent for a while; None to send it always."""
    recovery_timeout: float = attrs.field(default=30.0, validator=number(0, 3600))
    """Seconds without any call; then one call at a time until one succeeds. For a key that has worked before, one call
    at a time is sent from the start."""


@attrs.frozen(kw_only=True)
class Options:
    """Options of calls; `Lemlist.with_options` changes some of them for a view of the same client."""

    lane: Lane = attrs.field(default="interactive", validator=one_of(get_args(Lane)))
    """``interactive`` or ``bulk``."""
    deadline: float | None = attrs.field(default=None, validator=number(infinite=True, or_none=True))
    """Seconds for a whole call: queue, attempts and pauses; for a stream, until its body begins. None: no limit."""
    max_wait: float | None = attrs.field(default=None, validator=number(infinite=True, or_none=True))
    """Seconds that a call may wait for a slot; a call that would wait longer is refused before it is sent."""
    retry: Retry = attrs.field(factory=Retry, validator=instance_of(Retry))
    timeouts: Timeouts = attrs.field(factory=Timeouts, validator=instance_of(Timeouts))
    auth_breaker: AuthBreaker = attrs.field(factory=AuthBreaker, validator=instance_of(AuthBreaker))
    """Circuit breaker of the client; views share its key and circuit, so `with_options` cannot change it."""
    max_body: int = attrs.field(default=32 * 2**20, validator=number(1024, 2**34))
    """Largest response to hold in memory, in bytes after decompression. Exports are streamed."""


class OptionChanges(TypedDict, total=False):
    """Options that a view of a client may change: see `Options`."""

    lane: Lane
    deadline: float | None
    max_wait: float | None
    retry: Retry
    timeouts: Timeouts
    max_body: int
