"""Signals that agents caught or received, and the vocabulary of agents."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, cast

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import refuse
from lemlist_async.sandbox.routes.agents import TYPES, AgentRoute, numbered, signal_page
from lemlist_async.sandbox.routes.contacts import domain_of
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES"]

_STATUSES: Final[tuple[str, ...]] = ("new", "old", "handled", "ignored")
_MAX_FIELDS: Final = 20
_DAILY: Final = 1000
_FILTERS: Final[dict[str, tuple[str, ...]]] = {
    "companyIndustries": ("Software", "Retail", "Logistics"),
    "companySizes": ("1-10", "11-50", "51-200"),
    "companyLocation": ("France", "Germany", "India"),
    "seniority": ("Entry", "Manager", "Director"),
    "technologies": ("Postgres", "Redis", "Nginx"),
}
"""Filters of every type, each with its canonical values."""


def list_signals(context: RequestContext) -> Record:
    """Return a page. ``type`` and ``status`` come once, or repeated as ``type[]`` and ``status[]``."""
    chosen = {name: _values(context, name, known) for name, known in (("type", TYPES), ("status", _STATUSES))}
    sort_by = context.one("sortBy") or "receivedAt"
    if sort_by not in ("receivedAt", "createdAt"):
        raise refuse(400, "sortBy must be either receivedAt or createdAt")
    first, last = _moment(context, "receivedAtFrom"), _moment(context, "receivedAtTo")
    if first is not None and last is not None and first >= last:
        raise refuse(400, "receivedAtFrom must be before receivedAtTo")
    agent_id = context.one("watchListId")
    if agent_id is not None and agent_id not in context.team.agents:
        raise refuse(404, "Watchlist not found")
    numbered(context, "page", 1)  # refused before anything is looked for
    rows = [
        row
        for row in context.team.signals.values()
        if all(not values or row[name] in values for name, values in chosen.items())
        and agent_id in (None, row["watchListId"])
        and (first is None or datetime.fromisoformat(row["receivedAt"]) >= first)
        and (last is None or datetime.fromisoformat(row["receivedAt"]) <= last)
    ]
    rows.sort(key=lambda row: row[sort_by], reverse=context.one("sortOrder") != "asc")
    return signal_page(context, rows)


def _values(context: RequestContext, name: str, known: tuple[str, ...]) -> list[str]:
    given = [*context.query.get(name, ()), *context.query.get(f"{name}[]", ())]
    wrong = [value for value in given if value not in known]
    if wrong:
        raise refuse(400, f"Invalid {name} values: {', '.join(wrong)}")
    return given


def _moment(context: RequestContext, name: str) -> datetime | None:
    given = context.one(name)
    try:
        return None if given is None else datetime.fromisoformat(given).astimezone()
    except ValueError:
        raise refuse(400, f"{name} must be a valid ISO date string") from None


def push_signal(context: RequestContext) -> Record:
    """Store a signal about a known person or company. An unknown one is ignored with a 200."""
    agent = context.team.agents.get(context.ids["watchListId"])
    if agent is None or not agent["type"].startswith("externalSignal") or agent["status"] == "delete":
        raise refuse(404, "Watch list not found or not configured for external signals")
    body = context.record()
    entity = _entity(context, agent["type"], body)
    fields = _custom_fields(body.get("customFields", {}))
    if entity is None:
        return {"status": "ignored", "reason": "no_entity_match", "creditsConsumed": 0}
    today = context.team.stamp()[:10]
    mine = [row for row in context.team.signals.values() if row["watchListId"] == agent["_id"]]
    if sum(row["receivedAt"].startswith(today) for row in mine) >= _DAILY:
        return {"status": "ignored", "reason": "daily_limit_reached", "creditsConsumed": 0}
    kind = "company" if agent["type"] == "externalSignalCompany" else "contact"
    signal = context.team.add_signal(
        agent, signalData={"externalSignalCustomFields": fields}, **{kind: _brief(entity)}
    )
    about = {"type": kind, "id": entity["_id"], "enriched": False}
    return {"status": "processed", "signalId": signal["_id"], "creditsConsumed": 0, "entity": about}


def _entity(context: RequestContext, kind: str, body: Record) -> Record | None:
    """Find the contact or company of a body, None if the team has no such record."""
    if kind == "externalSignalContact":
        return _contact(context, body.get("contact"))
    return _company(context, body.get("company"))


def _contact(context: RequestContext, given: Any) -> Record | None:
    person = cast("Record", given) if isinstance(given, dict) else {}
    profile = str(person.get("linkedinUrl") or "")
    if "linkedin.com/in/" not in profile:
        example = "https://www.linkedin.com/in/..."
        raise refuse(400, f"Contact must have a valid LinkedIn profile URL (e.g. {example})")
    by_email = context.team.contacts.by_email(person.get("email") or "")
    rows = context.team.contacts.values()
    return by_email or next((row for row in rows if row.get("linkedinUrl") == profile), None)


def _company(context: RequestContext, given: Any) -> Record | None:
    company = cast("Record", given) if isinstance(given, dict) else {}
    profile = company.get("linkedinUrl")
    if (
        not company.get("domain")
        or not company.get("name")
        or (profile and "linkedin.com/company/" not in profile)
    ):
        hint = "linkedinUrl (when provided) must be a valid LinkedIn company URL"
        example = "https://www.linkedin.com/company/..."
        raise refuse(400, f"Company must have a domain and a name; {hint} (e.g. {example})")
    domain = domain_of(company["domain"])
    return next((row for row in context.team.companies.values() if row["domain"] == domain), None)


def _custom_fields(given: Any) -> Record:
    fields = cast("Record", given) if isinstance(given, dict) else None
    if (
        fields is None
        or len(fields) > _MAX_FIELDS
        or not all(isinstance(value, str) for value in fields.values())
    ):
        raise refuse(400, f"Custom fields must have {_MAX_FIELDS} keys or less with string values")
    return fields


def _brief(entity: Record) -> Record:
    own = {field: entity[field] for field in ("_id", "email", "domain", "linkedinUrl") if entity.get(field)}
    return {**entity["fields"], **own}


def list_types(context: RequestContext) -> Record:
    """List every type of agent."""
    return {
        "data": [{"type": kind, "title": kind, "description": f"Signals of type {kind}."} for kind in TYPES]
    }


def list_filters(context: RequestContext) -> Record:
    """List the filters of each type, or of one."""
    kind = context.one("type")
    if kind is not None and kind not in TYPES:
        raise refuse(400, "Invalid type values")
    filters = [
        {"filterId": name, "name": name, "properties": ["in", "out"], "required": ["in"]} for name in _FILTERS
    ]
    return {"data": {name: filters for name in TYPES if kind in (None, name)}}


def list_values(context: RequestContext) -> Record:
    """List the canonical values of one filter that contain ``query``."""
    name, query = context.one("filterId") or "", context.one("query")
    if name not in _FILTERS:
        raise refuse(400, "filterId is not a supported watch list autocomplete filter")
    if query is not None and not 1 <= len(query) <= 100:
        raise refuse(400, "query must be between 1 and 100 characters")
    word = (query or "").lower()
    return {
        "data": {"filterId": name, "results": [value for value in _FILTERS[name] if word in value.lower()]}
    }


ROUTES = (
    AgentRoute("GET", "/watchlist/signals", list_signals, bad_method="Method not allowed"),
    AgentRoute("POST", "/watchlist/{watchListId}/external-signals", push_signal),
    AgentRoute("GET", "/watchlist/library", list_types),
    AgentRoute("GET", "/watchlist/filters", list_filters),
    AgentRoute("GET", "/watchlist/filter-values", list_values),
)
