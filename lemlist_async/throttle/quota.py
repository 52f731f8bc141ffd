"""Quota of one API key: all knowledge from which the time of the next grant follows."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import attrs

from lemlist_async.options import Lane
from lemlist_async.throttle.external_usage import ExternalUsage
from lemlist_async.throttle.ledger import Ledger, Mode
from lemlist_async.throttle.options import ThrottleOptions
from lemlist_async.throttle.pacer import Pacer
from lemlist_async.throttle.round_trips import RoundTrips

LONGEST_PAUSE = 120.0
"""Seconds for which a 429 stops all requests at most, whatever its Retry-After says."""
SPREAD = 0.1
"""Part of a pause that is added at random, so that processes do not come back together."""
PACED_FOR = 60.0
"""Seconds after an interactive request for which bulk requests are spread, so that the next one finds a gap."""
SUSPICION = 300.0
"""Seconds within which a second refusal is blamed on the server's rule, and no longer on the credit."""
SLIDING_FOR = 1800.0
"""Seconds for which the sliding rule holds after a refusal taught it; each time twice as long as before."""
SLIDING_AT_MOST = 86_400.0


@attrs.define(eq=False)
class Grant:
    """The permission to send one request."""

    at: float
    """Grant time in seconds, replaced by the send time once it is known."""
    trial: int = 0
    """Whether a sliding counter might refuse it: 0 no, 1 perhaps, 2 surely."""
    timed: bool = True
    """Whether `at` is early enough to take a round trip from."""


@attrs.frozen
class RateState:
    """The server's own count, from the ``X-RateLimit-*`` headers of an answer, in requests."""

    limit: int | None
    remaining: int | None

    @property
    def used(self) -> int | None:
        """Requests that the server has counted; None if it does not say, or says what cannot be."""
        if self.limit is None or self.remaining is None or not 0 <= self.remaining <= self.limit:
            return None
        return self.limit - self.remaining


@attrs.frozen(kw_only=True)
class Stats:
    """Counters of a throttle since it was made."""

    grants: int = 0
    """Permissions given."""
    waits: int = 0
    """Permissions that came later than they were asked for."""
    refusals: int = 0
    """429 responses that paused the key, from lemlist or from a gateway."""
    returned: int = 0
    """Permissions given back because the request was never sent."""
    aborted: int = 0
    """Requests that were given up before an answer came."""
    turned_away: int = 0
    """Callers that `max_queue` or `max_wait` refused."""


@attrs.define(eq=False)
class Quota:
    """Decide about grants. Read no clock, wait for nothing. Instants and durations are in seconds."""

    options: ThrottleOptions
    chance: Callable[[], float] = random.random
    """A number from 0 to 1, another one each time."""
    shared_load: Callable[[float, Mode], int] | None = None
    """Most requests of all members of a shared ledger that a server can have counted at an instant."""
    ledger: Ledger = attrs.field(init=False)
    round_trips: RoundTrips = attrs.field(factory=RoundTrips, init=False)
    paused_until: float = attrs.field(default=-math.inf, init=False)
    """No grant before this instant: a 429 came."""
    reads_usage: bool = attrs.field(init=False)
    """Whether room is left for other programs that use the key, as far as headers show them."""
    last_interactive: float = attrs.field(default=-math.inf, init=False)
    """Instant of the latest interactive request."""
    grants: int = attrs.field(default=0, init=False)
    waits: int = attrs.field(default=0, init=False)
    refusals: int = attrs.field(default=0, init=False)
    returned: int = attrs.field(default=0, init=False)
    aborts: int = attrs.field(default=0, init=False)
    turned_away: int = attrs.field(default=0, init=False)
    _external: ExternalUsage = attrs.field(init=False)
    _pacer: Pacer | None = attrs.field(init=False)
    _credit: float = attrs.field(default=0.0, init=False)
    _credit_fixed_until: float = attrs.field(default=-math.inf, init=False)
    """Until then a slot is held whose stamp includes the credit of its time: a larger one would free it early."""
    _by_credit: bool = attrs.field(default=False, init=False)
    """Whether only the credit allows what `next_grant` last allowed."""
    _credit_used: float = attrs.field(default=-math.inf, init=False)
    """Instant of the latest grant that only the credit allowed."""
    _credit_blamed: float = attrs.field(default=-math.inf, init=False)
    """Instant of the latest refusal for which the credit was blamed."""
    sliding_until: float = attrs.field(default=math.inf, init=False)
    """Instant at which the sliding rule ends; infinite if it does not hold, or for good."""
    _slid_at: float = attrs.field(default=-math.inf, init=False)
    """Instant at which a refusal last taught the sliding rule."""
    _sliding_for: float = attrs.field(default=SLIDING_FOR, init=False)

    def __attrs_post_init__(self) -> None:
        options = self.options
        mode: Mode = "sliding" if options.strict else "ledger"
        self.ledger = Ledger(options.quota, options.window, options.margin, mode)
        self._external = ExternalUsage(options.window)
        self._pacer = Pacer(*options.bucket) if options.bucket else None
        self.reads_usage = options.external_usage

    @property
    def stats(self) -> Stats:
        """The counters, as a value."""
        return Stats(
            grants=self.grants,
            waits=self.waits,
            refusals=self.refusals,
            returned=self.returned,
            aborted=self.aborts,
            turned_away=self.turned_away,
        )

    def limit(self, now: float) -> int:
        """Return the requests per window that may be used now: the quota without external usage; at least 1."""
        return max(1, self.options.quota - self._external.at(now))

    def next_grant(self, now: float, lane: Lane = "interactive") -> float:
        """Return when one more request may go, or when to ask again; infinite while an answer must come first.

        A request may go now if that instant is not after `now`.
        """
        if now >= self.sliding_until:
            self._forget_sliding()
        if self.reads_usage:
            self.ledger.resize(self.limit(now))
            self._by_credit = self.ledger.next_grant() > now
            opens = self.ledger.next_grant(self.credit(now))
            # the limit may rise before a slot is free; an instant that has passed must not open anything
            if now < (rises := self._external.until()) < opens:
                opens = rises
        else:
            # the credit is worked out only for a request that would have to wait without it
            opens = self.ledger.next_grant()
            self._by_credit = opens > now
            if self._by_credit:
                opens = self.ledger.next_grant(self.credit(now))
        if opens < self.paused_until:
            opens = self.paused_until
        if lane == "bulk" and self._pacer and self._is_paced(now):
            return max(opens, self._pacer.next_token(now))
        return opens

    def _is_paced(self, now: float) -> bool:
        # a batch alone may go in bursts; only an interactive request would wait behind one
        return now - self.last_interactive < PACED_FOR and self.ledger.is_busy(now)

    def grant(self, grant: Grant, now: float) -> None:
        """Grant the request that `next_grant` allows."""
        self.grants += 1
        if self._by_credit:
            self._credit_used = now
        if self._pacer:
            self._pacer.charge(now)
        grant.at = now
        grant.trial = self.ledger.grant(now)

    def answered(self, grant: Grant, now: float, rate: RateState | None) -> None:
        """Note that the server responded, with any status."""
        if grant.trial == 2:
            self.ledger.passed(now)
        self._checked(grant, now, rate)

    def aborted(self, grant: Grant, now: float) -> None:
        """Note that no response came. The server may count the request after the abort, so it gets no credit."""
        self.aborts += 1
        self._stamp_without_credit(grant, now, max(now, grant.at + self.round_trips.mean))

    def given_back(self, grant: Grant) -> None:
        """Note that the request was never sent."""
        self.returned += 1
        self.ledger.give_back(trial=grant.trial)
        if self._pacer:
            self._pacer.refund()

    def refused(
        self, grant: Grant, now: float, pause: float | None, *, by_limiter: bool, rate: RateState | None
    ) -> None:
        """Note a 429: no request goes for `pause` seconds (a window if it does not say) and up to a tenth more.

        Only the server's limiter teaches something about its rule; a gateway in front of it does not.
        """
        self.refusals += 1
        pause = self.options.window if pause is None else min(pause, LONGEST_PAUSE)
        # a second 429 must never shorten the pause of the first one
        self.paused_until = max(self.paused_until, now + pause * (1 + SPREAD * self.chance()))
        if by_limiter:
            self._learn(grant, now, rate)
            self._checked(grant, now, rate)
        else:
            self._stamp_without_credit(grant, now, now)

    def credit(self, now: float) -> float:
        """Return the seconds by which the server's check of a request surely came before its answer."""
        if self.options.strict:
            return 0.0
        credit = self.options.credit * (self.round_trips.smallest(now) or 0.0)
        # a smaller credit is safe at once; a larger one would free slots early whose stamps include the smaller one
        if credit <= self._credit or now >= self._credit_fixed_until:
            self._credit = credit
        return self._credit

    def idle(self, now: float) -> bool:
        """Tell whether a new quota would decide the same, but for what was learned."""
        return self.paused_until <= now and self.ledger.idle(now)

    def _checked(self, grant: Grant, now: float, rate: RateState | None) -> None:
        if grant.timed:
            self.round_trips.see(now, now - grant.at)
        if self.reads_usage:
            # headers count the requests of all programs, so what is not ours belongs to others
            self._external.shown(now, self._others(grant, rate, self.ledger.mode))
        if grant.timed:
            self.ledger.stamp(now, trial=grant.trial)
        else:
            # its own round trip is not known, and may be shorter than the smallest one that is
            self._stamp_without_credit(grant, now, now)

    def _stamp_without_credit(self, grant: Grant, now: float, at: float) -> None:
        self.ledger.stamp(at + self.credit(now), trial=grant.trial)
        self._credit_fixed_until = max(self._credit_fixed_until, at + 2 * self.options.window)

    def _learn(self, grant: Grant, now: float, rate: RateState | None) -> None:
        """Attribute a refusal to other programs, to the credit, or to a server that needs the sliding rule."""
        if grant.at < self._slid_at:
            return  # it was granted before the rule changed, as several of one burst are: it tells nothing new
        self.reads_usage = True
        if self.ledger.mode == "sliding" or self._others(grant, rate, "sliding"):
            self._external.concede(now)
        elif self._is_to_blame_credit(grant, now):
            self._credit_blamed = now
            self.round_trips.distrust()
        else:
            self.ledger.mode = "sliding"
            self._slid_at = now
            self.sliding_until = now + self._sliding_for
            self._sliding_for = min(2 * self._sliding_for, SLIDING_AT_MOST)

    def _is_to_blame_credit(self, grant: Grant, now: float) -> bool:
        # a server that is trusted is no sliding counter, unless it refuses again
        proved = not self.ledger.in_doubt and now - self._credit_blamed > SUSPICION
        return proved and self._credit_used > grant.at - 2 * self.options.window

    def _forget_sliding(self) -> None:
        # the refusal may have had another cause: the server is tried again, one request at first
        self.ledger.mode = "ledger"
        self.ledger.distrust()
        self.sliding_until = math.inf

    def _is_plausible(self, rate: RateState) -> bool:
        # a proxy may put a limit of its own into the headers, or one that stands for no limit at all
        return rate.limit is not None and self.options.limit <= 10 * rate.limit <= 100 * self.options.limit

    def _others(self, grant: Grant, rate: RateState | None, mode: Mode) -> int:
        """Return how many requests that the server has counted are neither ours nor of the other shares."""
        used = None if rate is None or not self._is_plausible(rate) else rate.used
        if used is None:
            return 0
        ours = self.ledger.load(grant.at, mode)
        if self.shared_load is not None:
            ours = max(ours, self.shared_load(grant.at, mode))
        # rounded down: a server with an estimate such as 17.2 says that 2 are left
        return max(
            0, math.floor(min(used, self.options.limit) - ours) - (self.options.limit - self.options.quota)
        )
