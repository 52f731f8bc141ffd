"""Leads of the sandbox, with the refusals and oddities that were seen live."""

import hashlib
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import FormData

from lemlist_async.sandbox import Sandbox, Team
from tests.support.sandbox_api import Api, connected

NOBODY = "lea_0123456789abcdefg"


@pytest.fixture
def campaign_id(team: Team) -> str:
    return team.add_campaign("Spring")["_id"]


@pytest.fixture
def lead(team: Team, campaign_id: str) -> dict[str, Any]:
    return team.add_lead(campaign_id, "ann@b.example", firstName="Ann")


async def test_a_created_lead_has_an_id_its_campaign_and_all_its_keys(
    api: Api, team: Team, campaign_id: str
) -> None:
    person = {"email": "ann@b.example", "self": "Ann", "Company name": "B", "score": 3, "none": None}
    made = await api.ok(f"POST /campaigns/{campaign_id}/leads/", json=person)
    assert (made["campaignId"], made["campaignName"], made["isPaused"]) == (campaign_id, "Spring", False)
    assert (made["Company name"], made["score"], made["self"], "none" in made) == ("B", 3, "Ann", False)
    assert team.leads[made["_id"]]["status"] == "review"
    assert team.contacts[made["contactId"]]["email"] == "ann@b.example"


async def test_a_second_copy_is_refused_by_text(
    api: Api, campaign_id: str, lead: dict[str, Any], team: Team
) -> None:
    path = f"POST /campaigns/{campaign_id}/leads"
    assert await api(path, json={"email": "ANN@b.example"}) == (400, "Lead already in the campaign")
    other = f"POST /campaigns/{team.add_campaign()['_id']}/leads/"
    refusal = (409, "Lead already in other campaign")
    assert await api(f"{other}?deduplicate=true", json={"email": "ann@b.example"}) == refusal
    copy = await api.ok(other, json={"email": "ann@b.example"})
    assert copy["contactId"] == lead["contactId"]
    assert copy["_id"] != lead["_id"]


async def test_the_refusal_of_august_is_a_500_on_request() -> None:
    async with Sandbox(limit=None, duplicate_status=500) as sandbox, connected(sandbox) as session:
        team, client = sandbox.team(), Api(session, sandbox.url)
        team.add_lead(team.add_campaign()["_id"], "ann@b.example")
        path = f"POST /campaigns/{team.add_campaign()['_id']}/leads/?deduplicate=true"
        assert await client(path, json={"email": "ann@b.example"}) == (500, "Lead already in other campaign")


async def test_a_campaign_id_without_its_prefix_is_a_success_that_does_nothing(api: Api, team: Team) -> None:
    answer = await api.ok("POST /campaigns/0123456789abcdefg/leads/", json={"email": "ann@b.example"})
    assert "_id" not in answer
    assert not team.leads


@pytest.mark.parametrize(
    "body", [{}, {"email": None}, {"email": "nobody"}, {"email": "a b@c.example"}, {"email": 7}]
)
async def test_a_lead_without_sense_is_refused(
    api: Api, team: Team, campaign_id: str, body: dict[str, Any]
) -> None:
    status, text = await api(f"POST /campaigns/{campaign_id}/leads/", json=body)
    assert (status, text[:10]) == (400, "Bad params")
    assert not team.leads


async def test_leads_without_an_address_are_never_duplicates(api: Api, team: Team, campaign_id: str) -> None:
    for _ in range(2):
        await api.ok(
            f"POST /campaigns/{campaign_id}/leads/", json={"linkedinUrl": "https://www.linkedin.com/in/ann"}
        )
    assert len(team.leads) == 2


async def test_a_campaign_that_reviews_by_itself_launches_new_leads(api: Api, team: Team) -> None:
    campaign_id = team.add_campaign(autoReview=True)["_id"]
    made = await api.ok(f"POST /campaigns/{campaign_id}/leads/", json={"email": "ann@b.example"})
    assert team.leads[made["_id"]]["status"] == "running"


async def test_the_thin_list_is_empty_without_a_state_and_has_no_offset(
    api: Api, team: Team, campaign_id: str
) -> None:
    ids = [team.add_lead(campaign_id, f"p{number}@b.example")["_id"] for number in range(3)]
    path = f"GET /campaigns/{campaign_id}/leads/"
    assert await api.ok(path) == []
    rows = await api.ok(f"{path}?state=all&limit=2&offset=2")
    assert [row["_id"] for row in rows] == ids[:2]
    assert set(rows[0]) == {"_id", "contactId", "state"}


async def test_a_lead_is_found_by_id_and_by_address(api: Api, lead: dict[str, Any]) -> None:
    by_id, by_email = (
        await api.ok(f"GET /leads?id={lead['_id']}"),
        await api.ok("GET /leads?email=ann%40b.example"),
    )
    assert by_id == by_email
    assert (by_id["firstName"], by_id["emailStatus"]) == ("Ann", "deliverable")
    for query in ("", "?email=x%40y.example", f"?id={NOBODY}"):
        assert await api(f"GET /leads{query}") == (404, "Lead not found")
    assert await api("GET /leads?id=ann") == (400, "Bad team")


async def test_version_two_lists_all_copies_and_version_one_shows_one(
    api: Api, team: Team, lead: dict[str, Any]
) -> None:
    team.add_lead(team.add_campaign("Autumn")["_id"], "ann@b.example")
    rows = await api.ok("GET /leads/ann%40b.example?version=v2")
    assert [row["campaign"]["name"] for row in rows] == ["Spring", "Autumn"]
    assert rows[0]["variables"] == {"email": "ann@b.example", "firstName": "Ann"}
    assert rows[0]["enrichment"] == {"emailStatus": "deliverable"}
    assert (await api.ok("GET /leads/ann@b.example"))["campaignId"] == lead["campaignId"]
    assert await api("GET /leads/no@b.example?version=v2") == (404, "Lead not found")


async def test_a_change_takes_flat_values_and_spoils_nested_ones(
    api: Api, campaign_id: str, lead: dict[str, Any]
) -> None:
    path = f"PATCH /campaigns/{campaign_id}/leads/{lead['_id']}"
    body = await api.ok(path, json={"jobTitle": "CTO", "variables": {"a": 1}, "email": "new@b.example"})
    assert (body["jobTitle"], body["variables"], body["email"]) == ("CTO", "[object Object]", "ann@b.example")
    assert body["leadUrl"].endswith("/api/leads/ann%40b.example")
    assert await api(f"PATCH /campaigns/{campaign_id}/leads/{NOBODY}", json={}) == (404, "Lead not found")


async def test_an_unsubscribed_lead_lies_in_the_graveyard(
    api: Api, campaign_id: str, lead: dict[str, Any]
) -> None:
    path = f"/campaigns/{campaign_id}/leads/{lead['_id']}"
    assert (await api.ok(f"DELETE {path}"))["_id"] == lead["_id"]
    assert lead["state"] == "emailsUnsubscribed"
    assert await api(f"PATCH {path}", json={"jobTitle": "CTO"}) == (500, "Lead in graveyard")
    assert await api(f"DELETE {path}") == (404, "Lead not found")
    await api.ok(f"DELETE {path}?action=remove")


async def test_only_the_action_removes_a_lead(
    api: Api, team: Team, campaign_id: str, lead: dict[str, Any]
) -> None:
    path = f"DELETE /campaigns/{campaign_id}/leads/{lead['_id']}?action=remove"
    assert (await api.ok(path))["_id"] == lead["_id"]
    assert not team.leads
    assert team.leads_of(campaign_id) == team.leads_by_email("ann@b.example") == []
    assert await api(path) == (404, "Lead not found")
    await api.ok(f"POST /campaigns/{campaign_id}/leads/", json={"email": "ann@b.example"})


async def test_an_address_in_the_path_unsubscribes(
    api: Api, sandbox: Sandbox, campaign_id: str, lead: dict[str, Any]
) -> None:
    path = f"DELETE /campaigns/{campaign_id}/leads/{quote('ann@b.example', safe='')}"
    assert (await api.ok(path))["contactId"] == lead["contactId"]
    assert sandbox.requests[-1].template == "/campaigns/{campaignId}/leads/{email}"
    assert lead["status"] == "unsubscribed"
    assert await api(path) == (404, "Lead not found")


@pytest.mark.parametrize("by", ["id", "email"])
async def test_the_action_removes_a_lead_by_its_address_too(
    api: Api, team: Team, campaign_id: str, lead: dict[str, Any], by: str
) -> None:
    name = quote("ann@b.example", safe="") if by == "email" else lead["_id"]
    removed = await api.ok(f"DELETE /campaigns/{campaign_id}/leads/{name}?action=remove")
    assert removed["_id"] == lead["_id"]
    assert not team.leads
    assert not team.unsubscribes


@pytest.mark.parametrize("by", ["id", "email"])
async def test_an_unsubscribed_lead_is_in_the_do_not_contact_list(
    api: Api, campaign_id: str, lead: dict[str, Any], by: str
) -> None:
    name = quote("ann@b.example", safe="") if by == "email" else lead["_id"]
    await api.ok(f"DELETE /campaigns/{campaign_id}/leads/{name}")
    (row,) = await api.ok("GET /v2/unsubscribes/variables")
    (old,) = await api.ok("GET /unsubscribes")
    assert row["value"] == old["value"] == "ann@b.example"


async def test_to_unsubscribe_nobody_is_refused(api: Api, campaign_id: str) -> None:
    assert await api(f"DELETE /campaigns/{campaign_id}/leads/") == (
        404,
        "An email is required to unsub a lead",
    )


async def test_a_pause_holds_everywhere_unless_a_campaign_is_named(
    api: Api, team: Team, lead: dict[str, Any]
) -> None:
    other = team.add_lead(team.add_campaign()["_id"], "ann@b.example")
    rows = await api.ok(f"POST /leads/pause/{lead['_id']}?campaignId={other['campaignId']}")
    assert [row["_id"] for row in rows] == [other["_id"]]
    assert (lead["isPaused"], other["isPaused"]) == (False, True)
    assert len(await api.ok(f"POST /leads/pause/{lead['_id']}")) == 2
    rows = await api.ok(f"POST /leads/start/{lead['_id']}")
    assert [row["isPaused"] for row in rows] == [False, False]
    assert await api(f"POST /leads/start/{NOBODY}") == (404, "Lead not found")
    assert (await api(f"POST /leads/pause/{lead['_id']}?campaignId=cam_none"))[0] == 404
    assert [row["type"] for row in team.activities.values()] == ["paused", "paused", "resumed", "resumed"]


async def test_a_launch_happens_once(api: Api, team: Team, lead: dict[str, Any]) -> None:
    path = f"POST /leads/review/{lead['_id']}"
    codes = []
    for paused, senders in ((True, [team.user_id]), (False, []), (False, [team.user_id])):
        lead["isPaused"], team.campaigns[lead["campaignId"]]["sendUserIds"] = paused, senders
        status, body = await api(path)
        codes.append(body.get("error", status))
    codes.append((await api(path))[1]["error"])
    prefix = "CAMPAIGN_LEAD_REVIEW_LEAD_"
    assert codes == [f"{prefix}PAUSED", f"{prefix}NO_SENDER_AVAILABLE", 200, f"{prefix}ALREADY_LAUNCHED"]
    assert (lead["state"], lead["status"]) == ("reviewed", "running")
    status, body = await api(f"POST /leads/review/{NOBODY}")
    assert (status, body["error"]) == (404, f"{prefix}NOT_FOUND")


@pytest.mark.parametrize(
    ("word", "state"), [("interested", "manualInterested"), ("notinterested", "manualNotInterested")]
)
async def test_interest_is_marked_everywhere_or_in_one_campaign(
    api: Api, team: Team, lead: dict[str, Any], word: str, state: str
) -> None:
    other = team.add_lead(team.add_campaign()["_id"], "ann@b.example")
    one = await api.ok(f"POST /campaigns/{other['campaignId']}/leads/ann%40b.example/{word}")
    assert one["_id"] == other["_id"]
    assert (lead["state"], other["state"]) == ("scanned", state)
    assert len(await api.ok(f"POST /leads/{word}/{lead['_id']}")) == 2
    assert lead["state"] == state
    assert len(await api.ok(f"POST /leads/{word}/ann%40b.example")) == 2
    for value in (NOBODY, "no@b.example"):
        assert await api(f"POST /leads/{word}/{value}") == (404, "Lead not found")
        assert await api(f"POST /campaigns/{lead['campaignId']}/leads/{value}/{word}") == (
            404,
            "Lead not found",
        )


async def test_variables_are_the_keys_of_the_query(api: Api, lead: dict[str, Any]) -> None:
    path = f"/leads/{lead['_id']}/variables"
    assert await api(f"PATCH {path}?hobby=chess") == (400, "Variable not found")
    assert await api.ok(f"POST {path}?hobby=chess&Home%20town=Ulm") == {"ok": True}
    assert await api(f"POST {path}?hobby=go&pet=cat&Home+town=x") == (
        400,
        "Variables hobby, Home town already exist",
    )
    assert await api.ok(f"PATCH {path}?hobby=go") == {"ok": True}
    assert (lead["variables"]["hobby"], lead["variables"]["Home town"], "pet" in lead["variables"]) == (
        "go",
        "Ulm",
        False,
    )
    for _ in range(2):
        assert await api.ok(f"DELETE {path}?hobby") == {"ok": True}
    assert lead["variables"]["hobby"] == ""
    assert await api(f"DELETE {path}?pet") == (400, "Variable not found")
    assert await api(f"POST {path}") == (400, "Bad params")
    assert await api("POST /leads/ann@b.example/variables?a=1") == (400, "Invalid leadId")
    assert await api(f"POST /leads/{NOBODY}/variables?a=1") == (404, "Lead not found")


async def test_a_voice_note_is_uploaded_as_it_is(api: Api, sandbox: Sandbox, lead: dict[str, Any]) -> None:
    sound = bytes(range(256)) * 1000 + b"\r\n--\r\n"
    form = FormData()
    form.add_field("file", sound, filename="hello.m4a", content_type="audio/mp4")
    answer = await api.ok(f"POST /leads/audio?leadId={lead['_id']}&stepId=stp_1", data=form)
    assert (answer["status"]["leadId"], answer["status"]["fileName"]) == (lead["_id"], "hello.m4a")
    async with api.session.get(answer["status"]["url"]) as response:
        assert hashlib.sha256(await response.read()).digest() == hashlib.sha256(sound).digest()


async def test_an_upload_without_lead_or_sound_is_refused(api: Api, lead: dict[str, Any]) -> None:
    path = f"POST /leads/audio?leadId={lead['_id']}&stepId=stp_1"
    empty = FormData()
    empty.add_field("file", b"", filename="hello.m4a")
    misnamed = FormData()
    misnamed.add_field("sound", b"abc", filename="hello.m4a")
    for body in (empty, misnamed, b"abc"):
        assert await api(path, data=body) == (400, "Invalid audio file")
    assert await api(f"POST /leads/audio?leadId={NOBODY}&stepId=stp_1") == (400, "Bad team")
    assert await api(f"POST /leads/audio?leadId={lead['_id']}") == (400, "Bad team")


async def test_a_segment_is_imported_and_its_duplicates_left_out(
    api: Api, team: Team, campaign_id: str
) -> None:
    people = [{"email": "ann@b.example"}, {"email": "bo@b.example", "firstName": "Bo"}, {"email": "broken"}]
    team.add_crm_filter("Everybody", people)
    rows = await api.ok(f"GET /crm/filters?crm=hubspot&userId={team.user_id}&type=contact")
    assert rows == [{"id": 1, "name": "Everybody"}]
    assert await api.ok(f"GET /crm/filters?crm=hubspot&userId={team.user_id}&type=lead") == []
    assert (await api("GET /crm/filters?crm=hubspot"))[0] == 400
    team.add_lead(team.add_campaign()["_id"], "ann@b.example")
    body = {"crm": "hubspot", "userId": team.user_id, "filterId": "1", "deduplicate": True}
    assert await api.ok(f"POST /campaigns/{campaign_id}/leads/import", json=body) == {"ok": True}
    assert [lead["variables"]["email"] for lead in team.leads_of(campaign_id)] == ["bo@b.example"]
    for wrong in ({"filterId": "9"}, {"crm": None}, {"crm": "pipedrive"}):
        assert (await api(f"POST /campaigns/{campaign_id}/leads/import", json=body | wrong))[0] == 400


async def test_a_body_is_read_as_node_reads_it(api: Api, campaign_id: str) -> None:
    """Node takes half a surrogate pair and bytes that are not UTF-8; NaN and raw line breaks are no JSON to it."""
    path, kind = f"POST /campaigns/{campaign_id}/leads/", {"Content-Type": "application/json"}
    half = await api.ok(path, data=b'{"email":"a@b.example","firstName":"Ann \\ud83d"}', headers=kind)
    assert half["firstName"] == "Ann \ufffd"
    latin = await api.ok(path, data=b'{"email":"c@b.example","firstName":"Ren\xe9"}', headers=kind)
    assert latin["firstName"] == "Ren\ufffd"
    for body in (b'{"email":"d@b.example","score":NaN}', b'{"email":"d@b.example","firstName":"a\nb"}', b"{"):
        assert (await api(path, data=body, headers=kind))[0] == 400
