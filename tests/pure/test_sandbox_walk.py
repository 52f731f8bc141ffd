"""Campaigns that run: leads walk their sequences on a clock that is advanced."""

import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lemlist_async.sandbox import LifecycleOptions, Recipients, Sandbox, Team
from lemlist_async.sandbox.lifecycle.limits import reserve
from lemlist_async.sandbox.lifecycle.windows import next_moment

PARIS = ZoneInfo("Europe/Paris")
START = datetime(2026, 3, 2, 10, tzinfo=PARIS)  # a Monday


def campaign_with(team: Team, *steps: dict[str, Any]) -> dict[str, Any]:
    campaign = team.add_campaign("Spring", autoReview=True)
    for number, step in enumerate(steps):
        row = {"_id": f"stp_{number}", "delay": 1 if number else 0, "emailTemplateId": f"etp_{number}"} | step
        team.sequences[campaign["sequenceId"]]["steps"].append(row)
    return campaign


def started(*steps: dict[str, Any], **options: Any) -> tuple[Sandbox, Team, dict[str, Any]]:
    sandbox = Sandbox(limit=None, wall_clock=START.timestamp, **options)
    team = sandbox.team()
    return sandbox, team, campaign_with(team, *steps)


def history(team: Team, lead: dict[str, Any]) -> list[tuple[str, str]]:
    """Types and local times of a lead's events."""
    rows = [row for row in team.activities.values() if row.get("leadId") == lead["_id"]]
    return [
        (row["type"], datetime.fromisoformat(row["createdAt"]).astimezone(PARIS).strftime("%a %H:%M"))
        for row in rows
    ]


EMAIL: dict[str, Any] = {"type": "email", "subject": "Hello"}


def test_a_lead_walks_its_sequence_by_schedule_and_delay() -> None:
    sandbox, team, campaign = started(EMAIL, {"type": "linkedinVisit", "delay": 5}, EMAIL)
    lead = team.add_lead(campaign["_id"], "ann@b.example", linkedinUrl="https://www.linkedin.com/in/ann")
    assert campaign["status"] == "running"
    sandbox.advance(days=30)
    assert history(team, lead) == [
        ("emailsSent", "Mon 10:00"),
        ("linkedinVisitDone", "Mon 10:00"),
        ("emailsSent", "Tue 10:00"),
    ]
    assert (lead["status"], lead["state"]) == ("done", "emailsSent")
    assert (campaign["status"], campaign["state"]) == ("ended", "paused")


def test_first_steps_are_spaced_and_wait_for_the_window() -> None:
    sandbox, team, campaign = started(EMAIL)
    leads = [team.add_lead(campaign["_id"], f"{number}@b.example") for number in range(30)]
    sandbox.advance(days=2)
    times = [history(team, lead)[0][1] for lead in leads]
    assert times[:3] == ["Mon 10:00", "Mon 10:20", "Mon 10:40"]
    assert times[24:26] == ["Tue 09:00", "Tue 09:20"]


def test_a_delay_of_the_first_step_is_each_leads_own() -> None:
    sandbox, team, campaign = started({**EMAIL, "delay": 1})
    leads = [team.add_lead(campaign["_id"], f"{number}@b.example") for number in range(3)]
    sandbox.advance(days=2)
    assert [history(team, lead)[0][1] for lead in leads] == ["Tue 10:00", "Tue 10:20", "Tue 10:40"]


def test_a_reply_ends_the_walk_and_a_pause_keeps_the_delay_that_is_left() -> None:
    sandbox, team, campaign = started(EMAIL, {**EMAIL, "delay": 4})
    first, second = (team.add_lead(campaign["_id"], f"{name}@b.example") for name in "ab")
    sandbox.advance(days=1)
    sandbox.happen("emailsReplied", first)
    sandbox.happen("paused", second)
    sandbox.advance(days=7)
    assert Counter(kind for kind, _ in history(team, first)) == {
        "emailsSent": 1,
        "emailsReplied": 1,
        "stopped": 1,
    }
    sandbox.happen("resumed", second)
    sandbox.advance(days=2)
    assert [kind for kind, _ in history(team, second)] == ["emailsSent", "paused", "resumed"]
    sandbox.advance(days=4)
    assert history(team, second)[-1][0] == "emailsSent"


def test_a_bounce_skips_the_rest_of_its_channel_at_once() -> None:
    sandbox, team, campaign = started(EMAIL, EMAIL, {"type": "linkedinVisit", "delay": 9}, EMAIL)
    lead = team.add_lead(campaign["_id"], "ann@b.example", linkedinUrl="https://www.linkedin.com/in/ann")
    sandbox.advance(seconds=1)
    sandbox.happen("emailsBounced", lead)
    sandbox.advance(hours=1)
    assert [kind for kind, _ in history(team, lead)] == ["emailsSent", "emailsBounced", "linkedinVisitDone"]
    sandbox.advance(days=3)
    assert lead["status"] == "done"


def test_a_step_without_what_it_needs_fails() -> None:
    sandbox, team, campaign = started({"type": "linkedinInvite"}, EMAIL)
    lead = team.add_lead(campaign["_id"], "ann@b.example")
    sandbox.advance(hours=1)
    assert next(kind for kind, _ in history(team, lead)) == "linkedinInviteFailed"


def test_a_condition_chooses_a_branch() -> None:
    sandbox, team, campaign = started(EMAIL, {"type": "conditional", "conditionKey": "emailsOpened"})
    steps = team.sequences[campaign["sequenceId"]]["steps"]
    for name, kind in (("yes", "linkedinVisit"), ("no", "api")):
        team.sequences.keep({"_id": f"seq_{name}", "campaignId": campaign["_id"], "level": 1, "steps": [
            {"_id": f"stp_{name}", "type": kind, "delay": 0, "emailTemplateId": "etp"}
        ]})  # fmt: skip
    steps[1]["conditions"] = [
        {"sequenceId": "seq_yes", "fallback": False},
        {"sequenceId": "seq_no", "fallback": True},
    ]
    page = "https://www.linkedin.com/in/x"
    opened, other = (team.add_lead(campaign["_id"], f"{n}@b.example", linkedinUrl=page + n) for n in "ab")
    sandbox.advance(hours=1)
    sandbox.happen("emailsOpened", opened)
    sandbox.advance(days=5)
    assert history(team, opened)[-1][0] == "linkedinVisitDone"
    assert history(team, other)[-1][0] == "apiDone"


def test_a_manual_step_waits_for_its_task() -> None:
    sandbox, team, campaign = started({"type": "manual", "title": "Call"}, EMAIL)
    lead = team.add_lead(campaign["_id"], "ann@b.example")
    sandbox.advance(days=9)
    (task,) = team.tasks.values()
    assert (task["title"], task["leadId"], history(team, lead)) == ("Call", lead["_id"], [])


def test_a_person_is_handed_to_another_campaign() -> None:
    sandbox, team, campaign = started()
    target = team.add_campaign("Next")
    team.sequences[campaign["sequenceId"]]["steps"].append(
        {"_id": "stp_1", "type": "sendToAnotherCampaign", "campaignId": target["_id"], "delay": 0}
    )
    team.add_lead(campaign["_id"], "ann@b.example", firstName="Ann")
    sandbox.advance(days=1)
    (copy,) = team.leads_of(target["_id"])
    assert copy["variables"] == {"email": "ann@b.example", "firstName": "Ann"}


def test_variants_alternate() -> None:
    sandbox, team, campaign = started({**EMAIL, "abTest": True})
    leads = [team.add_lead(campaign["_id"], f"{number}@b.example") for number in range(4)]
    sandbox.advance(days=1)
    tested = [row["sequenceTested"] for row in team.activities.values() if row["type"] == "emailsSent"]
    assert sorted(tested) == ["A", "A", "B", "B"]
    assert len(leads) == 4


def test_a_blocked_lead_gets_nothing() -> None:
    sandbox, team, campaign = started(EMAIL, EMAIL)
    team.block("@c.example")
    blocked, later = (
        team.add_lead(campaign["_id"], "x@c.example"),
        team.add_lead(campaign["_id"], "y@b.example"),
    )
    assert (blocked["state"], blocked["status"]) == ("variableUnsubscribed", "unsubscribed")
    sandbox.advance(hours=2)
    team.block("y@b.example")
    sandbox.advance(days=5)
    assert [kind for kind, _ in history(team, later)] == ["emailsSent", "variableUnsubscribed"]


def test_a_campaign_pauses_when_half_of_its_addresses_bounce() -> None:
    sandbox, team, campaign = started(EMAIL, {**EMAIL, "delay": 60}, recipients=Recipients(bounces=1.0))
    team.schedules[campaign["scheduleIds"][0]]["secondsToWait"] = 60
    team.users[team.user_id]["mailboxes"][0]["lemlist"]["emailLimit"] = 1000
    for number in range(150):
        team.add_lead(campaign["_id"], f"{number}@b.example")
    sandbox.advance(days=2)
    assert campaign["status"] == "paused"
    sent = Counter(row["type"] for row in team.activities.values())["emailsSent"]
    assert 100 <= sent < 150


def test_a_mailbox_sends_no_more_than_its_limit_in_a_day() -> None:
    sandbox, team, campaign = started(EMAIL)
    team.schedules[campaign["scheduleIds"][0]]["secondsToWait"] = 0
    team.hooks.keep({"_id": "hoo_1", "targetUrl": "http://127.0.0.1:1/", "type": "sendLimitReached"})
    for number in range(120):
        team.add_lead(campaign["_id"], f"{number}@b.example")
    counts: list[int] = []
    for hours in (23, 24, 24):
        sandbox.advance(hours=hours)
        counts.append(len(team.activities))
    assert counts == [50, 100, 120]
    assert len(sandbox.deliveries) == 1


def test_a_reservation_is_a_day_after_the_one_before_it() -> None:
    team = Sandbox().team()
    box = {"_id": "usm_1", "lemlist": {"emailLimit": "2"}}
    assert [reserve(team, box, moment) for moment in (0.0, 10.0, 20.0, 20.0)] == [0, 10, 86400, 86410]


def test_the_completion_may_be_told_for_each_lead() -> None:
    sandbox, team, campaign = started(EMAIL, lifecycle=LifecycleOptions(complete_per="lead"))
    team.hooks.keep({"_id": "hoo_1", "targetUrl": "http://127.0.0.1:1/", "type": "campaignComplete"})
    for name in "ab":
        team.add_lead(campaign["_id"], f"{name}@b.example")
    sandbox.advance(days=2)
    assert len(sandbox.deliveries) == 2


def test_recipients_behave_by_their_rates_and_the_seed() -> None:
    rates = Recipients(bounces=0.1, opens=0.6, clicks=0.3, replies=0.2, unsubscribes=0.05, accepts=0.5)

    def run(seed: int) -> Counter[str]:
        sandbox, team, campaign = started(EMAIL, {**EMAIL, "delay": 3}, recipients=rates, seed=seed)
        team.schedules[campaign["scheduleIds"][0]]["secondsToWait"] = 60
        for number in range(300):
            team.add_lead(campaign["_id"], f"{number}@b.example")
        sandbox.advance(days=60)
        assert campaign["status"] == "ended"
        return Counter(row["type"] for row in team.activities.values())

    counts = run(1)
    assert counts == run(1) != run(2)
    delivered = counts["emailsSent"] - counts["emailsBounced"]
    assert 0.05 < counts["emailsBounced"] / counts["emailsSent"] < 0.15
    assert 0.5 < counts["emailsOpened"] / delivered < 0.7
    assert 0.1 < counts["emailsReplied"] / counts["emailsOpened"] < 0.3


@pytest.mark.parametrize(
    ("moment", "days", "expected"),
    [
        ("2026-03-02T07:00", 0, "2026-03-02T09:00"),
        ("2026-03-02T12:30", 0, "2026-03-02T12:30"),
        ("2026-03-06T18:00", 0, "2026-03-09T09:00"),
        ("2026-03-06T12:00", 1, "2026-03-09T12:00"),
        ("2026-03-07T12:00", 1, "2026-03-09T12:00"),
        ("2026-03-27T12:00", 1, "2026-03-30T12:00"),  # the clock changes on the Sunday
        ("2026-03-02T12:00", 1500, "2031-12-01T12:00"),
    ],
)
def test_only_sending_days_count(moment: str, days: int, expected: str) -> None:
    schedule = {"timezone": "Europe/Paris", "start": "09:00", "end": "18:00", "weekdays": [1, 2, 3, 4, 5]}
    found = next_moment(schedule, datetime.fromisoformat(moment).replace(tzinfo=PARIS).timestamp(), days)
    assert found is not None
    assert datetime.fromtimestamp(found, PARIS).strftime("%Y-%m-%dT%H:%M") == expected


def test_a_window_that_never_opens_sends_nothing() -> None:
    closed = {"timezone": "Mars/Base", "start": "18:00", "end": "09:00", "weekdays": [1]}
    assert next_moment(closed, 0.0) is None
    assert next_moment({**closed, "end": "19:00", "weekdays": []}, 0.0) is None
    assert next_moment(None, 5.0, 2) == 172805.0


def test_the_clock_only_goes_forward() -> None:
    sandbox = Sandbox(wall_clock=START.timestamp)
    sandbox.advance(days=1, hours=1, seconds=1)
    assert sandbox.now == START.timestamp() + 90001
    for wrong in (-1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="forward"):
            sandbox.advance(days=wrong)
    assert datetime.fromisoformat(sandbox.team().stamp()) > START.astimezone(UTC)


def test_a_year_of_a_large_campaign_is_quick() -> None:
    sandbox, team, campaign = started(EMAIL, EMAIL, EMAIL, recipients=Recipients(opens=0.5, replies=0.1))
    for number in range(2_000):
        team.add_lead(campaign["_id"], f"{number}@b.example")
    before = time.perf_counter()
    sandbox.advance(days=365)
    assert time.perf_counter() - before < 30
    assert campaign["status"] == "ended"
