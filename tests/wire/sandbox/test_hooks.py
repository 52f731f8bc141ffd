"""Hooks of the sandbox: events that are posted over HTTP, and what becomes of each delivery."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from lemlist_async.sandbox import Sandbox, Team
from lemlist_async.webhooks import parse
from tests.support.sandbox_api import Api, connected

START = 1_772_442_000.0  # a Monday, 10 o'clock in Paris


@attrs.define
class Receiver:
    """A receiver that keeps the bodies, and answers with the next of its statuses or the last one."""

    url: str = ""
    bodies: list[bytes] = attrs.field(factory=list[bytes])
    statuses: list[int] = attrs.field(factory=lambda: [200])

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return web.Response(status=status, headers={"Location": self.url + "/elsewhere"})

    def events(self) -> list[Any]:
        return [parse(body, secret=None) for body in self.bodies]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", made.take)
    async with TestServer(app, host="127.0.0.1") as server:
        made.url = str(server.make_url("")).rstrip("/")
        yield made


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(limit=None, wall_clock=lambda: START) as running:
        yield running


@pytest.fixture
def lead(team: Team) -> dict[str, Any]:
    return team.add_lead(team.add_campaign("Spring")["_id"], "ann@b.example", firstName="Ann", score="7")


async def test_an_event_is_posted_flat_with_the_secret(
    api: Api, sandbox: Sandbox, receiver: Receiver, lead: dict[str, Any]
) -> None:
    hook = await api.ok(
        "POST /hooks", json={"targetUrl": receiver.url, "type": "emailsReplied", "secret": "s3"}
    )
    assert "secret" not in hook
    made = sandbox.happen("emailsReplied", lead, text="Yes")
    sandbox.happen("emailsOpened", lead)
    await sandbox.settle()
    (body,) = receiver.bodies
    event = parse(body, secret="s3")
    assert (event.id, event.type, event.lead_email, event.campaign_name) == (
        made["_id"],
        "emailsReplied",
        "ann@b.example",
        "Spring",
    )
    assert event.extra["score"] == "7"
    assert "lead" not in event.extra
    (delivery,) = sandbox.deliveries
    assert (delivery.state, delivery.attempts) == ("delivered", [200])
    assert "s3" not in repr(delivery)


async def test_a_hook_gets_what_passes_its_filters(
    api: Api, team: Team, sandbox: Sandbox, receiver: Receiver, lead: dict[str, Any]
) -> None:
    other = team.add_lead(team.add_campaign()["_id"], "bob@b.example")
    for query in ("campaignId=" + other["campaignId"], "isFirst=true", ""):
        await api.ok(
            f"POST /hooks?{query}", json={"targetUrl": f"{receiver.url}/{query}", "type": "emailsOpened"}
        )
    for one in (lead, lead, other):
        sandbox.happen("emailsOpened", one)
    await sandbox.settle()
    posted = Counter(delivery.url.removeprefix(receiver.url + "/") for delivery in sandbox.deliveries)
    assert posted == {"campaignId=" + other["campaignId"]: 1, "isFirst=true": 2, "": 3}


async def test_a_delivery_is_tried_again_on_the_clock_of_the_sandbox(
    api: Api, sandbox: Sandbox, receiver: Receiver, lead: dict[str, Any]
) -> None:
    receiver.statuses = [500, 302, 200]
    await api.ok("POST /hooks", json={"targetUrl": receiver.url, "type": "emailsOpened"})
    sandbox.happen("emailsOpened", lead)
    tried: list[int] = []
    for seconds in (9.9, 0.2, 19.5, 0.6):
        await sandbox.settle()
        tried.append(len(receiver.bodies))
        sandbox.advance(seconds=seconds)
    await sandbox.settle()
    assert [*tried, len(receiver.bodies)] == [1, 1, 2, 2, 3]
    assert sandbox.deliveries[0].attempts == [500, 302, 200]
    assert len(set(receiver.bodies)) == 1


async def test_a_delivery_is_lost_after_five_retries(
    api: Api, sandbox: Sandbox, lead: dict[str, Any]
) -> None:
    await api.ok("POST /hooks", json={"targetUrl": "http://127.0.0.1:9/", "type": "emailsOpened"})
    sandbox.happen("emailsOpened", lead)
    for _ in range(7):
        await sandbox.settle()
        sandbox.advance(seconds=400)
    (delivery,) = sandbox.deliveries
    assert (delivery.state, delivery.attempts) == ("lost", ["ClientConnectorError"] * 6)


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("deleted", [True, False])
async def test_an_answer_that_says_gone_deletes_the_hook(
    receiver: Receiver, status: int, deleted: bool
) -> None:
    receiver.statuses = [status]
    options: dict[str, Any] = {"delete_gone_hooks": deleted, "hook_retries": 0}
    async with Sandbox(limit=None, **options) as sandbox, connected(sandbox) as session:
        await Api(session, sandbox.url).ok("POST /hooks", json={"targetUrl": receiver.url})
        team = sandbox.team()
        sandbox.happen("emailsOpened", team.add_lead(team.add_campaign()["_id"], "ann@b.example"))
        await sandbox.settle()
        assert len(team.hooks) == (0 if deleted else 1)
        assert {delivery.state for delivery in sandbox.deliveries} == ({"gone"} if deleted else {"lost"})


async def test_another_machine_is_called_only_if_it_is_allowed(receiver: Receiver) -> None:
    async with Sandbox(limit=None, allow_hosts=["hooks.example"], hook_retries=0) as sandbox:
        team = sandbox.team()
        for name in ("hooks.example", "evil.example"):
            team.hooks.keep({"_id": f"hoo_{name}", "targetUrl": f"http://{name}:1/x", "type": "paused"})
        sandbox.happen("paused", team.add_lead(team.add_campaign()["_id"], "ann@b.example"))
        await sandbox.settle()
        assert [delivery.state for delivery in sandbox.deliveries] == ["lost", "refused"]


async def test_what_happens_before_the_start_is_posted_after_it(receiver: Receiver) -> None:
    sandbox = Sandbox(limit=None)
    team = sandbox.team()
    team.hooks.keep({"_id": "hoo_1", "targetUrl": receiver.url})
    sandbox.happen("lemwarmPaused")
    assert sandbox.deliveries[0].state == "waiting"
    async with sandbox:
        await sandbox.settle()
    assert [event.type for event in receiver.events()] == ["lemwarmPaused"]


async def test_a_message_of_the_inbox_calls_no_hook(
    api: Api, team: Team, sandbox: Sandbox, receiver: Receiver, lead: dict[str, Any]
) -> None:
    await api.ok("POST /hooks", json={"targetUrl": receiver.url})
    body = {"sendUserId": team.user_id, "leadId": lead["_id"], "message": "Hi"}
    await api.ok("POST /inbox/linkedin", json=body)
    await sandbox.settle()
    assert not sandbox.deliveries


async def test_a_finished_enrichment_is_told_to_the_hooks(
    api: Api, sandbox: Sandbox, receiver: Receiver
) -> None:
    await api.ok("POST /hooks", json={"targetUrl": receiver.url, "type": "enrichmentDone", "secret": "s3"})
    started = await api.ok("POST /enrich?verifyEmail=true&email=ann@b.example")
    for _ in range(3):
        await api(f"GET /enrich/{started['id']}")
    await sandbox.settle()
    (delivery,) = sandbox.deliveries
    assert delivery.body == {"type": "enrichmentDone", "data": [{"id": started["id"]}], "secret": "s3"}


@pytest.mark.parametrize("url", ["http://[", "https://", "ftp://a.example", "http://]:80/", ""])
async def test_an_address_that_is_none_is_refused(api: Api, url: str) -> None:
    assert (await api("POST /hooks", json={"targetUrl": url}))[0] == 400
    assert (
        await api("POST /enrich", params={"webhookUrl": url, "verifyEmail": "true", "email": "a@b.example"})
    )[0] == 400


async def test_the_story_of_a_campaign_over_http_alone(
    api: Api, sandbox: Sandbox, receiver: Receiver
) -> None:
    order = Api(api.session, sandbox.url.removesuffix("/api") + "/_sandbox")
    user_id = (await api.ok("GET /team"))["createdBy"]
    campaign = await api.ok("POST /campaigns", json={"name": "Spring"})
    path = f"/campaigns/{campaign['_id']}"
    await api.ok(f"PATCH {path}", json={"sendUserIds": [user_id]})
    steps = f"POST /sequences/{campaign['sequenceId']}/steps"
    for delay in (0, 3):
        await api.ok(steps, json={"type": "email", "subject": "Hello", "message": "Hi", "delay": delay})
    await api.ok("POST /hooks", json={"targetUrl": receiver.url, "secret": "s3"})
    ids = {}
    for name in ("ann", "bob"):
        made = await api.ok(f"POST {path}/leads/", json={"email": f"{name}@b.example"})
        ids[name] = made["_id"]
        await api.ok(f"POST /leads/review/{made['_id']}")
    assert (await api.ok(f"GET {path}"))["status"] == "running"
    await order.ok("POST /clock", json={"hours": 2})
    await order.ok(
        "POST /events", json={"type": "emailsReplied", "lead": ids["ann"], "fields": {"text": "Yes"}}
    )
    await api.ok(f"DELETE {path}/leads/{ids['bob']}")
    await order.ok("POST /clock", json={"days": 9})
    while any(  # noqa: ASYNC110 - over HTTP there is nothing to wait for
        row["state"] == "waiting" for row in await order.ok("GET /deliveries")
    ):
        await asyncio.sleep(0.01)
    deliveries = [row["type"] for row in await order.ok("GET /deliveries")]
    assert sorted(event.type or "" for event in receiver.events()) == sorted(deliveries)
    assert Counter(deliveries) == {
        "emailsSent": 2,
        "contacted": 2,
        "emailsReplied": 1,
        "warmed": 1,
        "stopped": 1,
        "emailsUnsubscribed": 1,
        "campaignComplete": 1,
    }
    stats = await api.ok(f"GET /v2{path}/stats?startDate=2026-01-01&endDate=2030-01-01")
    figures = ("messagesSent", "nbLeadsReached", "nbLeadsAnswered", "nbLeadsUnsubscribed")
    assert [stats[name] for name in figures] == [2, 2, 1, 1]
    assert stats["steps"][0]["sent"] == 2
    rows = await api.ok(f"GET {path}/export/leads?state=all&format=json")
    assert {row["email"]: (row["lastState"], row["status"]) for row in rows} == {
        "ann@b.example": ("emailsReplied", "done"),
        "bob@b.example": ("emailsUnsubscribed", "unsubscribed"),
    }
    assert [row["value"] for row in await api.ok("GET /v2/unsubscribes/variables")] == ["bob@b.example"]
    assert (await api.ok(f"GET {path}"))["status"] == "ended"
    (conversation,) = (await api.ok(f"GET /inbox?userId={user_id}&limit=100"))["data"][:1]
    assert conversation["haveReplies"] is True
    await order.ok("POST /expect", json={"match": f"POST {path}/leads/", "times": 2})


async def test_what_is_due_happens_in_real_time_too(receiver: Receiver) -> None:
    async with Sandbox(limit=None) as sandbox:
        team = sandbox.team()
        campaign = team.add_campaign(autoReview=True)
        campaign["scheduleIds"] = []
        team.sequences[campaign["sequenceId"]]["steps"].append({"_id": "stp_1", "type": "api"})
        team.hooks.keep({"_id": "hoo_1", "targetUrl": receiver.url, "type": "campaignComplete"})
        team.add_lead(campaign["_id"], "ann@b.example")
        while not receiver.bodies:  # noqa: ASYNC110 - the receiver sets no event
            await asyncio.sleep(0.005)


async def test_a_sandbox_in_a_thread_posts_to_the_loop_that_ordered_it(receiver: Receiver) -> None:
    with Sandbox(limit=None) as sandbox:
        team = sandbox.team()
        team.hooks.keep({"_id": "hoo_1", "targetUrl": receiver.url, "type": "lemwarmPaused"})
        sandbox.happen("lemwarmPaused")  # an order that waited for the hook would wait for its own loop
        await sandbox.settle()
        assert [event.type for event in receiver.events()] == ["lemwarmPaused"]
