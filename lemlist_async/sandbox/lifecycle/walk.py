"""The walk of leads through the sequences of running campaigns."""

from __future__ import annotations

from collections import Counter
from functools import partial
from random import Random
from typing import Final

import attrs

from lemlist_async.sandbox.clock import Agenda
from lemlist_async.sandbox.lifecycle.blocking import is_blocked
from lemlist_async.sandbox.lifecycle.fields import step_at
from lemlist_async.sandbox.lifecycle.happening import Happening
from lemlist_async.sandbox.lifecycle.limits import SenderLimits
from lemlist_async.sandbox.lifecycle.options import Recipients
from lemlist_async.sandbox.lifecycle.recipients import reactions
from lemlist_async.sandbox.lifecycle.steps import CHANNEL_OF, make_step
from lemlist_async.sandbox.lifecycle.windows import next_moment
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record, iso

__all__ = ["Walker"]

LEADS_BEFORE_BOUNCES_COUNT: Final = 100


@attrs.define(eq=False, kw_only=True)
class Walker:
    """Move leads from step to step. A walk is a dict of `team.walks`, and at most one of its times is valid.

    `due` is the time of the next step. An entry of the agenda with another time is stale, and does nothing.
    """

    agenda: Agenda
    happening: Happening
    recipients: Recipients
    random: Random
    _senders: SenderLimits = attrs.field(factory=SenderLimits, init=False)
    _next_start: dict[str, float] = attrs.field(factory=dict[str, float], init=False)
    """Earliest first step of the next lead of each campaign."""
    _contacted: Counter[str] = attrs.field(factory=Counter[str], init=False)
    _bounced: Counter[str] = attrs.field(factory=Counter[str], init=False)

    def reset(self, random: Random) -> None:
        """Forget the senders and the campaigns."""
        self.random, self._senders = random, SenderLimits()
        self._next_start.clear()
        self._contacted.clear()
        self._bounced.clear()

    def launch(self, team: Team, lead: Record) -> None:
        """Begin the walk of a launched lead."""
        campaign = team.campaigns[lead["campaignId"]]
        if campaign["status"] in ("draft", "ended"):
            campaign |= {"status": "running", "state": "running"}
        schedule = _schedule(team, campaign)
        first = step_at(team, campaign["sequenceId"], 0)
        if first is None:
            return  # without a step a lead stays where it is
        earliest = max(self.agenda.clock(), self._next_start.get(campaign["_id"], 0.0))
        due = next_moment(schedule, earliest, first.get("delay", 0))
        if due is not None:
            self._next_start[campaign["_id"]] = due + (schedule["secondsToWait"] if schedule else 0)
        walk = team.walks.setdefault(lead["_id"], {})
        walk |= {"sequenceId": campaign["sequenceId"], "step": 0, "made": 0}
        self._wait(team, lead, due)

    def moved(self, team: Team, lead: Record) -> None:
        """Follow a lead that was paused, resumed or taken out of its campaign."""
        walk = team.walks.get(lead["_id"])
        if walk is None or "sequenceId" not in walk:
            return
        if lead["status"] == "running":
            self._resume(team, lead)
        else:
            self._hold(walk)
            self._end_campaign(team, team.campaigns[lead["campaignId"]])

    def _hold(self, walk: Record) -> None:
        if (due := walk.pop("due", None)) is not None:
            walk["left"] = max(0.0, due - self.agenda.clock())

    def _resume(self, team: Team, lead: Record) -> None:
        walk = team.walks[lead["_id"]]
        if "left" in walk and not lead["isPaused"]:
            schedule = _schedule(team, team.campaigns[lead["campaignId"]])
            self._wait(team, lead, next_moment(schedule, self.agenda.clock() + walk.pop("left")))

    def switched(self, team: Team, campaign: Record) -> None:
        """Follow a campaign that was paused or started."""
        for lead in team.leads_of(campaign["_id"]):
            walk = team.walks.get(lead["_id"], {})
            if "sequenceId" not in walk or lead["status"] != "running":
                continue
            if campaign["state"] == "running":
                self._resume(team, lead)
            else:
                self._hold(walk)

    def failed(self, team: Team, lead: Record, channel: str) -> None:
        """Skip the rest of a channel: the next step of another one runs at once."""
        walk = team.walks.get(lead["_id"])
        if walk is None or "sequenceId" not in walk:
            return
        walk["failed"] = [*walk.get("failed", []), channel]
        campaign = team.campaigns[lead["campaignId"]]
        self._bounced[campaign["_id"]] += 1
        contacted = self._contacted[campaign["_id"]]
        limit = self.happening.options.bounce_limit * contacted
        if contacted >= LEADS_BEFORE_BOUNCES_COUNT and self._bounced[campaign["_id"]] > limit:
            campaign["state"] = campaign["status"] = "paused"
            self.switched(team, campaign)
        elif lead["status"] == "running" and "due" in walk:
            self._wait(team, lead, next_moment(_schedule(team, campaign), self.agenda.clock()))

    def task_done(self, team: Team, lead: Record) -> None:
        """Go on after a step that a member did by hand."""
        walk = team.walks.get(lead["_id"], {})
        if walk.pop("atTask", False):
            self._next(team, lead)

    def _wait(self, team: Team, lead: Record, due: float | None) -> None:
        walk = team.walks[lead["_id"]]
        walk.pop("due", None)
        if due is not None:
            walk["due"] = due
            self.agenda.at(due, partial(self._due, team, lead["_id"], due))

    def _due(self, team: Team, lead_id: str, due: float) -> None:
        walk, lead = team.walks.get(lead_id), team.leads.get(lead_id)
        if lead is None or walk is None or walk.get("due") != due or lead["status"] != "running":
            return
        if is_blocked(team, lead):
            self.happening.happen(team, "variableUnsubscribed", lead)
            return
        campaign = team.campaigns[lead["campaignId"]]
        if campaign["state"] != "running":
            self._hold(walk)
            return
        step = step_at(team, walk["sequenceId"], walk["step"])
        if step is None:
            self._finish(team, lead)
        elif CHANNEL_OF.get(step["type"], "other") in walk.get("failed", ()):
            self._next(team, lead, at_once=True)
        elif not walk.pop("reserved", False) and (later := self._limited(team, campaign, step)) > due:
            walk["reserved"] = True
            self._wait(team, lead, next_moment(_schedule(team, campaign), later))
        else:
            self._make(team, campaign, lead, step)

    def _limited(self, team: Team, campaign: Record, step: Record) -> float:
        """Return when the sender's limit lets an e-mail leave."""
        now = self.agenda.clock()
        user = next((team.users[name] for name in campaign["sendUserIds"] if name in team.users), None)
        if step["type"] != "email" or user is None:
            return now
        box = user["mailboxes"][0]
        free = self._senders.reserve(box["_id"], int(box["lemlist"]["emailLimit"]), now)
        if free > now and team.limit_told.get(box["_id"], 0.0) + 86400.0 <= now:
            team.limit_told[box["_id"]] = now
            self.happening.happen(team, "sendLimitReached", sendUserId=user["_id"])
        return free

    def _make(self, team: Team, campaign: Record, lead: Record, step: Record) -> None:
        walk = team.walks[lead["_id"]]
        if walk["made"] == 0:
            self._contacted[campaign["_id"]] += 1
        walk |= {"lastSequenceId": walk["sequenceId"], "lastStep": walk["step"], "made": walk["made"] + 1}
        walk["sentAt"] = iso(self.agenda.clock())
        if step.get("abTest"):  # the split is not documented: lead by lead in turn
            winner = step["abTest"]
            walk["variant"] = winner if winner in ("A", "B") else "AB"[self._contacted[campaign["_id"]] % 2]
        kinds = make_step(self.happening, team, lead, step)
        for kind in kinds:
            for delay, reaction in reactions(kind, self.recipients, self.random):
                self.agenda.at(self.agenda.clock() + delay, partial(self._react, team, lead["_id"], reaction))
        if lead["status"] == "running" and not walk.get("atTask"):
            self._next(team, lead)

    def _react(self, team: Team, lead_id: str, kind: str) -> None:
        lead = team.leads.get(lead_id)
        if lead is not None and lead["status"] != "unsubscribed":
            self.happening.happen(team, kind, lead)

    def _next(self, team: Team, lead: Record, *, at_once: bool = False) -> None:
        """Wait for the next step of the sequence, or finish behind the last one."""
        walk = team.walks[lead["_id"]]
        if "branch" in walk:
            walk |= {"sequenceId": walk.pop("branch"), "step": 0}
        else:
            walk["step"] += 1
        step = step_at(team, walk["sequenceId"], walk["step"])
        if step is None:
            self._finish(team, lead)
            return
        schedule = _schedule(team, team.campaigns[lead["campaignId"]])
        self._wait(
            team, lead, next_moment(schedule, self.agenda.clock(), 0 if at_once else step.get("delay", 0))
        )

    def _finish(self, team: Team, lead: Record) -> None:
        team.walks[lead["_id"]].pop("due", None)
        lead |= {"status": "done", "updatedAt": iso(self.agenda.clock())}
        if self.happening.options.complete_per == "lead":
            self.happening.happen(team, "campaignComplete", lead)
        self._end_campaign(team, team.campaigns[lead["campaignId"]])

    def _end_campaign(self, team: Team, campaign: Record) -> None:
        """End a campaign whose launched leads are all done."""
        if campaign["status"] != "running":
            return
        # the latest are the likeliest to be at work, so the search ends soon
        latest_first = reversed(team.lead_ids_by_campaign[campaign["_id"]])
        if any(team.leads[lead_id]["status"] in ("running", "paused") for lead_id in latest_first):
            return
        campaign |= {"status": "ended", "state": "paused"}
        if self.happening.options.complete_per == "campaign":
            self.happening.happen(team, "campaignComplete", campaignId=campaign["_id"])


def _schedule(team: Team, campaign: Record) -> Record | None:
    return next((team.schedules[name] for name in campaign["scheduleIds"] if name in team.schedules), None)
