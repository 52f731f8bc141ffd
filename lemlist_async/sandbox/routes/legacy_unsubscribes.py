"""The old unsubscribe routes, announced to end on 1 November 2026, over the same blocked values."""

from __future__ import annotations

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import RouteResponse, refuse
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.routes.common import QuietRoute, csv_answer, is_email, sliced
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES"]


def _view(row: Record) -> Record:
    # what is called `bounced` now was `bounce` here
    source = "bounce" if row["source"] == "bounced" else row["source"]
    return {"_id": row["_id"], "value": row["value"], "source": source, "createdAt": row["createdAt"]}


def list_unsubscribes(context: RequestContext) -> list[Record]:
    """Return a bare slice."""
    return [_view(row) for row in sliced(context, context.team.unsubscribes.values())]


def export_unsubscribes(context: RequestContext) -> RouteResponse:
    """Return all blocked values as CSV."""
    rows = [_view(row) for row in context.team.unsubscribes.values()]
    return csv_answer(("value", "source", "createdAt"), rows)


def _value(context: RequestContext) -> str:
    """Accept an address or ``@domain``. Anything else is a 500 here, not a 400."""
    value = context.ids["email"]
    if not is_email(value) and not is_email(f"any{value}"):
        raise refuse(500, "Invalid email address or domain")
    return value


def get_unsubscribe(context: RequestContext) -> Record:
    """Return one value."""
    row = context.team.unsubscribes.find(_value(context))
    if row is None:
        raise refuse(404, "Unsubscriber not found")
    return _view(row)


def add_unsubscribe(context: RequestContext) -> Record:
    """Block a value."""
    row = context.world.engine.block(context.team, _value(context))
    return {"_id": row["_id"], "value": row["value"], "email": row["value"]}


def delete_unsubscribe(context: RequestContext) -> Record:
    """Unblock a value. Here an unknown one is a 404."""
    row = context.team.unsubscribes.find(_value(context))
    if row is None:
        raise refuse(404, "Unsubscribe not found")
    context.team.unsubscribes.release(row)
    return {"_id": row["_id"], "value": row["value"]}


ROUTES = (
    Route("GET", "/unsubscribes", list_unsubscribes),
    QuietRoute("GET", "/unsubs/export", export_unsubscribes),
    Route("GET", "/unsubscribes/{email}", get_unsubscribe),
    QuietRoute("POST", "/unsubscribes/{email}", add_unsubscribe),
    QuietRoute("DELETE", "/unsubscribes/{email}", delete_unsubscribe),
)
