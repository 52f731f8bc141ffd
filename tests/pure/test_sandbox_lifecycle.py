"""Events of the sandbox: what each one changes, on a clock of the test's own."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lemlist_async.sandbox import LifecycleOptions, Sandbox, Team
from lemlist_async.sandbox.lifecycle.kinds import ACTIVITIES, HOOK_ONLY, HOOKS, KINDS
from lemlist_async.sandbox.lifecycle.stops import progress
from lemlist_async.sandbox.statistics import stats
from tests.support.long_work import done

START = datetime(2026, 3, 2, 9, tzinfo=UTC)  # a Monday, 10 o'clock in Paris
DOCUMENT = os.environ.get("LEMLIST_OPENAPI")


def made(**options: Any) -> tuple[Sandbox, Team, dict[str, Any]]:
    sandbox = Sandbox(limit=None, wall_clock=START.timestamp, **options)
    team = sandbox.team()
    campaign = team.add_campaign("Spring")
    lead = team.add_lead(campaign["_id"], "ann@b.example", firstName="Ann", companyName="B")
    lead["status"] = "running"
    return sandbox, team, lead


def figures(team: Team, campaign_id: str) -> dict[str, Any]:
    window = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    return done(stats(team, team.campaigns[campaign_id], *window, ["email", "linkedin", "others"]))[0]


@pytest.mark.skipif(not DOCUMENT, reason="LEMLIST_OPENAPI does not name the vendor's document")
def test_the_types_of_hooks_are_those_of_the_document() -> None:
    schemas = json.loads(Path(DOCUMENT or "").read_text())["components"]["schemas"]
    assert set(schemas["Webhook"]["properties"]["type"]["enum"]) == HOOKS


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_event_happens_to_a_lead(kind: str) -> None:
    sandbox, team, lead = made()
    team.hooks.keep({"_id": "hoo_1", "targetUrl": "http://127.0.0.1:1/", "secret": "s"})
    event = sandbox.happen(kind, lead, note="mine")
    assert (event["type"], event["leadId"], event["note"]) == (kind, lead["_id"], "mine")
    assert (event["_id"] in team.activities) is (kind not in HOOK_ONLY)
    assert (kind in {delivery.type for delivery in sandbox.deliveries}) is (kind in HOOKS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_event_happens_without_a_lead(kind: str) -> None:
    sandbox, team, _ = made()
    event = sandbox.happen(kind)
    assert event["teamId"] == team.id
    assert "leadId" not in event


def test_an_unknown_event_is_refused() -> None:
    sandbox, _, lead = made()
    with pytest.raises(ValueError, match="emailsReplyed"):
        sandbox.happen("emailsReplyed", lead)
    with pytest.raises(ValueError, match="no team"):
        sandbox.happen("emailsReplied", {"_id": "lea_elsewhere"})


def test_a_reply_stops_its_lead_and_is_a_message_and_a_figure() -> None:
    sandbox, team, lead = made()
    sandbox.happen("emailsSent", lead)
    reply = sandbox.happen("emailsReplied", lead, text="Yes", message="<p>Yes</p>")
    assert (lead["state"], lead["status"]) == ("emailsReplied", "done")
    assert (reply["stopped"], reply["isFirst"], reply["fromEmail"]) == (True, True, "ann@b.example")
    conversation = team.conversations.with_contact(lead["contactId"])
    assert conversation is not None
    assert conversation["haveReplies"] is True
    assert [row["type"] for row in team.activities.values()] == ["emailsSent", "emailsReplied", "stopped"]
    found = figures(team, lead["campaignId"])
    assert (found["nbLeadsAnswered"], found["messagesSent"], found["replied"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("events", "state", "status"),
    [
        ("emailsSent emailsOpened", "emailsOpened", "running"),
        ("emailsUnsubscribed emailsOpened", "emailsUnsubscribed", "unsubscribed"),
        ("manualNotInterested manualDone", "manualNotInterested", "notInterested"),
        ("paused manualNotInterested", "manualNotInterested", "notInterested"),
        ("emailsClicked emailsSent", "emailsSent", "running"),
        ("emailsClicked emailsOpened", "emailsClicked", "running"),
        ("linkedinInviteAccepted paused resumed", "linkedinInviteAccepted", "running"),
        ("emailsBounced linkedinSent", "emailsBounced", "running"),
        ("outOfOffice annotated aiVariableDone", "scanned", "running"),
    ],
)
def test_the_state_of_a_lead_is_its_last_relevant_event(events: str, state: str, status: str) -> None:
    sandbox, _, lead = made()
    for kind in events.split():
        sandbox.happen(kind, lead)
    assert (lead["state"], lead["status"]) == (state, status)
    assert lead["isPaused"] is False


def test_ranks_are_an_option() -> None:
    ranks: dict[str, int] = dict.fromkeys(
        ("made", "sent", "opened", "attracted", "replied", "paused", "marked", "ended"), 0
    )
    sandbox, _, lead = made(lifecycle=LifecycleOptions(ranks=ranks))
    for kind in ("emailsUnsubscribed", "emailsOpened"):
        sandbox.happen(kind, lead)
    assert lead["state"] == "emailsOpened"


@pytest.mark.parametrize(
    ("settings", "event", "word"),
    [
        ({}, {"type": "emailsReplied"}, "stop"),
        ({}, {"type": "smsReplied"}, "stop"),
        ({"stopOnEmailReplied": False}, {"type": "emailsReplied"}, "continue"),
        ({"onReplied": {"campaignProgress": "pause"}}, {"type": "linkedinReplied"}, "pause"),
        ({}, {"type": "emailsClicked"}, "continue"),
        ({"stopOnLinkClicked": True}, {"type": "emailsClicked"}, "stop"),
        ({"stopOnLinkClicked": True}, {"type": "emailsClicked", "bot": True}, None),
        (
            {"onLinkClicked": {"campaignProgress": "stop", "specificLinks": ["https://b.example"]}},
            {"type": "emailsClicked", "linkUrl": "https://c.example"},
            "continue",
        ),
        ({"onMeetingBooked": {"campaignProgress": "stop"}}, {"type": "meetingBooked"}, "stop"),
        ({}, {"type": "emailsOpened"}, None),
    ],
)
def test_a_campaign_says_what_a_reaction_does(
    settings: dict[str, Any], event: dict[str, Any], word: str | None
) -> None:
    assert progress(settings, event, LifecycleOptions()) == word


def test_a_reply_may_pause_the_company() -> None:
    sandbox, team, lead = made()
    rule = {"campaignProgress": "pause", "propagateProgressToCompany": True}
    team.campaigns[lead["campaignId"]]["onReplied"] = rule
    near = team.add_lead(lead["campaignId"], "bob@b.example", companyName="B")
    far = team.add_lead(lead["campaignId"], "cid@c.example", companyName="b")
    near["status"] = far["status"] = "running"
    sandbox.happen("linkedinReplied", lead)
    assert [one["state"] for one in (lead, near, far)] == ["paused", "paused", "scanned"]


def test_a_bounced_address_is_blocked_and_a_reader_who_unsubscribes_is_protected() -> None:
    sandbox, team, lead = made()
    other = team.add_lead(lead["campaignId"], "bob@b.example")
    sandbox.happen("emailsBounced", lead)
    sandbox.happen("emailsUnsubscribed", other)
    rows = {row["value"]: row["source"] for row in team.unsubscribes.values()}
    assert rows == {"ann@b.example": "bounced", "bob@b.example": "lead"}


def test_each_message_counts_its_opens_once_and_machines_never() -> None:
    sandbox, team, lead = made()
    team.sequences[team.campaigns[lead["campaignId"]]["sequenceId"]]["steps"].append(
        {"_id": "stp_1", "type": "email"}
    )
    for kind in ("emailsSent", "emailsOpened", "emailsOpened", "emailsClicked"):
        sandbox.happen(kind, lead)
    sandbox.happen("emailsClicked", lead, bot=True, stepId="stp_2")
    sandbox.happen("linkedinInviteAccepted", lead)
    found = figures(team, lead["campaignId"])
    assert (found["opened"], found["clicked"], found["nbLeadsOpened"], found["nbLeadsInteracted"]) == (
        2,
        1,
        1,
        1,
    )


def test_groups_are_posted_beside_their_events_and_contacted_once() -> None:
    sandbox, team, lead = made()
    team.hooks.keep({"_id": "hoo_1", "targetUrl": "http://127.0.0.1:1/"})
    for kind in ("emailsSent", "emailsOpened", "emailsSent"):
        sandbox.happen(kind, lead)
    posted = [delivery.type for delivery in sandbox.deliveries]
    assert posted == ["emailsSent", "contacted", "emailsOpened", "hooked", "emailsSent"]


def test_the_names_of_events_are_disjoint() -> None:
    assert not HOOK_ONLY & ACTIVITIES
