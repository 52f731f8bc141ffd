"""Slots of the quota: which requests hold one, and when one more is free."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from typing import Literal

import attrs

Mode = Literal["ledger", "sliding"]
"""The rule that grants: `ledger` is proved for windows, logs and buckets, `sliding` for sliding counters too."""
TRUSTED = 10
"""Windows with a passed trial after which the server is known to be no sliding counter."""


@attrs.define(eq=False)
class Ledger:
    """Requests that the server may still count, as far as it can be known from here.

    `limit` requests are allowed per `window` seconds. Each holds a slot from its grant until
    ``window + margin - credit`` seconds after its stamp, the instant of its answer. Two rules say when one more may
    go:

    *ledger*: when fewer than `limit` slots are held. Whatever the delays, no interval of `window` seconds
    then holds more than `limit` checks of the server: no fixed window, sliding log or token bucket refuses.

    *sliding*: when ``current + previous * (1 - elapsed / window)`` leaves room for one more, wherever the
    server's window may have begun. That estimate is what a sliding counter holds against its limit.

    Instants are seconds of one clock, which the caller reads. `credit` is an argument, not a part of a stamp: when the
    network becomes faster, all slots are held longer at once.
    """

    limit: int
    window: float
    margin: float = 0.0
    mode: Mode = "ledger"
    in_flight: int = attrs.field(default=0, init=False)
    trials: int = attrs.field(default=0, init=False)
    """Requests in flight that perhaps only the ledger rule allowed."""
    trust: int = attrs.field(default=0, init=False)
    """Windows in which the server let pass what a sliding counter might have refused."""
    _trusted_at: float = attrs.field(default=-math.inf, init=False)
    _stamps: list[float] = attrs.field(factory=list[float], init=False)
    _estimate_falls: float | None = attrs.field(default=None, init=False)

    def next_grant(self, credit: float = 0.0) -> float:
        """Return when one more request may go; infinite while an answer must come first.

        In ledger mode, a request that a sliding counter might refuse is a trial of the server. One of them is in
        flight at a time, and one more after each window in which one passed: a sliding counter refuses few requests
        before it is known as one.
        """
        stamps = self._stamps
        surplus = self.in_flight + len(stamps) - self.limit
        if surplus < 0:
            return -math.inf
        if surplus >= len(stamps):
            return math.inf  # an answer must come first
        opens = stamps[surplus] + self.window + self.margin - credit
        if self.mode == "sliding" or (self.in_doubt and self.trials > self.trust):
            return max(opens, self._sliding_opens() + self.margin - credit)
        return opens

    def grant(self, now: float) -> int:
        """Hold a slot for a request that goes now; return whether it is a trial: 0 no, 1 perhaps, 2 surely."""
        stamps, past = self._stamps, now - 2 * self.window
        # A sliding counter looks back over two windows. Of a steady flow one stamp is older, after a pause all are.
        if stamps and stamps[0] <= past:
            del stamps[: 1 if len(stamps) == 1 or stamps[1] > past else bisect_right(stamps, past)]
        trial = 0
        if self.in_flight + len(stamps) >= self.limit and self.in_doubt:
            trial = self._trial(now)
            self.trials += trial > 0
        self.in_flight += 1
        self._estimate_falls = None
        return trial

    def stamp(self, at: float, *, trial: int = 0) -> None:
        """Note that the request was answered at `at`: its slot is held from there for a window."""
        self.give_back(trial=trial)
        stamps = self._stamps
        # stamps of aborted requests lie in the future, and answers are noted in any order
        if not stamps or at >= stamps[-1]:
            stamps.append(at)
        else:
            insort(stamps, at)

    def give_back(self, *, trial: int = 0) -> None:
        """Note that the request was never sent: its slot is free at once."""
        self.trials -= trial > 0
        self.in_flight -= 1
        self._estimate_falls = None

    def passed(self, now: float) -> None:
        """Note that the server answered a sure trial without refusing it."""
        # one trial a window: several in one window tell no more about a sliding counter than one
        if now - self._trusted_at >= self.window:
            self.trust += self._trusted_at > -math.inf
            self._trusted_at = now

    def distrust(self) -> None:
        """Try the server anew, one request at first."""
        self.trust = 0

    def resize(self, limit: int) -> None:
        """Go on with another limit; slots that are held stay held."""
        if limit != self.limit:
            self.limit = limit
            self._estimate_falls = None

    def is_busy(self, now: float) -> bool:
        """Tell whether every slot was used within the last window, or is in use."""
        return self._surplus() >= 0 and self._ledger_opens() + 2 * self.window > now

    def load(self, at: float, mode: Mode) -> float:
        """Return the most of our requests that a server of this kind can have counted at the instant `at`."""
        at -= self.margin
        held = self.in_flight + len(self._stamps) - bisect_left(self._stamps, at - self.window)
        if mode == "ledger":
            return held
        estimates = (
            current + previous * (1 - (at - start) / self.window)
            for start, current, previous in self._windows()
            if start <= at < start + self.window
        )
        return max((held, *estimates))

    def releases(self, now: float, credit: float) -> list[float]:
        """Return when each slot that an answered request still holds is free, in order."""
        held = self.window + self.margin - credit
        return [stamp + held for stamp in self._stamps[bisect_right(self._stamps, now - held) :]]

    def idle(self, now: float) -> bool:
        """Tell whether nothing of the past counts any more."""
        return not self.in_flight and (
            not self._stamps or self._stamps[-1] <= now - self.margin - 2 * self.window
        )

    @property
    def in_doubt(self) -> bool:
        """Whether the server may still turn out to be a sliding counter."""
        return self.mode == "ledger" and self.trust < TRUSTED

    def _trial(self, now: float) -> int:
        if self.trials > self.trust:
            return 0  # the sliding rule allowed it
        # The estimate of a sliding counter costs more than all the rest, and exceeds the limit only where a window is
        # nearly full, this one or the one before it.
        recent = self.in_flight + len(self._stamps) - bisect_right(self._stamps, now - self.window)
        before = self.in_flight + len(self._stamps) - recent
        full = max(recent, before) >= self.limit - 1
        return 2 if full and self._sliding_opens() + self.margin > now else 1

    def _surplus(self) -> int:
        """Return the held slots above the limit; while it is negative, both rules let one more go."""
        return self.in_flight + len(self._stamps) - self.limit

    def _ledger_opens(self) -> float:
        """Return the stamp of the slot that frees next; infinite if an answer must come first."""
        surplus = self._surplus()
        return self._stamps[surplus] if surplus < len(self._stamps) else math.inf

    def _sliding_opens(self) -> float:
        """Return when the estimate of a sliding counter leaves room for one more, wherever its window began."""
        if self._estimate_falls is None:
            self._estimate_falls = self._latest_fall()
        return self._estimate_falls

    def _latest_fall(self) -> float:
        return latest_fall(self.window, self.limit, self.in_flight, self._stamps)

    def _windows(self) -> Iterator[tuple[float, int, int]]:
        return _windows(self.window, self.in_flight, self._stamps)


def latest_fall(window: float, limit: int, in_flight: int, stamps: Sequence[float]) -> float:
    """Return when a sliding counter has room for one more, wherever its window began; `stamps` are in order.

    The instants may have any unit, the one of `window`.
    """
    most, latest = limit - 1, -math.inf
    for start, current, previous in _windows(window, in_flight, stamps):
        if current + previous > most:
            falls = start + window * (1 - (most - current) / previous) if current < most else start + window
            if falls > latest:
                latest = falls
    return latest


def _windows(window: float, in_flight: int, stamps: Sequence[float]) -> Iterator[tuple[float, int, int]]:
    """Give each start of the server's window that can be the worst, with the counts of it and the one before.

    Between two of these starts the estimate only falls. The second set, a stamp *plus* the window, has
    that stamp in the previous window for as long as can be.
    """
    # two pointers instead of searches: this may run for each grant while the server is on trial
    total, behind, ahead = in_flight + len(stamps), 0, 0
    for index, stamp in enumerate(stamps):
        while stamps[behind] < stamp - window:
            behind += 1
        yield stamp, total - index, index - behind
        while ahead < len(stamps) and stamps[ahead] < stamp + window:
            ahead += 1
        yield stamp + window, total - ahead, ahead - index
