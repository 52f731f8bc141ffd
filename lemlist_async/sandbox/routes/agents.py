"""Signal agents: what the team watches for, and their past configurations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from lemlist_async.sandbox.exchange import Answer, Call, Record, Route, answer, refuse

from .common import objects

__all__ = ["ROUTES", "TYPES", "AgentRoute", "numbered", "signal_page"]

AgentRoute: partial[Route] = partial(Route, unauthorized="Unauthorized")
"""A route of this area words a wrong key in its own way."""

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


def numbered(call: Call, name: str, default: int, high: int | None = None) -> int:
    """A number of the query; here one out of range is refused, not cut."""
    given = call.one(name)
    if given is None:
        return default
    if not given.isdigit() or int(given) < 1 or (high is not None and int(given) > high):
        bounds = f"be between 1 and {high}" if high else "be a positive integer"
        raise refuse(400, f"{name} must {bounds}")
    return int(given)


def signal_page(call: Call, rows: Sequence[Record]) -> Record:
    """A page as this area draws it."""
    page, limit = numbered(call, "page", 1), numbered(call, "limit", 50, 100)
    total = len(rows)
    pagination = {"page": page, "limit": limit, "totalRecords": total, "totalPages": -(-total // limit)}
    return {"data": rows[(page - 1) * limit : page * limit], "meta": {"pagination": pagination}}


def _view(agent: Record) -> Record:
    return {field: agent[field] for field in _SHOWN if field in agent}


def list_agents(call: Call) -> Record:
    """All but the deleted ones, unless ``status`` names others."""
    types, statuses = call.many("type"), call.many("status")
    for name, given, known in (("type", types, TYPES), ("status", statuses, _STATUSES)):
        if not all(value in known for value in given):
            raise refuse(400, f"Invalid {name} values")
    chosen = [
        _view(agent)
        for agent in call.team.agents.values()
        if (not types or agent["type"] in types)
        and (agent["status"] in statuses if statuses else agent["status"] != "delete")
    ]
    return signal_page(call, chosen)


def create_agent(call: Call) -> Answer:
    """Wants ``filters``, ``segmentType``, ``signalProcessingType`` and ``activate``, all optional on paper."""
    body = call.record()
    if not isinstance(body.get("name"), str) or not body["name"].strip():
        raise refuse(400, "name must be a non-empty string")
    if body.get("type") not in TYPES:
        raise refuse(400, "Invalid type values")
    if body.get("activate") is None or body.get("segmentType") != "all" or not _processing(body):
        # the message blames two fields even where `activate` is the one that is missing
        raise refuse(400, "activate requires both segmentType and signalProcessingType")
    agent = _fresh(call, body)
    if body["activate"]:
        _activate(call, agent)
    call.team.agents.keep(agent)
    return answer({"data": _view(agent)}, 201)


def _processing(body: Record) -> bool:
    return body.get("signalProcessingType") in _PROCESSING


def _fresh(call: Call, body: Record) -> Record:
    template = {key: body[key] for key in ("signalOpportunityTemplate",) if key in body}
    return template | {
        "_id": call.team.new_id("wl"),
        "name": body["name"],
        "type": body["type"],
        "status": "draft",
        "entity": "company" if "company" in body["type"].lower() else "contact",
        "segmentType": "all",
        "signalProcessingType": body["signalProcessingType"],
        "filters": _filters(body),
        "emoji": body.get("emoji", "👀"),
        "createdAt": call.team.stamp(),
        "history": list[Record](),
    }


def _activate(call: Call, agent: Record) -> None:
    if sum(call.team.credits.values()) <= 0:
        raise refuse(402, "Insufficient credits")
    if sum(row["status"] == "active" for row in call.team.agents.values()) >= _MAX_ACTIVE:
        # a limit of the plan: the one 429 that the document knows
        raise refuse(429, "Monitoring limit exceeded")
    agent["status"] = "active"


def _filters(body: Record) -> list[Record]:
    """Filters with values that are text; numbers have to be written as text."""
    refusal = "filters must be an array of { filterId, in, out } objects"
    filters = objects(body.get("filters"), refusal)
    for row in filters:
        if "filterId" not in row:
            raise refuse(400, refusal)
        if not all(isinstance(value, str) for side in ("in", "out") for value in row.get(side) or ()):
            raise refuse(400, f"Values of filter {row['filterId']} must be strings")
    return filters


def _agent_of(call: Call, agent_id: Any, missing: str) -> Record:
    agent = call.team.agents.get(agent_id) if isinstance(agent_id, str) else None
    if agent is None or agent["status"] == "delete":
        raise refuse(404, missing)
    return agent


def update_agent(call: Call) -> Record:
    """The id is in the body; the configuration before the change goes to the history."""
    body = call.record()
    agent = _agent_of(call, body.get("watchListId"), "Watch list not found")
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
    agent["history"].append(_entry(call, agent))
    agent |= changes
    return {"data": _view(agent)}


def _entry(call: Call, agent: Record) -> Record:
    kept = ("name", "emoji", "type", "entity", "segmentType", "filters", "signalProcessingType")
    signals = sum(row["watchListId"] == agent["_id"] for row in call.team.signals.values())
    return {
        "_id": call.team.new_id("wlh"),
        "startDate": agent["history"][-1]["endDate"] if agent["history"] else agent["createdAt"],
        "endDate": call.team.stamp(),
        "createdBy": call.team.user_id,
        **{field: agent[field] for field in kept},
        "stats": {"signalsCount": signals, "campaigns": []},
    }


def delete_agent(call: Call) -> Record:
    """The id is in the query; a second time nothing is deleted, and that is no error."""
    agent_id = call.one("watchListId") or ""
    if not agent_id.startswith("wl"):
        raise refuse(400, "watchListId must be a valid watch list ID")
    agent = call.team.agents.get(agent_id)
    deleted = agent is not None and agent["status"] != "delete"
    if agent is not None:
        agent["status"] = "delete"
    return {"data": {"_id": agent_id, "deleted": deleted, "deletedCount": int(deleted)}}


def list_history(call: Call) -> Record:
    """Past configurations, the latest first."""
    agent = _agent_of(call, call.one("watchListId"), "WatchList not found or access denied")
    return signal_page(call, agent["history"][::-1])


ROUTES = (
    AgentRoute("GET", "/watchlist", list_agents),
    AgentRoute("POST", "/watchlist", create_agent),
    AgentRoute("PATCH", "/watchlist", update_agent),
    AgentRoute("DELETE", "/watchlist", delete_agent),
    AgentRoute("GET", "/watchlist/history", list_history),
)
