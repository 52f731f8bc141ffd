"""Signal agents: the events that a team watches for, and their past configurations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import RouteResponse, refuse, respond
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.routes.common import objects
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES", "TYPES", "AgentRoute", "numbered", "signal_page"]

AgentRoute: partial[Route] = partial(Route, unauthorized="Unauthorized")
"""Route of this area, with its own wording for a wrong key."""

TYPES: Final[tuple[str, ...]] = (
    "companyIsHiring",
    "companyRaisedFunds",
    "recruitmentCampaign",
    "jobChange",
    "newHire",
    "companyEmployeeVisitedMyWebsite",
    "customSignals",
    "competitorConnections",
    "competitorReactions",
    "companyFollowers",
    "technologyChange",
    "linkedinPeopleProfile",
    "linkedinCompanyProfile",
    "mergersAcquisitions",
    "promotion",
    "linkedinKeywords",
    "externalSignalContact",
    "externalSignalCompany",
    "buyingIntent",
)
_STATUSES: Final[tuple[str, ...]] = (
    "active",
    "inactive",
    "draft",
    "insufficient_credits",
    "empty_crm_lists",
    "error",
    "delete",
)
_PROCESSING: Final[tuple[str, ...]] = ("manual", "create_opportunity", "push_to_campaign")
_SHOWN: Final[tuple[str, ...]] = (
    "_id",
    "name",
    "type",
    "status",
    "entity",
    "segmentType",
    "signalProcessingType",
    "signalOpportunityTemplate",
    "filters",
    "emoji",
)
_MAX_ACTIVE: Final = 10


def numbered(context: RequestContext, name: str, default: int, high: int | None = None) -> int:
    """Read a number of the query. This area refuses a number out of range where others clamp it."""
    given = context.one(name)
    if given is None:
        return default
    if not given.isdigit() or int(given) < 1 or (high is not None and int(given) > high):
        bounds = f"be between 1 and {high}" if high else "be a positive integer"
        raise refuse(400, f"{name} must {bounds}")
    return int(given)


def signal_page(context: RequestContext, rows: Sequence[Record]) -> Record:
    """Build a page in the shape that this area uses."""
    page, limit = numbered(context, "page", 1), numbered(context, "limit", 50, 100)
    total = len(rows)
    pagination = {"page": page, "limit": limit, "totalRecords": total, "totalPages": -(-total // limit)}
    return {"data": rows[(page - 1) * limit : page * limit], "meta": {"pagination": pagination}}


def _view(agent: Record) -> Record:
    return {field: agent[field] for field in _SHOWN if field in agent}


def list_agents(context: RequestContext) -> Record:
    """List agents. Deleted ones are left out unless ``status`` names them."""
    types, statuses = context.many("type"), context.many("status")
    for name, given, known in (("type", types, TYPES), ("status", statuses, _STATUSES)):
        if not all(value in known for value in given):
            raise refuse(400, f"Invalid {name} values")
    chosen = [
        _view(agent)
        for agent in context.team.agents.values()
        if (not types or agent["type"] in types)
        and (agent["status"] in statuses if statuses else agent["status"] != "delete")
    ]
    return signal_page(context, chosen)


def create_agent(context: RequestContext) -> RouteResponse:
    """Create an agent. ``filters``, ``segmentType``, ``signalProcessingType`` and ``activate`` are required."""
    body = context.record()
    if not isinstance(body.get("name"), str) or not body["name"].strip():
        raise refuse(400, "name must be a non-empty string")
    if body.get("type") not in TYPES:
        raise refuse(400, "Invalid type values")
    if body.get("activate") is None or body.get("segmentType") != "all" or not _processing(body):
        # the message blames two fields even where `activate` is the one that is missing
        raise refuse(400, "activate requires both segmentType and signalProcessingType")
    agent = _fresh(context, body)
    if body["activate"]:
        _activate(context, agent)
    context.team.agents.keep(agent)
    return respond({"data": _view(agent)}, 201)


def _processing(body: Record) -> bool:
    return body.get("signalProcessingType") in _PROCESSING


def _fresh(context: RequestContext, body: Record) -> Record:
    template = {key: body[key] for key in ("signalOpportunityTemplate",) if key in body}
    return template | {
        "_id": context.team.new_id("wl"),
        "name": body["name"],
        "type": body["type"],
        "status": "draft",
        "entity": "company" if "company" in body["type"].lower() else "contact",
        "segmentType": "all",
        "signalProcessingType": body["signalProcessingType"],
        "filters": _filters(body),
        "emoji": body.get("emoji", "👀"),
        "createdAt": context.team.stamp(),
        "history": list[Record](),
    }


def _activate(context: RequestContext, agent: Record) -> None:
    if sum(context.team.credits.values()) <= 0:
        raise refuse(402, "Insufficient credits")
    if sum(row["status"] == "active" for row in context.team.agents.values()) >= _MAX_ACTIVE:
        # a limit of the plan: the one 429 that the document knows
        raise refuse(429, "Monitoring limit exceeded")
    agent["status"] = "active"


def _filters(body: Record) -> list[Record]:
    """Return the filters. Their values must be text, numbers included."""
    refusal = "filters must be an array of { filterId, in, out } objects"
    filters = objects(body.get("filters"), refusal)
    for row in filters:
        if "filterId" not in row:
            raise refuse(400, refusal)
        if not all(isinstance(value, str) for side in ("in", "out") for value in row.get(side) or ()):
            raise refuse(400, f"Values of filter {row['filterId']} must be strings")
    return filters


def _agent_of(context: RequestContext, agent_id: Any, missing: str) -> Record:
    agent = context.team.agents.get(agent_id) if isinstance(agent_id, str) else None
    if agent is None or agent["status"] == "delete":
        raise refuse(404, missing)
    return agent


def update_agent(context: RequestContext) -> Record:
    """Update the agent that the body names. The old configuration goes to the history."""
    body = context.record()
    agent = _agent_of(context, body.get("watchListId"), "Watch list not found")
    if body.get("type", agent["type"]) != agent["type"]:
        raise refuse(409, "Watch list type cannot be changed after creation")
    if "name" in body and (not isinstance(body["name"], str) or not body["name"].strip()):
        raise refuse(400, "name must be a non-empty string")
    if "signalProcessingType" in body and not _processing(body):
        raise refuse(400, "Invalid signalProcessingType")
    changes: Record = {
        field: body[field] for field in ("name", "emoji", "signalProcessingType") if field in body
    }
    if "filters" in body:
        changes["filters"] = _filters(body)
    agent["history"].append(_entry(context, agent))
    agent |= changes
    return {"data": _view(agent)}


def _entry(context: RequestContext, agent: Record) -> Record:
    kept = ("name", "emoji", "type", "entity", "segmentType", "filters", "signalProcessingType")
    signals = sum(row["watchListId"] == agent["_id"] for row in context.team.signals.values())
    return {
        "_id": context.team.new_id("wlh"),
        "startDate": agent["history"][-1]["endDate"] if agent["history"] else agent["createdAt"],
        "endDate": context.team.stamp(),
        "createdBy": context.team.user_id,
        **{field: agent[field] for field in kept},
        "stats": {"signalsCount": signals, "campaigns": []},
    }


def delete_agent(context: RequestContext) -> Record:
    """Delete the agent that the query names. A second deletion succeeds and deletes nothing."""
    agent_id = context.one("watchListId") or ""
    if not agent_id.startswith("wl"):
        raise refuse(400, "watchListId must be a valid watch list ID")
    agent = context.team.agents.get(agent_id)
    deleted = agent is not None and agent["status"] != "delete"
    if agent is not None:
        agent["status"] = "delete"
    return {"data": {"_id": agent_id, "deleted": deleted, "deletedCount": int(deleted)}}


def list_history(context: RequestContext) -> Record:
    """List past configurations, newest first."""
    agent = _agent_of(context, context.one("watchListId"), "WatchList not found or access denied")
    return signal_page(context, agent["history"][::-1])


ROUTES = (
    AgentRoute("GET", "/watchlist", list_agents),
    AgentRoute("POST", "/watchlist", create_agent),
    AgentRoute("PATCH", "/watchlist", update_agent),
    AgentRoute("DELETE", "/watchlist", delete_agent),
    AgentRoute("GET", "/watchlist/history", list_history),
)
