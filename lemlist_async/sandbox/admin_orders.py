"""Orders that change a sandbox, as JSON objects. A wrong one raises ValueError or TypeError with the reason."""

from __future__ import annotations

from typing import Any, Final, cast

from lemlist_async.sandbox import admin_views as views
from lemlist_async.sandbox.fault_orders import is_number, ordered_fault
from lemlist_async.sandbox.orders import OrderTaker
from lemlist_async.sandbox.tables import Record, iso

__all__ = [
    "add_fault",
    "change_team",
    "clear_faults",
    "expect",
    "happen",
    "move_clock",
    "reset",
    "restore",
    "set_limit",
]

_CLOCK: Final = ("days", "hours", "seconds", "speed")
_EXPECT: Final = ("match", "body", "query", "status", "times", "atLeast")
_TEAM: Final[dict[str, tuple[str, type]]] = {
    "name": ("name", str),
    "plan": ("plan", str),
    "beta": ("beta", bool),
    "searchesLeft": ("searches_left", int),
}


def happen(sandbox: OrderTaker, given: Record) -> Record:
    """Let an event happen: its type, the lead's id or address, and the fields that it gets."""
    kind, who, fields = given.pop("type", None), given.pop("lead", None), given.pop("fields", {})
    if not isinstance(kind, str) or not isinstance(fields, dict) or given:
        raise ValueError("an event has a type, and perhaps a lead and an object of fields")
    return sandbox.happen(kind, None if who is None else _lead(sandbox, who), **fields)


def _lead(sandbox: OrderTaker, who: object) -> Record:
    for team in sandbox.teams():
        leads = team.leads_by_email(str(who)) if "@" in str(who) else []
        found = team.leads.get(str(who)) or next(iter(leads), None)
        if found is not None:
            return found
    raise ValueError(f"no team has the lead {who!r}")


def move_clock(sandbox: OrderTaker, given: Record) -> Record:
    """Advance the clock by days, hours and seconds, and set its speed."""
    if given.keys() - set(_CLOCK) or not all(map(is_number, given.values())):
        raise ValueError(f"the clock takes numbers of {', '.join(_CLOCK)}")
    speed = given.pop("speed", None)
    if speed is not None:
        sandbox.set_speed(speed)
    sandbox.advance(**given)
    return views.clock(sandbox, {})


def add_fault(sandbox: OrderTaker, given: Record) -> Record:
    """Add a fault, by its name, with its fields and its rule."""
    fault, rule = ordered_fault(given)
    sandbox.faults.add(fault, **rule)
    return views.faults(sandbox, {})


def clear_faults(sandbox: OrderTaker, given: Record) -> Record:
    """Drop all pending faults."""
    sandbox.faults.clear()
    return views.faults(sandbox, {})


def set_limit(sandbox: OrderTaker, given: Record) -> Record:
    """Set the limit, the window or the policy. Each key begins with a whole quota."""
    limit = given.get("limit")
    if given.keys() - {"limit", "window", "policy"} or not (limit is None or isinstance(limit, int)):
        raise ValueError("the limit has a whole limit or null, a window in seconds, and a policy")
    sandbox.set_limit(**given)
    return views.limit(sandbox, {})


def change_team(sandbox: OrderTaker, given: Record) -> Record:
    """Change the plan, the credits and the like of a key's team, by default the first one's."""
    key, purses = given.pop("key", None), given.pop("credits", {})
    team = _team_of(sandbox, key)
    for name, value in given.items():
        if name not in _TEAM or type(value) is not _TEAM[name][1]:
            raise ValueError(
                f"a team has {', '.join(_TEAM)} and credits, each of its type: not {name} {value!r}"
            )
    if not isinstance(purses, dict) or cast("Record", purses).keys() - team.credits.keys():
        raise ValueError(f"credits are an object with {', '.join(team.credits)}")
    amounts = cast("dict[str, Any]", purses)
    if not all(isinstance(amount, int) and amount >= 0 for amount in amounts.values()):
        raise ValueError("credits are whole numbers from 0 on")
    team.credits |= amounts
    for name, value in given.items():
        setattr(team, _TEAM[name][0], value)
    return views.team_view(team)


def _team_of(sandbox: OrderTaker, key: object) -> Any:
    try:
        return sandbox.team() if key is None else sandbox.team(str(key))
    except KeyError:
        raise ValueError("no team has that key") from None


def restore(sandbox: OrderTaker, given: Record) -> Record:
    """Take the state of a snapshot."""
    sandbox.restore(given)
    return views.clock(sandbox, {})


def reset(sandbox: OrderTaker, given: Record) -> Record:
    """Return to the state of the start."""
    sandbox.reset()
    return {"now": iso(sandbox.now)}


def expect(sandbox: OrderTaker, given: Record) -> Record:
    """Tell whether requests came as often as expected, and if not, what did come."""
    numbers = [given.get(name, 0) for name in ("times", "atLeast")]
    query: object = given.get("query", {})
    if given.keys() - set(_EXPECT) or not isinstance(given.get("match"), str) or not isinstance(query, dict):
        raise ValueError(f"an expectation has a match, and perhaps {', '.join(_EXPECT[1:])}")
    if not all(isinstance(number, int) and not isinstance(number, bool) for number in numbers):
        raise ValueError("times and atLeast are whole numbers")
    expectation = sandbox.expect(
        given["match"], body=given.get("body"), query=given.get("query"), status=given.get("status")
    )
    reason = None
    try:
        if "times" in given:
            expectation.times(given["times"])
        if "atLeast" in given or "times" not in given:
            expectation.at_least(given.get("atLeast", 1))
    except AssertionError as error:
        reason = str(error)
    return {"met": reason is None, "count": len(expectation.requests), "reason": reason}
