"""Do-not-contact: blocked values and the flag of contacts. Neither list affects the other."""

from __future__ import annotations

from typing import Final

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import RouteResponse, refuse, text
from lemlist_async.sandbox.routes.common import QuietRoute, csv_answer, sliced, texts
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES"]

_MAX_BULK: Final = 10_000
_PROTECTED: Final[tuple[str, ...]] = ("lead", "abuse")


def _view(row: Record) -> Record:
    return {field: row[field] for field in ("_id", "value", "source", "createdAt")}


def _single_view(row: Record) -> Record:
    return {"_id": row["_id"], "value": row["value"], "variable": row["value"], "source": row["source"]}


def list_variables(context: RequestContext) -> list[Record]:
    """Return a bare slice."""
    return [_view(row) for row in sliced(context, context.team.unsubscribes.values())]


def block_variables(context: RequestContext) -> RouteResponse:
    """Block up to 10,000 values. The response is a bare sentence labelled as JSON."""
    values = texts(context.record().get("values"), "values must be an array of strings")
    if len(values) > _MAX_BULK:
        raise refuse(400, f"Maximum {_MAX_BULK} values allowed")
    for value in values:
        context.world.engine.block(context.team, value)
    return text("Variables unsubscribed")


def get_variable(context: RequestContext) -> Record:
    """Return one blocked value: an address, ``@domain``, LinkedIn URL or phone number."""
    row = context.team.unsubscribes.find(context.ids["value"])
    if row is None:
        raise refuse(404, "Variable not found")
    return _single_view(row)


def block_variable(context: RequestContext) -> Record:
    """Block a value. A second time returns the existing record."""
    return _single_view(context.world.engine.block(context.team, context.ids["value"]))


def unblock_variable(context: RequestContext) -> RouteResponse:
    """Unblock a value: 400 for one that is not blocked, 409 for a protected one."""
    row = context.team.unsubscribes.find(context.ids["value"])
    if row is None:
        raise refuse(400, "Variable not found in unsubscribe list")
    if row["source"] in _PROTECTED:
        raise refuse(409, "Variable is protected and cannot be re-subscribed")
    context.team.unsubscribes.release(row)
    return text("Variable subscribed")


def _contact_of(context: RequestContext) -> Record:
    contact = context.team.contacts.get(context.ids["contactId"])
    if contact is None:
        raise refuse(400, "Bad contact identifier")
    return contact


def get_subscription(context: RequestContext) -> Record:
    """Return the flag of one contact."""
    contact = _contact_of(context)
    return {"_id": contact["_id"], "doNotContact": contact["unsubscribed"]}


def unsubscribe_contact(context: RequestContext) -> RouteResponse:
    """Set the flag. The response is a bare sentence labelled as JSON."""
    _contact_of(context)["unsubscribed"] = True
    return text("Contact subscription updated")


def resubscribe_contact(context: RequestContext) -> RouteResponse:
    """Clear the flag. The response is a bare sentence labelled as JSON."""
    _contact_of(context)["unsubscribed"] = False
    return text("Contact subscription updated")


def export_variables(context: RequestContext) -> RouteResponse:
    """Export all blocked values."""
    return csv_answer(("_id", "value", "source", "createdAt"), context.team.unsubscribes.values())


def export_contacts(context: RequestContext) -> RouteResponse:
    """Export all contacts with their flag."""
    rows = [
        {"_id": row["_id"], "doNotContact": str(row["unsubscribed"]).lower()}
        for row in context.team.contacts.values()
    ]
    return csv_answer(("_id", "doNotContact"), rows)


ROUTES = (
    QuietRoute("GET", "/v2/unsubscribes/variables", list_variables),
    QuietRoute("POST", "/v2/unsubscribes/variables", block_variables),
    QuietRoute("GET", "/v2/unsubscribes/variables/{value}", get_variable),
    QuietRoute("POST", "/v2/unsubscribes/variables/{value}", block_variable),
    QuietRoute("DELETE", "/v2/unsubscribes/variables/{value}", unblock_variable),
    QuietRoute("GET", "/v2/unsubscribes/contacts/{contactId}", get_subscription),
    QuietRoute("POST", "/v2/unsubscribes/contacts/{contactId}", unsubscribe_contact),
    QuietRoute("DELETE", "/v2/unsubscribes/contacts/{contactId}", resubscribe_contact),
    QuietRoute("GET", "/v2/unsubscribes/exports/variables", export_variables),
    QuietRoute("GET", "/v2/unsubscribes/exports/contacts", export_contacts),
)
