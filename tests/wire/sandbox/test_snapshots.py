"""Snapshots of a sandbox: taken, restored, written by hand, and refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from lemlist_async.sandbox import Recipients, Sandbox, Team
from lemlist_async.sandbox.demo import DEMO_FILE
from tests.support.sandbox_api import Api

START = 1_772_442_000.0  # a Monday, 10 o'clock in Paris
STEP: dict[str, Any] = {"type": "email", "subject": "Hello", "delay": 1}


def busy(**options: Any) -> Sandbox:
    """Build a sandbox whose campaign is half way."""
    sandbox = Sandbox(
        limit=None,
        wall_clock=lambda: START,
        recipients=Recipients(opens=0.8, replies=0.4, bounces=0.1),
        keys=("first", "second"),
        **options,
    )
    team = sandbox.team()
    campaign = team.add_campaign("Spring", autoReview=True)
    campaign["scheduleIds"] = []
    steps = team.sequences[campaign["sequenceId"]]["steps"]
    steps += [{"_id": f"stp_{number}", "emailTemplateId": "etp_1"} | STEP for number in range(3)]
    for number in range(40):
        team.add_lead(campaign["_id"], f"p{number}@b.example", firstName=f"P{number}")
    team.files["fil_1.csv"] = b"\x00binary"
    sandbox.team("second").add_company("acme.example")
    sandbox.advance(days=1, hours=2)
    return sandbox


def history(sandbox: Sandbox) -> list[tuple[str, str, str]]:
    rows = sandbox.team().activities.values()
    return [(row["type"], row.get("leadId", ""), row["createdAt"]) for row in rows]


def test_a_restored_sandbox_goes_on_like_the_one_that_was_kept() -> None:
    kept = busy()
    snapshot = json.loads(json.dumps(kept.snapshot()))
    other = Sandbox(limit=None, wall_clock=lambda: START, keys=("first", "second"))
    team = other.team()
    other.restore(snapshot)
    assert other.team() is team
    assert (other.now, history(other)) == (kept.now, history(kept))
    assert other.snapshot()["teams"][1]["companies"] == snapshot["teams"][1]["companies"]
    assert team.files == kept.team().files
    # the reactions that were drawn already come as they would have come
    for sandbox in (kept, other):
        sandbox.advance(hours=20)
    due = [row for row in history(kept) if row[0] in ("emailsOpened", "emailsReplied")]
    assert len(due) > 10
    assert [row for row in history(other) if row[0] in ("emailsOpened", "emailsReplied")] == due
    other.advance(days=30)
    assert {lead["status"] for lead in team.leads.values()} <= {"done", "unsubscribed"}


def test_ids_after_a_restore_differ_from_all_before() -> None:
    sandbox = Sandbox(limit=None)
    empty = sandbox.snapshot()
    team = sandbox.team()
    first = team.add_campaign()["_id"]
    snapshot = sandbox.snapshot()
    second = team.add_campaign()["_id"]
    sandbox.restore(snapshot)
    third = team.add_campaign()["_id"]
    sandbox.restore(sandbox.snapshot())
    fourth = team.add_campaign()["_id"]
    assert len({first, second, third, fourth}) == 4
    sandbox.restore(snapshot)
    assert team.add_campaign()["_id"] == third  # the same snapshot goes on the same way
    sandbox.restore(empty)
    assert not team.campaigns


async def test_a_snapshot_is_taken_and_restored_over_http(api: Api, sandbox: Sandbox, team: Team) -> None:
    order = Api(api.session, sandbox.url.removesuffix("/api") + "/_sandbox")
    campaign = await api.ok("POST /campaigns", json={"name": "Spring"})
    await api.ok("POST /hooks", json={"targetUrl": "http://127.0.0.1:9/", "secret": "s3"})
    snapshot = await order.ok("GET /snapshot")
    assert sandbox.key not in json.dumps(snapshot)
    await order.ok("POST /reset")
    assert await api.ok("GET /campaigns") == []
    await order.ok("POST /restore", json=snapshot)
    assert (await api.ok(f"GET /campaigns/{campaign['_id']}"))["name"] == "Spring"
    assert [hook["secret"] for hook in team.hooks.values()] == ["s3"]


def test_a_seed_file_written_by_hand_gets_what_it_lacks(tmp_path: Path) -> None:
    file = tmp_path / "seed.json"
    seed = {
        "now": "2026-03-02T09:00:00.000Z",
        "teams": [
            {
                "plan": "emailStarter",
                "credits": {"paid": 3},
                "users": [{"name": "Ann Owner", "email": "ann@x.example"}],
                "campaigns": [
                    {"_id": "cam_spring", "name": "Spring", "sequenceId": "seq_spring"},
                    {"name": "Other"},
                ],
                "sequences": [{"_id": "seq_spring", "steps": [{"type": "email"}]}],
                "leads": [
                    {
                        "campaignId": "cam_spring",
                        "status": "running",
                        "variables": {"email": "bob@b.example"},
                    },
                    {"campaignId": "cam_spring", "variables": {"email": "cid@b.example", "firstName": "Cid"}},
                ],
                "hooks": [{"targetUrl": "http://127.0.0.1:9/"}],
                "unsubscribes": [{"value": "@blocked.example"}],
            }
        ],
    }
    file.write_text(json.dumps(seed))
    sandbox = Sandbox(limit=None, seed_file=file)
    team = sandbox.team()
    assert team.stamp()[:16] == "2026-03-02T09:00"
    assert (team.plan, [user["name"] for user in team.users.values()]) == ("emailStarter", ["Ann Owner"])
    assert team.user_id in team.users
    bob, cid = team.leads.values()
    assert (cid["status"], team.contacts[cid["contactId"]]["fields"]["firstName"]) == ("review", "Cid")
    assert team.unsubscribes.find("@blocked.example")
    sandbox.advance(days=1)
    assert bob["state"] == "emailsSent"
    team.add_campaign("Later")
    sandbox.reset()
    assert [campaign["name"] for campaign in team.campaigns.values()] == ["Spring", "Other"]


def test_the_demo_runs_to_its_end() -> None:
    sandbox = Sandbox(limit=None, seed_file=DEMO_FILE, recipients=Recipients(opens=0.5, replies=0.5))
    sandbox.advance(days=20)
    team = sandbox.team()
    assert team.campaigns["cam_spring"]["status"] == "ended"
    assert {"emailsReplied", "linkedinInviteDone"} <= {row["type"] for row in team.activities.values()}
    assert not sandbox.errors


def team_of(**fields: Any) -> dict[str, Any]:
    return {"teams": [fields]}


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {"version": 2},
        {"teams": {}},
        {"teams": [1]},
        {"teams": [{}, {}]},
        {"now": "today"},
        {"people": []},
        team_of(colour="red"),
        team_of(beta=1),
        team_of(credits=[]),
        team_of(campaigns={}),
        team_of(campaigns=[1]),
        team_of(campaigns=[{"labels": "x"}]),
        team_of(campaigns=[{"archived": 1}]),
        team_of(campaigns=[{"_id": "cam_1"}, {"_id": "cam_1"}]),
        team_of(campaigns=[{"_id": 1}]),
        team_of(leads=[{"campaignId": "cam_none"}]),
        team_of(campaigns=[{"_id": "cam_1"}], leads=[{"campaignId": "cam_1", "contactId": "ctc_none"}]),
        team_of(campaigns=[{"_id": "cam_1"}], leads=[{"campaignId": "cam_1", "variables": []}]),
        team_of(sequences=[{"_id": "seq_1", "steps": [{}]}]),
        team_of(tasks=[{}]),
        team_of(hooks=[{}]),
        team_of(unsubscribes=[{}]),
        team_of(conversations=[{"contactId": "ctc_none"}]),
        team_of(files={"a": "!"}),
        team_of(files=[]),
        team_of(kindsSeen=[1]),
    ],
)
def test_a_wrong_snapshot_is_refused_and_changes_nothing(wrong: Any) -> None:
    sandbox = Sandbox()
    campaign = sandbox.team().add_campaign()
    with pytest.raises(ValueError, match="the snapshot is wrong"):
        sandbox.restore(wrong)
    assert sandbox.team().campaigns == {campaign["_id"]: campaign}


def test_deleted_records_are_found_by_no_other_way() -> None:
    team = Sandbox().team()
    home = team.add_campaign()["_id"]
    lead = team.add_lead(home, "Ann@b.example")
    assert team.leads_by_email("ann@B.example") == [lead]
    contact = team.contacts[lead["contactId"]]
    team.remove_contact(contact)
    assert (team.leads_by_email("ann@b.example"), team.leads_of(home)) == ([], [])
    assert team.contacts.by_email("ann@b.example") is None
