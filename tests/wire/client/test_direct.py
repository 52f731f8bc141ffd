"""Requests that are written straight to a connection: the same as aiohttp's, and only where nothing else looks on."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor

from lemlist_async import Effect, Lemlist, errors
from lemlist_async.transport import direct
from lemlist_async.transport.request import Request
from tests.support.clients import KEY, quick
from tests.support.fault_server import answer, fault_server, packed, sends
from tests.support.scripted import says, scripted

pytestmark = pytest.mark.skipif("config.getoption('client_session')", reason="the other way is under test")

TEAM = answer(b'{"_id":"tea_1"}')
Send = Callable[[Lemlist], Awaitable[object]]


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The way that each request took: `direct`, or `session` for aiohttp's own."""
    taken: list[str] = []

    def watch(cls: Any, way: str) -> None:
        send = cls.send

        def watched(self: Any, *args: Any) -> Any:
            taken.append(way)
            return send(self, *args)

        monkeypatch.setattr(cls, "send", watched)

    watch(direct.DirectRequest, "direct")
    watch(Request, "session")
    return taken


@contextlib.asynccontextmanager
async def recorded() -> AsyncIterator[tuple[list[bytes], str]]:
    """A raw server that keeps each request as it came, body included."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = [line for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")]
                body = await reader.readexactly(int(length[0].split(b":")[1])) if length else b""
                seen.append(head + body)
                writer.write(TEAM)
                await writer.drain()
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield seen, f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/api"


SENDS: dict[str, Send] = {
    "a read": lambda lemlist: lemlist.team.get(),
    "a query": lambda lemlist: lemlist.leads.get(email="ada+1@example.com"),
    "a value in the path": lambda lemlist: lemlist.request("GET", "/x/{id}", "ä ?&/%", effect=Effect.READ),
    "a body": lambda lemlist: lemlist.campaigns.create(name="Frühling"),
    "a write without a body": lambda lemlist: lemlist.campaigns.pause("cam_1"),
    "a deletion": lambda lemlist: lemlist.request("DELETE", "/hooks/{id}", "hoo_1", effect=Effect.IDEMPOTENT),
    "a change": lambda lemlist: lemlist.request("PATCH", "/x", json={"a": 1}, effect=Effect.IDEMPOTENT),
    "a large body": lambda lemlist: lemlist.request("PUT", "/x", json="x" * 60_000, effect=Effect.IDEMPOTENT),
}


@pytest.mark.parametrize("send", SENDS.values(), ids=SENDS)
async def test_the_bytes_are_those_that_aiohttp_would_write(
    send: Send, ways: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recorded() as (seen, url):
        async with quick(url) as lemlist:
            await send(lemlist)
        monkeypatch.setattr(direct, "works", lambda: False)
        async with quick(url) as lemlist:
            await send(lemlist)
    assert ways == ["direct", "session"]
    ours, theirs = (sorted(request.split(b"\r\n")) for request in seen)
    assert ours == theirs
    assert seen[0].split(b"\r\n")[0] == seen[1].split(b"\r\n")[0]


async def test_a_connection_is_used_again(ways: list[str]) -> None:
    async with fault_server(sends(TEAM)) as server, quick(server.url) as lemlist:
        for _ in range(3):
            await lemlist.team.get()
    assert (server.requests, server.connections) == (3, 1)
    assert ways == ["direct"] * 3


async def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    closes = answer(b'{"_id":"tea_1"}', "200 OK", "application/json", "Connection: close")
    async with fault_server(sends(closes, then="close")) as server, quick(server.url) as lemlist:
        for _ in range(3):
            await lemlist.team.get()
    assert server.connections == 3


async def test_interim_responses_are_passed_over() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    async with (
        fault_server(sends(interim, interim + TEAM, pause=0.01)) as server,
        quick(server.url) as lemlist,
    ):
        assert (await lemlist.team.get()).id == "tea_1"
        assert (await lemlist.team.get()).id == "tea_1"
    assert server.connections == 1


async def test_a_connection_that_changes_its_protocol_is_closed() -> None:
    switched = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
    async with fault_server(sends(switched)) as server, quick(server.url) as lemlist:
        for _ in range(3):
            with pytest.raises(errors.UnexpectedStatusError):
                await lemlist.team.get()
    assert server.connections == 3


async def test_tracing_sees_every_request(ways: list[str]) -> None:
    async with scripted(says(200, {"_id": "tea_1"})) as server:
        AioHttpClientInstrumentor().instrument()
        try:
            async with quick(server.url) as lemlist:
                await lemlist.team.get()
        finally:
            AioHttpClientInstrumentor().uninstrument()
        async with quick(server.url) as lemlist:
            await lemlist.team.get()
    assert ways == ["session", "direct"]


@pytest.mark.parametrize("name", ["_request", "request"])
async def test_a_session_that_is_replaced_sees_every_request(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stand_in(*_: Any, **__: Any) -> Any:
        raise aiohttp.ClientConnectionError("no test of this program reaches a network")

    async with scripted(says(200, {"_id": "tea_1"})) as server, quick(server.url) as lemlist:
        await lemlist.team.get()
        monkeypatch.setattr(aiohttp.ClientSession, name, stand_in)
        with pytest.raises((errors.TransportError, aiohttp.ClientConnectionError)):
            await lemlist.team.get()
        assert len(server.seen) == 1


async def test_a_body_that_fills_the_socket_goes_through_the_session(ways: list[str]) -> None:
    async with scripted(says(200, {})) as server, quick(server.url) as lemlist:
        await lemlist.request("POST", "/x", json="x" * 100_000, effect=Effect.IDEMPOTENT)
    assert ways == ["session"]


async def test_both_ways_share_a_connection_without_its_parser(ways: list[str]) -> None:
    plain, zipped = sends(TEAM), sends(packed(b'{"_id":"tea_2"}'))
    async with fault_server(plain, zipped, plain, zipped, plain) as server, quick(server.url) as lemlist:
        assert (await lemlist.team.get()).id == "tea_1"
        assert (await lemlist.team.get()).id == "tea_2"
        large = await lemlist.request("POST", "/x", json="x" * 100_000, effect=Effect.IDEMPOTENT)
        assert large == {"_id": "tea_1"}
        assert (await lemlist.team.get()).id == "tea_2"
        assert (await lemlist.team.get()).id == "tea_1"
    assert ways == ["direct", "direct", "session", "direct", "direct"]
    assert server.connections == 1


async def test_a_session_of_the_program_is_used_as_it_is(ways: list[str]) -> None:
    async with (
        scripted(says(200, {"_id": "tea_1"})) as server,
        aiohttp.ClientSession() as session,
        Lemlist(KEY, server.url, session=session) as lemlist,
    ):
        await lemlist.team.get()
    assert "direct" not in ways


async def test_another_aiohttp_is_noticed_before_anything_is_sent(
    ways: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def set_response_params(self: Any) -> None:
        raise AssertionError("never called with arguments")

    direct.works.cache_clear()
    with monkeypatch.context() as changed:
        changed.setattr(direct.ResponseHandler, "set_response_params", set_response_params)
        with caplog.at_level(logging.WARNING, "lemlist_async"):
            assert [direct.works() for _ in range(3)] == [False] * 3
    async with scripted(says(200, {"_id": "tea_1"})) as server, quick(server.url) as lemlist:
        await lemlist.team.get()
    direct.works.cache_clear()
    assert ways == ["session"]
    [told] = [record.message for record in caplog.records if "ClientSession" in record.message]
    assert f"aiohttp {aiohttp.__version__} has changed" in told
    assert "unexpected keyword argument 'timer'" in told


@pytest.mark.parametrize("late", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}"])
async def test_a_response_that_is_not_there_to_read_is_noticed(
    late: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = direct.ResponseHandler.data_received
    monkeypatch.setattr(direct.ResponseHandler, "data_received", lambda self, data: feed(self, late))
    direct.works.cache_clear()
    assert not direct.works()
    direct.works.cache_clear()
