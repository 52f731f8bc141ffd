"""Django under a real ASGI and a real WSGI server."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import aiohttp
import pytest

from lemlist_async import Lemlist, Throttle, ThrottleOptions, errors
from lemlist_async.deadlines import deadline
from lemlist_async.integrations.asgi import WithClient
from lemlist_async.integrations.wsgi import BlockingLemlist
from tests.support.asgi_server import leave_when, served, until
from tests.support.clients import KEY, quick
from tests.support.scripted import Script, says, scripted, waits

pytest.importorskip("django")
pytest.importorskip("uvicorn")

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, JsonResponse
from django.urls import path

TEAM = says(200, {"_id": "tea_1"})


async def team(request: Any) -> JsonResponse:
    """Answer from an async view."""
    found = await request.scope["state"]["lemlist"].team.get()
    return JsonResponse({"id": found.id})


class Blocking:
    """Client of the sync view, set by each test."""

    lemlist: BlockingLemlist


def blocking_team(_request: HttpRequest) -> JsonResponse:
    """Answer from a sync view, in a thread of the server."""
    with deadline(0.5):
        found = Blocking.lemlist.call(lambda lemlist: lemlist.team.get())
    return JsonResponse({"id": found.id})


urlpatterns = [path("team", team), path("blocking", blocking_team)]


@pytest.fixture(autouse=True)
def configured() -> None:
    if not settings.configured:
        settings.configure(
            DEBUG=False,
            ALLOWED_HOSTS=["*"],
            ROOT_URLCONF=__name__,
            SECRET_KEY="of-tests",
            LOGGING_CONFIG=None,
            MIDDLEWARE=["lemlist_async.integrations.django.LemlistErrorMiddleware"],
        )
        django.setup()


async def fetch(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.json()


async def test_an_async_view_uses_the_client_of_the_server() -> None:
    async with scripted(TEAM, says(404, KEY)) as server:
        lemlist = quick(server.url)
        async with served(WithClient(ASGIHandler(), lambda: lemlist)) as url:
            assert await fetch(f"{url}/team") == (200, {"id": "tea_1"})
            assert await fetch(f"{url}/team") == (404, {"error": "NotFoundError", "may_have_happened": False})
        with pytest.raises(errors.ClosedError):
            await lemlist.team.get()


async def test_a_visitor_who_leaves_an_async_view_takes_his_call_out_of_the_queue() -> None:
    throttle = Throttle(ThrottleOptions(limit=1, window=60, pacer=None))
    async with scripted(TEAM) as server:
        lemlist = Lemlist(KEY, server.url, throttle=throttle)
        async with served(WithClient(ASGIHandler(), lambda: lemlist)) as url:
            await leave_when(lambda: throttle.queued["interactive"] == 9, f"{url}/team", 10)
            await until(lambda: not throttle.queued["interactive"], within=2)
        assert len(server.seen) == 1


async def test_a_client_that_cannot_be_made_stops_the_server_at_its_start() -> None:
    sent: list[Any] = []

    def fails() -> Lemlist:
        raise LookupError("a secret")

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(LookupError):
        await WithClient(ASGIHandler(), fails)({"type": "lifespan", "state": {}}, receive, send)
    assert sent == [{"type": "lifespan.startup.failed", "message": "LookupError"}]


class Silent(WSGIRequestHandler):
    """Logs no request."""

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def wsgi() -> Iterator[str]:
    with make_server("127.0.0.1", 0, WSGIHandler(), handler_class=Silent) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


async def serve_blocking(script: Script, **options: Any) -> BlockingLemlist:
    Blocking.lemlist = BlockingLemlist(lambda: Lemlist(KEY, script.url, **options))
    return Blocking.lemlist


async def test_a_sync_view_calls_through_the_thread_of_the_client(wsgi: str) -> None:
    async with scripted(TEAM, says(404, KEY), waits(1, TEAM)) as server:
        blocking = await serve_blocking(server)
        assert await fetch(f"{wsgi}/blocking") == (200, {"id": "tea_1"})
        assert (await fetch(f"{wsgi}/blocking"))[0] == 404
        # the deadline of the view travelled into the thread of the client
        assert await fetch(f"{wsgi}/blocking") == (
            504,
            {"error": "DeadlineExceededError", "may_have_happened": False},
        )
        await asyncio.to_thread(blocking.close)
        assert (await fetch(f"{wsgi}/blocking"))[0] == 503


async def test_many_threads_share_one_client_and_its_limit() -> None:
    async with scripted(TEAM) as server:
        made: list[Lemlist] = []

        def make() -> Lemlist:
            made.append(quick(server.url))
            return made[-1]

        blocking = BlockingLemlist(make)

        def work() -> list[str]:
            with ThreadPoolExecutor(8) as pool:
                return list(
                    pool.map(lambda _: blocking.call(lambda lemlist: lemlist.team.get()).id, range(64))
                )

        assert await asyncio.to_thread(work) == ["tea_1"] * 64
        await asyncio.to_thread(blocking.close)
        await asyncio.to_thread(blocking.close)
        assert len(made) == 1
        with pytest.raises(errors.ClosedError):
            blocking.call(lambda lemlist: lemlist.team.get())


async def test_a_client_that_is_closed_ends_the_calls_of_its_threads() -> None:
    throttle = Throttle(ThrottleOptions(limit=1, window=60, pacer=None))
    async with scripted(TEAM) as server:
        blocking = BlockingLemlist(lambda: Lemlist(KEY, server.url, throttle=throttle))
        await asyncio.to_thread(blocking.call, lambda lemlist: lemlist.team.get())
        waiting = asyncio.create_task(asyncio.to_thread(blocking.call, lambda lemlist: lemlist.team.get()))
        await until(lambda: throttle.queued["interactive"])
        await asyncio.to_thread(blocking.close)
        with pytest.raises(errors.ClosedError):
            await waiting
