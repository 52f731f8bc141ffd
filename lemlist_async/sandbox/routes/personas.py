"""Personas: saved sets of filters for the people database. Closed beta, all errors are JSON with a code."""

from __future__ import annotations

from typing import Final

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import Refusal, RouteResponse, refuse, respond
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.routes.common import objects
from lemlist_async.sandbox.routes.people import FILTERS
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES"]

_CAP: Final = 200
_DENIED: Final[Record] = {"error": "Route unauthorized", "code": "ROUTE_UNAUTHORIZED"}


def _error(status: int, code: str, message: str) -> Refusal:
    return refuse(status, {"error": message, "code": code})


def _refuse_without_beta(context: RequestContext) -> None:
    if not context.team.beta:
        raise _error(403, "BETA_NOT_ENABLED", "Beta is not enabled")


def list_personas(context: RequestContext) -> Record:
    """List personas, newest first, at most 200."""
    _refuse_without_beta(context)
    if context.one("mode") not in (None, "leads"):
        message = (
            'Parameter "mode" must be "leads" or "companies"; user personas currently accept "leads" only'
        )
        raise _error(400, "PEOPLE_DATABASE_PERSONA_API_INVALID_MODE", message)
    return {"data": list(context.team.personas.values())[::-1][:_CAP]}


def create_persona(context: RequestContext) -> RouteResponse:
    """Create a persona and return its id. Names are unique, and one of the two modes works."""
    _refuse_without_beta(context)
    body = context.record()
    name, filters = body.get("name"), _filters(body.get("filters"))
    if not isinstance(name, str) or not name.strip():
        message = 'Parameter "name" must be a non-empty string; provide the persona display name'
        raise _error(400, "PEOPLE_DATABASE_PERSONA_API_INVALID_NAME", message)
    if body.get("mode") != "leads":
        message = (
            'User personas support only the "leads" mode for now; create or update the persona in leads mode'
        )
        raise _error(400, "PEOPLE_DATABASE_PERSONA_MODE_NOT_SUPPORTED", message)
    if not filters:
        raise _error(400, "SEARCH_FILTERS_INVALID", "You have no valid filters with the current search mode")
    if any(row["name"] == name for row in context.team.personas.values()):
        message = "A persona with this name already exists for the team; choose a different name"
        raise _error(409, "PEOPLE_DATABASE_PERSONA_NAME_ALREADY_EXISTS", message)
    now = context.team.stamp()
    persona = {"_id": context.team.new_id("pdp"), "name": name, "mode": "leads", "filters": filters}
    context.team.personas.keep(persona | {"createdAt": now, "updatedAt": now})
    return respond({"data": {"_id": persona["_id"]}}, 201)


def _filters(given: object) -> list[Record]:
    """Return the filters that this mode knows. Others are dropped silently."""
    message = (
        'Parameter "filters" must be an array of { filterId, in?, out?, exactMatch? } objects; '
        "call GET /api/database/filters for the valid filter ids"
    )
    refusal = {"error": message, "code": "PEOPLE_DATABASE_PERSONA_API_INVALID_FILTERS"}
    filters = objects(given, refusal)
    if not all(isinstance(row.get("filterId"), str) for row in filters):
        raise refuse(400, refusal)
    return [row for row in filters if "leads" in FILTERS.get(row["filterId"], ())]


def delete_persona(context: RequestContext) -> Record:
    """Delete a persona for good."""
    _refuse_without_beta(context)
    persona_id = context.ids["personaId"]
    if not persona_id.startswith("pdp_"):
        raise _error(400, "WRONG_PARAM_PEOPLE_DATABASE_PERSONA_ID", "Wrong param people database persona id")
    if context.team.personas.pop(persona_id, None) is None:
        message = "No editable persona found for this id and team (it may not exist or be the system persona)"
        raise _error(404, "PEOPLE_DATABASE_PERSONA_NOT_FOUND", message)
    return {"data": {"_id": persona_id, "deleted": True}}


ROUTES = (
    Route("GET", "/database/personas", list_personas, unauthorized=_DENIED),
    Route("POST", "/database/personas", create_persona, unauthorized=_DENIED),
    Route("DELETE", "/database/personas/{personaId}", delete_persona, unauthorized=_DENIED),
)
