"""The sandbox stays up: broken bodies, odd paths and filters, and faults of its own."""

import asyncio
import io
import json
import time
from typing import Any

import pytest

from lemlist_async.sandbox import Sandbox, Team
from tests.support.sandbox_api import Api


async def test_a_body_that_is_not_its_gzip_is_a_bad_request(api: Api, sandbox: Sandbox) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    for encoding in ("gzip", "deflate"):
        status, _ = await api(
            "POST /campaigns", data=b"not packed", headers=headers | {"Content-Encoding": encoding}
        )
        assert status == 400
    assert not sandbox.errors
    await api.ok("GET /team")


async def test_a_body_that_is_too_large_is_refused_and_logged(api: Api, sandbox: Sandbox) -> None:
    assert (await api("POST /campaigns", data=io.BytesIO(b"x" * (26 * 1024 * 1024))))[0] == 413
    assert sandbox.requests[-1].status == 413


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(", 3, None, [], {}])
async def test_a_pattern_that_takes_long_is_a_malformed_filter(api: Api, team: Team, pattern: object) -> None:
    team.add_contact("a" * 40 + "@b.example")
    filters = json.dumps([{"filterId": "email", "regex": pattern}])
    before = time.perf_counter()
    assert await api("GET /tasks", params={"filters": filters}) == (400, {"error": "Malformed filters"})
    assert time.perf_counter() - before < 5


@pytest.mark.parametrize(
    "given",
    [
        {"filterId": "dueDate", "from": 3, "to": []},
        {"filterId": "campaignId", "in": 5},
        {"filterId": "type", "out": {"a": 1}},
        {"filterId": [], "in": ["x"]},
        {"filterId": {}, "value": "x"},
        {"filterId": "email", "value": 3},
    ],
)
async def test_filters_of_odd_types_are_answered(
    api: Api, sandbox: Sandbox, team: Team, given: dict[str, Any]
) -> None:
    contact = team.add_contact("ann@b.example")
    task = {"recordId": contact["_id"], "type": "manual", "assignedTo": team.user_id, "dueDate": "2026-01-01"}
    await api.ok("POST /tasks", json=task)
    status, _ = await api("GET /tasks", params={"filters": json.dumps([given])})
    assert status in (200, 400)
    assert not sandbox.errors


DATES = (
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "nan",
    "inf",
    "-1e400",
    "1e30",
    "0001-01-01",
)


@pytest.mark.parametrize("date", DATES)
async def test_dates_at_the_ends_of_the_calendar_are_answered(
    api: Api, sandbox: Sandbox, team: Team, date: str
) -> None:
    campaign = team.add_campaign()
    team.add_activity("emailsSent", team.add_lead(campaign["_id"], "ann@b.example"))
    paths = (
        ("/activities", {"minDate": date}),
        ("/activities", {"maxDate": date}),
        (f"/v2/campaigns/{campaign['_id']}/stats", {"startDate": date, "endDate": date}),
    )
    for path, query in paths:
        status, _ = await api(f"GET {path}", params=query)
        assert status in (200, 400), path
    assert not sandbox.errors


async def test_a_path_with_line_ends_is_answered_and_logged(api: Api, sandbox: Sandbox) -> None:
    host, _, port = sandbox.url.removeprefix("http://").removesuffix("/api").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for path in ("/api/team%0d%0aX-Evil:%201", "/api/leads/%0d%0a", "/api/campaigns/%00", "/api/%ff%fe"):
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 ")
        assert b"X-Evil" not in head
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
    writer.close()
    assert len(sandbox.requests) == 4
    assert all(seen.status for seen in sandbox.requests)


async def test_a_fault_of_the_sandbox_is_marked_and_journalled(
    api: Api, sandbox: Sandbox, team: Team
) -> None:
    team.campaigns["cam_broken"] = {"_id": "cam_broken", "secret": "s3cret"}
    status, headers = await api.headers("GET /campaigns/cam_broken")
    assert (status, headers["X-Sandbox-Error"]) == (500, "KeyError")
    (error,) = sandbox.errors
    assert (error.method, error.template, error.kind) == ("GET", "/campaigns/{campaignId}", "KeyError")
    assert "campaigns.py" in error.trace
    assert "s3cret" not in error.trace
    assert sandbox.requests[-1].status == 500
    del team.campaigns["cam_broken"]
    await api.ok("GET /campaigns")


async def test_a_fault_of_what_happens_by_itself_is_journalled_and_the_rest_goes_on() -> None:
    async with Sandbox(limit=None) as sandbox:
        team = sandbox.team()
        campaign = team.add_campaign(autoReview=True)
        campaign["scheduleIds"] = []
        steps = team.sequences[campaign["sequenceId"]]["steps"]
        steps.append({"_id": "stp_1", "type": "unheard of"})
        team.add_lead(campaign["_id"], "ann@b.example")
        await asyncio.sleep(0.05)
        steps[0]["type"] = "api"
        lead = team.add_lead(campaign["_id"], "bob@b.example")
        sandbox.advance(days=1)
        assert [error.kind for error in sandbox.errors] == ["KeyError"]
        assert lead["status"] == "done"


@pytest.mark.parametrize("delay", [1501, 10**30, -1, True, "1"])
async def test_a_delay_out_of_range_is_refused(api: Api, team: Team, delay: object) -> None:
    campaign = team.add_campaign()
    path = f"POST /sequences/{campaign['sequenceId']}/steps"
    assert (await api(path, json={"type": "email", "delay": delay}))[0] == 400


async def test_a_task_that_is_done_lets_its_lead_go_on(api: Api, team: Team, sandbox: Sandbox) -> None:
    campaign = team.add_campaign(autoReview=True)
    campaign["scheduleIds"] = []
    for number, kind in enumerate(("manual", "phone", "api")):
        team.sequences[campaign["sequenceId"]]["steps"].append({"_id": f"stp_{number}", "type": kind})
    lead = team.add_lead(campaign["_id"], "ann@b.example")
    sandbox.advance(seconds=1)
    (first,) = team.tasks
    await api.ok("PATCH /tasks", json={"id": first, "done": True})
    await api.ok("PATCH /tasks", json={"id": first, "done": True})
    sandbox.advance(seconds=1)
    second = list(team.tasks)[1]
    await api.ok("POST /tasks/ignore", json={"ids": [second]})
    sandbox.advance(seconds=1)
    assert [row["type"] for row in team.activities.values()] == ["manualDone", "aircallIgnored", "apiDone"]
    assert lead["status"] == "done"
