"""Real uvicorn, with FastAPI, Starlette, Litestar and plain ASGI: lifespan, errors, visitors who leave, deadlines."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from lemlist_async import Lemlist, Throttle, ThrottleOptions, errors
from lemlist_async.deadlines import deadline
from lemlist_async.integrations.asgi import (
    EXCEPTION_HANDLERS,
    LITESTAR_EXCEPTION_HANDLERS,
    RequestDeadline,
    lifespan,
    until_gone,
)
from lemlist_async.observe import CallEnd, RetryScheduled
from lemlist_async.sandbox import Hang, Sandbox
from tests.support.asgi_server import leave_when, served, until
from tests.support.clients import KEY, quick
from tests.support.scripted import hangs_up, says, scripted

pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")
pytest.importorskip("starlette")
pytest.importorskip("litestar")

from fastapi import FastAPI, Request
from litestar import Litestar, get
from litestar import Request as LitestarRequest
from litestar.datastructures import State
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse
from starlette.routing import Route

from lemlist_async.integrations.fastapi import Client

Make = Callable[[], Lemlist]


def with_fastapi(make: Make) -> Any:
    app = FastAPI(lifespan=lifespan(make), exception_handlers=EXCEPTION_HANDLERS)

    @app.get("/team")
    async def team(lemlist: Client, request: Request) -> dict[str, Any]:
        async with until_gone(request):
            return {"id": (await lemlist.team.get()).id}

    @app.post("/signup")
    async def signup(lemlist: Client, request: Request) -> dict[str, Any]:
        body = await request.json()
        async with until_gone(request):
            return {"id": (await lemlist.leads.create("cam_1", email=body["email"])).id}

    @app.post("/unread")
    async def unread(lemlist: Client, request: Request) -> dict[str, Any]:
        async with until_gone(request):
            return {"id": (await lemlist.team.get()).id}

    return app


def behind_middleware(make: Make) -> Any:
    app = with_fastapi(make)

    async def passes(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    for _ in range(2):
        app.add_middleware(BaseHTTPMiddleware, dispatch=passes)
    return app


def with_starlette(make: Make) -> Any:
    async def team(request: StarletteRequest) -> JSONResponse:
        async with until_gone(request):
            return JSONResponse({"id": (await request.state.lemlist.team.get()).id})

    return Starlette(
        lifespan=lifespan(make), exception_handlers=EXCEPTION_HANDLERS, routes=[Route("/team", team)]
    )


def with_litestar(make: Make) -> Any:
    @get("/team")
    async def team(request: LitestarRequest[Any, Any, Any], state: State) -> dict[str, Any]:
        async with until_gone(request):
            return {"id": (await state.lemlist.team.get()).id}

    return Litestar([team], lifespan=[lifespan(make)], exception_handlers=LITESTAR_EXCEPTION_HANDLERS)


FRAMEWORKS = [with_fastapi, behind_middleware, with_starlette, with_litestar]
TEAM = says(200, {"_id": "tea_1"})


async def fetch(url: str, method: str = "GET", **more: Any) -> tuple[int, Any, dict[str, str]]:
    async with aiohttp.ClientSession() as session, session.request(method, url, **more) as response:
        return response.status, await response.json(), dict(response.headers)


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage() for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR
    ]


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_client_lives_as_long_as_the_application(framework: Any) -> None:
    made: list[Lemlist] = []
    async with scripted(TEAM) as server:

        def make() -> Lemlist:
            made.append(quick(server.url))
            return made[-1]

        async with served(framework(make)) as url:
            assert (await fetch(f"{url}/team"))[:2] == (200, {"id": "tea_1"})
        with pytest.raises(errors.ClosedError):
            await made[0].team.get()
    assert len(made) == 1


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_an_error_is_a_response_that_shows_no_secret(
    framework: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        scripted(says(404, f"no {KEY}")) as server,
        served(framework(lambda: quick(server.url))) as url,
    ):
        status, body, _ = await fetch(f"{url}/team")
    assert (status, body) == (404, {"error": "NotFoundError", "may_have_happened": False})
    assert not tracebacks(caplog)


async def test_a_429_and_a_full_queue_tell_when_to_come_back() -> None:
    limited = says(429, "no", Retry_After="300")
    async with scripted(limited) as server, served(with_fastapi(lambda: quick(server.url))) as url:
        status, body, headers = await fetch(f"{url}/team")
        assert (status, body["error"], headers["Retry-After"]) == (503, "RateLimitError", "300")
    throttle = Throttle(ThrottleOptions(limit=1, window=60, pacer=None))
    async with scripted(TEAM) as server:
        client = Lemlist(KEY, server.url, throttle=throttle).with_options(max_wait=1)
        async with served(with_fastapi(lambda: client)) as url:
            await fetch(f"{url}/team")
            status, body, headers = await fetch(f"{url}/team")
            assert (status, body["error"]) == (503, "WaitTooLongError")
            assert 55 < int(headers["Retry-After"]) <= 61


async def test_a_write_whose_response_was_lost_is_a_502_that_says_so() -> None:
    async with scripted(hangs_up()) as server, served(with_fastapi(lambda: quick(server.url))) as url:
        status, body, _ = await fetch(f"{url}/signup", "POST", json={"email": "ann@example.com"})
    assert (status, body) == (502, {"error": "LostResponseError", "may_have_happened": True})


# Visitors who leave -----------------------------------------------------------------------------------


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_visitor_who_leaves_takes_his_call_out_of_the_queue(
    framework: Any, caplog: pytest.LogCaptureFixture
) -> None:
    throttle = Throttle(ThrottleOptions(limit=5, window=30))
    async with Sandbox(limit=5) as sandbox:
        client = Lemlist(sandbox.key, sandbox.url, throttle=throttle)
        async with served(framework(lambda: client)) as url:
            answered = await leave_when(lambda: throttle.queued["interactive"] == 75, f"{url}/team", 80)
            await until(lambda: not throttle.queued["interactive"], within=2)
            await until(lambda: not throttle.in_flight, within=2)
        assert len(answered) <= len(sandbox.requests) == 5
    assert not tracebacks(caplog)


async def test_without_the_helper_every_visitor_costs_a_call() -> None:
    """The measure of what the helper saves."""
    async with Sandbox(limit=None) as sandbox:
        sandbox.faults.add(Hang(seconds=0.3), match="GET /team", times=30)
        app = FastAPI(lifespan=lifespan(lambda: Lemlist(sandbox.key, sandbox.url)))

        @app.get("/team")
        async def team(lemlist: Client) -> None:
            await lemlist.team.get()

        async with served(app) as url:
            await leave_when(lambda: len(sandbox.requests) >= 10, f"{url}/team", 25)
            await until(lambda: len(sandbox.requests) >= 25, within=10)


async def test_a_write_that_left_is_finished_though_the_visitor_has_gone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Sandbox(limit=None, latency=(0.4, 0.4)) as sandbox:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        done: list[str] = []
        app = FastAPI(
            lifespan=lifespan(lambda: Lemlist(sandbox.key, sandbox.url)),
            exception_handlers=EXCEPTION_HANDLERS,
        )

        @app.post("/signup")
        async def signup(lemlist: Client, request: Request) -> None:
            async with until_gone(request):
                lead = await lemlist.leads.create(campaign, email="ann@example.com")
                await lemlist.leads.update(campaign, lead.id, first_name="Ann")
                done.append(lead.id)

        async with served(app) as url:
            assert not await leave_when(lambda: sandbox.requests, f"{url}/signup", 1, "POST")
            await until(lambda: done)
        assert [request.method for request in sandbox.requests] == ["POST", "PATCH"]
    assert not tracebacks(caplog)


async def test_a_write_that_was_surely_not_carried_out_can_be_given_up_again() -> None:
    ends: list[str] = []
    async with scripted(says(429, "no", Retry_After="20")) as server:
        client = quick(server.url)
        async with served(with_fastapi(lambda: client)) as url:
            person = {"email": "ann@example.com"}
            paused = asyncio.Event()
            client.on(RetryScheduled, lambda _: paused.set())
            client.on(CallEnd, lambda end: ends.append(end.outcome))
            await leave_when(paused.is_set, f"{url}/signup", 1, "POST", person)
            await until(lambda: ends, within=2)
        assert (ends, len(server.seen)) == (["cancelled"], 1)


async def test_a_body_that_was_not_read_is_told_as_such() -> None:
    async with scripted(TEAM) as server:
        client = Lemlist(KEY, server.url, throttle=Throttle(ThrottleOptions(limit=1, window=600)))
        async with served(with_fastapi(lambda: client)) as url:
            await client.team.get()
            status, body, _ = await fetch(f"{url}/unread", "POST", json={"a": 1})
    assert (status, body) == (502, {"error": "ConfigurationError", "may_have_happened": False})


async def test_a_visitor_who_stays_is_never_disturbed() -> None:
    async with (
        scripted(TEAM) as server,
        served(behind_middleware(lambda: quick(server.url))) as url,
        aiohttp.ClientSession() as session,
    ):
        for _ in range(50):
            async with session.get(f"{url}/team") as response:
                assert response.status == 200


# Deadlines and lanes ----------------------------------------------------------------------------------


async def test_the_deadline_of_a_request_travels_into_its_calls_and_into_no_bulk_work() -> None:
    throttle = Throttle(ThrottleOptions(limit=1, window=1.0, pacer=None))
    async with scripted(TEAM) as server:
        client = Lemlist(KEY, server.url, throttle=throttle)
        background: list[asyncio.Task[Any]] = []
        app = FastAPI(lifespan=lifespan(lambda: client), exception_handlers=EXCEPTION_HANDLERS)

        @app.get("/team")
        async def team(lemlist: Client) -> dict[str, Any]:
            background.append(asyncio.create_task(lemlist.with_options(lane="bulk").team.get()))
            with deadline(None):
                background.append(asyncio.create_task(lemlist.team.get()))
            return {"id": (await lemlist.with_options(deadline=50).team.get()).id}

        app.add_middleware(RequestDeadline, seconds=0.2)
        await client.team.get()
        async with served(app) as url:
            status, body, _ = await fetch(f"{url}/team")
            assert (status, body["error"]) == (504, "DeadlineExceededError")
            assert [team.id for team in await asyncio.gather(*background)] == ["tea_1"] * 2


async def test_handlers_overtake_the_rows_of_a_bulk_job_in_the_same_process() -> None:
    async with Sandbox() as sandbox:
        client = Lemlist(sandbox.key, sandbox.url)
        async with served(with_fastapi(lambda: client)) as url:
            bulk = client.with_options(lane="bulk")
            queued = [asyncio.create_task(bulk.team.get_credits()) for _ in range(300)]
            await until(lambda: client.throttle.queued["bulk"] > 200)
            async with asyncio.timeout(4):
                assert (await fetch(f"{url}/team"))[0] == 200
            assert client.throttle.queued["bulk"] > 200
            started = asyncio.get_running_loop().time()
        # the end of the application ends the backlog at once
        ended = await asyncio.gather(*queued, return_exceptions=True)
        assert asyncio.get_running_loop().time() - started < 1.5
    assert sum(isinstance(end, errors.ClosedError) for end in ended) > 200
    assert sandbox.counters.refused == 0
