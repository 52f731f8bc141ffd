"""Receivers of webhooks on real sockets, and what tests ask of them."""

import asyncio
import contextlib
import io
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn
from aiohttp import web

from lemlist_async import Retry
from lemlist_async.webhooks import Event, ReceiverOptions, WebhookReceiver
from tests.support.posted import SECRET

QUICK = Retry(attempts=3, base=0.01, cap=0.02)


def receiver(folder: Path, secret: Any = SECRET, **options: Any) -> WebhookReceiver:
    """Make a receiver whose pauses are short."""
    given = {"retry": QUICK, "poll_every": 0.05, "shutdown_timeout": 1.0} | options
    return WebhookReceiver(folder / "hooks.db", secret=secret, options=ReceiverOptions(**given))


def collect(made: WebhookReceiver, *wanted: Any) -> list[Event]:
    """Register a handler, and return the list that its events go to."""
    found: list[Event] = []

    @made.on(*wanted)
    async def keep(event: Event) -> None:
        found.append(event)

    return found


async def until(holds: Callable[[], Any], within: float = 20.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110  # what holds is not ours, and sets no event
            await asyncio.sleep(0.005)


async def settled(made: WebhookReceiver) -> dict[str, int]:
    """Return the counts of a receiver once no event waits."""
    async with asyncio.timeout(20):
        while (counts := await made.counts())["waiting"]:  # noqa: ASYNC110  # nor does a file
            await asyncio.sleep(0.005)
    return counts


@contextlib.asynccontextmanager
async def on_aiohttp(made: WebhookReceiver) -> AsyncIterator[str]:
    """Serve a receiver as a route of aiohttp.web, and give its address."""
    app = web.Application()
    made.add_to(app, "/hook")
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def on_uvicorn(app: Any, path: str = "/hook") -> AsyncIterator[str]:
    """Serve an ASGI application with uvicorn, and give an address of it."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        server = uvicorn.Server(uvicorn.Config(app, log_level="debug", lifespan="on", log_config=None))
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        while not (server.started or serving.done()):  # noqa: ASYNC110  # nor does uvicorn
            await asyncio.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}{path}"
        finally:
            server.should_exit = True
            await serving


async def post(url: str, *bodies: Any, method: str = "POST") -> list[int]:
    """Send bodies one after the other, and return the statuses."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        found: list[int] = []
        for body in bodies:
            # aiohttp warns of large bytes
            sent = io.BytesIO(body) if isinstance(body, bytes) and len(body) > 2**20 else body
            named = {"json": body} if isinstance(body, dict) else {"data": sent}
            async with session.request(method, url, **named, allow_redirects=False) as response:
                assert await response.read() == b""
                found.append(response.status)
        return found
