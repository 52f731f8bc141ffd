from __future__ import annotations

import asyncio
import socket
import time

import pytest
from aiolimiter import AsyncLimiter

from lemlist_async.testing import virtual_time
from lemlist_async.testing.virtual_time import TICK, VirtualClockLoop, run


async def test_pytest_runs_the_tests_of_this_folder_on_the_virtual_clock() -> None:
    assert isinstance(asyncio.get_running_loop(), VirtualClockLoop)


async def test_an_hour_passes_in_no_time_and_is_counted() -> None:
    loop = asyncio.get_running_loop()
    before, real = loop.time(), time.monotonic()
    await asyncio.sleep(3600)
    assert loop.time() - before == pytest.approx(3600, abs=0.001)
    assert time.monotonic() - real < 1


async def test_sleepers_wake_in_the_order_of_their_timers() -> None:
    woken: list[float] = []

    async def sleeper(seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append(seconds)

    await asyncio.gather(*map(sleeper, (3, 1, 2, 0.5)))
    assert woken == [0.5, 1, 2, 3]


async def test_a_timeout_is_a_timer_like_any_other() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(30):
            await asyncio.Event().wait()


async def test_every_turn_takes_time_even_if_the_wait_is_too_short_to_move_the_clock() -> None:
    loop = asyncio.get_running_loop()
    before = loop.time()
    for _ in range(10):
        await asyncio.sleep(1e-17)
    assert loop.time() - before >= 10 * TICK * 0.99


async def test_a_limiter_that_is_left_with_a_wait_of_next_to_nothing_goes_on() -> None:
    limiter = AsyncLimiter(1, 0.1)
    for _ in range(50):
        await limiter.acquire()


async def test_a_thread_is_waited_for() -> None:
    assert await asyncio.to_thread(lambda: 7) == 7


async def test_a_ready_socket_is_served_before_time_passes() -> None:
    loop = asyncio.get_running_loop()
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        far.send(b"x")
        before = loop.time()
        assert await asyncio.wait_for(loop.sock_recv(near, 1), 60) == b"x"
        assert loop.time() - before < 1


def test_a_deadlock_is_an_error_and_not_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_time, "PATIENCE", 0.01)

    async def wait_for_nobody() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="deadlock"):
        run(wait_for_nobody())


def test_run_gives_the_result_back() -> None:
    async def answer() -> int:
        await asyncio.sleep(42)
        return 42

    assert run(answer()) == 42
