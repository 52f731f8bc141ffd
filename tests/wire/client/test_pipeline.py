"""One call over a real socket: auth, errors, retries, deadlines."""

import asyncio
import base64
import logging
import traceback
from typing import Any

import aiohttp
import pytest

from lemlist_async import Effect, Lemlist, Retry, errors
from tests.support.clients import KEY, quick
from tests.support.scripted import Answer, hangs_up, says, scripted, waits

OK = says(200, {"_id": "cam_1", "name": "One"})
LIMITED = {"X_RateLimit_Limit": "20", "X_RateLimit_Remaining": "0", "Retry_After": "0"}


async def test_a_call_carries_the_key_with_an_empty_user_name_and_an_agent() -> None:
    async with scripted(OK) as server, quick(server.url) as lemlist:
        campaign = await lemlist.campaigns.get("cam_1")
    assert campaign.name == "One"
    headers = server.seen[0].headers
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode() == f":{KEY}"
    assert headers["User-Agent"].startswith("lemlist_async/")


@pytest.mark.parametrize(
    "value", ["a/b", "a b", "é@x.com", "+33 6", "%2F", "x?y#z", "@domain.com", "…", "a%20b"]
)
async def test_what_the_server_decodes_is_what_was_given(value: str) -> None:
    async with scripted(OK) as server, quick(server.url) as lemlist:
        await lemlist.campaigns.get(value)
    assert server.seen[0].match_info["tail"] == f"api/campaigns/{value}"


@pytest.mark.parametrize("value", ["", ".", "..", "a\nb", "\x00", "\ud800"])
async def test_a_value_that_no_path_can_carry_is_refused_before_anything_is_sent(value: str) -> None:
    async with scripted(OK) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.InvalidInputError):
            await lemlist.campaigns.get(value)
    assert server.seen == []


@pytest.mark.parametrize(
    "fault", [says(502, "<html>"), says(500, ""), hangs_up(), says(429, "slow down", **LIMITED)]
)
async def test_a_read_is_tried_again_after_any_passing_fault(fault: Any) -> None:
    async with scripted(fault, fault, OK) as server, quick(server.url) as lemlist:
        await lemlist.campaigns.get("cam_1")
    assert len(server.seen) == 3


async def test_a_post_that_may_not_be_repeated_is_sent_once_and_ends_as_ambiguous() -> None:
    async with scripted(hangs_up(), OK) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.LostResponseError) as caught:
            await lemlist.campaigns.create(name="x")
    assert len(server.seen) == 1
    assert [attempt.outcome for attempt in caught.value.attempts] == ["reset"]
    assert caught.value.verify is not None
    assert "campaigns.list" in caught.value.verify


async def test_a_5xx_to_a_post_that_may_not_be_repeated_is_both_what_happened_and_ambiguous() -> None:
    async with scripted(says(502, "x"), OK) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.AmbiguousError) as caught:
            await lemlist.campaigns.create(name="x")
    assert len(server.seen) == 1
    assert isinstance(caught.value, errors.ServerError)
    assert caught.value.status == 502


async def test_even_a_post_that_may_not_be_repeated_is_sent_again_after_a_429() -> None:
    created = says(200, {"_id": "cam_2"})
    async with scripted(says(429, "no", **LIMITED), created) as server, quick(server.url) as lemlist:
        await lemlist.campaigns.create(name="x")
    assert len(server.seen) == 2
    assert server.bodies[0] == server.bodies[1] == b'{"name":"x"}'


async def test_a_delete_over_a_dead_keep_alive_connection_is_never_sent_twice_in_silence() -> None:
    """aiohttp by itself sends GET, PUT and DELETE again: the repeat has to be a decision of ours."""
    async with scripted(OK, hangs_up(), OK) as server, quick(server.url) as lemlist:
        await lemlist.campaigns.get("cam_1")
        with pytest.raises(errors.LostResponseError):
            await lemlist.request("DELETE", "/things/{id}", "1", effect=Effect.UNSAFE)
    assert server.calls == ["GET /api/campaigns/cam_1", "DELETE /api/things/1"]


@pytest.mark.parametrize("first", [hangs_up(), says(502, "x"), says(200, "{")], ids=["lost", "502", "cut"])
@pytest.mark.parametrize("status", [404, 400])
async def test_a_delete_whose_first_answer_was_lost_finds_it_gone_and_says_so(
    first: Answer, status: int
) -> None:
    gone = says(status, "Unsubscribe not found")
    async with scripted(first, gone) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.AlreadyGoneError, match="earlier attempt") as caught:
            await lemlist.request("DELETE", "/things/{id}", "1", effect=Effect.IDEMPOTENT)
    assert len(server.seen) == 2
    assert isinstance(caught.value, errors.NotFoundError)
    assert isinstance(caught.value, errors.AlreadyDoneError)


async def test_a_delete_of_what_was_never_there_is_plainly_not_found() -> None:
    limited = says(429, "no", **LIMITED)
    async with scripted(limited, says(404, "Not found")) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.NotFoundError) as caught:
            await lemlist.request("DELETE", "/things/{id}", "1", effect=Effect.IDEMPOTENT)
    assert type(caught.value) is errors.NotFoundError
    assert len(server.seen) == 2


async def test_a_read_that_finds_nothing_after_a_lost_response_is_plainly_not_found() -> None:
    async with scripted(hangs_up(), says(404, "Not found")) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.NotFoundError) as caught:
            await lemlist.request("GET", "/things/{id}", "1", effect=Effect.READ)
    assert type(caught.value) is errors.NotFoundError


async def test_the_last_error_has_all_attempts() -> None:
    async with (
        scripted(says(503, "x")) as server,
        quick(server.url, retry=Retry(attempts=3, base=0)) as lemlist,
    ):
        with pytest.raises(errors.ServerError) as caught:
            await lemlist.campaigns.get("cam_1")
    assert [attempt.outcome for attempt in caught.value.attempts] == ["503", "503", "503"]
    assert len(server.seen) == 3


async def test_retry_after_beyond_the_cap_ends_the_call_at_once() -> None:
    limited = says(429, "no", **{**LIMITED, "Retry_After": "3600"})
    async with scripted(limited) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.RateLimitError) as caught:
            await lemlist.campaigns.get("cam_1")
    assert caught.value.retry_after == 3600
    assert len(server.seen) == 1


async def test_the_retry_budget_keeps_an_outage_from_growing() -> None:
    retry = Retry(attempts=5, base=0, budget=0.2, budget_floor=4)
    async with scripted(says(503, "x")) as server, quick(server.url, retry=retry) as lemlist:
        for _ in range(20):
            with pytest.raises(errors.ServerError):
                await lemlist.campaigns.get("cam_1")
    assert len(server.seen) <= 20 + 4 + 0.2 * 20


async def test_a_key_that_is_refused_three_times_in_a_row_fails_fast() -> None:
    refused = says(401, "The authentication you supplied is incorrect")
    async with scripted(refused) as server, quick(server.url) as lemlist:
        for _ in range(5):
            with pytest.raises(errors.AuthenticationError):
                await lemlist.campaigns.get("cam_1")
    assert len(server.seen) == 3


async def test_the_deadline_covers_an_answer_that_does_not_come() -> None:
    async with scripted(waits(5, OK)) as server, quick(server.url, deadline=0.2) as lemlist:
        with pytest.raises(errors.DeadlineExceededError) as caught:
            await lemlist.campaigns.get("cam_1")
        assert (caught.value.phase, caught.value.ambiguous) == ("attempt", False)
        with pytest.raises(errors.AmbiguousDeadlineError) as lost:
            await lemlist.campaigns.create(name="x")
        assert lost.value.ambiguous
        assert isinstance(lost.value, TimeoutError)


async def test_the_deadline_covers_the_queue() -> None:
    async with scripted(OK) as server, Lemlist("queued-key", server.url) as lemlist:
        await asyncio.gather(*(lemlist.campaigns.get("cam_1") for _ in range(18)))
        late = lemlist.with_options(deadline=0.05, lane="bulk")
        results = await asyncio.gather(
            *(late.campaigns.get("cam_1") for _ in range(4)), return_exceptions=True
        )
    assert isinstance(results[-1], errors.DeadlineExceededError)
    assert results[-1].phase == "queue"
    assert not results[-1].attempts


async def test_a_pause_that_would_pass_the_deadline_is_not_begun() -> None:
    limited = says(429, "no", **{**LIMITED, "Retry_After": "30"})
    async with scripted(limited) as server, quick(server.url, deadline=5) as lemlist:
        started = asyncio.get_running_loop().time()
        with pytest.raises(errors.RateLimitError):
            await lemlist.campaigns.get("cam_1")
        assert asyncio.get_running_loop().time() - started < 2


@pytest.mark.parametrize(
    ("body", "said"),
    [(b"{", "not JSON"), (b'{"a": undefined}', "not JSON"), (b"[" * 2000 + b"]" * 1999, "not JSON"),
     (b"[]", "list came"), (b"", "nothing came"), (b"<html>", "HTML")],
)  # fmt: skip
async def test_an_answer_that_is_not_what_the_api_promises_is_a_decode_error(body: bytes, said: str) -> None:
    retry = Retry(attempts=1)
    async with scripted(says(200, body)) as server, quick(server.url, retry=retry) as lemlist:
        with pytest.raises(errors.DecodeError, match=said):
            await lemlist.campaigns.get("cam_1")


async def test_a_cut_body_of_a_read_is_fetched_again() -> None:
    async with scripted(says(200, b'{"_id": "cam_1", "na'), OK) as server, quick(server.url) as lemlist:
        assert (await lemlist.campaigns.get("cam_1")).name == "One"
    assert len(server.seen) == 2


async def test_a_body_above_the_cap_is_not_held() -> None:
    async with (
        scripted(says(200, b'"' + b"x" * 50_000 + b'"')) as server,
        quick(server.url, max_body=10_000) as lemlist,
    ):
        with pytest.raises(errors.TransportError) as caught:
            await lemlist.request("GET", "/big", effect=Effect.READ)
    assert caught.value.kind == "too_large"
    assert caught.value.status == 200


async def test_a_redirect_is_not_followed() -> None:
    async with scripted(OK) as other, scripted(says(302, "", Location=f"{other.url}/x")) as server:
        lemlist = quick(server.url)
        with pytest.raises(errors.RedirectError):
            await lemlist.campaigns.get("cam_1")
        await lemlist.aclose()
        assert other.seen == []


async def test_an_unknown_operation_is_called_with_the_same_rules() -> None:
    answers = (says(502, ""), says(200, [1, None]), says(200, ""), says(200, "plain"))
    query = {"on": True, "no": None}
    async with scripted(*answers) as server, quick(server.url) as lemlist:
        assert await lemlist.request("get", "/new/{id}", "é", effect=Effect.READ, query=query) == [1, None]
        assert await lemlist.request("POST", "/new", effect=Effect.UNSAFE, json={"a": 1}) is None
        assert await lemlist.request("GET", "/new", effect=Effect.READ) == "plain"
    assert server.calls[1:3] == ["GET /api/new/%C3%A9?on=true", "POST /api/new"]


@pytest.mark.parametrize(
    ("method", "path", "ids"),
    [
        ("TRACE", "/x", ()),
        ("GET", "x", ()),
        ("GET", "/x?y=1", ()),
        ("GET", "/{a}", ()),
        ("GET", "/x", ("1",)),
        ("GET", "//x", ()),
    ],
)
async def test_a_request_that_cannot_be_meant_is_refused(
    method: str, path: str, ids: tuple[str, ...]
) -> None:
    async with quick("http://127.0.0.1:1/api") as lemlist:
        with pytest.raises(errors.InvalidInputError):
            await lemlist.request(method, path, *ids, effect=Effect.READ)


async def test_retries_and_error_answers_are_logged_one_line_each(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="lemlist_async")
    async with scripted(says(502, ""), says(404, f"no {KEY}")) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.NotFoundError):
            await lemlist.campaigns.get("cam_1")
    levels = [record.levelname for record in caplog.records if record.name == "lemlist_async"]
    assert levels == ["WARNING", "INFO", "DEBUG"]
    assert KEY not in caplog.text
    assert "cam_1" not in caplog.text


async def test_a_borrowed_session_is_used_and_left_open() -> None:
    async with scripted(OK) as server, aiohttp.ClientSession() as session:
        async with Lemlist(KEY, server.url, session=session) as lemlist:
            await lemlist.campaigns.get("cam_1")
        assert not session.closed
        async with session.get(server.url) as plain:
            assert plain.status == 200
    assert "Authorization" in server.seen[0].headers
    assert "Authorization" not in server.seen[1].headers


async def test_views_share_the_client_and_change_what_they_are_asked_to() -> None:
    async with scripted(OK) as server, quick(server.url) as lemlist:
        view = lemlist.with_options(lane="bulk", deadline=3)
        await view.campaigns.get("cam_1")
        assert view.throttle is lemlist.throttle
        assert (view.options.lane, lemlist.options.lane) == ("bulk", "interactive")
        with pytest.raises(errors.ConfigurationError, match="dedline"):
            lemlist.with_options(dedline=3)


async def test_a_stream_gives_the_body_piece_by_piece() -> None:
    async with scripted(says(502, ""), says(200, b"a,b\n" * 50_000)) as server, quick(server.url) as lemlist:
        size = 0
        async with lemlist.campaigns.export_leads_csv("cam_1").stream() as pieces:
            async for piece in pieces:
                size += len(piece)
    assert size == 200_000
    assert server.calls[-1] == "GET /api/campaigns/cam_1/export/leads?state=all&format=csv"


async def test_a_pause_that_lemlist_asks_for_above_the_cap_ends_the_call_and_says_so() -> None:
    async with scripted(says(503, "busy", Retry_After="300")) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.ServerError) as caught:
            await lemlist.campaigns.get("cam_1")
    assert len(server.seen) == 1
    assert caught.value.gave_up == "lemlist asked to wait 300 s, above the cap of 120 s"
    assert "not tried again: lemlist asked to wait 300 s" in "".join(traceback.format_exception(caught.value))


async def test_epoch_seconds_under_retry_after_pause_nobody() -> None:
    """A wait of 56 years would shut the gate of the key for as long as a pause may be."""
    limited = says(
        429, "slow", Retry_After="1767225600", X_RateLimit_Limit="20", Date="Thu, 01 Jan 2026 00:00:00 GMT"
    )
    async with scripted(limited, says(200, {"_id": "cam_1"})) as server, quick(server.url) as lemlist:
        async with asyncio.timeout(10):
            assert (await lemlist.campaigns.get("cam_1")).id == "cam_1"
    assert len(server.seen) == 2


async def test_the_tries_and_what_ended_them_are_told() -> None:
    async with (
        scripted(says(503, "busy")) as server,
        quick(server.url, retry=Retry(attempts=2, base=0)) as lemlist,
    ):
        with pytest.raises(errors.ServerError) as caught:
            await lemlist.campaigns.get("cam_1")
        assert caught.value.gave_up == "2 attempts were made"
        with pytest.raises(errors.LemlistError) as caught:
            await lemlist.campaigns.create(name="C")
        assert caught.value.gave_up is None
