"""One throttle, several event loops: one after the other, never two at a time."""

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
        throttle.drop(None)
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
def test_what_is_dropped_in_another_thread_leaves_the_waiters_of_this_loop_alone(in_a_loop: bool) -> None:
    """Their lanes may change in the middle of a look at them, and futures belong to the thread of their loop."""
    throttle = Throttle(ThrottleOptions(limit=1, window=0.05, pacer=None))

    async def drop() -> None:
        throttle.drop(None)

    async def use() -> None:
        slot = await throttle.acquire()
        waiting = asyncio.create_task(throttle.acquire())
        await asyncio.sleep(0)
        await asyncio.to_thread(lambda: asyncio.run(drop()) if in_a_loop else throttle.drop(None))
        assert throttle.queued["interactive"] == 1
        slot.answered()
        (await waiting).answered()

    asyncio.run(asyncio.wait_for(use(), 10))


def test_the_waiters_of_a_loop_that_stands_still_can_be_dropped() -> None:
    throttle = Throttle(ThrottleOptions(limit=1, pacer=None))
    loop = asyncio.new_event_loop()
    tasks = [loop.create_task(throttle.acquire()) for _ in range(2)]
    loop.run_until_complete(asyncio.sleep(0))
    throttle.drop(None)
    ended = loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    assert isinstance(ended[1], ClosedError)
    loop.close()


def test_a_second_loop_beside_a_running_one_is_told_what_to_do() -> None:
    throttle = Throttle()
    errors: list[BaseException] = []

    def second() -> None:
        try:
            asyncio.run(take(throttle, 1))
        except ClosedError as error:
            errors.append(error)

    async def first() -> None:
        (await throttle.acquire()).give_back()
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(10)

    asyncio.run(first())
    assert "share=1/n" in str(errors[0])


def test_a_loop_that_only_rests_is_left_its_waiters() -> None:
    throttle = Throttle(ThrottleOptions(limit=1))
    loop = asyncio.new_event_loop()
    slot = loop.run_until_complete(throttle.acquire())
    with pytest.raises(ClosedError, match="another event loop"):
        asyncio.run(take(throttle, 1))
    slot.give_back()
    asyncio.run(take(throttle, 1))
    loop.close()


def test_a_new_loop_has_a_pacer_of_its_own() -> None:
    """No warning about a limiter that is used across loops, which this suite would take for an error."""
    throttle = Throttle(ThrottleOptions(limit=50))

    async def use() -> None:
        slots = await asyncio.gather(*(throttle.acquire() for _ in range(8)))
        for slot in slots:
            slot.answered()

    for _ in range(3):
        with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
            runner.run(use())
    assert throttle.stats.grants == 24
