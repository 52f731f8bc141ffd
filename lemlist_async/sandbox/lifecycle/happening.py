"""Events: one happens to a lead or to the team, with all that it changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs

from lemlist_async.sandbox.lifecycle.fields import event_fields
from lemlist_async.sandbox.lifecycle.kinds import HOOK_ONLY, KINDS, MESSAGES, channel_of
from lemlist_async.sandbox.lifecycle.options import LifecycleOptions
from lemlist_async.sandbox.lifecycle.states import move
from lemlist_async.sandbox.lifecycle.stops import colleagues_follow, progress
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record, iso

__all__ = ["Happening"]

_HALTS: Final = {"pause": "paused", "stop": "stopped"}


def _ignored(team: Team, record: Record) -> None:
    """Do nothing."""


@attrs.define(eq=False, kw_only=True)
class Happening:
    """Make events happen: each moves its lead, is written, counted and posted, and applies the stop rules."""

    options: LifecycleOptions = attrs.field(factory=LifecycleOptions)
    post: Callable[[Team, Record], None] = _ignored
    """Post an event that is no activity."""
    moved: Callable[[Team, Record], None] = _ignored
    """Called when a lead paused, resumed, or went out of its campaign: its walk has to follow."""
    failed: Callable[[Team, Record, str], None] = lambda team, lead, channel: None
    """Called when a step of a channel failed."""

    def happen(self, team: Team, kind: str, lead: Record | None = None, /, **fields: Any) -> Record:
        """Let an event of the given type happen, and return it. ValueError for a type that lemlist does not have.

        `fields` are added to the event, and replace what it would have.
        """
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no event of lemlist")
        if lead is None:
            return self._written(team, kind, None, fields)
        own = {**event_fields(team, kind, lead), **fields}
        campaign = team.campaigns[lead["campaignId"]]
        word = progress(campaign, {"type": kind, **own}, self.options)
        if word is not None and "stopped" not in fields:
            own["stopped"] = word == "stop"
        if self.options.first_per == "step" and "stepId" in own:
            seen = (lead["_id"], f"{kind} {own['stepId']}")
            own.setdefault("isFirst", seen not in team.kinds_seen)
            team.kinds_seen.add(seen)
        if not own.get("bot"):
            self._move(team, kind, lead)
        event = self._written(team, kind, lead, own)
        self._follow(team, kind, lead)
        if word in _HALTS and lead["status"] == "running":
            self._halt(team, campaign, lead, kind, _HALTS[word])
        return event

    def _written(self, team: Team, kind: str, lead: Record | None, fields: Record) -> Record:
        if kind in HOOK_ONLY:
            event = team.event(kind, lead, **fields)
            self.post(team, event)
            return event
        if kind in MESSAGES and lead is not None:
            message = str(fields.pop("message", ""))
            contact = team.contacts[lead["contactId"]]
            return team.add_message(contact, channel_of(kind), kind, message, lead, **fields)
        return team.add_activity(kind, lead, **fields)

    def _move(self, team: Team, kind: str, lead: Record) -> None:
        before = (lead["state"], lead["status"])
        move(lead, kind, self.options.ranks)
        if kind == "paused":
            lead["isPaused"] = True
            if before[1] == "review":  # a lead in review stays there
                lead["status"] = "review"
            if before[0] != "paused":
                team.walks.setdefault(lead["_id"], {})["before"] = before[0]
        elif kind == "resumed":
            state = team.walks.get(lead["_id"], {}).pop("before", lead["state"])
            lead |= {
                "isPaused": False,
                "state": state if lead["state"] == "paused" else lead["state"],
                "status": "running" if lead["status"] == "paused" else lead["status"],
            }
        elif lead["status"] not in ("review", "running", "paused"):
            lead["isPaused"] = False
        lead["updatedAt"] = iso(team.wall_clock())

    def _follow(self, team: Team, kind: str, lead: Record) -> None:
        """Apply what an event means to the address, and to the walk of the lead."""
        address = lead["variables"].get("email")
        if address and kind in ("emailsUnsubscribed", "emailsBounced"):
            # a reader's own click cannot be taken back
            team.block(address, "lead" if kind == "emailsUnsubscribed" else "bounced")
        if kind.endswith(("Failed", "Bounced")):
            self.failed(team, lead, channel_of(kind))
        elif kind in ("paused", "resumed") or lead["status"] != "running":
            self.moved(team, lead)

    def _halt(self, team: Team, campaign: Record, lead: Record, kind: str, halt: str) -> None:
        self.happen(team, halt, lead)
        company = lead["variables"].get("companyName")
        if not company or not colleagues_follow(campaign, kind):
            return
        for other in team.leads_of(campaign["_id"]):
            if other["status"] == "running" and other["variables"].get("companyName") == company:
                self.happen(team, halt, other)
