"""Who holds a slot of the quota, from which follows when one more request may go."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Literal

import attrs

Mode = Literal["ledger", "kernel"]
"""Which rule grants: `ledger` is proved for windows, logs and buckets, `kernel` for sliding counters too."""
TRUST = 5
"""Trials of the server that must have passed for each further one that may fly at a time."""


@attrs.define(eq=False)
class Ledger:
    """The requests that the server may still count, as far as it can be known from here.

    `limit` requests are allowed per `window` seconds. Each holds a slot from its grant until
    `window + margin` seconds after its stamp, the instant of its answer. Two rules say when one more may go:

    *ledger*: when fewer than `limit` slots are held. Whatever the delays, no interval of `window` seconds
    then holds more than `limit` checks of the server: no fixed window, sliding log or token bucket refuses.

    *kernel*: when ``current + previous * (1 - elapsed / window)`` leaves room for one more, wherever the
    server's window may have begun. That estimate is what a sliding counter holds against its limit.

    Instants are seconds of one clock, which the caller reads.
    """

    limit: int
    window: float
    margin: float = 0.0
    mode: Mode = "ledger"
    in_flight: int = attrs.field(default=0, init=False)
    trials: int = attrs.field(default=0, init=False)
    """Requests in flight that only the ledger rule allowed."""
    passed: int = attrs.field(default=0, init=False)
    """Trials that the server did not refuse."""
    _stamps: list[float] = attrs.field(factory=list[float], init=False)
    _kernel: float | None = attrs.field(default=None, init=False)

    def next_grant(self) -> float:
        """When one more request may go; infinite while an answer must come first.

        In ledger mode, a request that the kernel rule would hold back is a trial of the server. Few of them
        fly at a time until many have passed: a sliding counter refuses one or two before it is known as one.
        """
        if self._surplus() < 0:
            return -math.inf
        if self.mode == "kernel" or self.trials > self.passed // TRUST:
            return self._kernel_opens()
        return self._ledger_opens()

    def grant(self, now: float) -> bool:
        """Hold a slot for a request that goes now; true if it is a trial of the server."""
        # a sliding counter looks back over two windows
        if self._stamps and self._stamps[0] <= now - 2 * self.window:
            del self._stamps[: bisect_right(self._stamps, now - 2 * self.window)]
        trial = self._surplus() >= 0 and self._tries(now)
        self.trials += trial
        self.in_flight += 1
        self._kernel = None
        return trial

    def stamp(self, at: float, *, trial: bool) -> None:
        """The request was answered at `at`: its slot is free `window + margin` seconds later."""
        self.give_back(trial=trial)
        insort(self._stamps, at + self.margin)

    def give_back(self, *, trial: bool) -> None:
        """The request was never sent: its slot is free at once."""
        self.trials -= trial
        self.in_flight -= 1
        self._kernel = None

    def resize(self, limit: int) -> None:
        """Go on with another limit; what is held stays held."""
        if limit != self.limit:
            self.limit = limit
            self._kernel = None

    def load(self, at: float, rule: Mode) -> float:
        """The most of our requests that a server of this kind can have counted at the instant `at`."""
        held = self.in_flight + len(self._stamps) - bisect_left(self._stamps, at - self.window)
        if rule == "ledger":
            return held
        estimates = (
            current + previous * (1 - (at - start) / self.window)
            for start, current, previous in self._windows()
            if start <= at < start + self.window
        )
        return max((held, *estimates))

    def releases(self, now: float) -> list[float]:
        """When each slot that an answered request still holds is free, in order."""
        return [
            stamp + self.window for stamp in self._stamps[bisect_right(self._stamps, now - self.window) :]
        ]

    def idle(self, now: float) -> bool:
        """Whether nothing of the past counts any more. Changes nothing: other threads may ask."""
        return not self.in_flight and (not self._stamps or self._stamps[-1] <= now - 2 * self.window)

    def _tries(self, now: float) -> bool:
        # when a whole quota of trials might fly there is no doubt left, and no need to tell them apart
        in_doubt = self.mode == "ledger" and self.passed < TRUST * self.limit
        return in_doubt and self._kernel_opens() > now

    def _surplus(self) -> int:
        """Held slots above the limit; while it is negative, both rules let one more go."""
        return self.in_flight + len(self._stamps) - self.limit

    def _ledger_opens(self) -> float:
        surplus = self._surplus()
        return self._stamps[surplus] + self.window if surplus < len(self._stamps) else math.inf

    def _kernel_opens(self) -> float:
        if self._kernel is None:
            self._kernel = max(self._ledger_opens(), self._estimate_falls())
        return self._kernel

    def _estimate_falls(self) -> float:
        """When the estimate of a sliding counter leaves room for one more, wherever its window began."""
        window, most, latest = self.window, self.limit - 1, -math.inf
        for start, current, previous in self._windows():
            if current + previous > most:
                falls = (
                    start + window * (1 - (most - current) / previous) if current < most else start + window
                )
                if falls > latest:
                    latest = falls
        return latest

    def _windows(self) -> Iterator[tuple[float, int, int]]:
        """Each start of the server's window that can be the worst, with what it and the one before hold.

        Between two of these starts the estimate only falls. The second set, a stamp *plus* the window, has
        that stamp in the previous window for as long as can be.
        """
        stamps, window = self._stamps, self.window
        total, behind, ahead = self.in_flight + len(stamps), 0, 0
        for index, stamp in enumerate(stamps):
            while stamps[behind] < stamp - window:
                behind += 1
            yield stamp, total - index, index - behind
            while ahead < len(stamps) and stamps[ahead] < stamp + window:
                ahead += 1
            yield stamp + window, total - ahead, ahead - index
