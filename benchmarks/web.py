"""Handlers of web backends: their wait beside 5,000 queued calls, the shutdown with that backlog, visitors who leave.

    python benchmarks/web.py [--server fastapi|aiohttp] [--handlers 40]

The server runs in a process of its own, uvicorn with FastAPI or aiohttp.web, and lemlist is the sandbox here, with its
limit of 20 requests per 2 s and 100 to 140 ms per response.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from argparse import SUPPRESS

import aiohttp
from _tables import Table, parser_of, publish

from lemlist_async import Lemlist
from lemlist_async.sandbox import Sandbox

BACKLOG = 5_000
NAMES = {"fastapi": "FastAPI under uvicorn", "aiohttp": "aiohttp.web"}


async def backlog(lemlist: Lemlist, count: int) -> None:
    """Make so many calls of the bulk lane at once."""
    bulk = lemlist.with_options(lane="bulk")
    await asyncio.gather(*(bulk.team.get() for _ in range(count)))


def serve_fastapi(port: int) -> None:
    """Serve FastAPI under uvicorn."""
    import uvicorn
    from fastapi import FastAPI, Request

    from lemlist_async.integrations.asgi import EXCEPTION_HANDLERS, lifespan, until_gone
    from lemlist_async.integrations.fastapi import Client, Tasks

    app = FastAPI(lifespan=lifespan(), exception_handlers=EXCEPTION_HANDLERS)

    async def team(lemlist: Client, request: Request) -> None:
        async with until_gone(request):
            await lemlist.team.get()

    async def queue(lemlist: Client, tasks: Tasks, count: int) -> None:
        tasks.spawn(backlog(lemlist, count))

    app.get("/team")(team)
    app.post("/queue/{count}")(queue)
    uvicorn.run(app, port=port, log_level="error")


def serve_aiohttp(port: int) -> None:
    """Serve aiohttp.web."""
    from aiohttp import web

    from lemlist_async.integrations.aiohttp_web import (
        BACKGROUND,
        LEMLIST,
        error_middleware,
        setup,
        until_gone,
    )

    async def team(request: web.Request) -> web.Response:
        async with until_gone(request):
            await request.app[LEMLIST].team.get()
        return web.Response()

    async def queue(request: web.Request) -> web.Response:
        request.app[BACKGROUND].spawn(backlog(request.app[LEMLIST], int(request.match_info["count"])))
        return web.Response()

    app = web.Application(middlewares=[error_middleware])
    setup(app)
    app.add_routes([web.get("/team", team), web.post("/queue/{count}", queue)])
    web.run_app(app, host="127.0.0.1", port=port, print=lambda *_: None, shutdown_timeout=1)


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


async def start(kind: str, sandbox: Sandbox) -> tuple[subprocess.Popen[bytes], str]:
    """Start a server process, and wait until it answers."""
    port = free_port()
    env = os.environ | {"LEMLIST_API_KEY": sandbox.key, "LEMLIST_BASE_URL": sandbox.url}
    process = subprocess.Popen([sys.executable, __file__, "--serve", f"{kind}:{port}"], env=env)
    url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{url}/nothing"):
                    return process, url
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


async def beside(kind: str, handlers: int) -> dict[str, str]:
    """Measure handlers beside a backlog, and the end of the server with it."""
    async with Sandbox(latency=(0.1, 0.14)) as sandbox:
        process, url = await start(kind, sandbox)
        waits: list[float] = []
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{url}/queue/{BACKLOG}") as response:
                response.raise_for_status()
            await asyncio.sleep(3)
            for _ in range(handlers):
                started = time.perf_counter()
                async with session.get(f"{url}/team") as response:
                    response.raise_for_status()
                waits.append(time.perf_counter() - started)
                await asyncio.sleep(0.25)
        waits.sort()
        began = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(process.wait, 20)
        ended = time.perf_counter() - began
        beside = f"beside {BACKLOG:,} queued calls of the bulk lane"
        return {
            f"{handlers} handlers {beside}: median, slowest": f"{waits[len(waits) // 2]:.2f} s, {waits[-1]:.2f} s",
            "429s meanwhile": str(sandbox.counters.refused),
            "end of the server with that backlog, from SIGTERM": f"{ended:.2f} s, exit code {code}",
        }


async def leaving(kind: str) -> dict[str, str]:
    """Measure what visitors who leave after 1 s cost."""
    async with Sandbox(latency=(0.1, 0.14)) as sandbox:
        process, url = await start(kind, sandbox)
        timeout = aiohttp.ClientTimeout(total=1)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:

            async def visit() -> bool:
                try:
                    async with session.get(f"{url}/team") as response:
                        return response.status == 200
                except TimeoutError:
                    return False

            answered = sum(await asyncio.gather(*(visit() for _ in range(80))))
        await asyncio.sleep(8)
        calls = len(sandbox.requests)
        process.terminate()
        await asyncio.to_thread(process.wait, 20)
        return {"80 visitors who leave after 1 s": f"{answered} answered, {calls} calls to lemlist"}


async def main(kinds: list[str], handlers: int) -> Table:
    """Run every measure for each server."""
    found = [{**await beside(kind, handlers), **await leaving(kind)} for kind in kinds]
    names = [NAMES[kind] for kind in kinds]
    return Table("handlers", ["", *names], [[what, *(one[what] for one in found)] for what in found[0]])


if __name__ == "__main__":
    parser = parser_of(__doc__)
    parser.add_argument("--server", choices=NAMES)
    parser.add_argument("--handlers", type=int, default=40)
    parser.add_argument("--serve", help=SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        served, _, at = given.serve.partition(":")
        (serve_fastapi if served == "fastapi" else serve_aiohttp)(int(at))
    else:
        table = asyncio.run(main([given.server] if given.server else list(NAMES), given.handlers))
        publish([table], given.json)
