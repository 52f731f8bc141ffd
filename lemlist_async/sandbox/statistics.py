"""Counters of a campaign over a span of time, from the leads and the history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from lemlist_async.sandbox.lifecycle.states import in_state
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record

__all__ = ["CHANNELS", "events", "stats"]

CHANNELS: Final[tuple[str, ...]] = ("email", "linkedin", "others")


def events(team: Team, campaign_id: str) -> Iterable[Record]:
    """Return the history of one campaign, oldest first."""
    return (activity for activity in team.activities.values() if activity.get("campaignId") == campaign_id)


def stats(team: Team, campaign: Record, start: datetime, end: datetime, channels: Sequence[str]) -> Record:
    """Count a campaign's figures between two moments, over some of ``CHANNELS``."""
    leads = team.leads_of(campaign["_id"])
    rows = [
        row
        for row in events(team, campaign["_id"])
        if start <= datetime.fromisoformat(row["createdAt"]) <= end
        and _channel(row["type"]) in channels
        and not row.get("bot")  # machines are not counted
    ]
    return {
        "nbLeads": len(leads),
        "nbLeadsLaunched": sum(lead["status"] != "review" for lead in leads),
        "nbLeadsReached": _people(rows, "Sent", "Done"),
        # an accepted invitation counts as an open, as seen live
        "nbLeadsOpened": _people(rows, "Opened", "InviteAccepted"),
        "nbLeadsInteracted": _people(rows, "Clicked", "Accepted"),
        "nbLeadsAnswered": _people(rows, "Replied"),
        "nbLeadsInterested": sum(in_state(lead, {"interested"}) for lead in leads),
        "nbLeadsNotInterested": sum(in_state(lead, {"notInterested"}) for lead in leads),
        "nbLeadsUnsubscribed": sum(lead["status"] == "unsubscribed" for lead in leads),
        "nbLeadsInterrupted": sum(lead["isPaused"] for lead in leads),
        **_message_counts(rows),
        "steps": _steps(team, campaign, rows),
        # not in the document, but live answers carry it
        "perChannel": {
            name: _message_counts([row for row in rows if _channel(row["type"]) == name]) for name in channels
        },
    }


def _channel(kind: str) -> str:
    if kind.startswith("emails"):
        return "email"
    return "linkedin" if kind.startswith("linkedin") else "others"


def _people(rows: Iterable[Record], *endings: str) -> int:
    return len({row.get("leadId") for row in rows if row["type"].endswith(endings)})


def _message_counts(rows: list[Record]) -> Record:
    """Count messages: each one's opens, clicks and replies once, by its lead and its step."""
    once = {_message_of(row) for row in rows}
    endings = Counter(kind for kind, *_ in once)

    def count(*ends: str) -> int:
        return sum(number for kind, number in endings.items() if kind.endswith(ends))

    sent, bounced = count("Sent"), count("Bounced")
    return {
        "messagesSent": sent,
        "messagesNotSent": count("Failed"),
        "messagesBounced": bounced,
        "delivered": sent - bounced,
        "opened": count("Opened", "InviteAccepted"),
        "clicked": count("Clicked"),
        "replied": count("Replied"),
        "invitationAccepted": count("InviteAccepted"),
        "meetingBooked": count("meetingBooked"),
    }


def _steps(team: Team, campaign: Record, rows: list[Record]) -> list[Record]:
    sequence = team.sequences[campaign["sequenceId"]]
    return [
        {
            "index": number + 1,
            "sequenceId": sequence["_id"],
            "sequenceStep": number,
            "taskType": step["type"],
            **_step_counts([row for row in rows if row.get("stepId") == step["_id"]]),
        }
        for number, step in enumerate(sequence["steps"])
    ]


def _message_of(row: Record) -> tuple[str, str, str]:
    if row["type"].endswith(("Opened", "Clicked", "Replied")) and "leadId" in row and "stepId" in row:
        return row["type"], row["leadId"], row["stepId"]
    return row["type"], row["_id"], ""


def _step_counts(rows: list[Record]) -> Record:
    counts = _message_counts(rows)
    return {
        "invited": sum(row["type"] == "linkedinInviteDone" for row in rows),
        "sent": counts["messagesSent"] + sum(row["type"] == "linkedinInviteDone" for row in rows),
        **{name: counts[name] for name in ("delivered", "opened", "clicked", "replied")},
        "notDelivered": counts["messagesNotSent"],
        "bounced": counts["messagesBounced"],
        "unsubscribed": sum(row["type"] == "emailsUnsubscribed" for row in rows),
    }
