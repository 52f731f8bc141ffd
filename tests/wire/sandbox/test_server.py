"""Admission to the sandbox on real sockets: keys, limits, unknown paths, latency, repeatability."""

import asyncio
import base64
import json
import re
import time
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from aiohttp import ClientSession

from lemlist_async.sandbox import Sandbox, serve
from tests.support.sandbox_api import Api, arrived, connected


class Clock:
    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


async def statuses(sandbox: Sandbox, count: int, key: str | None = None) -> list[int]:
    async with connected(sandbox, key) as session:
        client = Api(session, sandbox.url)
        return [(await client("GET /team"))[0] for _ in range(count)]


async def test_without_a_key_nothing_is_said_but_that(sandbox: Sandbox) -> None:
    async with ClientSession() as session:
        assert await Api(session, sandbox.url)("GET /team") == (400, "No API key provided")


@pytest.mark.parametrize(
    "header",
    [
        "Bearer sandbox-key",
        "Basic " + base64.b64encode(b"user:sandbox-key").decode(),
        "Basic ???",
        "sandbox-key",
    ],
)
async def test_a_key_in_the_wrong_form_is_refused(sandbox: Sandbox, header: str) -> None:
    async with ClientSession(headers={"Authorization": header}) as session:
        assert await Api(session, sandbox.url)("GET /team") == (
            401,
            "The authentication you supplied is incorrect",
        )


async def test_a_wrong_key_is_refused_in_the_words_of_the_operation(sandbox: Sandbox) -> None:
    async with connected(sandbox, "another") as session:
        client = Api(session, sandbox.url)
        assert await client("GET /campaigns") == (401, "The authentication you supplied is incorrect")
        assert await client("GET /campaigns/cam_1") == (401, "")


async def test_the_old_query_parameter_still_opens(sandbox: Sandbox) -> None:
    async with ClientSession() as session:
        status, _ = await Api(session, sandbox.url)("GET /team?access_token=sandbox-key")
    assert status == 200


async def test_a_blocked_user_is_told_so() -> None:
    async with Sandbox(blocked_keys=("blocked",)) as sandbox, connected(sandbox, "blocked") as session:
        assert await Api(session, sandbox.url)("GET /team") == (403, "User linked to this API key is blocked")


async def test_an_unknown_path_is_the_web_application(api: Api, sandbox: Sandbox) -> None:
    async with api.session.get(sandbox.url + "/nothing/here") as response:
        assert (response.status, response.content_type) == (200, "text/html")
    assert sandbox.requests[-1].template == ""


async def test_a_known_path_refuses_another_verb(api: Api) -> None:
    assert await api("DELETE /team") == (405, "Bad method")


async def test_a_body_that_is_no_json_object_is_refused(api: Api) -> None:
    for body in (b"{", b"[]", b'"text"'):
        assert await api("POST /campaigns", data=body) == (400, "Bad request")


@pytest.mark.parametrize(
    ("policy", "later"),
    [
        ("fixed-aligned", 20),
        ("fixed-first", 20),
        ("sliding-log", 20),
        ("sliding-counter", 10),
        ("token-bucket", 10),
    ],
)
async def test_each_policy_guards_the_door(policy: str, later: int) -> None:
    clock = Clock(1000.0)  # the beginning of an aligned window
    async with Sandbox(policy=policy, clock=clock) as sandbox:
        assert await statuses(sandbox, 22) == [200] * 20 + [429] * 2
        clock.now += 1.0 if policy == "token-bucket" else 2.0 if policy != "sliding-counter" else 3.0
        assert (await statuses(sandbox, 21)).count(200) == later
        assert sandbox.counters.requests == sandbox.counters[sandbox.key].requests == 43
        assert sandbox.counters.refused == 2 + 21 - later


async def test_every_answer_tells_the_state_of_the_limit() -> None:
    clock = Clock()
    async with (
        Sandbox(clock=clock, limit=2, wall_clock=lambda: 1_770_000_000.0) as sandbox,
        connected(sandbox) as session,
    ):
        client = Api(session, sandbox.url)
        _, first = await client.headers("GET /team")
        await client.headers("GET /team")
        clock.now += 0.5
        status, third = await client.headers("GET /campaigns")
    assert first["X-RateLimit-Limit"] == "2"
    assert first["X-RateLimit-Remaining"] == "1"
    assert first["Retry-After"] == "2"
    assert (status, third["X-RateLimit-Remaining"], third["Retry-After"]) == (429, "0", "2")
    text = re.sub(r" \(.*\)", "", third["X-RateLimit-Reset"])
    assert datetime.strptime(text, "%a %b %d %Y %H:%M:%S GMT%z").timestamp() == 1_770_000_002


async def test_a_refusal_is_short_text_and_reaches_no_route() -> None:
    async with Sandbox(limit=1, window=60) as sandbox, connected(sandbox) as session:
        client = Api(session, sandbox.url)
        await client.ok("GET /team")
        assert await client("POST /campaigns", json={"name": "Never"}) == (429, "Too many requests")
        assert not sandbox.team().campaigns


async def test_without_a_limit_there_are_no_limit_headers(api: Api) -> None:
    _, headers = await api.headers("GET /team")
    assert not [name for name in headers if name.lower().startswith(("x-rate", "retry"))]


async def test_each_key_has_its_own_team_and_its_own_limit() -> None:
    async with Sandbox(keys=("one", "two"), limit=3, window=60) as sandbox:
        assert await statuses(sandbox, 4, "one") == [200, 200, 200, 429]
        assert await statuses(sandbox, 1, "two") == [200]
        assert sandbox.team("one").id != sandbox.team("two").id
        assert sandbox.counters["two"].requests == 1


async def test_an_id_of_another_team_is_a_bad_team_and_an_unknown_one_is_not_found() -> None:
    async with Sandbox(keys=("one", "two"), limit=None) as sandbox, connected(sandbox, "one") as session:
        client = Api(session, sandbox.url)
        foreign = sandbox.team("two").add_campaign()["_id"]
        assert await client(f"GET /campaigns/{foreign}") == (400, "Bad team")
        assert await client("GET /campaigns/nonsense") == (400, "Bad team")
        assert await client("GET /campaigns/cam_0123456789abcdefg") == (404, "Campaign not found")


async def test_latency_comes_after_the_check_and_before_the_effect() -> None:
    async with Sandbox(latency=0.3, limit=1, window=60) as sandbox, connected(sandbox) as session:
        client = Api(session, sandbox.url)
        slow = asyncio.ensure_future(client("POST /campaigns", json={"name": "Late"}))
        await arrived(sandbox)
        assert not sandbox.team().campaigns
        assert (await client("GET /team"))[0] == 429
        assert not slow.done()
        assert (await slow)[0] == 200


async def test_a_range_of_latency_is_drawn_from() -> None:
    async with Sandbox(latency=(0.01, 0.05), limit=None) as sandbox, connected(sandbox) as session:
        client, spent = Api(session, sandbox.url), []
        for _ in range(5):
            start = time.perf_counter()
            await client.ok("GET /team")
            spent.append(time.perf_counter() - start)
    assert min(spent) >= 0.01
    assert len({round(seconds, 3) for seconds in spent}) > 1


async def story(seed: int) -> tuple[Any, ...]:
    async with (
        Sandbox(seed=seed, limit=None, wall_clock=lambda: 1_770_000_000.0) as sandbox,
        connected(sandbox) as session,
    ):
        client = Api(session, sandbox.url)
        campaign = await client.ok("POST /campaigns", json={"name": "Same"})
        lead = await client.ok(f"POST /campaigns/{campaign['_id']}/leads/", json={"email": "a@b.example"})
        return await client.ok("GET /team?version=v2"), campaign, lead


async def test_the_same_seed_tells_the_same_story() -> None:
    assert await story(7) == await story(7)
    assert (await story(7))[1]["_id"] != (await story(8))[1]["_id"]


async def test_ids_have_a_prefix_and_seventeen_characters(api: Api) -> None:
    campaign = await api.ok("POST /campaigns", json={"name": "Ids"})
    for prefix, value in (
        ("cam", campaign["_id"]),
        ("seq", campaign["sequenceId"]),
        ("tea", campaign["teamId"]),
    ):
        assert re.fullmatch(prefix + "_[0-9A-Za-z]{17}", value)


async def test_the_log_of_requests_is_bounded_and_holds_no_secret(api: Api, sandbox: Sandbox) -> None:
    await api("GET /leads?email=person%40secret.example&access_token=canary-key")
    seen = sandbox.requests[-1]
    assert (seen.method, seen.template, seen.status) == ("GET", "/leads", 404)
    shown = repr(sandbox) + repr(sandbox.requests) + repr(sandbox.counters) + repr(sandbox.team())
    assert not [word for word in ("canary-key", "secret.example", sandbox.key) if word in shown]
    assert sandbox.requests.maxlen == 10_000


async def test_a_port_that_is_taken_is_an_error_that_leaves_nothing_open(sandbox: Sandbox) -> None:
    port = int(sandbox.url.split(":")[2].split("/")[0])
    second = Sandbox(port=port)
    with pytest.raises(OSError, match="in use"):
        await second.__aenter__()
    with pytest.raises(RuntimeError):
        _ = second.url


async def test_serving_goes_on_until_it_is_cancelled() -> None:
    started: asyncio.Future[Sandbox] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(ready=started.set_result, keys=("served",), limit=None))
    sandbox = await started
    assert await statuses(sandbox, 1) == [200]
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    with pytest.raises(RuntimeError, match="async with"):
        _ = sandbox.url


@pytest.mark.parametrize(
    "options",
    [
        {"policy": "leaky"},
        {"limit": 0},
        {"window": -1},
        {"latency": (0.2, 0.1)},
        {"keys": ()},
        {"keys": ("a", "a")},
        {"keys": "key"},
        {"list_shape": "v3"},
        {"duplicate_status": 400},
        {"polls": -1},
        {"port": 70000},
    ],
)
def test_an_option_out_of_range_is_refused_when_the_sandbox_is_built(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Sandbox(**options)


async def test_a_request_costs_little_cpu() -> None:
    async with Sandbox(limit=None) as sandbox, connected(sandbox) as session:
        start = time.process_time()
        for _ in range(300):
            async with session.get(sandbox.url + "/team") as response:
                json.loads(await response.read())
        assert (
            time.process_time() - start < 300 * 0.0025
        )  # client and server together; 0.8 ms on an idle core
