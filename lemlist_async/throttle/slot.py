"""Right to send one request, held until the end of the request is reported."""

from __future__ import annotations

import asyncio
from typing import Literal, Protocol

from lemlist_async.throttle.quota import Grant, RateState

WaitReason = Literal["quota", "pause"]
"""Reason for a wait: the quota was used (or a batch spread out), or a 429 had paused the key."""


class Owner(Protocol):
    """The throttle, as far as a slot needs it."""

    def now(self) -> float: ...
    def answered(self, slot: Slot, rate: RateState | None) -> None: ...
    def refused(self, slot: Slot, pause: float | None, by_limiter: bool, rate: RateState | None) -> None: ...
    def aborted(self, slot: Slot) -> None: ...
    def given_back(self, slot: Slot) -> None: ...


class Slot(Grant):
    """Right to send one request. Report the end of the request once; of several reports the first one counts.

    A slot without a report is held for ever: the call belongs into an ``except`` or ``finally``.
    """

    __slots__ = ("_owner", "loop", "reason", "token", "waited")

    def __init__(
        self,
        owner: Owner,
        loop: asyncio.AbstractEventLoop | None,
        waited: float = 0.0,
        reason: WaitReason | None = None,
    ) -> None:
        # the fields of Grant one by one: a call of its initializer costs a tenth of the whole way
        self.at: float = 0.0
        self.trial: int = 0
        self.timed: bool = True
        self._owner: Owner | None = owner
        self.loop: asyncio.AbstractEventLoop | None = loop
        self.token: int | None = None
        """Token of the slot in a shared ledger."""
        self.waited: float = waited
        """Seconds from asking to the grant."""
        self.reason: WaitReason | None = reason
        """Reason for the wait; None if there was none."""

    def wrote(self) -> None:
        """Say that the first byte leaves now, later than the grant: a connection had to be made.

        The round trip counts from here. One that included the connection would promise more than the next
        request, on a connection that is there, can keep.
        """
        if self._owner is not None:
            self.at = self._owner.now()

    def untimed(self) -> None:
        """Say that it is not known when the first byte leaves: the answer tells nothing of the round trip."""
        self.timed = False

    def answered(self, rate: RateState | None = None) -> None:
        """Say that an answer came; `rate` is the state of the quota that its headers tell."""
        if owner := self._end():
            owner.answered(self, rate)

    def refused(self, retry_after: float | None, *, by_limiter: bool, rate: RateState | None = None) -> None:
        """Say that a 429 came: every user of the key waits for `retry_after` seconds (a window if None).

        `by_limiter` is false for the page of a gateway, which says nothing of the server's rule. A 429 that
        is a limit of the plan is no refusal: report it with `answered`.
        """
        if owner := self._end():
            owner.refused(self, retry_after, by_limiter, rate)

    def aborted(self) -> None:
        """Say that the request was given up, or the connection failed, before an answer came.

        Like `answered`, but its duration says nothing of how fast the server answers.
        """
        if owner := self._end():
            owner.aborted(self)

    def give_back(self) -> None:
        """Say that nothing of the request was ever written: the slot is free again at once."""
        if owner := self._end():
            owner.given_back(self)

    def forget(self) -> None:
        """End without a report: the throttle has already accounted for the closed event loop of the request."""
        self._owner = None

    def _end(self) -> Owner | None:
        """Return the throttle to tell; None after the first time."""
        owner, self._owner = self._owner, None
        return owner

    def __repr__(self) -> str:
        state = "ended" if self._owner is None else "held"
        return f"<Slot({state}, granted at {self.at:.6f}, waited {self.waited:.3f} s)>"
