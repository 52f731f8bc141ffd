"""Lists of contacts, and the CSV of one of them."""

from __future__ import annotations

from typing import Any, Final

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import RouteResponse, refuse, respond
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.routes.common import QuietRoute, csv_answer, texts
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES"]

_MAX_NAME: Final = 200
_MAX_IDS: Final = 1000
_CONTACT_COLUMNS: Final[tuple[str, ...]] = (
    "firstName",
    "lastName",
    "email",
    "linkedinUrl",
    "companyName",
    "jobTitle",
    "status",
)
_COMPANY_COLUMNS: Final[tuple[str, ...]] = (
    "name",
    "domain",
    "linkedinUrl",
    "industry",
    "size",
    "numberOfContacts",
)


def list_lists(context: RequestContext) -> list[Record]:
    """List all contact lists, or those whose name contains ``search``."""
    search = (context.one("search") or "").lower()
    rows = context.team.contact_lists.values()
    return [
        {field: row[field] for field in ("_id", "name", "dynamic")}
        for row in rows
        if search in row["name"].lower()
    ]


def create_list(context: RequestContext) -> RouteResponse:
    """Create a static list. Names may repeat."""
    name = context.record().get("name")
    if not isinstance(name, str) or not name.strip():
        raise refuse(400, "name is required and must be a non-empty string")
    if len(name) > _MAX_NAME:
        raise refuse(400, f"name must be at most {_MAX_NAME} characters")
    row = context.team.add_contact_list(name)
    return respond(
        {"message": "Contact list created successfully", "list": {"id": row["_id"], "name": name}}, 201
    )


def change_list(context: RequestContext) -> Record:
    """Add contacts, or remove them with ``action=remove``."""
    list_id, remove = context.ids["listId"], context.one("action") == "remove"
    if not list_id.startswith("clt_"):
        raise refuse(400, "Invalid listId format (expected clt_xxx)")
    contact_ids = _contact_ids(context.record().get("contactIds"))
    row = context.team.contact_lists.get(list_id)
    if row is None:
        raise refuse(404, "Contact list not found")
    if row["dynamic"]:
        raise refuse(
            400, f"Cannot manually {'remove contacts from' if remove else 'add contacts to'} a dynamic list"
        )
    return _take_out(row, contact_ids) if remove else _put_in(context, row, contact_ids)


def _contact_ids(given: Any) -> list[str]:
    contact_ids = texts(given or None, "contactIds is required and must be a non-empty array")
    if len(contact_ids) > _MAX_IDS:
        raise refuse(400, "Maximum 1,000 contacts per request")
    if not all(value.startswith("ctc_") for value in contact_ids):
        raise refuse(400, "All contactIds must be in ctc_xxx format")
    return contact_ids


def _put_in(context: RequestContext, row: Record, contact_ids: list[str]) -> Record:
    members = row["contactIds"]
    known = [contact_id for contact_id in dict.fromkeys(contact_ids) if contact_id in context.team.contacts]
    fresh = [contact_id for contact_id in known if contact_id not in members]
    members |= dict.fromkeys(fresh)
    counts = {"addedCount": len(fresh), "alreadyInList": len(known) - len(fresh)}
    return {"message": "Contacts added to list successfully", **counts}


def _take_out(row: Record, contact_ids: list[str]) -> Record:
    gone = [contact_id for contact_id in dict.fromkeys(contact_ids) if contact_id in row["contactIds"]]
    for contact_id in gone:
        del row["contactIds"][contact_id]
    return {"message": "Contacts removed from list successfully", "removedCount": len(gone)}


def export_contacts(context: RequestContext) -> RouteResponse:
    """Return the members of a list, or all contacts for ``all``. Custom fields are further columns."""
    list_id, entity = context.one("listId") or "", context.one("entity") or "contact"
    if list_id != "all" and list_id not in context.team.contact_lists:
        raise refuse(400, "Bad team")
    rows, columns = (
        (_company_rows(context), _COMPANY_COLUMNS)
        if entity == "company"
        else (_contact_rows(context, list_id), _CONTACT_COLUMNS)
    )
    custom = dict.fromkeys(name for row in rows for name in row if name not in columns)
    return csv_answer(
        [*columns, *custom], rows, {"Content-Disposition": f'attachment; filename="{entity}s.csv"'}
    )


def _contact_rows(context: RequestContext, list_id: str) -> list[Record]:
    team = context.team
    ids = team.contacts if list_id == "all" else team.contact_lists[list_id]["contactIds"]
    return [_contact_row(team.contacts[contact_id]) for contact_id in ids]


def _contact_row(contact: Record) -> Record:
    status = "unsubscribed" if contact["unsubscribed"] else "active"
    return {
        **contact["fields"],
        "email": contact["email"],
        "linkedinUrl": contact.get("linkedinUrl"),
        "status": status,
    }


def _company_rows(context: RequestContext) -> list[Record]:
    attached = [contact.get("companyId") for contact in context.team.contacts.values()]
    return [
        {
            **company["fields"],
            "domain": company["domain"],
            "linkedinUrl": company.get("linkedinUrl"),
            "numberOfContacts": attached.count(company["_id"]),
        }
        for company in context.team.companies.values()
    ]


ROUTES = (
    Route("GET", "/contacts/lists", list_lists),
    Route("POST", "/contacts/lists", create_list),
    Route("POST", "/contacts/lists/{listId}/entities", change_list, bad_method="Method not allowed"),
    QuietRoute("GET", "/contacts/export", export_contacts),
)
