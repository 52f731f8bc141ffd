"""Contacts: the people of the CRM."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final
from urllib.parse import urlsplit

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import RouteResponse, refuse, respond
from lemlist_async.sandbox.route import Route, Work
from lemlist_async.sandbox.routes.common import is_email, sliced, word
from lemlist_async.sandbox.slices import chosen
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES", "contact_view", "domain_of", "full_name"]

_MAX_LOOKUP: Final = 100
_OWN: Final[tuple[str, ...]] = ("linkedinUrl", "linkedinUrlSalesNav")
_NOT_FIELDS: Final[tuple[str, ...]] = (
    "contactId",
    "email",
    "additionalEmails",
    "contactOwner",
    "source",
    "companyId",
    "companyDomain",
    "companyLinkedinUrl",
    *_OWN,
)


def full_name(contact: Record) -> str:
    """Join the known ones of first and last name."""
    return " ".join(
        str(contact["fields"][part]) for part in ("firstName", "lastName") if contact["fields"].get(part)
    )


def contact_view(context: RequestContext, contact: Record) -> Record:
    """Build a contact as reads show it."""
    own = ("_id", "teamId", "email", "fields", "ownerId", "createdAt", "createdBy", "unsubscribed")
    extras = {field: contact[field] for field in (*_OWN, "companyId", "fieldRejections") if field in contact}
    campaigns = [
        {
            "campaignId": lead["campaignId"],
            "campaignState": context.team.campaigns[lead["campaignId"]]["state"],
            "leadState": lead["status"],
            "leadId": lead["_id"],
        }
        for lead in context.team.leads.of_contact(contact["_id"])
    ]
    head = {field: contact[field] for field in own}
    computed: Record = {"isActiveInCampaigns": bool(campaigns)}
    if campaigns:
        computed["lastCampaign"] = context.team.campaigns[campaigns[-1]["campaignId"]]["name"]
    head["fields"] = contact["fields"] | computed
    return head | extras | {"fullName": full_name(contact), "campaigns": campaigns}


def contact_by(context: RequestContext, id_or_email: str) -> Record | None:
    """Return the contact that an id or an address names."""
    return context.team.contacts.get(id_or_email) or context.team.contacts.by_email(id_or_email)


def list_contacts(context: RequestContext) -> object:
    """List contacts: a page with its total, or with ``idsOrEmails`` a bare list of those found."""
    wanted = context.many("idsOrEmails")
    if len(wanted) > _MAX_LOOKUP:
        raise refuse(400, f"Bad params: at most {_MAX_LOOKUP} idsOrEmails")
    if wanted:
        found = (contact_by(context, value) for value in wanted)
        return [contact_view(context, contact) for contact in found if contact is not None]
    tests = list(_filters(context))
    return _search(context, tests) if tests else _contact_page(context, context.team.contacts.values())


def _search(context: RequestContext, tests: list[Callable[[Record], bool]]) -> Work:
    return _contact_page(context, (yield from chosen(context.team.contacts.values(), tests)))


def _contact_page(context: RequestContext, contacts: Collection[Record]) -> Record:
    return {
        "data": [contact_view(context, contact) for contact in sliced(context, contacts, 500)],
        "total": len(contacts),
        "limit": context.number("limit", 100, 1, 500),
        "offset": context.number("offset", 0),
    }


def _filters(context: RequestContext) -> list[Callable[[Record], bool]]:
    """Build one test per filter of the query."""
    team, tests = context.team, list[Callable[[Record], bool]]()
    search, email, list_id = context.one("search"), context.one("email"), context.one("listId")
    if search is not None:
        if len(search) < 2:
            raise refuse(400, "Search query must be at least 2 characters")
        tests.append(lambda contact: search.lower() in f"{full_name(contact)} {contact['email']}".lower())
    if email is not None:
        tests.append(lambda contact: contact["email"] == email)
    if list_id is not None:
        if not list_id.startswith("clt_"):
            raise refuse(400, "Invalid listId format (expected clt_xxx)")
        members = team.contact_lists.get(list_id, {"contactIds": {}})["contactIds"]
        tests.append(lambda contact: contact["_id"] in members)
    if context.flag("notInAnyCampaign"):
        tests.append(lambda contact: not team.leads.of_contact(contact["_id"]))
    if any(context.one(name) for name in _COMPANY_FILTERS):
        company_id = _company_asked(context)
        tests.append(lambda contact: contact.get("companyId", "") == company_id)
    if reason := context.one("fieldRejectionReason"):
        tests.append(
            lambda contact: any(row["reason"] == reason for row in contact.get("fieldRejections", []))
        )
    return tests


_COMPANY_FILTERS: Final[dict[str, str]] = {
    "companyId": "_id",
    "companyDomain": "domain",
    "companyLinkedinUrl": "linkedinUrl",
    "companySalesnavUrl": "linkedinUrlSalesNav",
}


def _company_asked(context: RequestContext) -> str | None:
    given = [(field, value) for name, field in _COMPANY_FILTERS.items() if (value := context.one(name))]
    if len(given) > 1:
        raise refuse(400, "Bad params: the company filters exclude each other")
    field, value = given[0]
    return next((row["_id"] for row in context.team.companies.values() if row.get(field) == value), None)


def get_contact(context: RequestContext) -> Record:
    """Return one contact. The document lists no 404 here."""
    contact = contact_by(context, context.ids["idOrEmail"])
    if contact is None:
        raise refuse(400, "Bad team")
    return contact_view(context, contact)


def upsert_contact(context: RequestContext) -> RouteResponse:
    """Create (201) or update (200). Empty values erase nothing, and errors are JSON."""
    body = {name: value for name, value in context.record().items() if value not in (None, "")}
    contact = _known(context, body)
    created = contact is None
    fields = {name: value for name, value in body.items() if name not in _NOT_FIELDS}
    if contact is None:
        contact = context.team.add_contact(body.get("email"), **fields)
    else:
        contact["fields"] |= fields
    contact |= {name: body[name] for name in _OWN if name in body}
    warnings = _link_company(context, contact, body)
    data = _upsert_view(contact) | ({"created": True} if created else {"created": False, "updated": True})
    data["companyLinked"] = "companyId" in contact
    envelope: Record = {"success": True, "data": data}
    return respond(envelope | ({"warnings": warnings} if warnings else {}), 201 if created else 200)


def _known(context: RequestContext, body: Record) -> Record | None:
    """Find the contact that a body names: by id, then address, then LinkedIn URL."""
    contact_id, email = word(body, "contactId"), body.get("email")
    if not (contact_id or email or any(body.get(name) for name in _OWN)):
        raise _invalid(
            "MISSING_IDENTIFIER", "At least one identifier is required: email, linkedinUrl or contactId"
        )
    if email is not None and not is_email(email):
        raise _invalid("INVALID_EMAIL", "The email is not valid")
    if contact_id:
        contact = context.team.contacts.get(contact_id)
        if contact is None:
            raise _invalid("CONTACT_NOT_FOUND", "No contact found with the provided contactId")
        return contact
    by_email = context.team.contacts.by_email(email) if email else None
    return by_email or next((row for row in context.team.contacts.values() if _same_profile(row, body)), None)


def _same_profile(contact: Record, body: Record) -> bool:
    return any(body.get(name) and body[name] == contact.get(name) for name in _OWN)


def _invalid(code: str, message: str, status: int = 400) -> Exception:
    return refuse(status, {"success": False, "error": {"code": code, "message": message}})


def domain_of(url: str) -> str:
    """Return the domain of an address or a URL, without ``www.``."""
    try:
        host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
    except ValueError:  # brackets that hold no IPv6 address
        return ""
    return host.removeprefix("www.")


def _link_company(context: RequestContext, contact: Record, body: Record) -> list[Record]:
    """Attach the company that the body names, or return a warning if it is unknown."""
    wanted: dict[str, Any] = {"_id": body.get("companyId"), "linkedinUrl": body.get("companyLinkedinUrl")}
    wanted["domain"] = domain_of(word(body, "companyDomain")) or None
    given = {field: value for field, value in wanted.items() if value}
    if not given:
        return []
    for company in context.team.companies.values():
        if any(company.get(field) == value for field, value in given.items()):
            contact["companyId"] = company["_id"]
            return []
    return [{"code": "COMPANY_NOT_FOUND", "message": "No company found with the provided identifiers"}]


def _upsert_view(contact: Record) -> Record:
    shown = ("_id", "teamId", "fields", "ownerId", "source", "createdAt", "createdBy", "unsubscribed")
    extras = {field: contact[field] for field in (*_OWN, "companyId") if field in contact}
    emails = [{"value": contact["email"]}] if contact["email"] else list[Record]()
    return {field: contact[field] for field in shown} | {"emails": emails} | extras


def delete_contact(context: RequestContext) -> Record:
    """Delete a contact with its leads, events, tasks and conversations. A running enrichment prevents it."""
    contact = contact_by(context, context.ids["idOrEmail"])
    if contact is None:
        raise _invalid("CONTACT_NOT_FOUND", "No contact found with the provided id or email", 404)
    running = (row for row in context.team.enrichments.values() if row["status"] == "in-progress")
    if any(row.get("contactId") == contact["_id"] for row in running):
        reason = "Contact cannot be removed if an enrichment is in progress"
        raise _invalid("CONTACT_DELETE_BLOCKED", reason, 409)
    context.team.remove_contact(contact)
    return {"success": True, "deletedContactId": contact["_id"]}


ROUTES = (
    Route("GET", "/contacts", list_contacts),
    Route("POST", "/contacts", upsert_contact),
    Route("GET", "/contacts/{idOrEmail}", get_contact),
    Route("DELETE", "/contacts/{idOrEmail}", delete_contact),
)
