"""A machine that does anything in any order to the members of a ledger of slots."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.support.slot_stores import LIMIT, worlds


class Machine(RuleBasedStateMachine):
    """Anything in any order, to any member."""

    name = ""

    def __init__(self) -> None:
        super().__init__()
        self.keeper = worlds(self.name)
        self.world = next(self.keeper)

    @precondition(lambda self: len(self.world.members) < self.world.store.most_members)
    @rule()
    def join_in(self) -> None:
        self.world.add()

    @rule(number=st.integers(0, 2), urgent=st.booleans())
    def send(self, number: int, urgent: bool) -> None:
        if self.world.members:
            self.world.send(self.world.members[number % len(self.world.members)], urgent=urgent)

    @rule(number=st.integers(0, 2))
    def withdraw(self, number: int) -> None:
        if self.world.members:
            self.world.members[number % len(self.world.members)].slots.withdraw()

    @rule(number=st.integers(0, 2), which=st.integers(0, 9), answered=st.booleans())
    def fly(self, number: int, which: int, answered: bool) -> None:
        busy = [member for member in self.world.members if member.flights]
        if busy:
            (self.world.answer if answered else self.world.check)(busy[number % len(busy)], which)

    @precondition(lambda self: self.world.store.most_members > 1)
    @rule(number=st.integers(0, 2))
    def die(self, number: int) -> None:
        if self.world.members:
            self.world.die(self.world.members[number % len(self.world.members)])

    @rule(seconds=st.sampled_from([0.001, 0.05, 0.1, 0.25, 0.5, 0.999, 1.0, 1.3, 2.5]))
    def pass_time(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @invariant()
    def the_limit_holds(self) -> None:
        assert self.world.most <= LIMIT

    def teardown(self) -> None:
        for _ in self.keeper:
            pass
