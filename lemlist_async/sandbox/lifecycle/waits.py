"""Waits of leads: the time of each one's next step, held while the lead or its campaign is paused."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import attrs

from lemlist_async.sandbox.clock import Agenda
from lemlist_async.sandbox.lifecycle.windows import next_moment
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record

__all__ = ["Waits", "schedule_of"]


@attrs.define(eq=False)
class Waits:
    """Wake leads at their times.

    A walk is a dict of `team.walks`; its `due` is the one time that is valid. An entry of the agenda with another
    time is stale, and does nothing.
    """

    agenda: Agenda
    wake: Callable[[Team, Record], None]
    """Called with a lead whose time has come."""

    def until(self, team: Team, lead: Record, due: float | None) -> None:
        """Let a lead wait until a time, in place of any other; None for ever."""
        walk = team.walks[lead["_id"]]
        walk.pop("due", None)
        if due is not None:
            walk["due"] = due
            self.agenda.at(due, partial(self._due, team, lead["_id"], due))

    def days(self, team: Team, lead: Record, days: int, seconds: float = 0.0) -> None:
        """Let a lead wait for so many sending days and seconds, and for the window of its campaign."""
        schedule = schedule_of(team, team.campaigns[lead["campaignId"]])
        self.until(team, lead, next_moment(schedule, self.agenda.clock() + seconds, days))

    def hold(self, team: Team, lead: Record) -> None:
        """Stop the wait of a lead, and keep what is left of it."""
        walk = team.walks[lead["_id"]]
        if (due := walk.pop("due", None)) is not None:
            walk["left"] = max(0.0, due - self.agenda.clock())

    def resume(self, team: Team, lead: Record) -> None:
        """Go on with the wait that was held, unless the lead itself is paused."""
        walk = team.walks[lead["_id"]]
        if "left" in walk and not lead["isPaused"]:
            self.days(team, lead, 0, walk.pop("left"))

    def recall(self, team: Team) -> None:
        """Enter the times of a restored team in the agenda."""
        for lead_id, walk in team.walks.items():
            if "due" in walk:
                self.agenda.at(walk["due"], partial(self._due, team, lead_id, walk["due"]))

    def _due(self, team: Team, lead_id: str, due: float) -> None:
        walk, lead = team.walks.get(lead_id), team.leads.get(lead_id)
        if lead is not None and walk is not None and walk.get("due") == due and lead["status"] == "running":
            self.wake(team, lead)


def schedule_of(team: Team, campaign: Record) -> Record | None:
    """Return the first schedule of a campaign."""
    return next((team.schedules[name] for name in campaign["scheduleIds"] if name in team.schedules), None)
