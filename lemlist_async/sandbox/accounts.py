"""The accounts of a sandbox: a team, a limit and counts for each key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import cast

import attrs

from lemlist_async.core.json import dumps, loads
from lemlist_async.sandbox.counters import KeyState
from lemlist_async.sandbox.lifecycle.engine import Engine
from lemlist_async.sandbox.limits import make_policy
from lemlist_async.sandbox.options import SandboxOptions
from lemlist_async.sandbox.seeding import wrong
from lemlist_async.sandbox.snapshots import VERSION, moment_of, restored, taken
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record, iso

__all__ = ["Accounts"]


@attrs.define(eq=False)
class Accounts:
    """The accounts of all keys. A team stays the same object for good, whatever becomes of its state."""

    options: SandboxOptions
    engine: Engine
    random: Callable[[str], Random]
    """Return the random numbers of a purpose."""
    by_key: dict[str, KeyState] = attrs.field(factory=dict[str, KeyState], init=False)

    def __attrs_post_init__(self) -> None:
        for index, key in enumerate((*self.options.keys, *self.options.blocked_keys)):
            team = self._new_team(index)
            self.engine.join(team)
            self.by_key[key] = KeyState(team, None, blocked=key in self.options.blocked_keys)
        self.set_limiters()

    def teams(self) -> list[Team]:
        """Return all teams."""
        return [account.team for account in self.by_key.values()]

    def team_of(self, lead: Record) -> Team:
        """Return the team of a lead; ValueError if there is none."""
        for team in self.teams():
            if team.leads.get(lead.get("_id", "")) is lead:
                return team
        raise ValueError("the lead is of no team of this sandbox")

    def set_limiters(self) -> None:
        """Give each key a whole quota; ValueError for wrong options."""
        limit, window, policy = self.options.limit, self.options.window, self.options.policy
        for account in self.by_key.values():
            account.limiter = None if limit is None else make_policy(policy, limit, window)

    def reset(self) -> None:
        """Return to empty teams, counts of zero and the clock below."""
        self.engine.reset(self.random("recipients"))
        for index, account in enumerate(self.by_key.values()):
            _become(account.team, self._new_team(index))
            account.tally = type(account.tally)()
        self.set_limiters()

    def snapshot(self) -> Record:
        """Return the state of all teams and the time, as JSON."""
        teams = [taken(team) for team in self.teams()]
        whole: Record = {"version": VERSION, "now": iso(self.engine.clock()), "teams": teams}
        return cast("Record", loads(dumps(whole)))

    def restore(self, given: object) -> None:
        """Take the state of a snapshot. ValueError for a wrong one, and then nothing has changed."""
        moment, teams = self._read(given)
        self.engine.reset(self.random("recipients"))
        if moment is not None:
            self.engine.clock.set(moment)
        for team, fresh in zip(self.teams(), teams, strict=False):
            _become(team, fresh)
            self.engine.recall(team)

    def _read(self, given: object) -> tuple[float | None, list[Team]]:
        if not isinstance(given, dict) or cast("Record", given).get("version", VERSION) != VERSION:
            raise wrong(f"it is an object of version {VERSION}")
        whole = cast("Record", loads(dumps(given)))  # whatever the caller does with the objects later
        rows: object = whole.pop("teams", [])
        moment = moment_of(whole.pop("now", None))
        if whole.keys() - {"version"} or not isinstance(rows, list):
            raise wrong("it has a list of teams, and perhaps the time now")
        states = cast("list[object]", rows)
        if len(states) > len(self.by_key):
            raise wrong(f"it has {len(states)} teams, and the sandbox {len(self.by_key)} keys")
        return moment, list(self._fresh(states))

    def _fresh(self, states: list[object]) -> Iterator[Team]:
        for index, state in enumerate(states):
            team = self._new_team(index)
            restored(state, team, f"{self.options.seed} team {index}")
            yield team

    def _new_team(self, index: int) -> Team:
        return Team(random=self.random(f"team {index}"), wall_clock=self.engine.clock)


def _become(team: Team, fresh: Team) -> None:
    """Give a team the state of another. Its ties to the engine stay."""
    for field in attrs.fields(Team):
        if field.name not in ("on_activity", "on_launch"):
            setattr(team, field.name, getattr(fresh, field.name))
