"""Orders to the sandbox over HTTP, and the sandbox in a thread."""

import json
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import aiohttp
import pytest

from lemlist_async.sandbox import Sandbox, Team
from tests.support.sandbox_api import Api


@pytest.fixture
def order(api: Api, sandbox: Sandbox) -> Api:
    return Api(api.session, sandbox.url.removesuffix("/api") + "/_sandbox")


async def test_an_event_is_ordered_by_id_and_by_address(order: Api, sandbox: Sandbox, team: Team) -> None:
    lead = team.add_lead(team.add_campaign()["_id"], "ann@b.example")
    made = await order.ok("POST /events", json={"type": "emailsOpened", "lead": lead["_id"]})
    assert made["leadId"] == lead["_id"]
    event = {"type": "emailsReplied", "lead": "ann@b.example", "fields": {"text": "Yes"}}
    assert (await order.ok("POST /events", json=event))["text"] == "Yes"
    assert lead["state"] == "emailsReplied"
    assert (await order.ok("POST /events", json={"type": "lemwarmPaused"}))["teamId"] == team.id
    assert not sandbox.requests


async def test_the_clock_is_advanced_and_told(order: Api, sandbox: Sandbox) -> None:
    before = sandbox.now
    await order.ok("POST /clock", json={"days": 1, "hours": 1, "seconds": 1})
    assert sandbox.now - before >= 90001
    assert (await order.ok("GET /clock"))["now"][:10] == sandbox.team().stamp()[:10]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"fault": "gateway", "status": 503}, 503),
        ({"fault": "Status", "status": 418, "body": "no", "headers": {"X-A": "b"}}, 418),
        ({"fault": "rate_limited", "retry_after": None}, 429),
        ({"fault": "html"}, 200),
    ],
)
async def test_a_fault_is_ordered_as_json(order: Api, api: Api, fault: dict[str, Any], status: int) -> None:
    await order.ok("POST /faults", json=fault | {"match": "GET /team", "times": 1})
    assert (await api("GET /team"))[0] == status
    assert isinstance(await api.ok("GET /team"), dict)


async def test_faults_that_lose_answers_are_ordered_and_cleared(order: Api, api: Api) -> None:
    await order.ok("POST /faults", json={"fault": "Garbage", "raw": "x", "times": None})
    with pytest.raises(aiohttp.ClientError):
        await api("GET /team")
    assert (await order.ok("DELETE /faults"))["pending"] is False
    await api.ok("GET /team")


async def test_the_limit_is_set_and_taken_away(order: Api, api: Api) -> None:
    await order.ok("POST /limit", json={"limit": 1, "window": 60, "policy": "sliding-log"})
    assert [(await api("GET /team"))[0] for _ in range(2)] == [200, 429]
    await order.ok("POST /limit", json={"limit": None})
    await api.ok("GET /team")


async def test_a_reset_returns_to_the_start(order: Api, api: Api, sandbox: Sandbox, team: Team) -> None:
    first = await api.ok("GET /team")
    campaign = await api.ok("POST /campaigns", json={"name": "Spring"})
    await order.ok("POST /clock", json={"days": 9})
    assert len(await order.ok("GET /requests")) == 2
    await order.ok("POST /reset")
    assert (await order.ok("GET /requests"), sandbox.counters.requests, len(team.campaigns)) == ([], 0, 0)
    assert (await api.ok("GET /team"))["_id"] == first["_id"]
    assert (await api.ok("POST /campaigns", json={"name": "Spring"}))["_id"] == campaign["_id"]


async def test_deliveries_are_shown_without_the_secret(order: Api, api: Api, sandbox: Sandbox) -> None:
    await api.ok("POST /hooks", json={"targetUrl": "http://127.0.0.1:9/", "secret": "s3cret"})
    await order.ok("POST /events", json={"type": "lemwarmPaused"})
    await sandbox.settle()
    (row,) = await order.ok("GET /deliveries")
    assert (row["type"], row["state"], row["attempts"]) == (
        "lemwarmPaused",
        "waiting",
        ["ClientConnectorError"],
    )
    assert "s3cret" not in json.dumps(row)
    assert await order.ok("GET /errors") == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("events", {}),
        ("events", {"type": "nothing"}),
        ("events", {"type": "emailsSent", "lead": "no@b.example"}),
        ("events", {"type": "emailsSent", "fields": []}),
        ("events", {"type": "emailsSent", "led": "x"}),
        ("events", []),
        ("clock", {"days": "3"}),
        ("clock", {"days": -1}),
        ("clock", {"days": 10**30}),
        ("clock", {"weeks": 1}),
        ("faults", {}),
        ("faults", {"fault": "Slow", "seconds": "x"}),
        ("faults", {"fault": "Slow"}),
        ("faults", {"fault": "Status", "status": 99}),
        ("faults", {"fault": "gateway", "status": 10**30}),
        ("limit", {"limit": 1.5}),
        ("limit", {"window": "2"}),
        ("faults", {"fault": "html", "match": "GET /nothing"}),
        ("faults", {"fault": "html", "headers": {"a": 1}}),
        ("limit", {"limit": 0}),
        ("limit", {"limit": "x"}),
        ("limit", {"policy": []}),
        ("limit", {"speed": 1}),
    ],
)
async def test_a_wrong_order_is_refused_with_the_reason(
    order: Api, sandbox: Sandbox, path: str, body: object
) -> None:
    status, answer = await order(f"POST /{path}", json=body)
    assert status == 400
    assert answer["error"]
    assert sandbox.limit is None


async def test_an_unknown_order_lists_the_known_ones(order: Api) -> None:
    status, answer = await order("POST /sing")
    assert (status, "/clock" in answer["orders"]) == (404, True)
    assert (await order("PUT /clock"))[0] == 405
    assert (await order("POST /events", data=b"{"))[0] == 400


class Receiver(BaseHTTPRequestHandler):
    """A receiver in a thread."""

    bodies: list[dict[str, Any]]

    def do_POST(self) -> None:
        self.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        pass


def test_a_program_without_an_event_loop_has_a_sandbox_in_a_thread() -> None:
    Receiver.bodies = []
    receiver = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=receiver.serve_forever)
    thread.start()
    try:
        with Sandbox(limit=None) as sandbox:
            team = sandbox.team()
            lead = team.add_lead(team.add_campaign()["_id"], "ann@b.example")
            team.hooks.keep({"_id": "hoo_1", "targetUrl": f"http://127.0.0.1:{receiver.server_port}/"})
            sandbox.happen("emailsOpened", lead)
            assert [body["type"] for body in Receiver.bodies] == ["emailsOpened", "hooked"]
            sandbox.advance(days=1)
            with (
                pytest.raises(urllib.error.HTTPError) as refused,
                urllib.request.urlopen(sandbox.url + "/team"),
            ):
                pass
            assert refused.value.code == 400
            refused.value.close()
            with pytest.raises(ValueError, match="no event"):
                sandbox.happen("nothing", lead)
            sandbox.reset()
            assert not team.leads
        with pytest.raises(RuntimeError, match="no address"):
            _ = sandbox.url
    finally:
        receiver.shutdown()
        thread.join()
        receiver.server_close()


def test_a_sandbox_in_a_thread_that_cannot_listen_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    with (
        Sandbox() as first,
        pytest.raises(OSError, match="address"),
        Sandbox(port=int(first.url.split(":")[2].split("/")[0])),
    ):
        pass
    assert threading.active_count() == before
