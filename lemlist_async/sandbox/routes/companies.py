"""Companies of the CRM, and notes about them."""

from __future__ import annotations

from typing import Final

from lemlist_async.sandbox.exchange import Answer, Call, Record, Route, answer, refuse

from .common import find, newest, require, sliced, word
from .contacts import domain_of

__all__ = ["ROUTES"]

_MAX_LOOKUP: Final = 100
_OWN: Final[tuple[str, ...]] = ("linkedinUrl", "linkedinUrlSalesNav")
_NOT_FIELDS: Final[tuple[str, ...]] = ("companyId", "domain", "companyOwner", "source", *_OWN)


def list_companies(call: Call) -> Record:
    """A page with its total; with ``idsOrDomains`` all that match."""
    wanted = call.many("idsOrDomains")
    if len(wanted) > _MAX_LOOKUP:
        raise refuse(400, f"Bad params: at most {_MAX_LOOKUP} idsOrDomains")
    chosen = _chosen(call, wanted)
    page = chosen if wanted else sliced(call, chosen, 500)
    return {
        "data": [_projected(company, call.many("fields")) for company in page],
        "total": len(chosen),
        "limit": call.number("limit", 100, 1, 500),
        "offset": call.number("offset", 0),
    }


def _chosen(call: Call, wanted: list[str]) -> list[Record]:
    search, status, reason = (call.one(name) for name in ("search", "crmSyncStatus", "fieldRejectionReason"))
    if status and not call.team.crm_filters:
        raise refuse(400, "NO_CRM_CONNECTED")
    keys = {value if value in call.team.companies else domain_of(value) for value in wanted}
    return [
        company
        for company in newest(call, call.team.companies.values())
        if (not wanted or company["_id"] in keys or company["domain"] in keys)
        and (not search or search.lower() in str(company["fields"].get("name", "")).lower())
        and (not status or status in _sync_words(company))
        and (not reason or reason in [row["reason"] for row in company.get("fieldRejections", [])])
    ]


def _sync_words(company: Record) -> set[str]:
    """The values of ``crmSyncStatus`` that a company answers to."""
    sync: Record = company.get("crmSync") or {}
    errors = {row["reason"] for row in sync.get("errors", [])}
    if errors:
        return errors | {"error"}
    return {"synced" if sync.get("crmRecordId") else "not_synced"}


def _projected(company: Record, fields: list[str]) -> Record:
    """The company, or the fields asked for, a dot leading into ``fields``."""
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


def upsert_company(call: Call) -> Answer:
    """201 for a new one, 200 for a known one; empty values do not erase; errors are JSON."""
    body = {name: value for name, value in call.record().items() if value not in (None, "")}
    domain = domain_of(word(body, "domain")) or None
    fields = {name: value for name, value in body.items() if name not in _NOT_FIELDS}
    company = _known(call, body, domain)
    created = company is None
    if company is None:
        for name in ("name", "domain"):
            if name not in body:
                raise refuse(400, _error("MISSING_REQUIRED_FIELD", f"Missing required field: {name}"))
        company = call.team.add_company(domain, **fields)
    else:
        company["fields"] |= fields
    company |= {name: body[name] for name in _OWN if name in body}
    flags = {"created": True} if created else {"created": False, "updated": True}
    return answer({"success": True, "data": company | flags}, 201 if created else 200)


def _known(call: Call, body: Record, domain: str | None) -> Record | None:
    company_id = word(body, "companyId")
    if company_id:
        company = call.team.companies.get(company_id)
        if company is None:
            raise refuse(400, _error("COMPANY_NOT_FOUND_BY_ID", "Company not found by ID"))
        return company
    wanted = {"domain": domain, **{name: body.get(name) for name in _OWN}}
    rows = call.team.companies.values()
    return next(
        (row for row in rows if any(value and row.get(name) == value for name, value in wanted.items())), None
    )


def _error(code: str, message: str, **extra: object) -> Record:
    return {"success": False, "error": {"code": code, "message": message, **extra}}


def delete_company(call: Call) -> Record:
    """Refused while contacts are attached, unless ``force=true`` detaches them."""
    company_id = call.ids["companyId"]
    if not company_id.startswith("cpn_"):
        raise refuse(400, _error("INVALID_COMPANY_ID", "The company id is malformed"))
    if company_id not in call.team.companies:
        raise refuse(404, _error("COMPANY_NOT_FOUND_BY_ID", "Company not found by ID"))
    attached = [contact for contact in call.team.contacts.values() if contact.get("companyId") == company_id]
    if attached and not call.flag("force"):
        hint = "Company still has contacts attached. Pass ?force=true to detach them before deletion."
        message = f"{hint} ({len(attached)} contacts attached)"
        raise refuse(400, _error("COMPANY_HAS_CONTACTS", message, contactCount=len(attached)))
    for contact in attached:
        del contact["companyId"]
    del call.team.companies[company_id]
    unlinked = {"unlinkedContacts": len(attached)} if attached else {}
    return {"success": True, "deletedCompanyId": company_id, **unlinked}


def _company_of(call: Call) -> Record:
    return find(call, call.team.companies, call.ids["companyId"], "Company not found")


def list_notes(call: Call) -> Record:
    """A page of the notes, by ``page``."""
    company = _company_of(call)
    notes = [row for row in call.team.activities.values() if row.get("companyId") == company["_id"]]
    page, limit = call.number("page", 1, 1), call.number("limit", 100, 1, 100)
    return {"data": newest(call, notes)[(page - 1) * limit : page * limit], "total": len(notes)}


def create_note(call: Call) -> Record:
    """A note is an activity without lead or campaign."""
    company, note = _company_of(call), require(call.record(), "note")
    user_id = call.team.user_id
    fields = {"companyId": company["_id"], "note": note, "userId": user_id, "sendUserId": user_id}
    return call.team.add_activity("annotated", None, **fields)


ROUTES = (
    Route("GET", "/companies", list_companies),
    Route("POST", "/companies", upsert_company),
    Route("DELETE", "/companies/{companyId}", delete_company),
    Route("GET", "/companies/{companyId}/notes", list_notes),
    Route("POST", "/companies/{companyId}/notes", create_note),
)
