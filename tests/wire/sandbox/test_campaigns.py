"""Team and campaigns of the sandbox, held against what is documented and what was seen live."""

import asyncio
import csv
import json
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import ClientSession

from lemlist_async.sandbox import Sandbox, Team
from tests.support.sandbox_api import Api, connected

NOBODY = "cam_0123456789abcdefg"
WINDOW = "startDate=2020-01-01T00:00:00.000Z&endDate=2099-01-01T00:00:00.000Z"


@pytest.fixture
def campaign(team: Team) -> dict[str, Any]:
    return team.add_campaign("Spring")


async def test_the_team_shows_its_members_only_in_version_two(api: Api, team: Team) -> None:
    plain, full = await api.ok("GET /team"), await api.ok("GET /team?version=v2")
    assert plain["_id"] == team.id
    assert plain["userIds"] == list(team.users)
    assert "users" not in plain
    assert [user["role"] for user in full["users"]] == ["admin", "member"]


async def test_senders_are_listed_with_their_campaigns(
    api: Api, team: Team, campaign: dict[str, Any]
) -> None:
    first, second = await api.ok("GET /team/senders")
    assert (first["userId"], first["campaigns"][0]["_id"]) == (team.user_id, campaign["_id"])
    assert first["campaigns"][0]["sendingChannels"]
    assert second["campaigns"] == []
    assert (await api.ok("GET /team/senders?state=paused"))[0]["campaigns"] == []
    assert await api("GET /team/senders?state=gone") == (400, "Bad params (invalid state parameter)")


async def test_credits_add_up(api: Api) -> None:
    body = await api.ok("GET /team/credits")
    parts = dict(body["details"]["remaining"])
    assert body["credits"] == parts.pop("total") == sum(parts.values()) > 0


async def test_crm_users_are_those_with_segments(api: Api, team: Team) -> None:
    assert await api.ok("GET /team/crmUsers") == []
    team.add_crm_filter("All", [])
    assert await api.ok("GET /team/crmUsers") == [{"userId": team.user_id, "crm": "hubspot"}]


async def test_a_new_campaign_runs_while_it_is_shown_as_a_draft(api: Api) -> None:
    created = await api.ok("POST /campaigns", json={"name": "New", "timezone": "UTC", "autoReview": True})
    assert created["state"] == "running"
    assert created["senders"] == []
    read = await api.ok(f"GET /campaigns/{created['_id']}")
    assert (read["name"], read["status"], read["timezone"]) == ("New", "draft", "UTC")
    assert read["hasError"] is True


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": 7},
        {"name": "A", "autoReview": "yes"},
        {"name": "A", "autoReviewConditions": ["perfect"]},
        {"name": "A", "timezone": 1},
    ],
)
async def test_a_campaign_with_bad_params_is_not_made(api: Api, team: Team, body: dict[str, Any]) -> None:
    status, text = await api("POST /campaigns", json=body)
    assert (status, text[:10]) == (400, "Bad params")
    assert not team.campaigns


async def test_the_list_is_a_page_object_in_version_two_and_a_short_list_in_version_one(
    api: Api, team: Team
) -> None:
    ids = [team.add_campaign(f"Number {number}")["_id"] for number in range(5)]
    first = await api.ok("GET /campaigns?version=v2&page=1&limit=2")
    last = await api.ok("GET /campaigns?version=v2&page=3&limit=2")
    assert [row["_id"] for row in first["campaigns"]] == ids[:2]
    assert first["pagination"] == {"totalRecords": 5, "currentPage": 1, "nextPage": 2, "totalPage": 3}
    assert (len(last["campaigns"]), last["pagination"]["nextPage"]) == (1, None)
    assert first["campaigns"][0]["senders"][0]["id"] == team.user_id
    bare = await api.ok("GET /campaigns?offset=3&limit=9")
    assert bare == [
        {"_id": ids[3], "name": "Number 3", "labels": []},
        {"_id": ids[4], "name": "Number 4", "labels": []},
    ]


async def test_the_list_may_be_told_to_be_bare(api: Api) -> None:
    async with Sandbox(limit=None, list_shape="bare") as other, connected(other) as session:
        other.team().add_campaign("Bare")
        rows = await Api(session, other.url).ok("GET /campaigns?version=v2")
    assert [row["name"] for row in rows] == ["Bare"]


async def test_the_list_filters_sorts_and_caps(api: Api, team: Team) -> None:
    ids = [team.add_campaign()["_id"] for _ in range(130)]
    await api.ok(f"POST /campaigns/{ids[7]}/pause")
    paused = await api.ok("GET /campaigns?version=v2&status=paused")
    assert [row["_id"] for row in paused["campaigns"]] == [ids[7]]
    newest = await api.ok("GET /campaigns?version=v2&limit=1000&sortBy=createdAt&sortOrder=desc")
    assert [row["_id"] for row in newest["campaigns"]] == ids[:29:-1]
    assert (await api.ok(f"GET /campaigns?version=v2&createdBy={team.user_id}"))["pagination"][
        "totalRecords"
    ] == 130
    assert (await api.ok("GET /campaigns?version=v2&createdBy=usr_nobody"))["campaigns"] == []
    assert (await api("GET /campaigns?status=odd"))[0] == 400
    assert (await api("GET /campaigns?limit=many"))[0] == 400


async def test_starting_what_runs_and_pausing_what_rests_is_refused(
    api: Api, campaign: dict[str, Any]
) -> None:
    path = f"/campaigns/{campaign['_id']}"
    assert await api(f"POST {path}/start") == (400, "You can't start campaigns that are already running.")
    assert await api.ok(f"POST {path}/pause") == {"_id": campaign["_id"], "state": "paused"}
    assert await api(f"POST {path}/pause") == (400, "You can't pause campaigns that are not running.")
    assert await api.ok(f"POST {path}/start") == {"_id": campaign["_id"], "state": "running"}


async def test_settings_change_and_are_shown(api: Api, team: Team, campaign: dict[str, Any]) -> None:
    path, second = f"PATCH /campaigns/{campaign['_id']}", list(team.users)[1]
    body = await api.ok(
        path, json={"name": "Renamed", "stopOnEmailReplied": True, "sendUserIds": [second, "usr_x"]}
    )
    assert (body["name"], body["stopOnEmailReplied"], body["disableTrackOpen"]) == ("Renamed", True, False)
    assert [sender["id"] for sender in body["sendUsers"]] == [second]
    refusal = "None of the provided sender IDs are members of this team"
    assert await api(path, json={"sendUserIds": ["usr_x"]}) == (400, refusal)
    assert (await api(path, json={"stopOnEmailReplied": "yes"}))[0] == 400
    assert team.campaigns[campaign["_id"]]["name"] == "Renamed"


async def test_archiving_works_although_deleting_does_not(api: Api, campaign: dict[str, Any]) -> None:
    path = f"/campaigns/{campaign['_id']}"
    await api.ok(f"PATCH {path}", json={"archived": True})
    assert (await api.ok(f"GET {path}"))["status"] == "archived"
    assert (await api(f"DELETE {path}"))[0] == 405


async def test_a_copy_is_a_draft_with_the_steps_and_without_the_leads(
    api: Api, team: Team, campaign: dict[str, Any]
) -> None:
    team.add_lead(campaign["_id"], "a@b.example")
    team.sequences[campaign["sequenceId"]]["steps"].append({"_id": "stp_1", "type": "email"})
    copy = await api.ok(f"POST /campaigns/{campaign['_id']}/duplicate", json={"name": "Twin"})
    assert (copy["name"], copy["status"], copy["_id"] == campaign["_id"]) == ("Twin", "draft", False)
    step = team.sequences[copy["sequenceId"]]["steps"][0]
    assert (step["type"], step["sequenceId"], step["_id"] == "stp_1") == ("email", copy["sequenceId"], False)
    assert team.leads_of(copy["_id"]) == []
    assert await api(f"POST /campaigns/{NOBODY}/duplicate", json={}) == (404, {"error": "Campaign not found"})
    assert await api("POST /campaigns/x/duplicate", json={}) == (400, {"error": "Bad team"})


async def test_statutes_name_what_is_missing(api: Api, team: Team, campaign: dict[str, Any]) -> None:
    path = f"GET /campaigns/{campaign['_id']}/statutes"
    missing = await api.ok(path)
    assert {row["category"] for row in missing["statutes"]} == {"sequence", "lead"}
    team.add_lead(campaign["_id"], "a@b.example")
    team.sequences[campaign["sequenceId"]]["steps"].append({"_id": "stp_1", "type": "email"})
    assert (await api.ok(path))["statutes"] == []
    assert await api(f"GET /campaigns/{NOBODY}/statutes") == (404, "")


async def test_leads_are_exported_only_if_a_state_is_named(
    api: Api, team: Team, campaign: dict[str, Any]
) -> None:
    lead = team.add_lead(
        campaign["_id"], "a@b.example", firstName="Ann, Bo", **{"Company name": 'The "X"\nCo'}
    )
    team.add_lead(campaign["_id"], "c@d.example")["state"] = "interested"
    path = f"GET /campaigns/{campaign['_id']}/export/leads"
    assert await api.ok(f"{path}?format=json") == []
    rows = await api.ok(f"{path}?state=all&format=json")
    assert [row["email"] for row in rows] == ["a@b.example", "c@d.example"]
    assert (rows[0]["_id"], rows[0]["lastState"], rows[0]["status"]) == (lead["_id"], "scanned", "review")
    assert len(await api.ok(f"{path}?state=interested,paused&format=json")) == 1
    text = await api.ok(f"{path}?state=all")
    assert text.count("\r\n") == 3
    first = next(csv.DictReader(text.splitlines(keepends=True)))
    assert (first["firstName"], first["Company name"], first["email"]) == (
        "Ann, Bo",
        'The "X"\nCo',
        "a@b.example",
    )


async def test_an_export_is_a_job_that_ends_in_a_file(api: Api, team: Team, campaign: dict[str, Any]) -> None:
    team.add_lead(campaign["_id"], "a@b.example")
    path = f"/campaigns/{campaign['_id']}/export"
    started = await api.ok(f"GET {path}/start")
    assert (started["status"], started["_id"] == started["id"]) == ("pending", True)
    assert (await api.ok(f"GET {path}/start"))["_id"] != started["_id"]
    polls = [await api.ok(f"GET {path}/{started['_id']}/status") for _ in range(4)]
    assert [poll["status"]["status"] for poll in polls] == ["pending", "pending", "done", "done"]
    assert 0 < polls[0]["status"]["progress"] < polls[1]["status"]["progress"] < 100
    async with ClientSession() as stranger, stranger.get(polls[-1]["status"]["url"]) as response:
        assert (response.status, response.content_type) == (200, "text/csv")
        assert len(await response.read()) == polls[-1]["status"]["fileSize"]
    mailed = await api.ok(f"PUT {path}/{started['_id']}/email/{quote('a+b@c.example', safe='')}")
    assert mailed["status"]["email"] == "a+b@c.example"


async def test_an_export_that_is_not_there_is_refused_in_two_ways(
    api: Api, team: Team, campaign: dict[str, Any]
) -> None:
    path, unknown = f"/campaigns/{campaign['_id']}/export", "axp_0123456789abcdefg"
    message = f"Export with id {unknown} not found"
    assert await api(f"GET {path}/{unknown}/status") == (404, {"ok": False, "message": message})
    assert await api(f"PUT {path}/{unknown}/email/a@b.example") == (404, "Export not found")
    other = team.add_campaign()["_id"]
    export = await api.ok(f"GET {path}/start")
    assert (await api(f"GET /campaigns/{other}/export/{export['_id']}/status"))[0] == 404
    assert (await api(f"PUT /campaigns/{other}/export/{export['_id']}/email/a@b.example"))[0] == 404
    assert await api("GET /files/exports/none.csv") == (404, "File not found")


async def test_reports_count_leads_and_events(api: Api, team: Team, campaign: dict[str, Any]) -> None:
    lead = team.add_lead(campaign["_id"], "a@b.example")
    team.add_activity("emailsSent", lead)
    await api.ok(f"POST /leads/interested/{lead['_id']}")
    other = team.add_campaign()["_id"]
    first, second = await api.ok(f"GET /campaigns/reports?campaignIds={campaign['_id']},{NOBODY},{other}")
    assert (first["totalCount"], first["emailsSent"], first["interested"], first["reviewedCount"]) == (
        1,
        1,
        1,
        1,
    )
    assert (second["_id"], second["totalCount"]) == (other, 0)
    assert first["creator"].startswith(team.user_id + "|")
    assert (await api("GET /campaigns/reports"))[0] == 400


async def test_stats_count_a_window_and_channels(api: Api, team: Team, campaign: dict[str, Any]) -> None:
    team.sequences[campaign["sequenceId"]]["steps"].append({"_id": "stp_1", "type": "email"})
    lead = team.add_lead(campaign["_id"], "a@b.example")
    for kind in ("emailsSent", "emailsSent", "emailsBounced", "emailsReplied", "linkedinSent"):
        team.add_activity(kind, lead, stepId="stp_1")
    path = f"GET /v2/campaigns/{campaign['_id']}/stats"
    stats = await api.ok(f"{path}?{WINDOW}")
    assert (stats["nbLeads"], stats["messagesSent"], stats["delivered"], stats["replied"]) == (1, 3, 2, 1)
    assert (stats["steps"][0]["sent"], stats["steps"][0]["taskType"]) == (3, "email")
    assert stats["perChannel"]["linkedin"]["messagesSent"] == 1
    mail = await api.ok(f"{path}?{WINDOW}&channels={quote(json.dumps(['email']))}")
    assert mail["messagesSent"] == 2
    old = await api.ok(f"{path}?startDate=2020-01-01T00:00:00.000Z&endDate=2021-01-01T00:00:00.000Z")
    assert old["messagesSent"] == 0


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("", "Bad params: startDate and endDate are required"),
        ("startDate=soon&endDate=later", "Bad params: startDate and endDate are required"),
        (f"{WINDOW}&ABSelected=C", "Bad params: ABSelected must be A or B"),
        (f"{WINDOW}&channels=email", "Bad params: channels must be a valid array"),
        (f"{WINDOW}&channels=%7B%7D", "Bad params: channels must be a valid array"),
        (
            f"{WINDOW}&channels=%5B%22sms%22%5D",
            'Bad params: channels must be empty or contain "others", "email" or "linkedin"',
        ),
        (
            f"{WINDOW}&sendUser=usr_1",
            "Bad param format: sendUser must be formatted as follow: <sendUserId>|<sendUserEmail>",
        ),
        (
            f"{WINDOW}&sendUser=usr_1%7Ca%40b.example",
            "Bad params: the send user email is not related to the send user id",
        ),
    ],
)
async def test_stats_refuse_in_the_documented_words(
    api: Api, campaign: dict[str, Any], query: str, refusal: str
) -> None:
    assert await api(f"GET /v2/campaigns/{campaign['_id']}/stats?{query}") == (400, refusal)


async def test_the_older_route_of_stats_gives_the_same_figures(
    api: Api, team: Team, campaign: dict[str, Any]
) -> None:
    team.add_activity("emailsSent", team.add_lead(campaign["_id"], "a@b.example"))
    path = f"/campaigns/{campaign['_id']}/stats?{WINDOW}"
    old = await api.ok(f"GET {path}&timezone=Europe/Paris")
    assert old == await api.ok(f"GET /v2{path}")
    assert old["messagesSent"] == 1


async def test_a_batch_of_stats_lists_the_missing_beside_the_found(
    api: Api, team: Team, campaign: dict[str, Any]
) -> None:
    span = {"startDate": "2020-01-01T00:00:00Z", "endDate": "2099-01-01T00:00:00Z"}
    user = team.users[team.user_id]
    body = {"campaignIds": [campaign["_id"], NOBODY], "sendUser": f"{user['_id']}|{user['email']}", **span}
    answer = await api.ok("POST /v2/campaigns/stats/batch", json=body)
    assert [row["campaignId"] for row in answer["results"]] == [campaign["_id"]]
    assert answer["errors"] == [{"campaignId": NOBODY, "error": "Campaign not found"}]
    refusals = {
        "Bad params: campaignIds must be a non-empty array": {"campaignIds": [], **span},
        "Bad params: campaignIds must contain at most 100 items": {"campaignIds": [NOBODY] * 101, **span},
        "Bad params: startDate and endDate are required": {"campaignIds": [NOBODY]},
        'Bad params: channels must be an array of "others", "email" or "linkedin"': {
            "campaignIds": [NOBODY],
            "channels": '["email"]',
            **span,
        },
    }
    answers = await asyncio.gather(
        *(api("POST /v2/campaigns/stats/batch", json=body) for body in refusals.values())
    )
    assert answers == [(400, refusal) for refusal in refusals]
