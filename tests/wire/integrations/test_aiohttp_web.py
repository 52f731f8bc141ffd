"""A real aiohttp server: lifetime of the client, errors, visitors who leave, deadlines."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from lemlist_async import Lemlist, Throttle, ThrottleOptions, errors
from lemlist_async.integrations.aiohttp_web import (
    BACKGROUND,
    LEMLIST,
    deadline_middleware,
    error_middleware,
    setup,
    until_gone,
)
from lemlist_async.sandbox import Sandbox
from tests.support.asgi_server import leave_when, until
from tests.support.clients import KEY, quick
from tests.support.scripted import hangs_up, says, scripted

TEAM = says(200, {"_id": "tea_1"})


async def team(request: web.Request) -> web.Response:
    async with until_gone(request):
        return web.json_response({"id": (await request.app[LEMLIST].team.get()).id})


@contextlib.asynccontextmanager
async def running(lemlist: Lemlist, seconds: float = 60) -> AsyncIterator[str]:
    app = web.Application(middlewares=[error_middleware, deadline_middleware(seconds)])
    setup(app, lambda: lemlist)
    app.router.add_get("/team", team)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def fetch(url: str) -> tuple[int, Any, str | None]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.json(), response.headers.get("Retry-After")


async def test_a_client_lives_as_long_as_the_application() -> None:
    async with scripted(TEAM) as server:
        lemlist = quick(server.url)
        async with running(lemlist) as url:
            assert await fetch(f"{url}/team") == (200, {"id": "tea_1"}, None)
        with pytest.raises(errors.ClosedError):
            await lemlist.team.get()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (says(404, KEY), (404, {"error": "NotFoundError", "may_have_happened": False}, None)),
        (says(401, KEY), (502, {"error": "AuthenticationError", "may_have_happened": False}, None)),
        (
            says(429, KEY, Retry_After="200"),
            (503, {"error": "RateLimitError", "may_have_happened": False}, "200"),
        ),
        (hangs_up(), (502, {"error": "TransportError", "may_have_happened": False}, None)),
    ],
)
async def test_an_error_is_a_response_that_shows_no_secret(answer: Any, expected: Any) -> None:
    async with scripted(answer) as server, running(quick(server.url)) as url:
        assert await fetch(f"{url}/team") == expected


async def test_a_visitor_who_leaves_takes_his_call_out_of_the_queue() -> None:
    throttle = Throttle(ThrottleOptions(limit=5, window=30))
    async with Sandbox(limit=5) as sandbox:
        async with running(Lemlist(sandbox.key, sandbox.url, throttle=throttle)) as url:
            answered = await leave_when(lambda: throttle.queued["interactive"] == 75, f"{url}/team", 80)
            await until(lambda: not throttle.queued["interactive"], within=2)
        assert len(answered) <= len(sandbox.requests) == 5


async def test_the_deadline_of_a_request_travels_into_its_calls() -> None:
    throttle = Throttle(ThrottleOptions(limit=1, window=60, pacer=None))
    async with (
        scripted(TEAM) as server,
        running(Lemlist(KEY, server.url, throttle=throttle), 0.2) as url,
    ):
        await fetch(f"{url}/team")
        status, body, _ = await fetch(f"{url}/team")
    assert (status, body["error"]) == (504, "DeadlineExceededError")


async def test_a_server_that_stops_is_not_held_up_by_a_backlog() -> None:
    async with Sandbox() as sandbox:
        lemlist = Lemlist(sandbox.key, sandbox.url)
        bulk = lemlist.with_options(lane="bulk")

        async def work() -> None:
            await asyncio.gather(*(bulk.team.get() for _ in range(1_000)))

        app = web.Application()
        setup(app, lambda: lemlist)
        runner = web.AppRunner(app, shutdown_timeout=60)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        task = app[BACKGROUND].spawn(work())
        await until(lambda: lemlist.throttle.queued["bulk"] > 900)
        async with asyncio.timeout(5):
            await runner.cleanup()
    assert task.cancelled()
    assert sum(lemlist.throttle.queued.values()) == 0
