"""Overview of a sandbox for its page: what was called, what happens, and how the limit stands."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Final

from lemlist_async.sandbox.admin_views import clock, limit
from lemlist_async.sandbox.fault_kinds import Fault, Status
from lemlist_async.sandbox.orders import OrderTaker
from lemlist_async.sandbox.request_log import LoggedRequest
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record

__all__ = ["leads", "overview"]

ROWS: Final = 50
CAMPAIGNS: Final = 20
LEADS: Final = 100
WINDOWS: Final = 5
"""Windows of the limit that the page draws."""
MOST_DRAWN: Final = 400


def overview(sandbox: OrderTaker, given: Record) -> Record:
    """Return what the page shows, of the team with the given number."""
    teams = sandbox.teams()
    number = _number(given, len(teams))
    team = teams[number]
    return {
        **clock(sandbox, {}),
        "teams": [one.name for one in teams],
        "team": {"name": team.name, "plan": team.plan, "credits": sum(team.credits.values())},
        "limit": {**limit(sandbox, {}), "recent": _recent(sandbox, team)},
        "requests": [_request(sandbox, row) for row in islice(reversed(sandbox.requests), ROWS)],
        "faults": _faults(sandbox),
        "campaigns": [_campaign(team, row) for row in islice(reversed(team.campaigns.values()), CAMPAIGNS)],
        "leads": len(team.leads),
        "events": [_event(team, row) for row in islice(reversed(team.activities.values()), ROWS)],
        "deliveries": Counter(row.state for row in sandbox.deliveries),
        "hooks": len(team.hooks),
        "violations": [
            f"{row.method} {row.template}: {row.reason}" for row in islice(reversed(sandbox.violations), ROWS)
        ],
        "errors": len(sandbox.errors),
    }


def leads(sandbox: OrderTaker, given: Record) -> list[Record]:
    """Return the latest leads of a campaign."""
    for team in sandbox.teams():
        if given.get("campaign") in team.campaigns:
            rows = reversed(team.leads.in_campaign(given["campaign"]).values())
            return [_lead(row) for row in islice(rows, LEADS)]
    raise ValueError("no team has that campaign")


def _number(given: Record, teams: int) -> int:
    text = str(given.get("team", "0"))
    if not text.isdecimal() or int(text) >= teams:
        raise ValueError(f"team is a number below {teams}")
    return int(text)


def _recent(sandbox: OrderTaker, team: Team) -> list[tuple[float, int | None]]:
    """Ages in seconds and statuses of the requests that the limit saw of late."""
    now, rows = sandbox.clock(), list[tuple[float, int | None]]()
    for row in islice(reversed(sandbox.requests), MOST_DRAWN):
        if now - row.at > WINDOWS * sandbox.window:
            break
        if row.team == team.id:
            rows.append((round(now - row.at, 3), row.status))
    return rows


def _request(sandbox: OrderTaker, row: LoggedRequest) -> Record:
    age = round(sandbox.clock() - row.at, 1)
    return {"method": row.method, "path": row.path or row.template, "status": row.status, "age": age}


def _faults(sandbox: OrderTaker) -> Record:
    came = list(sandbox.faults.injected)[-ROWS:]
    return {
        "pending": sandbox.faults.pending,
        "injected": [f"{_fault(fault)} at {method} {template}" for method, template, fault in came[::-1]],
    }


def _fault(fault: Fault) -> str:
    return f"{fault.status}" if isinstance(fault, Status) else type(fault).__name__


def _campaign(team: Team, row: Record) -> Record:
    own = team.leads.in_campaign(row["_id"]).values()
    return {
        "id": row["_id"],
        "name": row["name"],
        "status": row["status"],
        "leads": len(own),
        "states": Counter(str(lead["state"]) for lead in own).most_common(),
    }


def _lead(row: Record) -> Record:
    shown = row["variables"].get("email") or row["_id"]
    return {"id": row["_id"], "name": shown, "state": row["state"], "status": row["status"]}


def _event(team: Team, row: Record) -> Record:
    lead = team.leads.get(row.get("leadId") or "")
    campaign = team.campaigns.get(row.get("campaignId") or "")
    return {
        "type": row["type"],
        "at": row["createdAt"],
        "lead": (lead["variables"].get("email") or lead["_id"]) if lead else "",
        "campaign": campaign["name"] if campaign else "",
    }
