"""Every kind of fault on a real socket, as aiohttp's client meets it."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import (
    ClientError,
    ClientOSError,
    ClientPayloadError,
    ClientResponseError,
    ServerDisconnectedError,
)

from lemlist_async.sandbox import (
    BAD_CHUNK,
    Cut,
    Damage,
    Drip,
    Fault,
    Garbage,
    Hang,
    Loss,
    Reset,
    Rewrite,
    Sandbox,
    Slow,
    Status,
    gateway,
    html,
    lost_response,
    rate_limited,
    retyped,
)
from tests.support.sandbox_api import Api, arrived, connected

CREATE = "POST /campaigns"


def create(api: Api) -> Awaitable[tuple[int, object]]:
    return api(CREATE, json={"name": "Struck"})


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Loss(), ServerDisconnectedError),
        (Reset(), ClientOSError),
        (Reset(hard=False), ServerDisconnectedError),
        (lost_response(), ClientOSError),
        (lost_response(hard=False), ServerDisconnectedError),
        (Hang(seconds=0.02), ServerDisconnectedError),
        (Hang(seconds=0.02, effect=True), ServerDisconnectedError),
        (Garbage(), ClientResponseError),
        (Garbage(raw=BAD_CHUNK, effect=True), ClientError),
    ],
)
async def test_a_fault_without_an_answer_happens_before_or_after_the_effect(
    api: Api, sandbox: Sandbox, fault: Fault, error: type[Exception]
) -> None:
    sandbox.faults.add(fault, CREATE)
    with pytest.raises(error):
        await create(api)
    assert len(sandbox.team().campaigns) == fault.effect
    assert sandbox.requests[-1].status is None
    assert (await create(api))[0] == 200


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_cut_body_shows_its_status_and_then_fails(api: Api, sandbox: Sandbox, framing: str) -> None:
    sandbox.faults.add(Cut(framing=framing, keep=0.9))
    async with api.session.get(sandbox.url + "/team") as response:
        assert response.status == 200
        with pytest.raises(ClientPayloadError):
            await response.read()


async def test_a_body_cut_without_a_length_looks_whole(api: Api, sandbox: Sandbox) -> None:
    whole = len(str(await api.ok("GET /team")))
    sandbox.faults.add(Cut(framing="close"))
    status, text = await api("GET /team")
    assert status == 200
    assert isinstance(text, str)
    assert 0 < len(text) < whole


async def test_a_stalled_body_is_silent_before_it_ends(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Cut(stall=0.2))
    start = time.perf_counter()
    with pytest.raises(ClientPayloadError):
        await api("GET /team")
    assert time.perf_counter() - start >= 0.2


@pytest.mark.parametrize("fault", [Slow(seconds=0.15), Drip(seconds=0.15), Drip(seconds=0.15, pieces=3)])
async def test_a_slow_answer_is_whole_in_the_end(api: Api, sandbox: Sandbox, fault: Fault) -> None:
    expected = await api.ok("GET /team")
    sandbox.faults.add(fault)
    start = time.perf_counter()
    assert await api.ok("GET /team") == expected
    assert time.perf_counter() - start >= 0.14


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_gateway_answers_with_a_page_and_without_rate_headers(status: int) -> None:
    async with Sandbox() as sandbox, connected(sandbox) as session:
        sandbox.faults.add(gateway(status))
        async with session.post(sandbox.url + "/campaigns", json={"name": "Struck"}) as response:
            assert (response.status, response.content_type) == (status, "text/html")
            assert "X-RateLimit-Limit" not in response.headers
        assert not sandbox.team().campaigns


async def test_a_plain_damage_does_none(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(Damage())
    assert (await api.ok("GET /team"))["_id"] == sandbox.team().id
    assert not sandbox.faults.pending


async def test_a_gateway_may_fail_after_the_effect(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(gateway(504, effect=True))
    assert (await create(api))[0] == 504
    assert len(sandbox.team().campaigns) == 1


async def test_a_scripted_429_looks_like_the_limiter_or_like_the_edge() -> None:
    async with Sandbox() as sandbox, connected(sandbox) as session:
        sandbox.faults.script([rate_limited(3), rate_limited(None)])
        client = Api(session, sandbox.url)
        status, headers = await client.headers("GET /team")
        assert (status, headers["Retry-After"], headers["X-RateLimit-Remaining"]) == (429, "3", "0")
        assert headers["X-RateLimit-Limit"] == "20"
        status, headers = await client.headers("GET /team")
        assert (status, headers["Content-Type"]) == (429, "text/html")
        assert "Retry-After" not in headers


async def test_any_status_body_and_header_can_be_scripted(api: Api, sandbox: Sandbox) -> None:
    answer = Status(status=418, body='{"a": 1}', content_type="application/json", headers={"X-Odd": "yes"})
    sandbox.faults.add(answer, "GET /team")
    status, headers = await api.headers("GET /team")
    assert (status, headers["X-Odd"], headers["Content-Type"]) == (418, "yes", "application/json")


async def test_a_web_page_may_come_with_a_good_status(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.add(html())
    status, body = await create(api)
    assert (status, str(body)[:9]) == (200, "<!DOCTYPE")
    assert not sandbox.team().campaigns


async def test_the_label_or_the_bytes_of_an_answer_may_be_wrong(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.script([retyped("text/plain"), Rewrite(body=b'{"_id"')])
    status, headers = await api.headers("GET /team")
    assert (status, headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert await api("GET /team") == (200, '{"_id"')
    sandbox.faults.add(Rewrite(headers={"Content-Encoding": "gzip"}))
    with pytest.raises(ClientPayloadError):
        await api("GET /team")


async def test_faults_strike_only_what_the_door_lets_in() -> None:
    async with Sandbox(limit=1, window=60) as sandbox, connected(sandbox) as session:
        client = Api(session, sandbox.url)
        sandbox.faults.add(gateway(), after=1)
        assert [(await client("GET /team"))[0] for _ in range(3)] == [200, 429, 429]
        assert sandbox.faults.pending


async def test_faults_match_by_operation_and_position(api: Api, sandbox: Sandbox) -> None:
    campaign_id = sandbox.team().add_campaign()["_id"]
    sandbox.faults.add(gateway(), match="POST /campaigns/{campaignId}/leads/", after=2)
    path = f"POST /campaigns/{campaign_id}/leads"
    emails = [f"p{number}@b.example" for number in range(4)]
    assert [(await api(path, json={"email": email}))[0] for email in emails] == [200, 200, 502, 200]
    assert (await create(api))[0] == 200


async def test_the_end_of_the_sandbox_does_not_wait_for_a_silence() -> None:
    started = time.perf_counter()
    async with connected(Sandbox()) as session:
        async with Sandbox(limit=None) as sandbox:
            sandbox.faults.add(Hang(seconds=60))
            hanging = asyncio.ensure_future(create(Api(session, sandbox.url)))
            await arrived(sandbox)
        with pytest.raises(ServerDisconnectedError):
            await hanging
    assert time.perf_counter() - started < 5


async def test_a_client_that_left_first_harms_nothing(api: Api, sandbox: Sandbox) -> None:
    for fault in (Hang(seconds=0.1), Slow(seconds=0.1), Drip(seconds=0.1), Cut(stall=0.1)):
        sandbox.faults.add(fault)
        request = asyncio.ensure_future(api("GET /team"))
        await asyncio.sleep(0.03)
        request.cancel()
    await asyncio.sleep(0.15)
    await api.ok("GET /team")


def test_a_fault_out_of_range_is_refused_when_it_is_built() -> None:
    wrong: list[Callable[[], Fault]] = [
        lambda: Cut(keep=1.0),
        lambda: Cut(keep=-0.1),
        lambda: Drip(seconds=1, pieces=0),
    ]
    for build in wrong:
        with pytest.raises(ValueError, match="must be"):
            build()
