"""Users, sequences, A/B tests and schedules of the sandbox."""

from typing import Any

import pytest

from lemlist_async.sandbox import Team
from tests.support.sandbox_api import Api

WEEK = {"name": "Week", "timezone": "UTC", "start": "08:00", "end": "17:30", "weekdays": [1, 5]}


@pytest.fixture
def campaign(team: Team) -> dict[str, Any]:
    return team.add_campaign("Spring", status="paused")


@pytest.fixture
def steps(campaign: dict[str, Any]) -> str:
    return f"/sequences/{campaign['sequenceId']}/steps"


async def test_a_member_is_shown_with_mailboxes_of_both_kinds(api: Api, team: Team) -> None:
    first, second = [await api.ok(f"GET /users/{user_id}") for user_id in team.users]
    assert set(first) == {"_id", "email", "role", "linkedIn", "mailboxes"}
    limits = [user["mailboxes"][0]["lemlist"]["emailLimit"] for user in (first, second)]
    assert limits == [50, "50"]
    assert await api("GET /users/usr_0123456789abcdefg") == (400, "Bad team")


async def test_channels_are_those_of_the_key(api: Api, team: Team) -> None:
    channels = await api.ok("GET /user/channels")
    assert channels["email"]["accounts"][0]["email"] == team.users[team.user_id]["email"]
    assert await api("POST /user/channels") == (405, "Bad method")


async def test_steps_are_inserted_shown_in_order_and_edited(
    api: Api, campaign: dict[str, Any], steps: str
) -> None:
    last = await api.ok(f"POST {steps}", json={"type": "linkedinVisit", "delay": 2})
    first = await api.ok(
        f"POST {steps}", json={"type": "email", "index": 0, "subject": "Hello", "message": "<p>Hi</p>"}
    )
    assert last["emailTemplateId"]
    sequences = await api.ok(f"GET /campaigns/{campaign['_id']}/sequences")
    shown = sequences[campaign["sequenceId"]]["steps"]
    assert [(step["_id"], step["index"], step["sequenceStep"]) for step in shown] == [
        (first["_id"], 1, 0),
        (last["_id"], 2, 1),
    ]
    edited = await api.ok(f"PATCH {steps}/{first['_id']}", json={"type": "email", "subject": "Again"})
    assert (edited["subject"], edited["message"]) == ("Again", "<p>Hi</p>")
    assert await api.ok(f"DELETE {steps}/{first['_id']}") == {"ok": True}
    assert await api(f"DELETE {steps}/{first['_id']}") == (404, "Step not found")
    assert await api("DELETE /sequences/seq_0123456789abcdefg/steps/stp_1") == (404, "Sequence not found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "fax"},
        {"type": "email", "delay": 1.5},
        {"type": "email", "delay": -1},
        {"type": "email", "index": -1},
    ],
)
async def test_a_step_with_bad_params_is_not_inserted(api: Api, steps: str, body: dict[str, Any]) -> None:
    status, text = await api(f"POST {steps}", json=body)
    assert (status, text[:10]) == (400, "Bad params")


async def test_the_type_of_a_step_is_repeated_and_cannot_change(api: Api, steps: str) -> None:
    step = await api.ok(f"POST {steps}", json={"type": "manual"})
    assert (await api(f"PATCH {steps}/{step['_id']}", json={"title": "Call"}))[0] == 400
    assert (await api(f"PATCH {steps}/{step['_id']}", json={"type": "phone"}))[0] == 400


async def test_a_condition_brings_two_branches_and_takes_them_along(
    api: Api, campaign: dict[str, Any], steps: str
) -> None:
    step = await api.ok(f"POST {steps}", json={"type": "conditional", "conditionKey": "emailsOpened"})
    branches = [row["sequenceId"] for row in step["conditions"]]
    sequences = await api.ok(f"GET /campaigns/{campaign['_id']}/sequences")
    assert set(sequences) == {campaign["sequenceId"], *branches}
    branch = sequences[branches[0]]
    assert (branch["parentId"], branch["level"], branch["conditionalStepIndex"]) == (
        campaign["sequenceId"],
        1,
        0,
    )
    await api.ok(f"DELETE {steps}/{step['_id']}")
    assert len(await api.ok(f"GET /campaigns/{campaign['_id']}/sequences")) == 1


async def test_no_step_is_deleted_while_the_campaign_runs(
    api: Api, campaign: dict[str, Any], steps: str
) -> None:
    step = await api.ok(f"POST {steps}", json={"type": "manual"})
    campaign["status"] = "running"
    refusal = "You cannot delete this step because the campaign is running"
    assert await api(f"DELETE {steps}/{step['_id']}") == (400, refusal)


async def test_an_ab_test_is_made_edited_decided_and_ended(api: Api, steps: str) -> None:
    step = await api.ok(f"POST {steps}", json={"type": "email", "subject": "A", "message": "text"})
    path = f"{steps}/{step['_id']}/ab-test"
    assert await api(f"GET {path}") == (404, "No A/B test variant on this step")
    made = await api.ok(f"POST {path}")
    assert (made["stepId"], made["abTest"], made["subject"]) == (step["_id"], True, "A")
    assert await api(f"POST {path}") == (400, "A/B test already exists on this step")
    assert (await api.ok(f"PATCH {path}", json={"subject": "B", "cc": []}))["subject"] == "B"
    assert await api(f"PATCH {path}", json={"message": 3}) == (
        400,
        "Match error: Expected string, got number",
    )
    assert (await api(f"PATCH {path}", json={"subject": "x" * 401}))[0] == 400
    assert (await api.ok(f"GET {path}"))["message"] == "text"
    assert await api(f"POST {path}/winner", json={"variant": "C"}) == (400, "Invalid variant")
    assert await api.ok(f"POST {path}/winner", json={"variant": "B"}) == {
        "stepId": step["_id"],
        "abTest": "B",
    }
    refusal = "A winning variant has already been selected for this step"
    assert await api(f"POST {path}/winner", json={"variant": "B"}) == (400, refusal)
    assert await api.ok(f"DELETE {path}") == {"ok": True}
    assert (await api(f"DELETE {path}"))[0] == 404


async def test_without_variant_a_the_other_takes_its_place(
    api: Api, team: Team, campaign: dict[str, Any], steps: str
) -> None:
    step = await api.ok(f"POST {steps}", json={"type": "email", "subject": "A"})
    path = f"{steps}/{step['_id']}/ab-test"
    made = await api.ok(f"POST {path}")
    await api.ok(f"PATCH {path}", json={"subject": "B"})
    campaign["status"] = "running"
    assert (await api(f"DELETE {path}?variant=A"))[0] == 400
    campaign["status"] = "paused"
    await api.ok(f"DELETE {path}?variant=A")
    kept = team.sequences[campaign["sequenceId"]]["steps"][0]
    assert (kept["subject"], kept["emailTemplateId"]) == ("B", made["emailTemplateBId"])


async def test_ab_tests_are_for_email_steps_and_better_plans(api: Api, team: Team, steps: str) -> None:
    step = await api.ok(f"POST {steps}", json={"type": "manual"})
    assert (await api(f"POST {steps}/{step['_id']}/ab-test"))[0] == 400
    team.plan = "emailStarter"
    assert await api(f"GET {steps}/{step['_id']}/ab-test") == (
        402,
        "route is available starting emailPro plan",
    )


async def test_schedules_are_made_paged_edited_and_softly_deleted(api: Api, team: Team) -> None:
    ids = [(await api.ok("POST /schedules", json=WEEK | {"public": True}))["_id"] for _ in range(3)]
    page = await api.ok("GET /schedules?page=2&limit=2&sortBy=createdAt&sortOrder=desc")
    assert [row["_id"] for row in page["schedules"]] == ids[:1]
    assert page["pagination"] == {"totalRecords": 3, "currentPage": 2, "nextPage": None, "totalPage": 2}
    path = f"/schedules/{ids[0]}"
    assert (await api.ok(f"PATCH {path}", json={"end": "18:00"}))["end"] == "18:00"
    assert (await api.ok(f"GET {path}"))["start"] == "08:00"
    assert await api.ok(f"DELETE {path}") == {"_id": ids[0]}
    assert await api(f"DELETE {path}") == (404, "Schedule not found")
    assert await api(f"PATCH {path}", json={}) == (404, {"error": "Schedule not found"})
    assert team.schedules[ids[0]]["deletedBy"] == team.user_id
    assert (await api.ok("GET /schedules"))["pagination"]["totalRecords"] == 2


@pytest.mark.parametrize(
    "change",
    [{"name": ""}, {"start": "8:00"}, {"end": "24:00"}, {"weekdays": [0]}, {"weekdays": 1}, {"public": "no"}],
)
async def test_a_schedule_with_bad_fields_is_refused_in_json(api: Api, change: dict[str, Any]) -> None:
    message = "Bad team or invalid schedule fields"
    assert await api("POST /schedules", json=WEEK | change) == (
        400,
        {"error": "BadRequest", "message": message},
    )
    missing = {name: value for name, value in WEEK.items() if name not in change}
    if len(missing) < len(WEEK):
        assert (await api("POST /schedules", json=missing))[0] == 400


async def test_a_campaign_has_its_default_window_and_those_attached(
    api: Api, campaign: dict[str, Any]
) -> None:
    path = f"/campaigns/{campaign['_id']}/schedules/"
    default = (await api.ok(f"GET {path}"))[0]["_id"]
    added = (await api.ok("POST /schedules", json=WEEK))["_id"]
    for _ in range(2):
        assert await api.ok(f"POST {path}{added}") == {"scheduleId": added, "campaignId": campaign["_id"]}
    assert [row["_id"] for row in await api.ok(f"GET {path}")] == [default, added]
    assert await api(f"POST {path}skd_0123456789abcdefg") == (404, "Schedule not found")
    await api.ok(f"DELETE /schedules/{added}")
    assert [row["_id"] for row in await api.ok(f"GET {path}")] == [default]
