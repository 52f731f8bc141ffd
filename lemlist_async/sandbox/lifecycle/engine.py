"""The engine of a sandbox: its clock and agenda, its events, the walks of leads, and the hooks."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from random import Random

import attrs

from lemlist_async.sandbox.clock import Agenda, SandboxClock
from lemlist_async.sandbox.deliveries import Courier
from lemlist_async.sandbox.lifecycle.announcing import announce
from lemlist_async.sandbox.lifecycle.blocking import has_value, is_blocked
from lemlist_async.sandbox.lifecycle.happening import Happening
from lemlist_async.sandbox.lifecycle.options import LifecycleOptions, Recipients
from lemlist_async.sandbox.lifecycle.reacting import Reacting
from lemlist_async.sandbox.lifecycle.walk import Walker
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record

__all__ = ["Engine"]


@attrs.define(eq=False, init=False)
class Engine:
    """Clock, events, walks and hooks of one sandbox. Every team joins it once."""

    clock: SandboxClock
    agenda: Agenda
    courier: Courier
    happening: Happening
    walker: Walker

    def __init__(
        self,
        wall_clock: Callable[[], float] = time.time,
        options: LifecycleOptions | None = None,
        recipients: Recipients | None = None,
        random: Random | None = None,
        *,
        retries: int = 5,
        delete_gone: bool = True,
    ) -> None:
        self.clock = SandboxClock(wall_clock)
        self.agenda = Agenda(self.clock)
        self.courier = Courier(agenda=self.agenda, retries=retries, delete_gone=delete_gone)
        self.happening = Happening(
            options=options or LifecycleOptions(), post=partial(announce, post=self.courier.announce)
        )
        reacting = Reacting(
            agenda=self.agenda,
            happening=self.happening,
            recipients=recipients or Recipients(),
            random=random or Random(0),  # noqa: S311 - play that has to repeat, no secrets
        )
        self.walker = Walker(agenda=self.agenda, happening=self.happening, reacting=reacting)
        self.happening.moved, self.happening.failed = self.walker.moved, self.walker.failed

    def reset(self, random: Random) -> None:
        """Forget what was due, and return the clock to the one below it."""
        self.agenda.clear()
        self.clock.reset()
        self.walker.reacting.random = random

    def join(self, team: Team) -> None:
        """Let a team's activities reach its hooks, and its launched leads walk."""
        team.on_activity = lambda activity: announce(team, activity, self.courier.announce)
        team.on_launch = partial(self.launch, team)

    def recall(self, team: Team) -> None:
        """Take up what was due in a restored team. A running lead without a walk begins one."""
        self.walker.recall(team)
        for lead in list(team.leads.values()):
            if lead["status"] == "running" and lead["_id"] not in team.walks:
                self.launch(team, lead)

    def launch(self, team: Team, lead: Record) -> None:
        """Let a lead begin its walk, unless it may not be contacted."""
        if is_blocked(team, lead):
            self.happening.happen(team, "variableUnsubscribed", lead)
        else:
            self.walker.launch(team, lead)

    def block(self, team: Team, value: str, source: str = "api") -> Record:
        """Block a value. Leads with it are unsubscribed."""
        row = team.block(value, source)
        for lead in list(team.leads.values()):
            if lead["status"] != "unsubscribed" and has_value(lead, value):
                self.happening.happen(team, "variableUnsubscribed", lead)
        return row
