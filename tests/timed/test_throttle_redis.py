"""Members of several hosts share one quota through the script of the Redis store, whatever becomes of its server."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs
import pytest

from lemlist_async.errors import LimitStoreError
from lemlist_async.sandbox.limits import Decision
from tests.support.limits_seen import most_in_a_window
from tests.support.script_server import ScriptServer
from tests.support.throttle_members import Member, work
from tests.support.throttle_sim import LIMIT, WINDOW, Server, calm

WARM_UP = 8.0
POLICIES = ["fixed-first", "fixed-aligned", "sliding-log"]


@attrs.define(eq=False)
class Crowd:
    """Busy members, the server of their slots, and lemlist."""

    members: list[Member]
    slots: ScriptServer
    lemlist: Server

    def share(self, since: float) -> float:
        """Part of the quota that was used since an instant, from one burst to the same place in a later one."""
        accepted = [at for at in self.lemlist.accepted if at >= since]
        quotas = (len(accepted) - 1) // LIMIT
        return quotas * WINDOW / (accepted[quotas * LIMIT] - accepted[0])


@pytest.fixture(autouse=True)
def no_ledger_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each member is a host of its own."""
    from lemlist_async.throttle import sharing

    monkeypatch.setattr(sharing, "can_share", lambda: False)


Begin = Callable[..., "asyncio._AsyncGeneratorContextManager[Crowd]"]


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Begin with some busy members."""

    @asynccontextmanager
    async def begin(
        members: int = 4, *, policy: str = "sliding-log", rtt: float = 0.12, **options: object
    ) -> AsyncIterator[Crowd]:
        slots = ScriptServer(asyncio.get_running_loop().time)
        lemlist = Server(policy, calm(rtt))
        crowd = Crowd([Member(slots, monkeypatch, **options) for _ in range(members)], slots, lemlist)
        tasks = [asyncio.ensure_future(work(member, lemlist)) for member in crowd.members]
        await asyncio.sleep(WARM_UP)
        yield crowd
        assert most_in_a_window(sorted(lemlist.accepted), WINDOW) <= LIMIT
        for task in tasks:
            assert not task.done(), task.exception()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    return begin


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("rtt", "share"), [(0.12, 0.955), (0.06, 0.97), (0.02, 0.97)])
async def test_four_hosts_use_the_quota_and_are_never_refused(
    crowd: Begin, policy: str, rtt: float, share: float
) -> None:
    async with crowd(policy=policy, rtt=rtt) as now:
        begun, calls, done = asyncio.get_running_loop().time(), now.slots.calls, len(now.lemlist.accepted)
        await asyncio.sleep(40)
        assert now.lemlist.refused == []
        assert now.share(begun) >= share
        assert (now.slots.calls - calls) / (len(now.lemlist.accepted) - done) <= 2.2
        counts = [member.done for member in now.members]
        assert max(counts) <= 2.5 * min(counts)
        assert {member.throttle.scope for member in now.members} == {"redis"}
        assert {member.throttle.members for member in now.members} == {4}


async def test_sixteen_hosts_need_few_calls_of_the_server_each(crowd: Begin) -> None:
    async with crowd(16) as now:
        begun, calls, done = asyncio.get_running_loop().time(), now.slots.calls, len(now.lemlist.accepted)
        await asyncio.sleep(40)
        assert now.lemlist.refused == []
        assert now.share(begun) >= 0.96
        assert (now.slots.calls - calls) / (len(now.lemlist.accepted) - done) <= 2.2


async def test_more_hosts_than_slots_need_few_calls_of_the_server_each(crowd: Begin) -> None:
    async with crowd(25) as now:
        begun, calls, done = asyncio.get_running_loop().time(), now.slots.calls, len(now.lemlist.accepted)
        await asyncio.sleep(40)
        assert now.lemlist.refused == []
        assert now.share(begun) >= 0.96
        assert (now.slots.calls - calls) / (len(now.lemlist.accepted) - done) <= 2.4
        assert min(member.done for member in now.members) > 0


@pytest.mark.parametrize(("rtt", "share"), [(0.024, 0.9), (0.12, 0.86), (0.36, 0.79)])
async def test_a_sliding_counter_gives_several_hosts_what_it_gives_one(
    crowd: Begin, rtt: float, share: float
) -> None:
    async with crowd(policy="sliding-counter", rtt=rtt) as now:
        await asyncio.sleep(6)  # until a refusal has taught the rule, and its pause is over
        taught = len(now.lemlist.refused)
        assert taught > 0
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(40)
        assert len(now.lemlist.refused) == taught
        assert now.share(begun) >= share
        assert {member.throttle.limit for member in now.members} == {LIMIT}


@pytest.mark.parametrize("harm", ["forget", "restart", "both"])
async def test_a_server_that_forgets_gets_no_member_refused(crowd: Begin, harm: str) -> None:
    async with crowd() as now:
        for turn in range(5):
            await asyncio.sleep(4.3 + 0.37 * turn)
            if harm != "restart":
                now.slots.forget()
            if harm != "forget":
                now.slots.restart(f"b{turn}")
        await asyncio.sleep(6)
        assert now.lemlist.refused == []
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(20)
        assert now.share(begun) >= 0.95


async def test_a_server_that_is_away_leaves_each_host_its_share_and_is_used_again_when_it_is_back(
    crowd: Begin,
) -> None:
    async with crowd() as now:
        now.slots.away = True
        await asyncio.sleep(1.6)
        assert {member.throttle.scope for member in now.members} == {"process"}
        assert all("no answer" in (member.throttle.trouble or "") for member in now.members)
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(12)
        # four shares of a quarter
        assert now.share(begun + 2.5) >= 0.85
        now.slots.away = False
        await asyncio.sleep(4)
        assert {member.throttle.scope for member in now.members} == {"redis"}
        assert {member.throttle.trouble for member in now.members} == {None}
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(20)
        assert now.lemlist.refused == []
        assert now.share(begun) >= 0.95


@pytest.mark.parametrize("seconds", [0.1, 0.4, 1.0, 1.6, 3.0])
@pytest.mark.parametrize("way", ["away", "deaf"])
async def test_a_server_that_is_silent_for_a_moment_gets_no_member_refused(
    crowd: Begin, seconds: float, way: str
) -> None:
    async with crowd() as now:
        for _ in range(4):
            if way == "deaf":
                for member in now.members:
                    member.link.deaf = True
            else:
                now.slots.away = True
            await asyncio.sleep(seconds)
            now.slots.away = False
            for member in now.members:
                member.link.deaf = False
            await asyncio.sleep(3.3)
        assert now.lemlist.refused == []
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(20)
        assert now.share(begun) >= 0.95


async def test_a_busy_host_with_an_empty_one_beside_it_leaves_that_one_its_share_in_an_outage(
    crowd: Begin,
) -> None:
    async with crowd(1) as now:
        idle = Member(now.slots, pytest.MonkeyPatch())
        now.slots.away = True
        # until the server went away the other host has sent the whole quota
        await asyncio.gather(*(idle(now.lemlist.wire) for _ in range(10)))
        assert now.lemlist.refused == []


async def test_calls_fail_within_a_third_of_a_second_if_the_options_say_so(crowd: Begin) -> None:
    async with crowd(2, on_outage="fail") as now:
        now.slots.away = True
        begun = asyncio.get_running_loop().time()
        while not all(member.failed for member in now.members):  # noqa: ASYNC110  # a member has no event for it
            await asyncio.sleep(0.01)
        assert asyncio.get_running_loop().time() - begun < 0.6
        begun = asyncio.get_running_loop().time()
        with pytest.raises(LimitStoreError, match="on_outage is 'fail'"):
            await now.members[0].throttle.acquire()
        assert asyncio.get_running_loop().time() - begun <= 0.3
        now.slots.away = False
        await asyncio.sleep(2)
        before = [member.done for member in now.members]
        await asyncio.sleep(5)
        assert now.lemlist.refused == []
        assert all(member.done > old for member, old in zip(now.members, before, strict=True))


async def test_a_host_that_alone_loses_the_server_adds_its_share_at_most(crowd: Begin) -> None:
    async with crowd() as now:
        now.members[0].link.cut = True
        await asyncio.sleep(20)
        # its share is a quarter of 20, once per window: docs/throttle.md states this bound
        assert 0 < len(now.lemlist.refused) <= 5 * 10
        now.members[0].link.cut = False
        await asyncio.sleep(130)
        refused = len(now.lemlist.refused)
        await asyncio.sleep(20)
        assert len(now.lemlist.refused) == refused


async def test_a_process_that_is_killed_costs_the_others_little_and_gets_none_refused(crowd: Begin) -> None:
    async with crowd() as now:
        for killed in (0, 1):
            now.members[killed].link.dead = True
            begun = asyncio.get_running_loop().time()
            await asyncio.sleep(30)
            assert (
                now.share(begun) >= 0.92
            )  # what it held is taken for a second and a half longer than the rest
        assert now.lemlist.refused == []
        assert now.members[3].throttle.members == 2


async def test_interactive_calls_wait_little_beside_the_batches_of_other_hosts(crowd: Begin) -> None:
    chance, waits = random.Random(1), list[float]()
    async with crowd(4) as now:
        person = Member(now.slots, pytest.MonkeyPatch())
        for _ in range(100):
            await asyncio.sleep(chance.expovariate(1.0))
            asked = asyncio.get_running_loop().time()

            async def wire(asked: float = asked) -> Decision:
                waits.append(asyncio.get_running_loop().time() - asked)
                return await now.lemlist.wire()

            await person(wire, "interactive")
        assert now.lemlist.refused == []
    waits = sorted(waits[5:])
    assert waits[len(waits) // 2] <= 0.15
    assert waits[int(0.98 * len(waits))] <= 0.6


async def test_a_429_pauses_the_members_of_all_hosts(crowd: Begin) -> None:
    async with crowd() as now:
        slot = await now.members[0].throttle.acquire()
        slot.refused(3.0, by_limiter=False)
        await asyncio.sleep(0.3)
        sent = len(now.lemlist.accepted)
        await asyncio.sleep(2.5)
        assert len(now.lemlist.accepted) == sent
        await asyncio.sleep(5)
        assert len(now.lemlist.accepted) > sent


async def test_the_password_of_the_server_is_in_no_representation_and_no_error(
    crowd: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    async with crowd(1) as now:
        throttle = now.members[0].throttle
        now.slots.away = True
        await asyncio.sleep(1)
        shown = [repr(throttle), repr(throttle.options), str(throttle.trouble), caplog.text]
        assert not [text for text in shown if "secret" in text]
        assert "redis://server" in repr(throttle.options)
