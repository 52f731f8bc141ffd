"""Cancellation at any instant leaks nothing and stops no other caller."""

from __future__ import annotations

import asyncio

import pytest

from lemlist_async.throttle import Throttle
from tests.timed.conftest import MakeThrottle


async def use(throttle: Throttle) -> None:
    slot = await throttle.acquire("bulk")
    await asyncio.sleep(0.01)
    slot.answered()


async def settle(throttle: Throttle) -> None:
    """Long enough for every slot to be free again."""
    await asyncio.sleep(10)
    assert (throttle.in_flight, throttle.queued) == (0, {"interactive": 0, "bulk": 0})
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("turns", range(12))
async def test_a_waiter_cancelled_after_so_many_turns_leaks_nothing(
    make_throttle: MakeThrottle, turns: int
) -> None:
    """At some turn it was granted, but has not woken yet: then the slot must go back."""
    throttle = make_throttle(limit=1, window=0.00001, margin=0.0, pacer=None)
    first = await throttle.acquire()
    waiting = asyncio.create_task(throttle.acquire())
    await asyncio.sleep(0)
    first.answered()
    for _ in range(turns):
        await asyncio.sleep(0)
    if not waiting.cancel():
        waiting.result().give_back()
    await asyncio.gather(waiting, return_exceptions=True)
    await use(throttle)
    await settle(throttle)


async def test_a_grant_that_meets_a_cancellation_goes_to_the_next(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle(limit=1, pacer=None)
    first = await throttle.acquire()
    cancelled = asyncio.create_task(throttle.acquire())
    following = asyncio.create_task(throttle.acquire())
    await asyncio.sleep(0.1)
    first.give_back()
    # granted already; the waiter itself would wake in the next turn
    assert throttle.in_flight == 1
    cancelled.cancel()
    (await following).answered()
    assert cancelled.cancelled()
    assert throttle.stats.returned == 2
    await settle(throttle)


async def test_the_only_waiter_may_leave_a_shut_gate(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle()
    (await throttle.acquire()).refused(60, by_limiter=True)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(throttle.acquire(), 1.0)
    await asyncio.sleep(0.1)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert throttle.paused_for > 50


async def test_a_waiter_that_leaves_while_the_pacer_holds_it_costs_no_other_a_turn(
    make_throttle: MakeThrottle,
) -> None:
    throttle = make_throttle(limit=2)
    (await throttle.acquire()).answered()
    await use(throttle)
    leaving = asyncio.create_task(throttle.acquire("bulk"))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(*(use(throttle) for _ in range(5)), return_exceptions=True)
    await settle(throttle)


async def test_cancelling_any_one_of_many_stops_no_other(make_throttle: MakeThrottle) -> None:
    for victim in range(8):
        throttle = make_throttle(limit=2)
        tasks = [asyncio.create_task(use(throttle)) for _ in range(8)]
        await asyncio.sleep(0.02)
        tasks[victim].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(result is None for result in done) >= 7
        await settle(throttle)


async def test_ten_thousand_cancelled_at_once_leave_the_others_their_turns(
    make_throttle: MakeThrottle,
) -> None:
    throttle = make_throttle()
    crowd = [asyncio.create_task(throttle.acquire("bulk")) for _ in range(10_000)]
    others = [asyncio.create_task(use(throttle)) for _ in range(50)]
    await asyncio.sleep(0.5)
    granted = throttle.in_flight
    for task in crowd:
        task.cancel()
    results = await asyncio.gather(*crowd, return_exceptions=True)
    assert sum(isinstance(result, asyncio.CancelledError) for result in results) == 10_000 - granted
    for result in results:
        if not isinstance(result, BaseException):
            result.answered()
    await asyncio.gather(*others)
    await settle(throttle)


async def test_a_coroutine_that_is_thrown_away_leaves_the_queue(make_throttle: MakeThrottle) -> None:
    throttle = make_throttle(limit=1)
    await throttle.acquire()
    thrown = throttle.acquire()
    thrown.send(None)
    assert throttle.queued["interactive"] == 1
    thrown.close()
    assert throttle.queued["interactive"] == 0
    await asyncio.sleep(0.1)
    assert asyncio.all_tasks() == {asyncio.current_task()}
