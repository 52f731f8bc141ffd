"""Views of a sandbox, as JSON. They hold no key, and no secret but those of a snapshot."""

from __future__ import annotations

import attrs

from lemlist_async.sandbox.orders import OrderTaker
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record, iso

__all__ = [
    "clock",
    "deliveries",
    "errors",
    "faults",
    "limit",
    "requests",
    "snapshot",
    "team",
    "team_view",
    "violations",
]


def clock(sandbox: OrderTaker, given: Record) -> Record:
    """Tell the time and the speed."""
    return {"now": iso(sandbox.now), "speed": sandbox.speed}


def faults(sandbox: OrderTaker, given: Record) -> Record:
    """Tell whether faults may come, and those that came of late."""
    return {
        "pending": sandbox.faults.pending,
        "injected": [
            {"method": method, "template": template, "fault": type(fault).__name__}
            for method, template, fault in sandbox.faults.injected
        ],
    }


def limit(sandbox: OrderTaker, given: Record) -> Record:
    """Tell the limit, and how many requests it refused."""
    return {
        "limit": sandbox.limit,
        "window": sandbox.window,
        "policy": sandbox.policy,
        "requests": sandbox.counters.requests,
        "refused": sandbox.counters.refused,
    }


def team_view(team: Team) -> Record:
    """Show the plan, the credits and the like of a team."""
    return {
        "id": team.id,
        "name": team.name,
        "plan": team.plan,
        "beta": team.beta,
        "credits": dict(team.credits),
        "searchesLeft": team.searches_left,
        "userId": team.user_id,
    }


def team(sandbox: OrderTaker, given: Record) -> list[Record]:
    """Show the teams in the order of the keys."""
    return [team_view(one) for one in sandbox.teams()]


def snapshot(sandbox: OrderTaker, given: Record) -> Record:
    """Return the whole state."""
    return sandbox.snapshot()


def requests(sandbox: OrderTaker, given: Record) -> list[Record]:
    """List the last requests with their queries and bodies."""
    return [row.view() for row in sandbox.requests]


def deliveries(sandbox: OrderTaker, given: Record) -> list[Record]:
    """List the last deliveries to hooks, without the secrets."""
    return [
        {**attrs.asdict(row), "body": {name: value for name, value in row.body.items() if name != "secret"}}
        for row in sandbox.deliveries
    ]


def violations(sandbox: OrderTaker, given: Record) -> list[Record]:
    """List the ways in which requests differed from the vendor's document."""
    return [attrs.asdict(row) for row in sandbox.violations]


def errors(sandbox: OrderTaker, given: Record) -> list[Record]:
    """List the faults of the sandbox itself."""
    return [attrs.asdict(row) for row in sandbox.errors]
