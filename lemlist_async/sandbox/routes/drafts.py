"""Drafts of messages, kept for one member and one contact."""

from __future__ import annotations

import re
from typing import Final

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import RouteResponse, refuse, respond
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES"]

_CHANNELS: Final[tuple[str, ...]] = ("email", "linkedin", "whatsapp", "sms")
_EDITABLE: Final[tuple[str, ...]] = ("subject", "cc", "content", "attachments", "replyToActivityId")
_MAX_BYTES: Final = 30 * 1024
_MAX_DRAFTS: Final = 10
_PREVIEW: Final = 100
_HIDDEN: Final[tuple[str, ...]] = ("contactId", "ownerId", "deletedAt")


def _owner(context: RequestContext) -> str:
    """Return the member that ``draftOwner`` names by id or address."""
    given = context.one("draftOwner")
    if not given:
        raise refuse(400, "Missing draftOwner")
    for user in context.team.users.values():
        if given in (user["_id"], user["email"]):
            return str(user["_id"])
    raise refuse(400, "User not found: neither a valid email nor a valid user id for this team")


def _drafts(context: RequestContext, owner_id: str) -> list[Record]:
    place = (context.ids["contactId"], owner_id)
    rows = context.team.drafts.values()
    return [row for row in rows if (row["contactId"], row["ownerId"]) == place and "deletedAt" not in row]


def _draft_of(context: RequestContext) -> Record:
    drafts = _drafts(context, _owner(context))
    draft = next((row for row in drafts if row["_id"] == context.ids["draftId"]), None)
    if draft is None:
        raise refuse(404, "Draft not found")
    return draft


def _view(draft: Record) -> Record:
    return {field: value for field, value in draft.items() if field not in _HIDDEN}


def list_drafts(context: RequestContext) -> Record:
    """List the beginnings of all drafts, without tags."""
    shown = ("_id", "channel", "subject", "source", "createdAt", "updatedAt")
    return {
        "drafts": [
            {field: row[field] for field in shown if field in row}
            | {"contentPreview": _preview(row["content"])}
            for row in _drafts(context, _owner(context))
        ]
    }


def _preview(content: str) -> str:
    plain = re.sub(r"<[^>]*>", "", content)
    return plain if len(plain) <= _PREVIEW else f"{plain[:_PREVIEW]}..."


def create_draft(context: RequestContext) -> RouteResponse:
    """Create a draft, at most ten per conversation. Nothing is sent."""
    owner_id, body = _owner(context), context.record()
    if body.get("channel") not in _CHANNELS:
        raise refuse(400, "Invalid channel")
    _check_content(body.get("content"))
    if len(_drafts(context, owner_id)) >= _MAX_DRAFTS:
        raise refuse(400, f"Draft limit reached (max {_MAX_DRAFTS} per conversation)")
    now = context.team.stamp()
    draft: Record = {
        "_id": context.team.new_id("drf"),
        "channel": body["channel"],
        "cc": [],
        "attachments": [],
    }
    draft |= {field: body[field] for field in (*_EDITABLE, "sourceMetadata") if field in body}
    draft |= {"source": "api", "createdAt": now, "updatedAt": now}
    context.team.drafts.keep(draft | {"contactId": context.ids["contactId"], "ownerId": owner_id})
    return respond({"draftId": draft["_id"]}, 201)


def _check_content(content: object) -> None:
    if not isinstance(content, str) or not content.strip():
        raise refuse(400, "Content must not be empty")
    if len(content.encode()) > _MAX_BYTES:
        raise refuse(400, "Content too large")


def get_draft(context: RequestContext) -> Record:
    """Return a draft in full."""
    return {"draft": _view(_draft_of(context))}


def update_draft(context: RequestContext) -> Record:
    """Change the given fields."""
    draft, body = _draft_of(context), context.record()
    if "content" in body:
        _check_content(body["content"])
    draft |= {field: body[field] for field in _EDITABLE if field in body} | {
        "updatedAt": context.team.stamp()
    }
    return {"draft": _view(draft)}


def delete_draft(context: RequestContext) -> Record:
    """Delete a draft softly: it is hidden, not erased."""
    _draft_of(context)["deletedAt"] = context.team.stamp()
    return {"success": True}


_PATH: Final = "/inbox/{contactId}/drafts"
ROUTES = (
    Route("GET", _PATH, list_drafts),
    Route("POST", _PATH, create_draft),
    Route("GET", _PATH + "/{draftId}", get_draft),
    Route("PATCH", _PATH + "/{draftId}", update_draft),
    Route("DELETE", _PATH + "/{draftId}", delete_draft),
)
