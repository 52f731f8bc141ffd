"""Fields: the registry of the columns of contacts and companies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import refuse
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES"]

_SOURCES: Final[tuple[str, ...]] = ("default", "custom", "crm_synced")
_DEFAULTS: Final[dict[str, dict[str, str]]] = {
    "contact": {
        "email": "Email",
        "firstName": "First name",
        "lastName": "Last name",
        "phone": "Phone",
        "jobTitle": "Job title",
        "linkedinUrl": "LinkedIn URL",
        "companyName": "Company name",
    },
    "company": {
        "name": "Name",
        "domain": "Domain",
        "linkedinUrl": "LinkedIn URL",
        "industry": "Industry",
        "size": "Size",
    },
}


def list_fields(context: RequestContext) -> Record:
    """List the default fields, and those that the team's records use."""
    entity, source = context.one("entity"), context.one("source")
    _refuse_unknown("entity", entity, tuple(_DEFAULTS))
    _refuse_unknown("source", source, _SOURCES)
    records = {"contact": context.team.contacts.values(), "company": context.team.companies.values()}
    data = {
        name: [row for row in _rows(name, records[name]) if source in (None, row["source"])]
        for name in _DEFAULTS
        if entity in (None, name)
    }
    return {"success": True, "data": data}


def _refuse_unknown(name: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        message = f"Invalid {name} parameter. Must be one of: {', '.join(known)}"
        raise refuse(400, {"success": False, "error": message})


def _rows(entity: str, records: Iterable[Record]) -> list[Record]:
    labels = _DEFAULTS[entity]
    custom = dict.fromkeys(name for record in records for name in record["fields"] if name not in labels)
    known = [
        {"name": name, "label": label, "type": "text", "source": "default"} for name, label in labels.items()
    ]
    return known + [{"name": name, "label": name, "type": "text", "source": "custom"} for name in custom]


ROUTES = (
    Route(
        "GET",
        "/fields",
        list_fields,
        unauthorized={"error": "Unauthorized"},
        bad_method={"success": False, "error": "Method not allowed. Use GET."},
    ),
)
