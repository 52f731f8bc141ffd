"""What is known of the quota of one API key, from which follows when its next request may go."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable

import attrs

from lemlist_async.throttle.foreign import Foreign
from lemlist_async.throttle.ledger import Ledger, Mode
from lemlist_async.throttle.options import ThrottleOptions
from lemlist_async.throttle.round_trips import RoundTrips

LONGEST_PAUSE = 120.0
"""Seconds that the gate stays shut at most, whatever a Retry-After says."""
SPREAD = 0.1
"""Part of a pause that is added at random, so that processes do not come back together."""


@attrs.define
class Grant:
    """The permission to send one request."""

    at: float
    """When the request was allowed to go, or better when it went."""
    trial: bool
    timed: bool = True
    """Whether `at` is early enough to take a round trip from."""


@attrs.frozen
class RateState:
    """What an answer says of the quota, from its ``X-RateLimit-*`` headers, in requests."""

    limit: int | None
    remaining: int | None

    @property
    def used(self) -> int | None:
        """Requests that the server has counted; None if it does not say."""
        return None if self.limit is None or self.remaining is None else self.limit - self.remaining


@attrs.frozen(kw_only=True)
class Stats:
    """Counters of a throttle since it was made."""

    grants: int = 0
    """Permissions given."""
    waits: int = 0
    """Permissions that came later than they were asked for."""
    refusals: int = 0
    """Answers with 429 that shut the gate, whoever sent them."""
    returned: int = 0
    """Permissions given back because the request was never sent."""
    aborted: int = 0
    """Requests that were given up before an answer came."""
    turned_away: int = 0
    """Callers whom `max_queue` or `max_wait` refused."""


@attrs.define(eq=False)
class Account:
    """Decides; reads no clock and waits for nothing. Instants and durations are in seconds."""

    options: ThrottleOptions
    chance: Callable[[], float] = random.random
    """A number from 0 to 1, another one each time."""
    ledger: Ledger = attrs.field(init=False)
    round_trips: RoundTrips = attrs.field(factory=RoundTrips, init=False)
    gate: float = attrs.field(default=-math.inf, init=False)
    """No grant before this instant."""
    counts: Counter[str] = attrs.field(factory=Counter[str], init=False)
    _foreign: Foreign = attrs.field(init=False)
    heeds_foreign: bool = attrs.field(init=False)
    """Whether other programs that use the key are made room for, as far as headers show them."""

    def __attrs_post_init__(self) -> None:
        options = self.options
        mode: Mode = "kernel" if options.strict else "ledger"
        self.ledger = Ledger(options.quota, options.window, options.margin, mode)
        self._foreign = Foreign(options.window)
        self.heeds_foreign = options.foreign

    @property
    def stats(self) -> Stats:
        """The counters, as a value."""
        return Stats(**self.counts)

    def limit(self, now: float) -> int:
        """Requests per window that may be used now: the quota without what other programs use; at least 1."""
        return max(1, self.options.quota - self._foreign.at(now))

    def next_grant(self, now: float) -> float:
        """When one more request may go, or when to ask again; infinite while an answer must come first.

        A request may go now if that instant is not after `now`.
        """
        if not self.heeds_foreign:
            return max(self.gate, self.ledger.next_grant())
        self.ledger.resize(self.limit(now))
        return max(self.gate, min(self.ledger.next_grant(), self._foreign.until()))

    def grant(self, now: float) -> Grant:
        """Give the permission that `next_grant` allows."""
        self.counts["grants"] += 1
        return Grant(now, self.ledger.grant(now))

    def answered(self, grant: Grant, now: float, rate: RateState | None) -> None:
        """The server answered, whatever it said."""
        self.ledger.passed += grant.trial
        self._checked(grant, now, rate)

    def aborted(self, grant: Grant, now: float) -> None:
        """No answer came. The server may count the request after the abort, when it has made its way: no credit."""
        self.counts["aborted"] += 1
        self.ledger.stamp(max(now, grant.at + self.round_trips.mean), trial=grant.trial)

    def given_back(self, grant: Grant) -> None:
        """The request was never sent."""
        self.counts["returned"] += 1
        self.ledger.give_back(trial=grant.trial)

    def refused(
        self, grant: Grant, now: float, pause: float | None, *, by_limiter: bool, rate: RateState | None
    ) -> None:
        """A 429 came: nobody goes for `pause` seconds (a window if it does not say) and up to a tenth more.

        Only the server's limiter teaches something about its rule; a gateway in front of it does not.
        """
        self.counts["refusals"] += 1
        pause = self.options.window if pause is None else min(pause, LONGEST_PAUSE)
        self.gate = max(self.gate, now + pause * (1 + SPREAD * self.chance()))
        if by_limiter:
            self._learn(grant, now, rate)
            self._checked(grant, now, rate)
        else:
            self.ledger.stamp(now, trial=grant.trial)

    def credit(self, now: float) -> float:
        """Seconds by which the server's check of a request surely came before its answer."""
        if self.options.strict:
            return 0.0
        return self.options.credit * (self.round_trips.smallest(now) or 0.0)

    def idle(self, now: float) -> bool:
        """Whether a new account would decide the same, but for what was learned."""
        return self.gate <= now and self.ledger.idle(now)

    def _checked(self, grant: Grant, now: float, rate: RateState | None) -> None:
        if grant.timed:
            self.round_trips.see(now, now - grant.at)
        if self.heeds_foreign:
            self._foreign.shown(now, self._others(grant, rate, self.ledger.mode))
        self.ledger.stamp(max(grant.at, now - self.credit(now)), trial=grant.trial)

    def _learn(self, grant: Grant, now: float, rate: RateState | None) -> None:
        """A refusal is the work of others, or else of a rule of the server that only the kernel rule respects."""
        self.heeds_foreign = True
        if self.ledger.mode == "kernel" or self._others(grant, rate, "kernel"):
            self._foreign.concede(now)
        else:
            self.ledger.mode = "kernel"

    def _others(self, grant: Grant, rate: RateState | None, rule: Mode) -> int:
        """How many requests that the server has counted are neither ours nor of the other shares."""
        if rate is None or rate.used is None:
            return 0
        ours = self.ledger.load(grant.at, rule)
        # rounded down: a server with an estimate such as 17.2 says that 2 are left
        return max(0, math.floor(rate.used - ours) - (self.options.limit - self.options.quota))
