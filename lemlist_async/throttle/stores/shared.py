"""The contract of a ledger of slots that several members share: processes of a host, or of several."""

from __future__ import annotations

from typing import Protocol


class SharedSlots(Protocol):
    """Slots of one key's quota, reserved ahead so that no member polls.

    Instants are seconds of the clock that all members share. A slot is held by one request at a time, and by the next
    one not before ``window + margin`` after its answer: so no window holds more checks of the server than there are
    slots. One member has one reservation ahead at most. All calls return at once; none waits for another member.
    """

    def next_grant(self, now: float, *, urgent: bool) -> float:
        """Return when one more request may go, which reserves a slot; or when to ask again.

        A request may go now if that instant is not after `now`: `grant` must follow, or `withdraw`. `urgent` requests
        go before reservations that other members hold for requests that are not.
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

    def close(self) -> None:
        """Leave. Slots that are still held are free when their time is over."""
        ...

    @property
    def members(self) -> int:
        """Members that are alive, this one included."""
        ...
