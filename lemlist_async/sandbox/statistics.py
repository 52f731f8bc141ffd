"""Counters of a campaign over a span of time, from the leads and the history."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator, Sequence
from datetime import datetime
from typing import Final

import attrs

from lemlist_async.sandbox.lifecycle.states import in_state
from lemlist_async.sandbox.slices import chosen, slices
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record

__all__ = ["CHANNELS", "LeadFigures", "count_leads", "history", "stats"]

CHANNELS: Final[tuple[str, ...]] = ("email", "linkedin", "others")


@attrs.define
class _Messages:
    """Counts of messages: each one's opens, clicks and replies once, by its lead and its step."""

    kinds: Counter[str] = attrs.field(factory=Counter[str])
    _seen: set[tuple[str, str, str]] = attrs.field(factory=set[tuple[str, str, str]])

    def add(self, kind: str, reaction: tuple[str, str, str] | None) -> None:
        """Count an event; a reaction once."""
        if reaction is not None:
            if reaction in self._seen:
                return
            self._seen.add(reaction)
        self.kinds[kind] += 1

    def of(self, *endings: str) -> int:
        """Return the number of the events with these endings."""
        return sum(number for kind, number in self.kinds.items() if kind.endswith(endings))

    def view(self) -> Record:
        """Return the counts under lemlist's names."""
        sent, bounced = self.of("Sent"), self.of("Bounced")
        return {
            "messagesSent": sent,
            "messagesNotSent": self.of("Failed"),
            "messagesBounced": bounced,
            "delivered": sent - bounced,
            "opened": self.of("Opened", "InviteAccepted"),
            "clicked": self.of("Clicked"),
            "replied": self.of("Replied"),
            "invitationAccepted": self.of("InviteAccepted"),
            "meetingBooked": self.of("meetingBooked"),
        }


@attrs.define
class LeadFigures:
    """Counts of the leads of a campaign."""

    total: int = 0
    launched: int = 0
    running: int = 0
    paused: int = 0
    unsubscribed: int = 0
    interested: int = 0
    not_interested: int = 0
    states: Counter[str] = attrs.field(factory=Counter[str])


def history(team: Team, campaign_id: str) -> Generator[None, None, list[Record]]:
    """Return the history of one campaign, oldest first."""
    return chosen(team.activities.values(), [lambda row: row.get("campaignId") == campaign_id])


def count_leads(team: Team, campaign_id: str) -> Generator[None, None, LeadFigures]:
    """Count the leads of a campaign."""
    figures = LeadFigures()
    for part in slices(team.leads_of(campaign_id)):
        figures.total += len(part)
        for lead in part:
            figures.launched += lead["status"] != "review"
            figures.running += lead["status"] == "running"
            figures.paused += lead["isPaused"]
            figures.unsubscribed += lead["status"] == "unsubscribed"
            figures.states[str(lead["state"])] += 1
        yield
    for state, number in figures.states.items():
        figures.interested += number * in_state({"state": state}, {"interested"})
        figures.not_interested += number * in_state({"state": state}, {"notInterested"})
    return figures


def stats(
    team: Team, campaign: Record, start: datetime, end: datetime, channels: Sequence[str]
) -> Generator[None, None, Record]:
    """Count a campaign's figures between two moments, over some of ``CHANNELS``."""
    leads = yield from count_leads(team, campaign["_id"])
    rows = yield from history(team, campaign["_id"])
    whole, people = _Messages(), defaultdict[str, set[str | None]](set)
    per_channel, per_step = (
        defaultdict[str, _Messages](_Messages),
        defaultdict[str | None, _Messages](_Messages),
    )
    for part in slices(rows):
        for row in part:
            channel = _channel(row["type"])
            if row.get("bot") or channel not in channels:  # machines are not counted
                continue
            if start <= datetime.fromisoformat(row["createdAt"]) <= end:
                people[row["type"]].add(row.get("leadId"))
                reaction = _reaction(row)
                for counts in (whole, per_channel[channel], per_step[row.get("stepId")]):
                    counts.add(row["type"], reaction)
        yield

    def persons(*endings: str) -> int:
        return len(set[str | None]().union(*(who for kind, who in people.items() if kind.endswith(endings))))

    return {
        "nbLeads": leads.total,
        "nbLeadsLaunched": leads.launched,
        "nbLeadsReached": persons("Sent", "Done"),
        # an accepted invitation counts as an open, as seen live
        "nbLeadsOpened": persons("Opened", "InviteAccepted"),
        "nbLeadsInteracted": persons("Clicked", "Accepted"),
        "nbLeadsAnswered": persons("Replied"),
        "nbLeadsInterested": leads.interested,
        "nbLeadsNotInterested": leads.not_interested,
        "nbLeadsUnsubscribed": leads.unsubscribed,
        "nbLeadsInterrupted": leads.paused,
        **whole.view(),
        "steps": _steps(team, campaign, per_step),
        # not in the document, but live answers carry it
        "perChannel": {name: per_channel[name].view() for name in channels},
    }


def _channel(kind: str) -> str:
    if kind.startswith("emails"):
        return "email"
    return "linkedin" if kind.startswith("linkedin") else "others"


def _steps(team: Team, campaign: Record, counts: dict[str | None, _Messages]) -> list[Record]:
    sequence = team.sequences[campaign["sequenceId"]]
    return [
        {
            "index": number + 1,
            "sequenceId": sequence["_id"],
            "sequenceStep": number,
            "taskType": step["type"],
            **_step_counts(counts.get(step["_id"], _Messages())),
        }
        for number, step in enumerate(sequence["steps"])
    ]


def _reaction(row: Record) -> tuple[str, str, str] | None:
    """Return what tells an open, a click or a reply from another one: its lead and its step."""
    if row["type"].endswith(("Opened", "Clicked", "Replied")) and "leadId" in row and "stepId" in row:
        return row["type"], row["leadId"], row["stepId"]
    return None


def _step_counts(messages: _Messages) -> Record:
    counts, invited = messages.view(), messages.kinds["linkedinInviteDone"]
    return {
        "invited": invited,
        "sent": counts["messagesSent"] + invited,
        **{name: counts[name] for name in ("delivered", "opened", "clicked", "replied")},
        "notDelivered": counts["messagesNotSent"],
        "bounced": counts["messagesBounced"],
        "unsubscribed": messages.kinds["emailsUnsubscribed"],
    }
