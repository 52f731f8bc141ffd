"""Reuse of connections: none with an unexpected response on it, and none beyond its lifetime."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from lemlist_async import Call, Effect, Lemlist, Retry, Throttle, ThrottleOptions, errors
from lemlist_async.transport.request import Connector, StaleConnectionError
from tests.support.clients import KEY, quick
from tests.support.fault_server import answer, fault_server, sends

Behaviour = Callable[[int, bytes, asyncio.StreamWriter], Awaitable[None]]
CAMPAIGN = answer(b'{"_id":"cam_1"}')
LEAD = answer(b'{"_id":"lea_1"}')


class Server:
    """A raw server that keeps the head of each request."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.connections = 0
        self.stray = asyncio.Event()
        """Set once the unasked bytes are on their way."""


@contextlib.asynccontextmanager
async def raw(unasked: bytes) -> AsyncIterator[tuple[Server, str]]:
    """Answers a GET with a campaign and, a moment later, with bytes that no request asked for."""
    server = Server()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                if length:
                    await reader.readexactly(int(length[0].split(b":")[1]))
                server.heads.append(head.split(b"\r\n")[0])
                if head.startswith(b"GET"):
                    writer.write(CAMPAIGN)
                    await writer.drain()
                    await asyncio.sleep(0.02)
                    writer.write(unasked)
                    server.stray.set()
                else:
                    writer.write(LEAD)
                await writer.drain()
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield server, f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/api"


@pytest.mark.parametrize("borrowed", [False, True])
@pytest.mark.parametrize(
    "unasked",
    [CAMPAIGN, b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", b"garbage"],
    ids=["a whole answer", "a 408 before closing", "garbage"],
)
async def test_what_comes_on_an_idle_connection_is_no_answer_to_the_next_request(
    unasked: bytes, borrowed: bool
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        server, url = await stack.enter_async_context(raw(unasked))
        session = await stack.enter_async_context(aiohttp.ClientSession()) if borrowed else None
        throttle = Throttle(ThrottleOptions(limit=10_000, pacer=None))
        lemlist = await stack.enter_async_context(Lemlist(KEY, url, session=session, throttle=throttle))
        await lemlist.campaigns.get("cam_1")
        await server.stray.wait()
        await asyncio.sleep(0.05)
        lead = await lemlist.leads.create("cam_1", email="ann@example.com")
    assert lead.id == "lea_1"
    assert [head[:4] for head in server.heads] == [b"GET ", b"POST"]
    assert server.connections == 2


async def test_the_pool_asks_our_own_method_for_each_connection() -> None:
    """`Connector._get` overrides a private name: where aiohttp has renamed it, this test tells."""
    seen: list[object] = []

    class Watched(Connector):
        async def _get(self, key: Any, traces: Any) -> Any:
            seen.append(found := await super()._get(key, traces))
            return found

    async with fault_server(sends(answer())) as server, aiohttp.ClientSession(connector=Watched()) as session:
        for _ in range(2):
            async with session.get(server.url) as response:
                await response.read()
    assert [found is None for found in seen] == [True, False]


async def test_a_request_is_not_written_to_a_stale_connection_even_if_the_pool_gives_one_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(Connector, "_get")
    async with raw(CAMPAIGN) as (server, url), quick(url) as lemlist:
        await lemlist.campaigns.get("cam_1")
        await server.stray.wait()
        await asyncio.sleep(0.05)
        lead = await lemlist.leads.create("cam_1", email="ann@example.com")
        assert lead.id == "lea_1"
        assert [head[:4] for head in server.heads] == [b"GET ", b"POST"]


def test_a_stale_connection_is_an_error_of_the_connection() -> None:
    assert issubclass(StaleConnectionError, aiohttp.ClientConnectionError)


async def test_answers_that_switch_the_protocol_leave_the_pool() -> None:
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
    kept: list[errors.LemlistError] = []
    async with fault_server(sends(switch)) as server, quick(server.url) as lemlist:
        for _ in range(3):
            with pytest.raises(errors.UnexpectedStatusError) as caught:
                await lemlist.request("POST", "/x", effect=Effect.UNSAFE, json={})
            kept.append(caught.value)
        connector: Any = lemlist._pipeline._session.get().connector
        assert not connector._acquired
    assert [error.status for error in kept] == [101] * 3


@pytest.mark.parametrize(("encoding", "name"), [("br", "brotli"), ("zstd", "zstandard")])
async def test_an_encoding_that_was_not_asked_for_is_named(encoding: str, name: str) -> None:
    packed = answer(b"\x00\x01", "200 OK", "application/json", f"Content-Encoding: {encoding}")
    async with fault_server(sends(packed)) as server:
        lemlist = quick(server.url, retry=Retry(attempts=1))
        with pytest.raises(errors.TransportError, match=f"compressed as {name}") as caught:
            await lemlist.team.get()
        await lemlist.aclose()
    assert caught.value.kind == "encoding"


@pytest.mark.parametrize("encoding", ["klingon", "gzip, br", "x-gzip"])
async def test_an_encoding_that_nothing_knows_is_named_and_not_read_as_text(encoding: str) -> None:
    packed = answer(b"\x00\x01", "200 OK", "text/csv", f"Content-Encoding: {encoding}")
    async with fault_server(sends(packed)) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.DecodeError, match=f"compressed as '{encoding}'"):
            await lemlist.team.get()
        with pytest.raises(errors.DecodeError, match=f"compressed as '{encoding}'"):
            async with lemlist.stream(Call("GET", "/file")):
                pass
        assert (await lemlist.webhooks.delete("hoo_1")).extra == {}
        assert server.requests == 3
