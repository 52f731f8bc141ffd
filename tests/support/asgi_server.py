"""A real uvicorn in the event loop of a test, and visitors who leave."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp


@contextlib.asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """Serve an ASGI application on a loopback port."""
    import uvicorn

    class Server(uvicorn.Server):
        """Leaves the signals of the process to pytest."""

        @contextlib.contextmanager
        def capture_signals(self) -> Any:
            yield

    config = uvicorn.Config(
        app, port=0, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=1
    )
    server = Server(config)
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:  # uvicorn sets no event
            await asyncio.sleep(0.01)
            if running.done():
                running.result()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running


async def until(condition: Callable[[], object], within: float = 10) -> None:
    """Wait for a condition that a peer fulfils."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110  # the peer sets no event
            await asyncio.sleep(0.005)


async def leave_when(
    condition: Callable[[], object], url: str, visitors: int, method: str = "GET", json: Any = None
) -> list[int]:
    """Send requests at once, leave all of them when the condition holds, and return the statuses of the answered."""
    answered: list[int] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def visit() -> None:
            async with session.request(method, url, json=json) as response:
                await response.read()
                answered.append(response.status)

        tasks = [asyncio.create_task(visit()) for _ in range(visitors)]
        await until(condition)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return answered
