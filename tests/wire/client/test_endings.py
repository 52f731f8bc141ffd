"""Ends of calls under a closing client, and errors after an earlier attempt with an unknown outcome."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any

import aiohttp
import pytest

from lemlist_async import Call, Effect, Lemlist, Retry, Throttle, ThrottleOptions, Timeouts, errors
from lemlist_async.observe import CallEnd, RetryScheduled
from tests.support.clients import KEY, quick
from tests.support.fault_server import Behaviour, answer, fault_server, sends, silence
from tests.support.scripted import hangs_up, says, scripted

BEGUN = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 4000\r\n\r\na,b\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na,b\n\r\n"
REFUSED = b"HTTP/1.1 404 Not Found\r\nContent-Length: 40\r\n\r\nNot"
LIMITED = {"X_RateLimit_Limit": "20", "X_RateLimit_Remaining": "0", "Retry_After": "3600"}


def stalls(*pieces: bytes) -> Behaviour:
    return sends(*pieces, pause=60)


async def closed_under(lemlist: Lemlist, call: Coroutine[Any, Any, Any]) -> BaseException:
    """The error of a call whose client is closed once it is on its way; it has to come at once."""
    task = asyncio.create_task(call)
    await asyncio.sleep(0.1)
    await lemlist.aclose()
    (result,) = await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), 5)
    assert lemlist.throttle.in_flight == 0
    assert isinstance(result, BaseException)
    return result


@pytest.mark.parametrize(
    "behaviour", [silence, stalls(BEGUN), stalls(CHUNKED)], ids=["head", "body", "chunk"]
)
@pytest.mark.parametrize("borrowed", [False, True])
async def test_calls_in_flight_end_with_the_client(behaviour: Behaviour, borrowed: bool) -> None:
    async with fault_server(behaviour) as server, aiohttp.ClientSession() as session:
        given = session if borrowed else None
        for effect, kind in ((Effect.READ, errors.ClosedError), (Effect.UNSAFE, errors.LostResponseError),
                             (Effect.IDEMPOTENT, errors.TransportError)):  # fmt: skip
            lemlist = Lemlist(KEY, server.url, session=given)
            error = await closed_under(lemlist, lemlist.request("POST", "/x", effect=effect))
            assert type(error) is kind


async def test_a_refusal_whose_body_hangs_is_a_refusal_all_the_same() -> None:
    async with fault_server(stalls(REFUSED)) as server:
        lemlist = quick(server.url)
        error = await closed_under(lemlist, lemlist.request("POST", "/x", effect=Effect.UNSAFE))
        assert isinstance(error, errors.NotFoundError)
        async with quick(server.url, timeouts=Timeouts(attempt=0.2)) as other:
            with pytest.raises(errors.NotFoundError):
                await other.request("POST", "/x", effect=Effect.UNSAFE)


async def test_a_success_whose_body_hangs_keeps_its_status() -> None:
    async with (
        fault_server(stalls(BEGUN)) as server,
        quick(server.url, timeouts=Timeouts(attempt=0.2)) as lemlist,
    ):
        with pytest.raises(errors.LostResponseError) as caught:
            await lemlist.request("POST", "/x", effect=Effect.UNSAFE)
    assert caught.value.status == 200


@pytest.mark.parametrize("head", [BEGUN, CHUNKED], ids=["length", "chunked"])
async def test_the_reader_of_a_stream_ends_with_the_client(head: bytes) -> None:
    failures: list[Any] = []
    async with fault_server(stalls(head)) as server:
        lemlist = quick(server.url)
        lemlist.on(CallEnd, failures.append)

        async def read() -> None:
            async with lemlist.stream(Call("GET", "/x")) as pieces:
                async for _ in pieces:
                    pass

        error = await closed_under(lemlist, read())
    assert isinstance(error, errors.TransportError)
    assert error.status == 200
    assert len(error.attempts) == 1
    assert [event.error for event in failures] == [error]


async def test_a_stream_that_is_closed_by_its_own_reader_ends_with_our_error() -> None:
    async with fault_server(sends(BEGUN, *[b"a,b\n"] * 100, pause=0.01)) as server:
        lemlist = quick(server.url)

        async def read() -> None:
            async with lemlist.stream(Call("GET", "/x")) as pieces:
                async for _ in pieces:
                    await lemlist.aclose()

        with pytest.raises(errors.TransportError):
            await read()


async def test_a_page_in_place_of_a_stream_is_a_decode_error_whatever_its_body() -> None:
    page = answer(b'{"a": 1}', "200 OK", "text/html")
    async with fault_server(sends(page)) as server, quick(server.url, retry=Retry(attempts=1)) as lemlist:
        with pytest.raises(errors.DecodeError):
            async with lemlist.stream(Call("GET", "/x")):
                pass


@pytest.mark.parametrize("status", ["000", "099", "101"])
async def test_a_status_below_200_is_no_success(status: str) -> None:
    async with fault_server(sends(answer(b"", f"{status} X"))) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.LemlistError):
            await lemlist.request("PUT", "/x", effect=Effect.UNSAFE)


async def test_a_byte_order_mark_before_the_json_is_skipped() -> None:
    bom = answer(b'\xef\xbb\xbf{"_id": "cam_1", "name": "One"}')
    async with fault_server(sends(bom)) as server, quick(server.url) as lemlist:
        assert (await lemlist.campaigns.get("cam_1")).name == "One"


# An earlier attempt in doubt ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "then", [says(429, "no", **LIMITED), says(401, "The authentication you supplied is incorrect"), says(403, "no")]
)  # fmt: skip
async def test_a_refusal_at_the_door_is_not_the_last_word_about_a_lost_try(then: Any) -> None:
    async with scripted(hangs_up(), then) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.TransportError) as caught:
            await lemlist.request("PUT", "/x", effect=Effect.IDEMPOTENT)
        assert caught.value.attempts[0].outcome == "reset"
        assert len(caught.value.attempts) == len(server.seen) == 2
        assert isinstance(caught.value.__context__, errors.APIStatusError)


async def test_a_read_is_never_in_doubt() -> None:
    async with scripted(hangs_up(), says(429, "no", **LIMITED)) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.RateLimitError):
            await lemlist.request("GET", "/x", effect=Effect.READ)


async def test_not_sent_is_not_the_last_word_about_a_lost_try() -> None:
    async with scripted(hangs_up()) as server:
        lemlist = quick(server.url, retry=Retry(attempts=3, base=0.3, cap=0.3))
        seen = asyncio.Event()
        lemlist.on(RetryScheduled, lambda _: seen.set())
        task = asyncio.create_task(lemlist.request("PUT", "/x", effect=Effect.IDEMPOTENT))
        await seen.wait()
    # the server is closed
    with pytest.raises(errors.TransportError) as caught:
        await task
    await lemlist.aclose()
    assert type(caught.value) is errors.TransportError
    assert {attempt.outcome for attempt in caught.value.attempts} >= {"reset", "refused"}


async def test_a_queue_that_refuses_the_repeat_is_not_the_last_word_about_a_lost_try() -> None:
    throttle = Throttle(ThrottleOptions(limit=1, window=30, pacer=None, max_wait=0.1))
    async with scripted(hangs_up()) as server, Lemlist(KEY, server.url, throttle=throttle) as lemlist:
        with pytest.raises(errors.TransportError):
            await lemlist.request("PUT", "/x", effect=Effect.IDEMPOTENT)


async def test_a_deadline_after_a_lost_attempt_says_so() -> None:
    throttle = Throttle(ThrottleOptions(limit=1, window=30, pacer=None))
    async with scripted(hangs_up()) as server, Lemlist(KEY, server.url, throttle=throttle) as lemlist:
        impatient = lemlist.with_options(deadline=1, retry=Retry(base=0.01, cap=0.01))
        with pytest.raises(errors.DeadlineExceededError, match="earlier attempt") as caught:
            await impatient.request("PUT", "/x", effect=Effect.IDEMPOTENT)
    assert caught.value.phase == "attempt"


# A file on another host -------------------------------------------------------------------------------


def file_at(url: str) -> Call[Any]:
    return Call("GET", "/file", url=url, text=True)


async def test_what_a_file_host_says_is_not_about_the_key() -> None:
    async with scripted(says(401, "no")) as files, scripted(says(200, {"_id": "cam_1"})) as server:
        elsewhere = files.url.replace("127.0.0.1", "localhost") + "/x.csv"
        async with quick(server.url) as lemlist:
            for _ in range(4):
                with pytest.raises(errors.AuthenticationError):
                    await lemlist.send(file_at(elsewhere))
            await lemlist.campaigns.get("cam_1")


async def test_the_limit_of_a_file_host_shuts_no_gate() -> None:
    async with scripted(says(429, "no", **LIMITED)) as files, scripted(says(200, {"_id": "cam_1"})) as server:
        elsewhere = files.url.replace("127.0.0.1", "localhost") + "/x.csv"
        async with quick(server.url) as lemlist:
            with pytest.raises(errors.RateLimitError):
                await lemlist.send(file_at(elsewhere))
            assert (lemlist.throttle.paused_for, lemlist.throttle.mode) == (0, "ledger")


async def test_a_borrowed_session_with_the_key_among_its_headers_shows_it_to_no_file_host() -> None:
    headers = {"Authorization": aiohttp.encode_basic_auth("", KEY)}
    async with (
        scripted(says(200, "a,b")) as files,
        aiohttp.ClientSession(headers=headers) as session,
        Lemlist(KEY, "http://127.0.0.1:9/api", session=session) as lemlist,
    ):
        await lemlist.send(file_at(files.url + "/x.csv"))
    assert "Authorization" not in files.seen[0].headers


@pytest.mark.parametrize("host", ["127.0.0.1", "LOCALHOST"])
async def test_the_own_host_gets_the_key_however_it_is_spelled(host: str) -> None:
    async with scripted(says(200, "a,b")) as server:
        base = server.url if host == "127.0.0.1" else server.url.replace("127.0.0.1", "localhost")
        async with quick(base) as lemlist:
            await lemlist.send(file_at(base.replace("localhost", host).replace("/api", "/x.csv")))
    assert "Authorization" in server.seen[0].headers


@pytest.mark.parametrize(
    "url",
    ["http://u:p@127.0.0.1/x", "http://u%3Ax:p@127.0.0.1/x", "http://127.0.0.1/\x00", "http://127.0.0.1/\ud800",
     "http://127.0.0.1/a b", "ftp://127.0.0.1/x", "x.csv", ""],
)  # fmt: skip
async def test_an_address_that_cannot_be_fetched_is_refused_before_anything_is_sent(url: str) -> None:
    async with quick("http://127.0.0.1:9/api") as lemlist:
        with pytest.raises(errors.InvalidInputError, match="not a URL"):
            await lemlist.send(file_at(url))


async def test_a_key_that_is_known_to_be_refused_ends_its_calls_for_observers_too() -> None:
    failures: list[Any] = []
    async with scripted(says(401, "no")) as server, quick(server.url) as lemlist:
        lemlist.on(CallEnd, failures.append)
        for _ in range(4):
            with pytest.raises(errors.AuthenticationError):
                await lemlist.campaigns.get("cam_1")
    assert len(failures) == 4
    assert len(server.seen) == 3


async def test_a_failed_call_leaves_nothing_to_the_garbage_collector() -> None:
    async with scripted(says(404, "no")) as server, quick(server.url) as lemlist:
        for round_ in range(2):
            gc.collect()
            for _ in range(5):
                with pytest.raises(errors.NotFoundError):
                    await lemlist.campaigns.get("cam_1")
            left = sum(type(one).__module__.startswith("lemlist_async") for one in unreachable())
            assert left == 0 or not round_


def unreachable() -> list[Any]:
    """Objects that only the garbage collector could free."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return list(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
