"""The old unsubscribe routes, announced to end on 1 November 2026; they see the same blocked values."""

from __future__ import annotations

from lemlist_async.sandbox.exchange import Answer, Call, Record, Route, refuse

from .common import QuietRoute, csv_answer, is_email, sliced

__all__ = ["ROUTES"]


def _view(row: Record) -> Record:
    # what is called `bounced` now was `bounce` here
    source = "bounce" if row["source"] == "bounced" else row["source"]
    return {"_id": row["_id"], "value": row["value"], "source": source, "createdAt": row["createdAt"]}


def list_unsubscribes(call: Call) -> list[Record]:
    """A bare slice."""
    return [_view(row) for row in sliced(call, list(call.team.unsubscribes.values()))]


def export_unsubscribes(call: Call) -> Answer:
    """All of them as CSV."""
    rows = [_view(row) for row in call.team.unsubscribes.values()]
    return csv_answer(("value", "source", "createdAt"), rows)


def _value(call: Call) -> str:
    """An address or ``@domain``; anything else is a 500, not a 400."""
    value = call.ids["email"]
    if not is_email(value) and not is_email(f"any{value}"):
        raise refuse(500, "Invalid email address or domain")
    return value


def get_unsubscribe(call: Call) -> Record:
    """One value."""
    row = call.team.unsubscribes.find(_value(call))
    if row is None:
        raise refuse(404, "Unsubscriber not found")
    return _view(row)


def add_unsubscribe(call: Call) -> Record:
    """Blocks a value."""
    row = call.team.block(_value(call))
    return {"_id": row["_id"], "value": row["value"], "email": row["value"]}


def delete_unsubscribe(call: Call) -> Record:
    """Unblocks a value; here an unknown one is a 404."""
    row = call.team.unsubscribes.find(_value(call))
    if row is None:
        raise refuse(404, "Unsubscribe not found")
    call.team.unsubscribes.release(row)
    return {"_id": row["_id"], "value": row["value"]}


ROUTES = (
    Route("GET", "/unsubscribes", list_unsubscribes),
    QuietRoute("GET", "/unsubs/export", export_unsubscribes),
    Route("GET", "/unsubscribes/{email}", get_unsubscribe),
    QuietRoute("POST", "/unsubscribes/{email}", add_unsubscribe),
    QuietRoute("DELETE", "/unsubscribes/{email}", delete_unsubscribe),
)
