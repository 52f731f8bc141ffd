"""One throttle, several event loops, one after the other and side by side in threads."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from lemlist_async.errors import ClosedError, WaitTooLongError
from lemlist_async.testing.virtual_time import VirtualClockLoop
from lemlist_async.throttle import Slot, Throttle, ThrottleOptions


class Clock:
    """One clock for all the loops of a test."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def take(throttle: Throttle, requests: int) -> list[Slot]:
    return [await throttle.acquire() for _ in range(requests)]


def test_two_runs_in_a_row_share_one_quota() -> None:
    clock = Clock()
    throttle = Throttle(ThrottleOptions(pacer=None), clock=clock)

    async def use() -> None:
        for _ in range(20):
            (await throttle.acquire()).answered()

    asyncio.run(use())
    clock.now = 1.9

    async def ask_for_one() -> None:
        with pytest.raises(WaitTooLongError):
            await throttle.acquire(max_wait=0.01)

    asyncio.run(ask_for_one())
    clock.now = 2.1
    asyncio.run(use())
    assert throttle.stats.grants == 40


def test_a_loop_that_died_with_requests_in_flight_takes_their_slots_along_for_one_window() -> None:
    clock = Clock()
    throttle = Throttle(ThrottleOptions(limit=2, pacer=None), clock=clock)
    (slot, _) = asyncio.run(take(throttle, 2))
    clock.now = 10.0

    async def ask() -> float:
        assert throttle.limit == 2
        with pytest.raises(WaitTooLongError):
            await throttle.acquire(max_wait=0.0)
        return throttle.eta()

    assert asyncio.run(ask()) == pytest.approx(2.005)
    assert throttle.stats.aborted == 2
    slot.answered()
    assert throttle.in_flight == 0


def test_whoever_waited_in_a_loop_that_died_is_forgotten() -> None:
    throttle = Throttle(ThrottleOptions(limit=1))
    loop = asyncio.new_event_loop()
    tasks = [loop.create_task(throttle.acquire()) for _ in range(3)]
    loop.run_until_complete(asyncio.sleep(0))
    assert throttle.queued["interactive"] == 2
    for task in [*tasks, *asyncio.all_tasks(loop)]:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()
    assert throttle.queued["interactive"] == 0

    async def ask() -> None:
        with pytest.raises(WaitTooLongError):
            await throttle.acquire(max_wait=0.5)

    asyncio.run(ask())


@pytest.mark.parametrize("dropped", [False, True])
def test_the_remains_of_a_loop_that_was_closed_amid_waiting_do_not_touch_the_next_one(dropped: bool) -> None:
    throttle = Throttle(ThrottleOptions(limit=1, window=0.05, pacer=None))
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)
    tasks = [loop.create_task(throttle.acquire()) for _ in range(3)]
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    if dropped:
        throttle.cancel_waiters(None)
        assert throttle.queued["interactive"] == 0

    async def use() -> None:
        waiting = [asyncio.create_task(take(throttle, 1)) for _ in range(2)]
        await asyncio.sleep(0)
        tasks.clear()
        gc.collect()
        for taken in asyncio.as_completed(waiting):
            (await taken)[0].answered()

    asyncio.run(asyncio.wait_for(use(), 10))
    assert throttle.queued["interactive"] == 0


@pytest.mark.parametrize("in_a_loop", [True, False])
def test_waiters_are_cancelled_by_their_owner_from_any_thread_and_no_others(in_a_loop: bool) -> None:
    throttle = Throttle(ThrottleOptions(limit=1, window=0.05, pacer=None))
    mine, yours = object(), object()

    async def cancel() -> None:
        throttle.cancel_waiters(mine)

    async def use() -> None:
        slot = await throttle.acquire()
        leaving = asyncio.create_task(throttle.acquire(owner=mine))
        staying = asyncio.create_task(throttle.acquire(owner=yours))
        await asyncio.sleep(0)
        await asyncio.to_thread(lambda: asyncio.run(cancel()) if in_a_loop else throttle.cancel_waiters(mine))
        with pytest.raises(ClosedError):
            await leaving
        assert throttle.queued["interactive"] == 1
        slot.answered()
        (await staying).answered()

    asyncio.run(asyncio.wait_for(use(), 10))


def test_the_waiters_of_a_loop_that_stands_still_can_be_cancelled() -> None:
    throttle = Throttle(ThrottleOptions(limit=1, pacer=None))
    loop = asyncio.new_event_loop()
    tasks = [loop.create_task(throttle.acquire()) for _ in range(2)]
    loop.run_until_complete(asyncio.sleep(0))
    throttle.cancel_waiters(None)
    ended = loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    assert isinstance(ended[1], ClosedError)
    loop.close()


def test_a_slot_held_in_one_loop_is_waited_for_in_another() -> None:
    throttle = Throttle(ThrottleOptions(limit=1))
    loop = asyncio.new_event_loop()
    slot = loop.run_until_complete(throttle.acquire())

    async def ask() -> None:
        with pytest.raises(WaitTooLongError):
            await throttle.acquire(max_wait=0.01)

    asyncio.run(ask())
    slot.give_back()
    asyncio.run(take(throttle, 1))
    loop.close()


def test_threads_with_a_loop_each_share_one_quota() -> None:
    throttle = Throttle(ThrottleOptions(limit=4, window=0.02, margin=0.0, pacer=None))
    checks, errors = list[float](), list[Exception]()

    async def use() -> None:
        for _ in range(10):
            slot = await throttle.acquire()
            checks.append(throttle.now())
            await asyncio.sleep(0.001)
            slot.answered()

    def work() -> None:
        try:
            for _ in range(3):
                asyncio.run(asyncio.wait_for(use(), 30))
        except Exception as error:  # noqa: BLE001  # whatever it is, the test shall tell
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (errors, len(checks)) == ([], 240)
    # a check is noted after the grant, so each may be late by a turn of its loop, and never early
    assert throttle.in_flight == 0
    assert throttle.queued == {"interactive": 0, "bulk": 0}


def test_an_interactive_request_of_one_loop_overtakes_the_batch_of_another() -> None:
    throttle = Throttle(ThrottleOptions(limit=1, window=0.05, pacer=None))
    order = list[str]()

    async def batch() -> None:
        async def row() -> None:
            slot = await throttle.acquire("bulk")
            order.append("row")
            slot.answered()

        await asyncio.gather(*(row() for _ in range(4)))

    async def person() -> None:
        slot = await throttle.acquire("interactive")
        order.append("person")
        slot.answered()

    async def first() -> None:
        slot = await throttle.acquire()
        rows = asyncio.create_task(batch())
        await asyncio.sleep(0)
        thread = threading.Thread(target=lambda: asyncio.run(person()))
        thread.start()
        while throttle.queued["interactive"] < 1:  # noqa: ASYNC110  # another thread tells nothing
            await asyncio.sleep(0.001)
        slot.answered()
        await rows
        await asyncio.to_thread(thread.join)

    asyncio.run(asyncio.wait_for(first(), 20))
    assert order == ["person", *["row"] * 4]


def test_a_loop_that_is_closed_while_another_waits_for_its_answers_blocks_it_for_one_window_only() -> None:
    throttle = Throttle(ThrottleOptions(limit=2, window=0.05, pacer=None))
    held, waiting = threading.Event(), threading.Event()

    def dies() -> None:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(take(throttle, 2))
        held.set()
        waiting.wait(10)
        loop.close()

    thread = threading.Thread(target=dies)
    thread.start()
    held.wait(10)

    async def ask() -> None:
        asking = asyncio.create_task(throttle.acquire())
        await asyncio.sleep(0)
        waiting.set()
        (await asking).answered()

    asyncio.run(asyncio.wait_for(ask(), 10))
    thread.join(10)
    assert throttle.stats.aborted == 2


def test_many_loops_in_a_row_need_no_warning_and_no_task() -> None:
    throttle = Throttle(ThrottleOptions(limit=50))

    async def use() -> None:
        slots = await asyncio.gather(*(throttle.acquire() for _ in range(8)))
        for slot in slots:
            slot.answered()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    for _ in range(3):
        with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
            runner.run(use())
    assert throttle.stats.grants == 24
