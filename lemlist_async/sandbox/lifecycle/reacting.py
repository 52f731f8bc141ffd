"""Reactions of recipients on their way: each is due at its own time, whatever becomes of the lead's walk."""

from __future__ import annotations

from functools import partial
from random import Random

import attrs

from lemlist_async.sandbox.clock import Agenda
from lemlist_async.sandbox.lifecycle.happening import Happening
from lemlist_async.sandbox.lifecycle.options import Recipients
from lemlist_async.sandbox.lifecycle.recipients import reactions
from lemlist_async.sandbox.state import Team

__all__ = ["Reacting"]


@attrs.define(eq=False, kw_only=True)
class Reacting:
    """Draw reactions to events, and let each happen. The walk of a lead lists those that are still to come."""

    agenda: Agenda
    happening: Happening
    recipients: Recipients
    random: Random

    def draw(self, team: Team, lead_id: str, kind: str) -> None:
        """Draw the reactions to an event of a lead."""
        now = self.agenda.clock()
        for delay, reaction in reactions(kind, self.recipients, self.random):
            team.walks[lead_id].setdefault("reactions", []).append([now + delay, reaction])
            self._enter(team, lead_id, now + delay, reaction)

    def recall(self, team: Team) -> None:
        """Enter the reactions of a restored team in the agenda."""
        for lead_id, walk in team.walks.items():
            for when, kind in walk.get("reactions", ()):
                self._enter(team, lead_id, when, kind)

    def _enter(self, team: Team, lead_id: str, when: float, kind: str) -> None:
        self.agenda.at(when, partial(self._react, team, lead_id, [when, kind]))

    def _react(self, team: Team, lead_id: str, reaction: list[float | str]) -> None:
        lead, waiting = team.leads.get(lead_id), team.walks.get(lead_id, {}).get("reactions", [])
        if lead is None or reaction not in waiting:
            return
        waiting.remove(reaction)
        if lead["status"] != "unsubscribed":
            self.happening.happen(team, str(reaction[1]), lead)
