"""Slots of one process by itself: while the ledger that it should share cannot be used."""

from __future__ import annotations

import math

from lemlist_async.throttle.ledger import TRUSTED, Ledger
from lemlist_async.throttle.stores.shared import Scope

POLL = 0.05
"""Seconds between two looks while requests in flight hold every slot."""


class ProcessSlots:
    """A part of the quota, in the memory of this process; see `SharedSlots` for the contract."""

    scope: Scope = "process"
    members: int = 1

    def __init__(self, *, limit: int, window: float, margin: float, trouble: str | None = None) -> None:
        self.trouble: str | None = trouble
        self._ledger = Ledger(limit, window, margin)
        # it is the quota of the key that finds out what kind of server there is
        self._ledger.trust = TRUSTED
        self._hold = window + margin
        self._held: set[int] = set()
        self._tokens = 0
        self._paused_until = -math.inf

    def next_grant(self, now: float, *, urgent: bool, waiting: int = 1) -> float:
        """Return when one more request may go; see `SharedSlots`."""
        opens = self._ledger.next_grant()
        return max(self._paused_until, now + POLL if opens == math.inf else opens)

    def grant(self, now: float) -> int:
        """Take a slot; see `SharedSlots`."""
        # below zero, so that no other store of the same throttle has given this token
        self._tokens -= 1
        self._held.add(self._tokens)
        self._ledger.grant(now)
        return self._tokens

    def withdraw(self) -> None:
        """Do nothing: nothing is reserved."""

    def end(self, token: int, now: float, free_at: float, round_trip: float | None = None) -> None:
        """Free a slot; see `SharedSlots`."""
        if token in self._held:
            self._held.discard(token)
            self._ledger.stamp(free_at - self._hold)

    def credit(self) -> float | None:
        """Return None: round trips of one process earn no credit here."""
        return None

    def pause(self, until: float) -> None:
        """Let no request go before an instant."""
        self._paused_until = max(self._paused_until, until)

    def slide(self, until: float) -> None:
        """Do nothing: the quota of the key keeps to the sliding rule by itself."""

    def saw_interactive(self, now: float) -> None:
        """Do nothing: the quota of the key has seen it."""

    def free_instants(self, now: float) -> list[float] | None:
        """Return None: the quota of the key knows of all that is sent here."""
        return None

    def close(self) -> None:
        """Do nothing: nothing is left behind."""
