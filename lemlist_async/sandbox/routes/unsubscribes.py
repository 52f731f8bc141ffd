"""Do-not-contact: blocked values and the flag of contacts, two lists that know nothing of each other."""

from __future__ import annotations

from typing import Final

from lemlist_async.sandbox.exchange import Answer, Call, Record, refuse, text

from .common import QuietRoute, csv_answer, sliced, texts

__all__ = ["ROUTES"]

_MAX_BULK: Final = 10_000
_PROTECTED: Final[tuple[str, ...]] = ("lead", "abuse")


def _view(row: Record) -> Record:
    return {field: row[field] for field in ("_id", "value", "source", "createdAt")}


def _single_view(row: Record) -> Record:
    return {"_id": row["_id"], "value": row["value"], "variable": row["value"], "source": row["source"]}


def list_variables(call: Call) -> list[Record]:
    """A bare slice."""
    return [_view(row) for row in sliced(call, list(call.team.unsubscribes.values()))]


def block_variables(call: Call) -> Answer:
    """Up to 10,000 at once; the answer is a bare sentence that calls itself JSON."""
    values = texts(call.record().get("values"), "values must be an array of strings")
    if len(values) > _MAX_BULK:
        raise refuse(400, f"Maximum {_MAX_BULK} values allowed")
    for value in values:
        call.team.block(value)
    return text("Variables unsubscribed")


def get_variable(call: Call) -> Record:
    """By value: an address, ``@domain``, LinkedIn URL or phone number."""
    row = call.team.unsubscribes.find(call.ids["value"])
    if row is None:
        raise refuse(404, "Variable not found")
    return _single_view(row)


def block_variable(call: Call) -> Record:
    """A second time gives the record that is there."""
    return _single_view(call.team.block(call.ids["value"]))


def unblock_variable(call: Call) -> Answer:
    """A value that is not blocked is a 400, a protected one a 409."""
    row = call.team.unsubscribes.find(call.ids["value"])
    if row is None:
        raise refuse(400, "Variable not found in unsubscribe list")
    if row["source"] in _PROTECTED:
        raise refuse(409, "Variable is protected and cannot be re-subscribed")
    call.team.unsubscribes.release(row)
    return text("Variable subscribed")


def _contact_of(call: Call) -> Record:
    contact = call.team.contacts.get(call.ids["contactId"])
    if contact is None:
        raise refuse(400, "Bad contact identifier")
    return contact


def get_subscription(call: Call) -> Record:
    """The flag of one contact."""
    contact = _contact_of(call)
    return {"_id": contact["_id"], "doNotContact": contact["unsubscribed"]}


def unsubscribe_contact(call: Call) -> Answer:
    """Sets the flag; the answer is a bare sentence that calls itself JSON."""
    _contact_of(call)["unsubscribed"] = True
    return text("Contact subscription updated")


def resubscribe_contact(call: Call) -> Answer:
    """Clears the flag; the answer is a bare sentence that calls itself JSON."""
    _contact_of(call)["unsubscribed"] = False
    return text("Contact subscription updated")


def export_variables(call: Call) -> Answer:
    """All blocked values."""
    return csv_answer(("_id", "value", "source", "createdAt"), call.team.unsubscribes.values())


def export_contacts(call: Call) -> Answer:
    """All contacts with their flag."""
    rows = [
        {"_id": row["_id"], "doNotContact": str(row["unsubscribed"]).lower()}
        for row in call.team.contacts.values()
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
