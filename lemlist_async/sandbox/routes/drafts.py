"""Drafts of messages, kept for one member and one contact."""

from __future__ import annotations

import re
from typing import Final

from lemlist_async.sandbox.exchange import Answer, Call, Record, Route, answer, refuse

__all__ = ["ROUTES"]

_CHANNELS: Final[tuple[str, ...]] = ("email", "linkedin", "whatsapp", "sms")
_EDITABLE: Final[tuple[str, ...]] = ("subject", "cc", "content", "attachments", "replyToActivityId")
_MAX_BYTES: Final = 30 * 1024
_MAX_DRAFTS: Final = 10
_PREVIEW: Final = 100
_HIDDEN: Final[tuple[str, ...]] = ("contactId", "ownerId", "deletedAt")


def _owner(call: Call) -> str:
    """The member that ``draftOwner`` names by id or address."""
    given = call.one("draftOwner")
    if not given:
        raise refuse(400, "Missing draftOwner")
    for user in call.team.users.values():
        if given in (user["_id"], user["email"]):
            return str(user["_id"])
    raise refuse(400, "User not found: neither a valid email nor a valid user id for this team")


def _drafts(call: Call, owner_id: str) -> list[Record]:
    place = (call.ids["contactId"], owner_id)
    rows = call.team.drafts.values()
    return [row for row in rows if (row["contactId"], row["ownerId"]) == place and "deletedAt" not in row]


def _draft_of(call: Call) -> Record:
    drafts = _drafts(call, _owner(call))
    draft = next((row for row in drafts if row["_id"] == call.ids["draftId"]), None)
    if draft is None:
        raise refuse(404, "Draft not found")
    return draft


def _view(draft: Record) -> Record:
    return {field: value for field, value in draft.items() if field not in _HIDDEN}


def list_drafts(call: Call) -> Record:
    """The beginnings of all drafts, without tags."""
    shown = ("_id", "channel", "subject", "source", "createdAt", "updatedAt")
    return {
        "drafts": [
            {field: row[field] for field in shown if field in row}
            | {"contentPreview": _preview(row["content"])}
            for row in _drafts(call, _owner(call))
        ]
    }


def _preview(content: str) -> str:
    plain = re.sub(r"<[^>]*>", "", content)
    return plain if len(plain) <= _PREVIEW else f"{plain[:_PREVIEW]}..."


def create_draft(call: Call) -> Answer:
    """At most ten in a conversation; nothing is sent."""
    owner_id, body = _owner(call), call.record()
    if body.get("channel") not in _CHANNELS:
        raise refuse(400, "Invalid channel")
    _check_content(body.get("content"))
    if len(_drafts(call, owner_id)) >= _MAX_DRAFTS:
        raise refuse(400, f"Draft limit reached (max {_MAX_DRAFTS} per conversation)")
    now = call.team.stamp()
    draft: Record = {"_id": call.team.new_id("drf"), "channel": body["channel"], "cc": [], "attachments": []}
    draft |= {field: body[field] for field in (*_EDITABLE, "sourceMetadata") if field in body}
    draft |= {"source": "api", "createdAt": now, "updatedAt": now}
    call.team.drafts.keep(draft | {"contactId": call.ids["contactId"], "ownerId": owner_id})
    return answer({"draftId": draft["_id"]}, 201)


def _check_content(content: object) -> None:
    if not isinstance(content, str) or not content.strip():
        raise refuse(400, "Content must not be empty")
    if len(content.encode()) > _MAX_BYTES:
        raise refuse(400, "Content too large")


def get_draft(call: Call) -> Record:
    """In full."""
    return {"draft": _view(_draft_of(call))}


def update_draft(call: Call) -> Record:
    """Changes what is given."""
    draft, body = _draft_of(call), call.record()
    if "content" in body:
        _check_content(body["content"])
    draft |= {field: body[field] for field in _EDITABLE if field in body} | {"updatedAt": call.team.stamp()}
    return {"draft": _view(draft)}


def delete_draft(call: Call) -> Record:
    """A soft deletion."""
    _draft_of(call)["deletedAt"] = call.team.stamp()
    return {"success": True}


_PATH: Final = "/inbox/{contactId}/drafts"
ROUTES = (
    Route("GET", _PATH, list_drafts),
    Route("POST", _PATH, create_draft),
    Route("GET", _PATH + "/{draftId}", get_draft),
    Route("PATCH", _PATH + "/{draftId}", update_draft),
    Route("DELETE", _PATH + "/{draftId}", delete_draft),
)
