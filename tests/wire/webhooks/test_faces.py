"""The receiver behind real servers: aiohttp.web, uvicorn, FastAPI, Starlette."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from lemlist_async.webhooks import MAX_BODY, WebhookReceiver
from tests.support.posted import SECRET, event, posted, results
from tests.support.receivers import collect, on_aiohttp, on_uvicorn, post, receiver, settled, until

Face = Callable[[WebhookReceiver], AbstractAsyncContextManager[str]]


def lifespan(made: WebhookReceiver) -> Any:
    @contextlib.asynccontextmanager
    async def live(_: Any) -> AsyncIterator[None]:
        async with made:
            yield

    return live


def fastapi_route(made: WebhookReceiver) -> AbstractAsyncContextManager[str]:
    app = FastAPI(lifespan=lifespan(made))
    app.router.routes.append(Route("/hook", made.asgi))
    return on_uvicorn(app)


def fastapi_mount(made: WebhookReceiver) -> AbstractAsyncContextManager[str]:
    app = FastAPI(lifespan=lifespan(made))
    app.mount("/lemlist", made.asgi)
    return on_uvicorn(app, "/lemlist/hook")


def starlette(made: WebhookReceiver) -> AbstractAsyncContextManager[str]:
    routes = [Mount("/below", routes=[Route("/hook", made.asgi)])]
    return on_uvicorn(Starlette(routes=routes, lifespan=lifespan(made)), "/below/hook")


FACES = {
    "aiohttp": on_aiohttp,
    "uvicorn alone": lambda made: on_uvicorn(made.asgi),
    "a route of FastAPI": fastapi_route,
    "a mount of FastAPI": fastapi_mount,
    "a route of Starlette": starlette,
}


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> Face:
    found: Face = FACES[request.param]
    return found


async def test_posts_are_answered_by_what_they_are(face: Face, tmp_path: Path) -> None:
    made = receiver(tmp_path)
    found = collect(made)
    async with face(made) as url:
        statuses = await post(
            url,
            posted(1),
            posted(1),
            posted(2, "somethingNew"),
            posted(3, secret="guess"),
            event(4),
            posted(5, secret=None),
            b"{",
            b"[]",
            b"",
            b'{"secret": "' + SECRET.encode() + b'"}',
            b"x" * 300_000,
            b"x" * 3_000_000,
        )
        await settled(made)
    assert statuses == [200, 200, 200, 401, 401, 401, 400, 400, 400, 400, 413, 413]
    assert [one.id for one in found] == ["act_1", "act_2"]
    assert found[0].to_dict() == event(1)


async def test_no_request_is_answered_with_404_or_410(face: Face, tmp_path: Path) -> None:
    made = receiver(tmp_path)
    async with face(made) as url:
        for method, status in (("GET", 200), ("HEAD", 200), ("PUT", 405), ("DELETE", 405), ("PATCH", 405)):
            assert await post(url, None, method=method) == [status]
        assert (await made.counts())["waiting"] == 0


async def test_a_body_that_comes_in_pieces_is_put_together_and_capped(face: Face, tmp_path: Path) -> None:
    async def pieces(body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), 5_000):
            yield body[start : start + 5_000]
            await asyncio.sleep(0)

    made = receiver(tmp_path)
    found = collect(made)
    whole = posted(1, text="x" * 50_000)
    async with face(made) as url:
        assert await post(url, pieces(whole), pieces(b"x" * 300_000)) == [200, 413]
        await settled(made)
    assert len(found[0].text or "") == 50_000


async def test_a_client_that_leaves_half_way_leaves_nothing_behind(face: Face, tmp_path: Path) -> None:
    made = receiver(tmp_path)
    async with face(made) as url:
        port = int(url.split(":")[2].split("/")[0])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST "
            + url.split(str(port))[1].encode()
            + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n{"
        )
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()
        await writer.wait_closed()
        assert await post(url, posted(1)) == [200]
        assert (await made.counts())["waiting"] == 1


async def test_posts_that_are_answered_with_200_are_in_the_file(face: Face, tmp_path: Path) -> None:
    made = receiver(tmp_path)  # without a handler nothing is handled, and all events wait
    async with face(made) as url, aiohttp.ClientSession() as session:

        async def one(number: int) -> int:
            async with session.post(url, data=posted(number % 50)) as response:
                return response.status

        assert set(await asyncio.gather(*(one(number) for number in range(200)))) == {200}
    async with made:
        assert await made.counts() == {"waiting": 50, "done": 0, "dead": 0}


async def test_results_of_enrichments_come_in_without_a_secret_by_an_address_of_their_own(
    face: Face, tmp_path: Path
) -> None:
    made = receiver(tmp_path)
    found = collect(made, "enrichmentDone")
    async with face(made) as url:
        door = made.results_url(url)
        assert SECRET not in door
        large = results("enr_2", padding="x" * (MAX_BODY + 1))
        assert await post(door, results("enr_1"), large, event(1), b"x" * 1_100_000) == [200, 200, 401, 413]
        assert await post(url, results("enr_3"), results("enr_4", secret=SECRET)) == [401, 200]
        assert await post(url + "?results=guess", results("enr_5")) == [401]
        await settled(made)
    assert [one.results[0].enrichment_id for one in found if hasattr(one, "results")] == [
        "enr_1",
        "enr_2",
        "enr_4",
    ]


async def test_a_receiver_that_is_not_open_answers_503(tmp_path: Path) -> None:
    async with on_uvicorn(Starlette(routes=[Route("/hook", receiver(tmp_path).asgi)])) as url:
        assert await post(url, posted(1)) == [503]


async def test_an_application_whose_file_cannot_be_opened_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "hooks.db").write_text("no database, and long enough to be looked at" * 100)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def startup() -> Any:
        return {"type": "lifespan.startup"}

    await receiver(tmp_path).asgi({"type": "lifespan"}, startup, send)
    (message,) = sent
    assert message["type"] == "lifespan.startup.failed"
    assert "file is not a database; move it away" in message["message"]


async def test_an_event_is_handled_once_although_it_is_posted_at_the_same_time(tmp_path: Path) -> None:
    made = receiver(tmp_path, concurrency=8)
    found = collect(made)
    async with made:
        await asyncio.gather(*(made.receive(posted(1)) for _ in range(100)))
        await settled(made)
    assert len(found) == 1


async def test_two_secrets_are_accepted_while_they_are_exchanged(tmp_path: Path) -> None:
    made = receiver(tmp_path, secret=["new", SECRET])
    async with on_aiohttp(made) as url:
        old = made.results_url(url).replace(made.results_url(""), receiver(tmp_path).results_url(""))
        assert await post(url, posted(1), posted(2, secret="new"), posted(3, secret="newer")) == [
            200,
            200,
            401,
        ]
        assert await post(old, results("enr_1")) == [200]


async def test_without_a_secret_any_event_is_accepted(tmp_path: Path) -> None:
    made = receiver(tmp_path, secret=None)
    async with on_aiohttp(made) as url:
        assert await post(made.results_url(url), event(1), posted(2), results("enr_1")) == [200, 200, 200]


async def test_an_error_of_ours_is_answered_with_500_and_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(body: bytes, *_: Any) -> None:
        raise RuntimeError(body)

    monkeypatch.setattr("lemlist_async.webhooks.receiver.delivery_of", fail)
    async with on_aiohttp(receiver(tmp_path)) as url:
        assert await post(url, posted(1)) == [500]
    assert "a post was not taken: RuntimeError" in caplog.text


async def test_a_body_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lemlist_async.webhooks.answer._READ_WITHIN", 0.05)

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(1)

    async with on_aiohttp(receiver(tmp_path)) as url:
        assert await post(url, slow()) == [408]


async def test_a_websocket_is_closed(tmp_path: Path) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await receiver(tmp_path).asgi({"type": "websocket"}, None, send)  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1000}]


async def test_an_open_receiver_may_be_opened_again_and_closes_with_the_last(tmp_path: Path) -> None:
    made = receiver(tmp_path)
    async with on_aiohttp(made) as url:
        async with made:
            pass
        assert await post(url, posted(1)) == [200]
    await made.close()
    logging.getLogger(__name__).debug("closed twice")
    found = collect(made)
    async with made:
        await until(lambda: found)
