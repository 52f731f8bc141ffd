"""Activities, do-not-contact lists and webhooks of the sandbox."""

import csv
from typing import Any
from urllib.parse import quote

import pytest

from lemlist_async.sandbox import Team
from tests.support.sandbox_api import Api

CONFIRMED = "Contact subscription updated"


@pytest.fixture
def lead(team: Team) -> dict[str, Any]:
    return team.add_lead(team.add_campaign("Spring")["_id"], "ann@b.example", firstName="Ann")


@pytest.fixture
def days(team: Team, lead: dict[str, Any]) -> list[dict[str, Any]]:
    """Five events on the first five days of May."""
    kinds = ["emailsSent", "emailsOpened", "emailsSent", "emailsReplied", "annotated"]
    return [
        team.add_activity(
            kind, None if kind == "annotated" else lead, createdAt=f"2026-05-0{day}T12:00:00.000Z"
        )
        for day, kind in enumerate(kinds, 1)
    ]


async def listed(api: Api, query: str) -> list[str]:
    return [row["_id"] for row in await api.ok(f"GET /activities?version=v2&{query}")]


async def test_history_is_newest_first_and_sliced(api: Api, days: list[dict[str, Any]]) -> None:
    ids = [row["_id"] for row in days]
    assert await listed(api, "") == ids[::-1]
    assert await listed(api, "offset=1&limit=2") == [ids[3], ids[2]]
    assert await listed(api, "offset=5") == []


async def test_history_is_filtered(api: Api, days: list[dict[str, Any]], lead: dict[str, Any]) -> None:
    ids = [row["_id"] for row in days]
    assert await listed(api, "type=emailsSent") == [ids[2], ids[0]]
    assert await listed(api, "type=emailsSent&isFirst=true") == [ids[0]]
    assert await listed(api, f"leadId={lead['_id']}") == ids[3::-1]
    assert await listed(api, "campaignId=cam_other") == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("minDate=2026-05-02T12:00:00Z&maxDate=2026-05-04T12:00:00Z", [3, 2, 1]),
        ("minDate=2026-05-04", [4, 3]),
        ("maxDate=1777723200", [1, 0]),
        ("startDate=2026-05-05T00:00:00Z", [4]),
        ("minDate=2026-05-05&startDate=2026-05-01", [4]),
        ("endDate=2026-05-01T14:00:00%2B02:00", [0]),
    ],
)
async def test_a_window_of_time_is_closed_on_both_sides(
    api: Api, days: list[dict[str, Any]], query: str, expected: list[int]
) -> None:
    assert await listed(api, query) == [days[index]["_id"] for index in expected]


@pytest.mark.parametrize("query", ["minDate=soon", "minDate=2026-05-02&maxDate=2026-05-02", "limit=x"])
async def test_a_window_that_cannot_be_is_refused(api: Api, query: str) -> None:
    assert (await api(f"GET /activities?version=v2&{query}"))[0] == 400


async def test_an_event_carries_its_lead_and_campaign(
    api: Api, days: list[dict[str, Any]], lead: dict[str, Any]
) -> None:
    note, reply = (await api.ok("GET /activities?version=v2&limit=2"))[:2]
    assert (reply["leadEmail"], reply["leadFirstName"], reply["campaignName"]) == (
        "ann@b.example",
        "Ann",
        "Spring",
    )
    assert reply["metaData"]["leadId"] == reply["lead"]["_id"] == lead["_id"]
    assert not {"lead", "leadId", "campaignId"} & set(note)
    old = (await api.ok("GET /activities?type=emailsReplied"))[0]
    assert (old["firstName"], old["extra"], "lead" in old) == ("Ann", {}, False)


async def test_a_recording_is_erased_once(api: Api, team: Team, lead: dict[str, Any]) -> None:
    call = team.add_activity("aircallDone", lead, recordingUrl="https://x.example/r.mp3", transcript="Hi")
    path = f"DELETE /activities/{call['_id']}/recording-transcript"
    assert await api.ok(path) == {"ok": True}
    assert "transcript" not in call
    assert await api(path) == (404, "Activity not found")


@pytest.mark.parametrize(
    "value", ["ann+tag@b.example", "@b.example", "https://www.linkedin.com/in/ann?x=1", "+33 1 23"]
)
async def test_any_value_is_blocked_found_and_released(api: Api, team: Team, value: str) -> None:
    path = f"/v2/unsubscribes/variables/{quote(value, safe='')}"
    assert await api(f"GET {path}") == (404, "Variable not found")
    first, second = await api.ok(f"POST {path}"), await api.ok(f"POST {path}")
    assert first == second
    assert (first["value"], first["variable"], first["source"]) == (value, value, "api")
    assert await api.ok(f"GET {path}") == first
    assert await api.ok(f"DELETE {path}") == "Variable subscribed"
    assert await api(f"DELETE {path}") == (400, "Variable not found in unsubscribe list")
    assert not team.unsubscribes


async def test_protected_values_stay(api: Api, team: Team) -> None:
    for source in ("lead", "abuse"):
        value = team.block(f"{source}@b.example", source)["value"]
        refusal = "Variable is protected and cannot be re-subscribed"
        assert await api(f"DELETE /v2/unsubscribes/variables/{value}") == (409, refusal)


async def test_many_values_are_blocked_at_once(api: Api, team: Team) -> None:
    path = "/v2/unsubscribes/variables"
    values = [f"p{number}@b.example" for number in range(150)]
    assert await api.ok(f"POST {path}", json={"values": [*values, values[0]]}) == "Variables unsubscribed"
    rows = [row for offset in (0, 100) for row in await api.ok(f"GET {path}?offset={offset}&limit=500")]
    assert [row["value"] for row in rows] == values
    assert await api(f"POST {path}", json={"values": ["x"] * 10_001}) == (400, "Maximum 10000 values allowed")
    assert (await api(f"POST {path}", json={"values": "x"}))[0] == 400
    exported = list(csv.DictReader((await api.ok("GET /v2/unsubscribes/exports/variables")).splitlines()))
    assert (len(exported), set(exported[0])) == (150, {"_id", "value", "source", "createdAt"})


async def test_the_flag_of_a_contact_is_confirmed_in_bare_text_that_calls_itself_json(
    api: Api, team: Team
) -> None:
    contact_id = team.add_contact("ann@b.example")["_id"]
    path = f"/v2/unsubscribes/contacts/{contact_id}"
    assert await api.ok(f"GET {path}") == {"_id": contact_id, "doNotContact": False}
    async with api.session.post(api.url + path) as response:
        assert (response.content_type, await response.text()) == ("application/json", CONFIRMED)
    assert (await api.ok(f"GET {path}"))["doNotContact"] is True
    assert (
        await api.ok("GET /v2/unsubscribes/exports/contacts") == f"_id,doNotContact\r\n{contact_id},true\r\n"
    )
    assert await api.ok(f"DELETE {path}") == CONFIRMED
    assert (await api.ok(f"GET {path}"))["doNotContact"] is False
    assert await api("GET /v2/unsubscribes/contacts/ctc_none") == (400, "Bad contact identifier")


async def test_the_old_routes_see_the_same_values_in_the_old_words(api: Api, team: Team) -> None:
    team.block("gone@b.example", "bounced")
    made = await api.ok("POST /unsubscribes/ann@b.example")
    assert made["email"] == made["value"] == "ann@b.example"
    assert (await api.ok("POST /unsubscribes/%40b.example"))["value"] == "@b.example"
    sources = [row["source"] for row in await api.ok("GET /unsubscribes?limit=2")]
    assert sources == ["bounce", "api"]
    assert (await api.ok("GET /unsubscribes/gone@b.example"))["source"] == "bounce"
    assert (await api.ok("GET /unsubs/export")).splitlines()[0] == "value,source,createdAt"
    assert (await api.ok("DELETE /unsubscribes/ann@b.example"))["_id"] == made["_id"]
    assert await api("DELETE /unsubscribes/ann@b.example") == (404, "Unsubscribe not found")
    assert await api("GET /unsubscribes/ann@b.example") == (404, "Unsubscriber not found")
    assert await api("POST /unsubscribes/nonsense") == (500, "Invalid email address or domain")


async def test_a_hook_is_unique_by_its_url_and_never_shows_its_secret(api: Api, team: Team) -> None:
    body = {"targetUrl": "https://x.example/hook", "type": "emailsReplied", "secret": "hush"}
    made = await api.ok("POST /hooks?campaignId=cam_1&isFirst=true&zapId=42", json=body)
    assert made["type"] == "emailsReplied"
    assert (await api("POST /hooks", json=body | {"type": "emailsSent"}))[0] == 409
    assert (await api("POST /hooks", json={"targetUrl": "x.example"}))[0] == 400
    hooks = await api.ok("GET /hooks")
    assert (hooks[0]["campaignId"], hooks[0]["isFirst"], hooks[0]["zapId"]) == ("cam_1", True, 42)
    assert (await api.ok("GET /team"))["hooks"] == hooks
    assert "hush" not in str([made, hooks])
    assert team.hooks[made["_id"]]["secret"] == "hush"
    assert (await api.ok(f"DELETE /hooks/{made['_id']}"))["_id"] == made["_id"]
    assert await api(f"DELETE /hooks/{made['_id']}") == (404, "Webhook not found")


async def test_a_hook_takes_its_filters_from_the_body_too(api: Api) -> None:
    body = {"targetUrl": "https://x.example/hook", "campaignId": "cam_1", "isFirst": True}
    await api.ok("POST /hooks", json=body)
    hook = (await api.ok("GET /hooks"))[0]
    assert (hook["campaignId"], hook["isFirst"], "type" in hook) == ("cam_1", True, False)
