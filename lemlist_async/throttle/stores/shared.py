"""The contract of a ledger of slots that several members share: processes of a host, or of several."""

from __future__ import annotations

from typing import Literal, Protocol

Scope = Literal["process", "host", "redis", "postgres"]
"""Reach of a ledger: one process, all processes of a user on a host, or all that use a server."""


MOMENT = 0.001
"""Seconds after which a ledger or a slot that another member has in its hands is tried again."""
WAY = 1.0
"""Seconds that a request may be on its way to lemlist when its process dies."""


class UnusableError(Exception):
    """There can be no such ledger here; the message says why."""


class InUseError(UnusableError):
    """Members that this one cannot understand are using the ledger."""


class Busy(Exception):  # noqa: N818  # a state of affairs, caught where it is raised for
    """Another member is changing the ledger or a slot: ask again in a moment."""


class AwayError(Exception):
    """The server that keeps the ledger is away, and is looked for; the message says why."""


class SharedSlots(Protocol):
    """Slots of one key's quota, reserved ahead so that no member polls.

    Instants are seconds of the clock that all members share. A slot is held by one request at a time, and by the next
    one not before ``window + margin`` after its answer: so no window holds more checks of the server than there are
    slots. One member has one reservation ahead at most. All calls return at once; none waits for another member.
    """

    def next_grant(self, now: float, *, urgent: bool, waiting: int = 1) -> float:
        """Return when one more request may go, which reserves a slot; or when to ask again.

        A request may go now if that instant is not after `now`: `grant` must follow, or `withdraw`. `urgent` requests
        go before reservations that other members hold for requests that are not. `waiting` is the number of requests
        that would like to go, this one included.
        """
        ...

    def grant(self, now: float) -> int:
        """Take the slot that `next_grant` reserved, for a request that goes now; return a token for it."""
        ...

    def withdraw(self) -> None:
        """Give back the reservation, if there is one: no request waits for it any more."""
        ...

    def end(self, token: int, now: float, free_at: float, round_trip: float | None = None) -> None:
        """Free the slot of a request at an instant; `round_trip` is the time to its answer, if that is known."""
        ...

    def credit(self) -> float | None:
        """Return the smallest round trip that all members have seen lately; None if they have seen too few."""
        ...

    def pause(self, until: float) -> None:
        """Let no member send before an instant: a 429 came."""
        ...

    def slide(self, until: float) -> None:
        """Keep to what a sliding counter allows until an instant: the server has shown to be one."""
        ...

    def saw_interactive(self, now: float) -> None:
        """Note that an interactive request came: bulk requests of all members are spread for a while."""
        ...

    def free_instants(self, now: float) -> list[float] | None:
        """Return when each slot is free, for forecasts; infinite for one in flight, None if that is not known."""
        ...

    def close(self) -> None:
        """Leave. Slots that are still held are free when their time is over."""
        ...

    @property
    def members(self) -> int:
        """Members that are alive, this one included."""
        ...

    @property
    def scope(self) -> Scope:
        """Reach of the ledger that is in use now."""
        ...

    @property
    def trouble(self) -> str | None:
        """Reason why another ledger than the one that is wanted is in use; None if all is well."""
        ...
