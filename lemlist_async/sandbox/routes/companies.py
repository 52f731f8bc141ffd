"""Companies of the CRM, and notes about them."""

from __future__ import annotations

from typing import Final

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import RouteResponse, refuse, respond
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.routes.common import find, newest, require, sliced, word
from lemlist_async.sandbox.routes.contacts import domain_of
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES"]

_MAX_LOOKUP: Final = 100
_OWN: Final[tuple[str, ...]] = ("linkedinUrl", "linkedinUrlSalesNav")
_NOT_FIELDS: Final[tuple[str, ...]] = ("companyId", "domain", "companyOwner", "source", *_OWN)


def list_companies(context: RequestContext) -> Record:
    """List companies: a page with its total, or with ``idsOrDomains`` all matches."""
    wanted = context.many("idsOrDomains")
    if len(wanted) > _MAX_LOOKUP:
        raise refuse(400, f"Bad params: at most {_MAX_LOOKUP} idsOrDomains")
    chosen = _chosen(context, wanted)
    page = chosen if wanted else sliced(context, chosen, 500)
    return {
        "data": [_projected(company, context.many("fields")) for company in page],
        "total": len(chosen),
        "limit": context.number("limit", 100, 1, 500),
        "offset": context.number("offset", 0),
    }


def _chosen(context: RequestContext, wanted: list[str]) -> list[Record]:
    search, status, reason = (
        context.one(name) for name in ("search", "crmSyncStatus", "fieldRejectionReason")
    )
    if status and not context.team.crm_filters:
        raise refuse(400, "NO_CRM_CONNECTED")
    keys = {value if value in context.team.companies else domain_of(value) for value in wanted}
    return [
        company
        for company in newest(context, context.team.companies.values())
        if (not wanted or company["_id"] in keys or company["domain"] in keys)
        and (not search or search.lower() in str(company["fields"].get("name", "")).lower())
        and (not status or status in _sync_words(company))
        and (not reason or reason in [row["reason"] for row in company.get("fieldRejections", [])])
    ]


def _sync_words(company: Record) -> set[str]:
    """List the values of ``crmSyncStatus`` that a company matches."""
    sync: Record = company.get("crmSync") or {}
    errors = {row["reason"] for row in sync.get("errors", [])}
    if errors:
        return errors | {"error"}
    return {"synced" if sync.get("crmRecordId") else "not_synced"}


def _projected(company: Record, fields: list[str]) -> Record:
    """Return the company, or only the requested fields. A dot leads into ``fields``."""
    if not fields:
        return company
    shown: Record = {}
    for field in fields:
        outer, _, inner = field.partition(".")
        if inner and inner in company.get(outer, {}):
            shown.setdefault(outer, {})[inner] = company[outer][inner]
        elif not inner and outer in company:
            shown[outer] = company[outer]
    return shown


def upsert_company(context: RequestContext) -> RouteResponse:
    """Create (201) or update (200). Empty values erase nothing, and errors are JSON."""
    body = {name: value for name, value in context.record().items() if value not in (None, "")}
    domain = domain_of(word(body, "domain")) or None
    fields = {name: value for name, value in body.items() if name not in _NOT_FIELDS}
    company = _known(context, body, domain)
    created = company is None
    if company is None:
        for name in ("name", "domain"):
            if name not in body:
                raise refuse(400, _error("MISSING_REQUIRED_FIELD", f"Missing required field: {name}"))
        company = context.team.add_company(domain, **fields)
    else:
        company["fields"] |= fields
    company |= {name: body[name] for name in _OWN if name in body}
    flags = {"created": True} if created else {"created": False, "updated": True}
    return respond({"success": True, "data": company | flags}, 201 if created else 200)


def _known(context: RequestContext, body: Record, domain: str | None) -> Record | None:
    company_id = word(body, "companyId")
    if company_id:
        company = context.team.companies.get(company_id)
        if company is None:
            raise refuse(400, _error("COMPANY_NOT_FOUND_BY_ID", "Company not found by ID"))
        return company
    wanted = {"domain": domain, **{name: body.get(name) for name in _OWN}}
    rows = context.team.companies.values()
    return next(
        (row for row in rows if any(value and row.get(name) == value for name, value in wanted.items())), None
    )


def _error(code: str, message: str, **extra: object) -> Record:
    return {"success": False, "error": {"code": code, "message": message, **extra}}


def delete_company(context: RequestContext) -> Record:
    """Delete a company. Attached contacts prevent it unless ``force=true`` detaches them."""
    company_id = context.ids["companyId"]
    if not company_id.startswith("cpn_"):
        raise refuse(400, _error("INVALID_COMPANY_ID", "The company id is malformed"))
    if company_id not in context.team.companies:
        raise refuse(404, _error("COMPANY_NOT_FOUND_BY_ID", "Company not found by ID"))
    attached = [
        contact for contact in context.team.contacts.values() if contact.get("companyId") == company_id
    ]
    if attached and not context.flag("force"):
        hint = "Company still has contacts attached. Pass ?force=true to detach them before deletion."
        message = f"{hint} ({len(attached)} contacts attached)"
        raise refuse(400, _error("COMPANY_HAS_CONTACTS", message, contactCount=len(attached)))
    for contact in attached:
        del contact["companyId"]
    del context.team.companies[company_id]
    unlinked = {"unlinkedContacts": len(attached)} if attached else {}
    return {"success": True, "deletedCompanyId": company_id, **unlinked}


def _company_of(context: RequestContext) -> Record:
    return find(context, context.team.companies, context.ids["companyId"], "Company not found")


def list_notes(context: RequestContext) -> Record:
    """Return a page of notes, selected by ``page``."""
    company = _company_of(context)
    notes = [row for row in context.team.activities.values() if row.get("companyId") == company["_id"]]
    page, limit = context.number("page", 1, 1), context.number("limit", 100, 1, 100)
    return {"data": newest(context, notes)[(page - 1) * limit : page * limit], "total": len(notes)}


def create_note(context: RequestContext) -> Record:
    """Add a note: an activity without lead or campaign."""
    company, note = _company_of(context), require(context.record(), "note")
    user_id = context.team.user_id
    fields = {"companyId": company["_id"], "note": note, "userId": user_id, "sendUserId": user_id}
    return context.team.add_activity("annotated", None, **fields)


ROUTES = (
    Route("GET", "/companies", list_companies),
    Route("POST", "/companies", upsert_company),
    Route("DELETE", "/companies/{companyId}", delete_company),
    Route("GET", "/companies/{companyId}/notes", list_notes),
    Route("POST", "/companies/{companyId}/notes", create_note),
)
