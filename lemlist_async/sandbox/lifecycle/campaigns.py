"""Campaigns as wholes: the pace of their first steps, their bounces, and their end."""

from __future__ import annotations

from typing import Final

from lemlist_async.sandbox.lifecycle.waits import schedule_of
from lemlist_async.sandbox.lifecycle.windows import next_moment
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record

__all__ = ["bounced_too_often", "count_contacted", "first_moment", "is_over"]

LEADS_BEFORE_BOUNCES_COUNT: Final = 100


def first_moment(team: Team, campaign: Record, now: float, days: int) -> float | None:
    """Return when the next launched lead makes its first step: `secondsToWait` after the one before."""
    schedule, pace = schedule_of(team, campaign), _pace(team, campaign)
    after_delay = next_moment(schedule, now, days)
    due = None if after_delay is None else next_moment(schedule, max(after_delay, pace["nextStart"]))
    if due is not None:
        pace["nextStart"] = due + (schedule["secondsToWait"] if schedule else 0)
    return due


def count_contacted(team: Team, campaign: Record) -> int:
    """Count a lead that makes its first step, and return its number in the campaign."""
    pace = _pace(team, campaign)
    pace["contacted"] += 1
    return int(pace["contacted"])


def bounced_too_often(team: Team, campaign: Record, share: float) -> bool:
    """Count a bounce, and tell whether their share is above the limit, of 100 contacted leads or more."""
    pace = _pace(team, campaign)
    pace["bounced"] += 1
    contacted: int = pace["contacted"]
    return contacted >= LEADS_BEFORE_BOUNCES_COUNT and pace["bounced"] > share * contacted


def is_over(team: Team, campaign: Record) -> bool:
    """Tell whether all launched leads of a running campaign are done."""
    if campaign["status"] != "running":
        return False
    # the latest are the likeliest to be at work, so the search ends soon
    latest_first = reversed(team.leads.in_campaign(campaign["_id"]).values())
    return not any(lead["status"] in ("running", "paused") for lead in latest_first)


def _pace(team: Team, campaign: Record) -> Record:
    return team.paces.setdefault(campaign["_id"], {"nextStart": 0.0, "contacted": 0, "bounced": 0})
