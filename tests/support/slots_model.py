"""A server, and members of a shared ledger that send to it, in a time that the test moves."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from lemlist_async.throttle.stores.shared import SharedSlots


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

    join: Callable[[float], SharedSlots]
    window: float
    now: float
    members: list[Member] = attrs.field(factory=list[Member])
    checks: list[float] = attrs.field(factory=list[float])

    def add(self) -> Member:
        """Let one more member in."""
        member = Member(self.join(self.now))
        self.members.append(member)
        return member

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
        member.slots.close()
        self.members.remove(member)

    @property
    def most(self) -> int:
        """The most checks in any window."""
        seen = sorted(self.checks)
        return max((sum(at - self.window < other <= at for other in seen) for at in seen), default=0)
