"""Processes that receive webhooks, killed and stopped."""

import asyncio
import signal
from pathlib import Path

import aiohttp
import pytest

from benchmarks.webhooks import Servers, fire, survive
from tests.support.posted import posted
from tests.support.receivers import until

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("face", "processes"), [("aiohttp", 1), ("uvicorn", 3)])
async def test_killed_processes_lose_nothing_and_repeat_at_most_one_event_each(
    face: str, processes: int
) -> None:
    events = await survive(face, processes, kills=6)
    assert events.lost == 0
    assert events.twice <= 6


async def test_the_events_of_a_stopped_process_go_to_another_one(tmp_path: Path) -> None:
    servers = Servers("aiohttp", 2, tmp_path, slow=0.01)
    await servers.start()
    bodies = [posted(number) for number in range(100)]
    posting = asyncio.create_task(fire(servers.url, bodies[:50], 10))
    await until(lambda: len(servers.handled()) > 5)
    stopped = servers.alive[0]
    stopped.send_signal(signal.SIGSTOP)
    try:
        # posts that the stopped process accepted are not answered: lemlist repeats them
        await asyncio.wait([posting], timeout=1)
        posting.cancel()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as session:
            for body in bodies:
                await _post(session, servers.url, body)
        await until(lambda: len(servers.handled()) == 100, within=60)
    finally:
        stopped.send_signal(signal.SIGCONT)
    await asyncio.sleep(0.5)
    handled = servers.handled()
    await servers.stop()
    assert sum(handled.values()) <= 101  # the one that was under way


async def _post(session: aiohttp.ClientSession, url: str, body: bytes) -> None:
    """Post until a process that runs has accepted the connection."""
    while True:
        try:
            async with session.post(url, data=body) as response:
                assert response.status == 200
                return
        except TimeoutError:
            continue
