"""Anything in any order: the invariants of the throttle hold at every step, in virtual time."""

from __future__ import annotations

import asyncio

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lemlist_async.errors import ClosedError
from lemlist_async.options import Lane
from lemlist_async.testing.virtual_time import VirtualClockLoop
from lemlist_async.throttle import Slot, Throttle, ThrottleOptions
from tests.support.limits_seen import most_in_a_window, worst_estimate

WINDOW = 1.0
TURNS = 8
"""Turns of the loop after which everything that can happen at this instant has happened."""

parts = st.sampled_from([0.0, 0.5, 1.0]) | st.floats(0, 1)
"""Instant between grant and response at which the server checks a request; the ends are the hardest cases."""
idle = st.sampled_from([0.001, WINDOW / 2, WINDOW, WINDOW + 0.0051, 2 * WINDOW]) | st.floats(0, 3)
which = st.integers(0, 99)


@attrs.define(eq=False)
class Request:
    """A request of the model, with what became of it."""

    number: int
    lane: Lane
    owner: int
    task: asyncio.Task[None] | None = None
    slot: Slot | None = None
    granted: float = 0.0
    answered: float | None = None
    checked: float | None = None


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualClockLoop()
        self.asked = 0
        self.waiting: list[Request] = []
        self.flying: list[Request] = []
        self.sent: list[Request] = []
        self.shut_until = 0.0
        self.last: dict[Lane, int] = {"interactive": -1, "bulk": -1}

    @initialize(limit=st.integers(1, 4), strict=st.booleans(), paced=st.booleans())
    def make(self, limit: int, strict: bool, paced: bool) -> None:
        # the credit is no theorem, so it stays out of what is proved here
        options = ThrottleOptions(
            limit=limit, window=WINDOW, strict=strict, credit=0, pacer="auto" if paced else None
        )
        self.throttle = Throttle(options, clock=self.loop.time, random=lambda: 0.0)

    def turn(self, seconds: float = 0.0) -> None:
        async def turns() -> None:
            await asyncio.sleep(seconds)
            for _ in range(TURNS):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turns())
        ended = [request for request in self.waiting if request.task and request.task.done()]
        self.waiting = [request for request in self.waiting if request not in ended]
        for request in ended:
            assert request.task
            if not request.task.cancelled() and isinstance(error := request.task.exception(), AssertionError):
                raise error

    async def request(self, request: Request) -> None:
        slot = await self.throttle.acquire(request.lane, owner=request.owner)
        request.slot, request.granted = slot, self.loop.time()
        self.flying.append(request)
        self.sent.append(request)
        assert request.granted >= self.shut_until, "granted while the gate was shut"
        if slot.waited:
            assert request.number > self.last[request.lane], "overtaken within its lane"
            self.last[request.lane] = request.number
        self.quota_holds()

    @rule(lane=st.sampled_from(["interactive", "bulk"]), owner=st.integers(0, 1), times=st.integers(1, 5))
    def ask(self, lane: Lane, owner: int, times: int) -> None:
        for _ in range(times):
            request = Request(self.asked, lane, owner)
            request.task = self.loop.create_task(self.request(request))
            self.waiting.append(request)
            self.asked += 1
        self.turn()

    @rule(seconds=idle)
    def pass_time(self, seconds: float) -> None:
        self.turn(seconds)

    def land(self, number: int, part: float) -> Slot:
        """Take one out of the air; the server checked it somewhere on the way."""
        request = self.flying.pop(number % len(self.flying))
        assert request.slot
        request.answered = self.loop.time()
        request.checked = request.granted + part * (request.answered - request.granted)
        return request.slot

    @precondition(lambda self: self.flying)
    @rule(number=which, part=parts)
    def answer(self, number: int, part: float) -> None:
        self.land(number, part).answered()
        self.turn()

    @precondition(lambda self: self.flying)
    @rule(number=which, part=parts)
    def abort(self, number: int, part: float) -> None:
        self.land(number, part).aborted()
        self.turn()

    @precondition(lambda self: self.flying)
    @rule(number=which, part=parts, pause=st.floats(0, 3), by_limiter=st.booleans())
    def refuse(self, number: int, part: float, pause: float, by_limiter: bool) -> None:
        self.land(number, part).refused(pause, by_limiter=by_limiter)
        self.shut_until = max(self.shut_until, self.loop.time() + pause)
        self.turn()

    @precondition(lambda self: self.flying)
    @rule(number=which)
    def give_back(self, number: int) -> None:
        request = self.flying.pop(number % len(self.flying))
        self.sent.remove(request)
        assert request.slot
        request.slot.give_back()
        self.turn()

    @precondition(lambda self: self.waiting)
    @rule(number=which)
    def cancel(self, number: int) -> None:
        request = self.waiting[number % len(self.waiting)]
        assert request.task
        request.task.cancel()
        self.turn()

    @precondition(lambda self: self.flying and self.waiting)
    @rule(number=which, turns=st.integers(0, 4))
    def cancel_at_the_instant_of_a_grant(self, number: int, turns: int) -> None:
        request = self.flying.pop(number % len(self.flying))
        self.sent.remove(request)
        assert request.slot
        request.slot.give_back()
        for _ in range(turns):
            self.loop.run_until_complete(asyncio.sleep(0))
        for request in self.waiting:
            assert request.task
            request.task.cancel()
        self.turn()

    @rule(owner=st.integers(0, 1))
    def drop(self, owner: int) -> None:
        dropped = [request for request in self.waiting if request.owner == owner]
        self.throttle.cancel_waiters(owner)
        self.turn()
        for request in dropped:
            assert request.task
            assert isinstance(request.task.exception(), ClosedError)

    @invariant()
    def quota_holds(self) -> None:
        now = self.loop.time()
        held = sum(request.answered is None or request.answered + WINDOW > now for request in self.sent)
        assert held <= self.throttle.options.quota

    @invariant()
    def nothing_leaks(self) -> None:
        assert self.throttle.in_flight == len(self.flying)
        assert sum(self.throttle.queued.values()) == len(self.waiting)

    def teardown(self) -> None:
        if not hasattr(self, "throttle"):
            return
        for _ in range(len(self.waiting) + 1):
            while self.flying:
                self.land(0, 0.0).answered()
            self.turn(3 * WINDOW)
        self.turn(3 * WINDOW)
        assert not self.waiting, "somebody waits for ever"
        self.server_would_have_passed_all()
        assert not asyncio.all_tasks(self.loop)
        self.loop.close()

    def server_would_have_passed_all(self) -> None:
        checks = sorted(
            request.granted if request.checked is None else request.checked for request in self.sent
        )
        assert most_in_a_window(checks, WINDOW) <= self.throttle.options.quota
        if self.throttle.options.strict:
            assert worst_estimate(checks, WINDOW) <= self.throttle.options.quota + 1e-6


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestThrottle = Machine.TestCase
