"""The right to send one request, which ends when it is said what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from lemlist_async.throttle.account import Account, Grant, RateState

WaitReason = Literal["quota", "gate"]
"""Why a request had to wait: the quota was used (or a burst spread out), or a 429 had shut the gate."""


class Slot:
    """Say once what became of the request; of several calls the first one counts.

    A slot about which nothing is said is held for ever: the call belongs into an ``except`` or ``finally``.
    """

    __slots__ = ("_clock", "_grant", "_settle", "reason", "waited")

    def __init__(
        self,
        grant: Grant,
        settle: Callable[[Slot], Account],
        clock: Callable[[], float],
        waited: float,
        reason: WaitReason | None,
    ) -> None:
        self._grant = grant
        self._clock = clock
        self._settle: Callable[[Slot], Account] | None = settle
        self.waited: float = waited
        """Seconds from asking to the grant."""
        self.reason: WaitReason | None = reason
        """Why it had to wait; None if it did not."""

    def wrote(self) -> None:
        """The first byte leaves now, later than the grant: a connection had to be made.

        The round trip counts from here. One that included the connection would promise more than the next
        request, on a connection that is there, can keep.
        """
        self._grant.at = self._clock()

    def untimed(self) -> None:
        """Nobody can tell when the first byte leaves: the answer says nothing of the round trip."""
        self._grant.timed = False

    def answered(self, rate: RateState | None = None) -> None:
        """An answer came, whatever it said; `rate` is what its headers say of the quota."""
        if account := self._end():
            account.answered(self._grant, self._clock(), rate)

    def refused(self, retry_after: float | None, *, by_limiter: bool, rate: RateState | None = None) -> None:
        """A 429 came: everybody who uses the key waits for `retry_after` seconds (a window if None).

        `by_limiter` is false for the page of a gateway, which says nothing of the server's rule. A 429 that
        is a limit of the plan is no refusal: report it with `answered`.
        """
        if account := self._end():
            account.refused(self._grant, self._clock(), retry_after, by_limiter=by_limiter, rate=rate)

    def aborted(self) -> None:
        """The request was given up, or the connection failed, before an answer came.

        Like `answered`, but its duration says nothing of how fast the server answers.
        """
        if account := self._end():
            account.aborted(self._grant, self._clock())

    def give_back(self) -> None:
        """Nothing of the request was ever written: the slot is free again at once."""
        if account := self._end():
            account.given_back(self._grant)

    def _end(self) -> Account | None:
        """The account to tell; None after the first time."""
        settle, self._settle = self._settle, None
        return settle(self) if settle else None

    def __repr__(self) -> str:
        state = "held" if self._settle else "settled"
        return f"<Slot({state}, granted at {self._grant.at:.6f}, waited {self.waited:.3f} s)>"
