"""The walk of leads through the sequences of running campaigns."""

from __future__ import annotations

import attrs

from lemlist_async.sandbox.clock import Agenda
from lemlist_async.sandbox.lifecycle.blocking import is_blocked
from lemlist_async.sandbox.lifecycle.campaigns import (
    bounced_too_often,
    count_contacted,
    first_moment,
    is_over,
)
from lemlist_async.sandbox.lifecycle.fields import step_at
from lemlist_async.sandbox.lifecycle.happening import Happening
from lemlist_async.sandbox.lifecycle.limits import DAY, reserve
from lemlist_async.sandbox.lifecycle.reacting import Reacting
from lemlist_async.sandbox.lifecycle.steps import CHANNEL_OF, make_step
from lemlist_async.sandbox.lifecycle.waits import Waits, schedule_of
from lemlist_async.sandbox.lifecycle.windows import next_moment
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record, iso

__all__ = ["Walker"]


@attrs.define(eq=False, kw_only=True)
class Walker:
    """Move leads from step to step. All it knows of a lead is in `team.walks`."""

    agenda: Agenda
    happening: Happening
    reacting: Reacting
    waits: Waits = attrs.field(
        default=attrs.Factory(lambda self: Waits(self.agenda, self._wake), takes_self=True), init=False
    )

    def launch(self, team: Team, lead: Record) -> None:
        """Begin the walk of a launched lead."""
        campaign = team.campaigns[lead["campaignId"]]
        if campaign["status"] in ("draft", "ended"):
            campaign |= {"status": "running", "state": "running"}
        first = step_at(team, campaign["sequenceId"], 0)
        if first is None:
            return  # without a step a lead stays where it is
        walk = team.walks.setdefault(lead["_id"], {})
        walk |= {"sequenceId": campaign["sequenceId"], "step": 0, "made": 0}
        due = first_moment(team, campaign, self.agenda.clock(), first.get("delay", 0))
        self.waits.until(team, lead, due)

    def recall(self, team: Team) -> None:
        """Take up the walks of a restored team."""
        self.waits.recall(team)
        self.reacting.recall(team)

    def moved(self, team: Team, lead: Record) -> None:
        """Follow a lead that was paused, resumed or taken out of its campaign."""
        if not _walks(team, lead):
            return
        if lead["status"] == "running":
            self.waits.resume(team, lead)
        else:
            self.waits.hold(team, lead)
            self._end_campaign(team, team.campaigns[lead["campaignId"]])

    def switched(self, team: Team, campaign: Record) -> None:
        """Follow a campaign that was paused or started."""
        follow = self.waits.resume if campaign["state"] == "running" else self.waits.hold
        for lead in team.leads_of(campaign["_id"]):
            if _walks(team, lead) and lead["status"] == "running":
                follow(team, lead)

    def failed(self, team: Team, lead: Record, channel: str) -> None:
        """Skip the rest of a channel: the next step of another one runs at once."""
        if not _walks(team, lead):
            return
        walk, campaign = team.walks[lead["_id"]], team.campaigns[lead["campaignId"]]
        walk["failed"] = [*walk.get("failed", []), channel]
        if bounced_too_often(team, campaign, self.happening.options.bounce_limit):
            campaign["state"] = campaign["status"] = "paused"
            self.switched(team, campaign)
        elif lead["status"] == "running" and "due" in walk:
            self.waits.days(team, lead, 0)

    def task_done(self, team: Team, lead: Record) -> None:
        """Go on after a step that a member did by hand."""
        walk = team.walks.get(lead["_id"], {})
        if walk.pop("atTask", False):
            self._next(team, lead)

    def _wake(self, team: Team, lead: Record) -> None:
        if is_blocked(team, lead):
            self.happening.happen(team, "variableUnsubscribed", lead)
            return
        campaign, walk = team.campaigns[lead["campaignId"]], team.walks[lead["_id"]]
        if campaign["state"] != "running":
            self.waits.hold(team, lead)
            return
        step, now = step_at(team, walk["sequenceId"], walk["step"]), self.agenda.clock()
        if step is None:
            self._finish(team, lead)
        elif CHANNEL_OF.get(step["type"], "other") in walk.get("failed", ()):
            self._next(team, lead, at_once=True)
        elif not walk.pop("reserved", False) and (later := self._limited(team, campaign, step)) > now:
            walk["reserved"] = True
            self.waits.until(team, lead, next_moment(schedule_of(team, campaign), later))
        else:
            self._make(team, campaign, lead, step)

    def _limited(self, team: Team, campaign: Record, step: Record) -> float:
        """Return when the sender's limit lets an e-mail leave."""
        now = self.agenda.clock()
        user = next((team.users[name] for name in campaign["sendUserIds"] if name in team.users), None)
        if step["type"] != "email" or user is None:
            return now
        box = user["mailboxes"][0]
        free = reserve(team, box, now)
        use = team.mailbox_use[box["_id"]]
        if free > now and use.get("toldAt", 0.0) + DAY <= now:
            use["toldAt"] = now
            self.happening.happen(team, "sendLimitReached", sendUserId=user["_id"])
        return free

    def _make(self, team: Team, campaign: Record, lead: Record, step: Record) -> None:
        walk = team.walks[lead["_id"]]
        if walk["made"] == 0:
            walk["number"] = count_contacted(team, campaign)
        walk |= {"lastSequenceId": walk["sequenceId"], "lastStep": walk["step"], "made": walk["made"] + 1}
        walk["sentAt"] = iso(self.agenda.clock())
        if winner := step.get("abTest"):  # the split is not documented: lead by lead in turn
            walk["variant"] = winner if winner in ("A", "B") else "AB"[walk["number"] % 2]
        for kind in make_step(self.happening, team, lead, step):
            self.reacting.draw(team, lead["_id"], kind)
        if lead["status"] == "running" and not walk.get("atTask"):
            self._next(team, lead)

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
        else:
            self.waits.days(team, lead, 0 if at_once else step.get("delay", 0))

    def _finish(self, team: Team, lead: Record) -> None:
        team.walks[lead["_id"]].pop("due", None)
        lead |= {"status": "done", "updatedAt": iso(self.agenda.clock())}
        if self.happening.options.complete_per == "lead":
            self.happening.happen(team, "campaignComplete", lead)
        self._end_campaign(team, team.campaigns[lead["campaignId"]])

    def _end_campaign(self, team: Team, campaign: Record) -> None:
        if not is_over(team, campaign):
            return
        campaign |= {"status": "ended", "state": "paused"}
        if self.happening.options.complete_per == "campaign":
            self.happening.happen(team, "campaignComplete", campaignId=campaign["_id"])


def _walks(team: Team, lead: Record) -> bool:
    return "sequenceId" in team.walks.get(lead["_id"], {})
