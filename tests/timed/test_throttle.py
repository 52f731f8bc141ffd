"""Behaviour of the throttle towards its callers."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from lemlist_async.errors import ClosedError, QueueFullError, WaitTooLongError
from lemlist_async.options import Lane
from lemlist_async.throttle import RateState, Slot, Throttle
from tests.timed.conftest import MakeThrottle


def now() -> float:
    return asyncio.get_running_loop().time()


async def fill(throttle: Throttle, seconds: float = 0.0) -> list[Slot]:
    """Use the whole quota; the slots are answered after so many seconds each."""
    slots = [await throttle.acquire() for _ in range(throttle.limit)]
    if seconds:
        await asyncio.sleep(seconds)
        for slot in slots:
            slot.answered()
    return slots


async def ask(throttle: Throttle, order: list[str], name: str, lane: Lane) -> None:
    slot = await throttle.acquire(lane)
    order.append(name)
    slot.answered()


async def test_a_free_throttle_grants_at_once(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle()
    acquiring = throttle.acquire()
    with pytest.raises(StopIteration) as finished:
        acquiring.send(None)
    slot = finished.value.value
    assert (slot.waited, slot.reason, throttle.in_flight) == (0.0, None, 1)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_quota_is_granted_and_the_next_request_waits_until_a_window_after_the_first_answer(
    make_throttle: MakeThrottle,
) -> None:
    throttle = make_throttle(pacer=None, credit=0)
    await fill(throttle, 0.5)
    answered = now()
    slot = await throttle.acquire()
    assert now() - answered == pytest.approx(2.005, abs=1e-4)
    assert (slot.waited, slot.reason) == (pytest.approx(2.005, abs=1e-4), "quota")


async def test_a_request_without_an_answer_holds_its_slot(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle(limit=1)
    slot = await throttle.acquire()
    waiting = asyncio.create_task(throttle.acquire())
    await asyncio.sleep(1000)
    assert not waiting.done()
    slot.answered()
    before = now()
    await waiting
    assert now() - before == pytest.approx(2.005, abs=1e-4)


@pytest.mark.parametrize("lane", ["interactive", "bulk"])
@pytest.mark.parametrize("requests", [10, 20])
async def test_no_request_waits_while_the_quota_is_free(
    make_throttle: MakeThrottle, requests: int, lane: Lane
) -> None:
    throttle, before = make_throttle(), now()

    async def one() -> None:
        slot = await throttle.acquire(lane)
        await asyncio.sleep(0.06)
        slot.answered()

    await asyncio.gather(*(one() for _ in range(requests)))
    assert now() - before == pytest.approx(0.06, abs=1e-3)
    assert throttle.stats.waits == 0


async def test_bursts_of_three_quotas_take_two_windows_once_the_server_is_known(
    make_throttle: MakeThrottle,
) -> None:
    throttle, seconds = make_throttle(), list[float]()

    async def one() -> None:
        slot = await throttle.acquire()
        await asyncio.sleep(0.06)
        slot.answered()

    for _ in range(8):
        before = now()
        await asyncio.gather(*(one() for _ in range(60)))
        seconds.append(now() - before)
        await asyncio.sleep(10)
    assert seconds[-1] == pytest.approx(4.1, abs=0.1)


async def test_a_batch_is_spread_while_interactive_requests_come(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle()
    (await throttle.acquire()).answered()
    gaps = list[float]()

    async def row() -> None:
        slot = await throttle.acquire("bulk")
        gaps.append(now())
        slot.answered()

    await asyncio.gather(*(row() for _ in range(120)))
    # the last window: at most the three tokens of the bucket go together, and no gap is long
    apart = [after - before for before, after in itertools.pairwise(gaps[-20:])]
    assert sum(gap < 0.05 for gap in apart) <= 2
    assert max(apart) < 0.5


async def test_a_person_overtakes_the_batch_that_waits(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle()
    await fill(throttle, 0.1)
    order: list[str] = []
    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(ask(throttle, order, f"row {number}", "bulk"))
        await asyncio.sleep(0.5)
        group.create_task(ask(throttle, order, "person", "interactive"))
    assert order == ["person", "row 0", "row 1", "row 2", "row 3", "row 4"]


async def test_who_goes_is_decided_at_the_instant_of_the_grant(make_throttle: MakeThrottle) -> None:
    """A person who comes while the timer already runs, for the sake of a row, still goes first."""
    throttle = make_throttle(limit=1)
    (await throttle.acquire()).answered()
    order: list[str] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(ask(throttle, order, "row", "bulk"))
        await asyncio.sleep(2.0)
        group.create_task(ask(throttle, order, "person", "interactive"))
    assert order == ["person", "row"]


async def test_bulk_is_never_starved_by_a_stream_of_people(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle()
    order: list[str] = []
    async with asyncio.TaskGroup() as group:
        for _ in range(100):
            group.create_task(ask(throttle, order, "person", "interactive"))
        for _ in range(5):
            group.create_task(ask(throttle, order, "row", "bulk"))
    assert [place for place, name in enumerate(order) if name == "row"][-1] < 20 + 60


async def test_a_full_lane_turns_away_at_once_and_only_itself(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle(max_queue=2)
    await fill(throttle, 0.1)
    waiting = [asyncio.create_task(throttle.acquire("bulk")) for _ in range(2)]
    await asyncio.sleep(0)
    before = now()
    with pytest.raises(QueueFullError, match="2 requests wait in the bulk lane") as refused:
        await throttle.acquire("bulk")
    assert now() - before < 0.001
    assert 0.3 < refused.value.forecast < 3
    (await throttle.acquire("interactive")).give_back()
    await asyncio.gather(*waiting)
    assert throttle.stats.turned_away == 1


async def test_who_would_wait_too_long_is_turned_away_before_waiting(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle(max_wait=1.0, credit=0)
    await fill(throttle, 0.1)
    before = now()
    with pytest.raises(WaitTooLongError) as refused:
        await throttle.acquire()
    assert now() - before < 0.001
    assert refused.value.forecast == pytest.approx(2.005, abs=0.01)
    slot = await throttle.acquire(max_wait=3.0)
    assert slot.waited == pytest.approx(2.005, abs=0.01)


async def test_a_wait_that_becomes_too_long_ends_in_time(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle(limit=1)
    first = await throttle.acquire()
    waiting = asyncio.create_task(throttle.acquire(max_wait=3.0))
    before = now()
    with pytest.raises(WaitTooLongError):
        await waiting
    assert now() - before == pytest.approx(3.0, abs=1e-3)
    assert throttle.queued == {"interactive": 0, "bulk": 0}
    first.answered()
    await throttle.acquire()


async def test_a_wait_bound_does_nothing_to_who_is_served_in_time(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle(limit=1)
    (await throttle.acquire()).answered()
    (await throttle.acquire(max_wait=5.0)).answered()
    await asyncio.sleep(10)
    assert throttle.stats.turned_away == 0


async def test_a_429_stops_everybody_until_the_pause_and_its_spread_are_over(
    make_throttle: MakeThrottle,
) -> None:
    throttle = make_throttle()
    slot = await throttle.acquire()
    waiting = [asyncio.create_task(throttle.acquire("bulk")) for _ in range(3)]
    slot.refused(10.0, by_limiter=True)
    assert throttle.paused_for == pytest.approx(10.5)
    before = now()
    slots = await asyncio.gather(*waiting)
    assert now() - before == pytest.approx(10.5, abs=0.01)
    assert {slot.reason for slot in slots} == {"pause"}
    assert throttle.paused_for == 0.0


async def test_the_gate_shuts_for_those_who_come_later_too(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle()
    (await throttle.acquire()).refused(2.0, by_limiter=False)
    slot = await throttle.acquire()
    assert (slot.waited, slot.reason) == (pytest.approx(2.1, abs=1e-3), "pause")


async def test_a_plan_limit_that_is_not_reported_as_a_refusal_leaves_the_gate_open(
    make_throttle: MakeThrottle,
) -> None:
    throttle = make_throttle()
    (await throttle.acquire()).answered(RateState(20, 17))
    assert (throttle.paused_for, throttle.mode, throttle.stats.refusals) == (0.0, "ledger", 0)


async def test_only_the_first_word_about_a_slot_counts(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle(limit=1)
    slot = await throttle.acquire()
    slot.give_back()
    slot.answered()
    slot.refused(60.0, by_limiter=True)
    slot.aborted()
    slot.give_back()
    assert (throttle.in_flight, throttle.paused_for, throttle.mode) == (0, 0.0, "ledger")
    assert (await throttle.acquire()).waited == 0.0


async def test_a_slot_given_back_is_free_for_whoever_waits(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle(limit=1, pacer=None)
    slot = await throttle.acquire()
    waiting = asyncio.create_task(throttle.acquire())
    await asyncio.sleep(1)
    before = now()
    slot.give_back()
    await waiting
    assert now() - before < 0.001


async def test_a_client_that_closes_ends_its_own_waiters_only(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle()
    await fill(throttle, 0.1)
    mine, yours = object(), object()
    dropped = [asyncio.create_task(throttle.acquire("bulk", owner=mine)) for _ in range(3)]
    others = [asyncio.create_task(throttle.acquire("bulk", owner=yours)) for _ in range(3)]
    await asyncio.sleep(0.1)
    throttle.cancel_waiters(mine)
    ended = await asyncio.gather(*dropped, return_exceptions=True)
    assert [type(error) for error in ended] == [ClosedError] * 3
    assert throttle.queued["bulk"] == 3
    await asyncio.gather(*others)


async def test_a_smaller_share_of_the_quota_is_not_passed(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle(share=0.25, pacer=None)
    await fill(throttle)
    assert (throttle.limit, throttle.in_flight) == (5, 5)
    waiting = asyncio.create_task(throttle.acquire())
    await asyncio.sleep(100)
    assert not waiting.done()
    waiting.cancel()


async def test_the_forecast_comes_true(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle()
    forecasts: list[tuple[float, float]] = []

    async def one() -> None:
        expected = now() + throttle.eta()
        slot = await throttle.acquire("bulk")
        forecasts.append((expected, now()))
        await asyncio.sleep(0.1)
        slot.answered()

    # until the server is known, some requests wait for each other, which no forecast foresees
    await asyncio.gather(*(one() for _ in range(400)))
    await asyncio.sleep(10)
    forecasts.clear()
    start = now()
    await asyncio.gather(*(one() for _ in range(400)))
    for expected, actual in forecasts:
        assert expected - start == pytest.approx(actual - start, rel=0.03, abs=0.4)


async def test_a_forecast_for_a_person_does_not_count_the_batch(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle()
    waiting = [asyncio.create_task(throttle.acquire("bulk")) for _ in range(200)]
    await asyncio.sleep(0)
    assert throttle.eta() > 15
    assert throttle.eta(lane="interactive") < 3
    assert throttle.eta(100) - throttle.eta() == pytest.approx(10, abs=2.1)
    for task in waiting:
        task.cancel()


async def test_what_is_seen_from_outside(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle()
    assert throttle.round_trip is None
    for slot in await fill(throttle):
        await asyncio.sleep(0.05)
        slot.answered()
    waiting = asyncio.create_task(throttle.acquire("bulk"))
    await asyncio.sleep(0.01)
    assert (throttle.limit, throttle.window, throttle.in_flight) == (20, 2.0, 0)
    assert throttle.queued == {"interactive": 0, "bulk": 1}
    assert throttle.round_trip is None
    assert throttle.stats.grants == 20
    assert not throttle.idle
    assert repr(throttle).startswith("<Throttle(limit=20, window=2) at 0x")
    assert "[process, ledger, in flight: 0, queued: 1, next grant in " in repr(throttle)
    slot = await waiting
    assert throttle.stats.waits > 0
    assert repr(slot).startswith("<Slot(held, granted at 1")
    slot.answered()
    assert repr(slot).startswith("<Slot(ended, ")
    await asyncio.sleep(10)
    assert throttle.idle


async def test_the_time_to_connect_is_no_part_of_the_round_trip(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle(pacer=None)
    for _ in range(20):
        slot = await throttle.acquire()
        await asyncio.sleep(0.3)  # a connection is made
        slot.wrote()
        await asyncio.sleep(0.1)
        slot.answered()
    assert throttle.round_trip == pytest.approx(0.1, abs=1e-3)


async def test_a_request_that_cannot_tell_when_it_leaves_earns_no_credit(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle(pacer=None)
    for _ in range(15):
        slot = await throttle.acquire()
        slot.untimed()
        await asyncio.sleep(0.1)
        slot.answered()
    assert throttle.round_trip is None
