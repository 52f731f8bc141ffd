"""A server, and members of a shared ledger that send to it, in a time that the test moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs

from lemlist_async.throttle.stores.shared import SharedSlots


class Store(Protocol):
    """A place where members share slots, as tests handle it."""

    step: float
    """Seconds that may pass at once."""

    def join(self, clock: Callable[[], float]) -> SharedSlots:
        """Make a member."""
        ...

    def kill(self, slots: SharedSlots) -> None:
        """End a member as SIGKILL does."""
        ...

    def turn(self) -> None:
        """Do what a thread would have done by now."""
        ...


@attrs.define(eq=False)
class Flight:
    """A request that a member has in flight."""

    token: int
    is_checked: bool = False


@attrs.define(eq=False)
class Member:
    """A member, and its requests in flight."""

    slots: SharedSlots
    flights: list[Flight] = attrs.field(factory=list[Flight])


@attrs.define(eq=False)
class World:
    """All members, the instants at which the server checked their requests, and the clock."""

    store: Store
    window: float
    now: float
    members: list[Member] = attrs.field(factory=list[Member])
    checks: list[float] = attrs.field(factory=list[float])

    def add(self) -> Member:
        """Let one more member in."""
        member = Member(self.store.join(lambda: self.now))
        self.members.append(member)
        return member

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and what waits for it happen."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + self.store.step)
            self.store.turn()

    def send(self, member: Member, *, urgent: bool = False) -> bool:
        """Send a request, if it may go now."""
        if member.slots.next_grant(self.now, urgent=urgent) > self.now:
            return False
        member.flights.append(Flight(member.slots.grant(self.now)))
        return True

    def check(self, member: Member, number: int) -> None:
        """Let the server check a request in flight."""
        flight = member.flights[number % len(member.flights)]
        if not flight.is_checked:
            flight.is_checked = True
            self.checks.append(self.now)

    def answer(self, member: Member, number: int) -> None:
        """Let the answer to a request arrive."""
        self.check(member, number)
        flight = member.flights.pop(number % len(member.flights))
        member.slots.end(flight.token, self.now, self.now + self.window)

    def die(self, member: Member) -> None:
        """Let a member die: the server checks what it has in flight at the last moment."""
        for number in range(len(member.flights)):
            self.check(member, number)
        self.store.kill(member.slots)
        self.members.remove(member)

    @property
    def most(self) -> int:
        """The most checks in any window."""
        seen = sorted(self.checks)
        return max((sum(at - self.window < other <= at for other in seen) for at in seen), default=0)
