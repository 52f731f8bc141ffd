"""Limits end like those of asyncio, whether they share a timer or ring to the instant."""

from __future__ import annotations

import asyncio

import pytest

from lemlist_async.transport.timeouts import TICK, SharedTimer, TimeLimit


def now() -> float:
    return asyncio.get_running_loop().time()


async def under(timer: SharedTimer, seconds: float, work: float) -> None:
    await until(None, timer, seconds, work)


async def until(deadline: float | None, timer: SharedTimer, seconds: float | None, work: float) -> None:
    with TimeLimit(timer, deadline) as limit:
        if seconds is not None:
            limit.allow(seconds)
        await asyncio.sleep(work)


async def test_what_takes_too_long_ends_with_a_timeout_within_a_tick() -> None:
    started = now()
    with pytest.raises(TimeoutError):
        await under(SharedTimer(), 60, 100)
    assert 60 <= now() - started <= 60 + TICK + 0.001
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


@pytest.mark.parametrize(("deadline", "attempt"), [(10.0, 60.0), (60.0, 3.0), (10.0, 3.0), (3.0, None)])
async def test_a_deadline_and_a_short_limit_end_to_the_instant(
    deadline: float, attempt: float | None
) -> None:
    started = now()
    with pytest.raises(TimeoutError):
        await until(started + deadline, SharedTimer(), attempt, 100)
    assert now() - started == pytest.approx(min(deadline, attempt or deadline), abs=0.001)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_no_timer_is_left_behind() -> None:
    with TimeLimit(SharedTimer(), now() + 10) as limit:
        limit.allow(3)
    # what rings now would cancel this very task
    await asyncio.sleep(20)


async def test_what_is_done_in_time_is_left_alone_and_the_timer_goes_to_sleep() -> None:
    timer = SharedTimer()
    await under(timer, 60, 1)
    await asyncio.sleep(100)
    assert timer._handle is None
    with pytest.raises(TimeoutError):
        await under(timer, 1, 2)


async def test_each_limit_ends_only_its_own_task() -> None:
    timer = SharedTimer()
    results = await asyncio.gather(under(timer, 5, 9), under(timer, 60, 9), return_exceptions=True)
    assert [type(result) for result in results] == [TimeoutError, type(None)]


async def test_a_cancellation_by_others_stays_a_cancellation() -> None:
    task = asyncio.create_task(under(SharedTimer(), 60, 100))
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_that_meets_the_end_of_the_limit_wins() -> None:
    timer = SharedTimer()
    limits: list[TimeLimit] = []

    async def work() -> None:
        with TimeLimit(timer) as limit:
            limits.append(limit)
            await asyncio.sleep(100)

    task = asyncio.create_task(work())
    await asyncio.sleep(1)
    limits[0].expire("attempt")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_within_a_timeout_of_asyncio_the_earlier_one_ends_it() -> None:
    timer = SharedTimer()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(10) as outer:
            await under(timer, 60, 100)
    assert outer.expired()
    async with asyncio.timeout(100) as outer:
        with pytest.raises(TimeoutError):
            await under(timer, 10, 200)
    assert not outer.expired()


async def test_an_error_of_the_work_itself_is_not_replaced() -> None:
    async def work() -> None:
        with TimeLimit(SharedTimer()) as limit:
            limit.allow(60)
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await work()
