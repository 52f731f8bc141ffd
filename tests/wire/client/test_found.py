"""Regressions: each of these attacks succeeded once."""

import asyncio
import enum
import gc
import ssl
import traceback
from typing import Any

import pytest

from lemlist_async import Effect, Lemlist, Options, Retry, ThrottleOptions, Timeouts, errors
from lemlist_async.core.wire import Call
from tests.support.clients import KEY, quick
from tests.support.fault_server import fault_server, sends, silence
from tests.support.scripted import says, scripted, waits

OK = says(200, {"_id": "cam_1"})
LIMITED = {"X_RateLimit_Limit": "20", "X_RateLimit_Remaining": "0", "Retry_After": "0"}


async def test_closing_while_a_stream_of_unknown_length_is_read_does_not_make_it_look_whole() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n\r\n"
    async with fault_server(sends(head, b"x" * 1000, b"x" * 500_000, pause=0.2, then="close")) as server:
        lemlist = quick(server.url)
        async with lemlist.stream(Call("GET", "/x")) as pieces:
            assert len(await anext(pieces)) == 1000
            await lemlist.aclose()
            with pytest.raises(errors.TransportError, match="closed while the body was read"):
                await anext(pieces)


async def test_rows_without_an_id_are_all_given() -> None:
    pages = [
        says(
            200,
            {
                "data": [{"name": f"r{n}{m}"} for m in (0, 1)],
                "pagination": {"nextPage": n + 1 if n < 3 else None},
            },
        )
        for n in (1, 2, 3)
    ]
    async with scripted(*pages) as server, quick(server.url) as lemlist:
        names = [campaign.name async for campaign in lemlist.campaigns.list()]
    assert names == ["r10", "r11", "r20", "r21", "r30", "r31"]


async def test_a_next_page_that_is_no_number_is_an_error_and_not_the_end() -> None:
    page = says(200, {"data": [{"_id": "cam_1"}], "pagination": {"nextPage": "soon"}})
    async with scripted(page) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.DecodeError, match="next page"):
            await lemlist.campaigns.list().collect()


async def test_a_success_ends_the_failing_fast_of_a_refused_key() -> None:
    answers = [*[waits(0.05, says(401, "no"))] * 3, waits(0.3, OK), OK]
    async with scripted(*answers) as server, quick(server.url) as lemlist:
        calls = []
        for _ in range(4):
            calls.append(asyncio.create_task(lemlist.campaigns.get("cam_1")))
            await asyncio.sleep(0.01)
        await asyncio.gather(*calls, return_exceptions=True)
        assert (await lemlist.campaigns.get("cam_1")).id == "cam_1"


async def test_a_deadline_of_nothing_sends_nothing_on_a_warm_connection_either() -> None:
    async with scripted(OK) as server, quick(server.url) as lemlist:
        await lemlist.campaigns.get("cam_1")
        with pytest.raises(errors.DeadlineExceededError) as caught:
            await lemlist.with_options(deadline=0).campaigns.create(name="x")
    assert not caught.value.ambiguous
    assert len(server.seen) == 1


async def test_a_connection_that_hangs_surely_sent_nothing() -> None:
    async with fault_server(silence, read=False) as server:
        # a server that never says its part of the TLS handshake
        url = server.url.replace("http:", "https:")
        lemlist = quick(url, timeouts=Timeouts(attempt=0.2), retry=Retry(attempts=1))
        with pytest.raises(errors.NotSentError) as caught:
            await lemlist.campaigns.create(name="x")
        await lemlist.aclose()
    assert caught.value.kind == "connect_timeout"


async def test_closing_ends_the_pause_before_a_retry() -> None:
    busy = says(503, "", Retry_After="60")
    async with scripted(busy) as server:
        lemlist = quick(server.url)
        call = asyncio.create_task(lemlist.campaigns.get("cam_1"))
        await asyncio.sleep(0.2)
        await lemlist.aclose()
        with pytest.raises(errors.ClosedError):
            await asyncio.wait_for(call, 1)


@pytest.mark.parametrize("location", ["https://[::1/x", "//h:99999/", "http://"])
async def test_a_location_that_is_no_url_is_a_redirect_error(location: str) -> None:
    async with scripted(says(302, "", Location=location)) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.RedirectError):
            await lemlist.campaigns.get("cam_1")


@pytest.mark.parametrize("url", ["", "not-a-url?sig=s3cret", "ftp://x/y", "//h/p", "https://h:99999/x"])
async def test_an_address_of_a_file_that_cannot_be_fetched_is_one_error_that_does_not_show_it(
    url: str,
) -> None:
    async with quick("http://127.0.0.1:1/api") as lemlist:
        with pytest.raises(errors.InvalidInputError) as caught:
            async with lemlist.stream(Call("GET", "/files", url=url)):
                pytest.fail("it was fetched")
    assert "s3cret" not in str(caught.value)


async def test_429s_leave_the_retry_budget_alone() -> None:
    retry = Retry(base=0, budget_floor=2, attempts=4)
    limited = says(429, "no", **LIMITED)
    answers = [limited, limited, limited, OK] * 4
    async with scripted(*answers) as server, quick(server.url, retry=retry) as lemlist:
        for _ in range(4):
            await lemlist.campaigns.get("cam_1")
    assert len(server.seen) == 16


def test_a_key_that_is_refused_stands_in_no_frame_of_the_traceback() -> None:
    for given in ({"api_key": "secret-canary-1\n"}, {"api_key": "secret-canary-2", "base_url": "ftp://x"}):
        with pytest.raises(errors.ConfigurationError) as caught:
            Lemlist(**given)
        ours = [
            frame
            for frame in traceback.walk_tb(caught.value.__traceback__)
            if "lemlist_async" in str(frame[0].f_code)
        ]
        shown = " ".join(repr(frame.f_locals) for frame, _ in ours)
        assert ours
        assert "secret-canary" not in shown


@pytest.mark.parametrize(
    "wrong",
    [
        {"options": {"deadline": 3}},
        {"throttle": 20},
        {"proxy": 5},
        {"ssl": False},
        {"user_agent": "a\r\nX: y"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_an_argument_of_the_wrong_kind_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(errors.ConfigurationError, match=next(iter(wrong))):
        Lemlist(KEY, "http://127.0.0.1:1/api", **wrong)


@pytest.mark.parametrize(
    ("path", "more"),
    [("/a\r\nX-Evil:1", {}), ("/a\nb", {}), ("/\u00e4", {}), ("/a/{}", {}), ("/a", {"query": "abc"}),
     ("/a", {"query": {1: 2}}), ("/a", {"query": {"tags": {"x": 1}}}), ("/a", {"effect": "unsafe"})],
)  # fmt: skip
async def test_a_request_of_the_wrong_kind_is_refused_before_it_is_sent(
    path: str, more: dict[str, Any]
) -> None:
    async with scripted(OK) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.InvalidInputError):
            await lemlist.request("GET", path, **{"effect": Effect.READ, **more})
    assert server.seen == []


async def test_an_enumeration_in_a_query_is_sent_as_its_value() -> None:
    class Status(enum.StrEnum):
        RUNNING = "running"

    class Old(str, enum.Enum):  # noqa: UP042  # as programs older than StrEnum have it
        RUNNING = "running"

    async with scripted(says(200, [])) as server, quick(server.url) as lemlist:
        for status in (Status.RUNNING, Old.RUNNING):
            await lemlist.request("GET", "/x", effect=Effect.READ, query={"status": status})
    assert {call.partition("?")[2] for call in server.calls} == {"status=running"}


async def test_what_the_queue_refuses_says_which_call() -> None:
    async with (
        scripted(OK) as server,
        Lemlist("queue-key", server.url, options=Options(max_wait=0)) as lemlist,
    ):
        results = await asyncio.gather(
            *(lemlist.campaigns.get("cam_1") for _ in range(25)), return_exceptions=True
        )
    refused = [one for one in results if isinstance(one, errors.WaitTooLongError)]
    assert refused
    assert str(refused[0]).startswith("GET /campaigns/{campaignId}: ")


def test_other_throttle_options_are_taken_once_no_client_of_the_key_is_left() -> None:
    first = Lemlist("left-key", throttle=ThrottleOptions(share=0.5))
    with pytest.raises(errors.ConfigurationError, match="share"):
        Lemlist("left-key")
    del first
    gc.collect()
    assert Lemlist("left-key").throttle.options.share == 1


@pytest.mark.parametrize(
    "spelling",
    ["https://api.lemlist.com:443/api", "https://api.lemlist.com./api", "https://API.lemlist.com/api"],
)
def test_one_api_under_two_spellings_has_one_throttle(spelling: str) -> None:
    assert Lemlist("spelled-key", spelling).throttle is Lemlist("spelled-key").throttle


def test_a_subclass_keeps_its_own_attributes_in_a_view() -> None:
    class Mine(Lemlist):
        def __init__(self, tenant: str) -> None:
            super().__init__(KEY)
            self.tenant = tenant

    mine = Mine("acme")
    area = mine.campaigns
    view = mine.with_options(deadline=3)
    assert view.tenant == "acme"
    assert view.campaigns is not area


async def test_what_a_server_says_cannot_drive_a_terminal_nor_name_a_person_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="lemlist_async")
    async with (
        scripted(says(400, "Invalid email ann@secret.io \x1b[31mred\x07")) as server,
        quick(server.url) as lemlist,
    ):
        with pytest.raises(errors.BadRequestError) as caught:
            await lemlist.campaigns.get("cam_1")
    assert "\x1b" not in str(caught.value)
    assert "ann@secret.io" in str(caught.value)
    assert "ann@secret.io" not in caplog.text


async def test_an_eager_task_factory_hangs_nobody() -> None:
    loop = asyncio.get_running_loop()
    factory = getattr(asyncio, "eager_task_factory", None)
    if factory is None:
        return  # before Python 3.12 there is none
    from lemlist_async import Throttle

    loop.set_task_factory(factory)
    throttle = Throttle(ThrottleOptions(limit=1, window=0.00005, pacer=None, margin=0, credit=0))
    for _ in range(2_000):
        (await asyncio.wait_for(throttle.acquire(), 5)).answered()


def test_the_default_context_of_ssl_is_kept() -> None:
    context = ssl.create_default_context()
    assert Lemlist(KEY, ssl=context).base_url == "https://api.lemlist.com/api"


async def test_a_view_has_time_outs_of_its_own() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 6\r\n\r\n"
    async with fault_server(sends(head, b"abc", b"def", pause=0.3)) as server, quick(server.url) as lemlist:
        hasty = lemlist.with_options(timeouts=Timeouts(read=0.05))
        with pytest.raises(errors.TransportError):
            async with hasty.stream(Call("GET", "/x")) as pieces:
                [piece async for piece in pieces]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
async def test_a_number_that_json_cannot_say_is_refused_with_its_place(number: float) -> None:
    async with scripted(OK) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.InvalidInputError, match=r"a\.1\.b"):
            await lemlist.request("POST", "/x", effect=Effect.UNSAFE, json={"a": [None, {"b": number}]})
    assert server.seen == []
