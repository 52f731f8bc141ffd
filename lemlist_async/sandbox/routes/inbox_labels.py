"""Labels of conversations."""

from __future__ import annotations

from typing import Final

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import refuse
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.routes.common import find, texts
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES"]

_COLORS: Final[tuple[str, ...]] = ("#C0392B", "#27AE60", "#2980B9", "#8E44AD")


def list_labels(context: RequestContext) -> list[Record]:
    """List all labels."""
    return list(context.team.labels.values())


def create_label(context: RequestContext) -> Record:
    """Create a label. Names are unique, and only reads show the author."""
    name = context.record().get("labelName")
    if not isinstance(name, str) or not name.strip():
        raise refuse(400, "labelName is required")
    if any(label["name"] == name for label in context.team.labels.values()):
        raise refuse(409, "Label with this name already exists")
    label = {
        "_id": context.team.new_id("lbl"),
        "name": name,
        "color": _COLORS[len(context.team.labels) % len(_COLORS)],
        "createdAt": context.team.stamp(),
    }
    context.team.labels.keep(label | {"createdBy": context.team.users[context.team.user_id]["email"]})
    return label


def get_label(context: RequestContext) -> Record:
    """Return one label."""
    return find(context, context.team.labels, context.ids["labelId"], "Label not found")


def attach_labels(context: RequestContext) -> Record:
    """Add labels to a conversation with ``appendLabels``, else replace them."""
    body = context.record()
    refusal = "Invalid request body: labelIds must be an array and appendLabels must be a boolean"
    label_ids, append = texts(body.get("labelIds"), refusal), body.get("appendLabels")
    if not isinstance(append, bool):
        raise refuse(400, refusal)
    conversation = _conversation(context, label_ids)
    before: list[str] = conversation["labelIds"] if append else []
    conversation["labelIds"] = list(dict.fromkeys([*before, *label_ids]))
    return {"ok": True}


def remove_labels(context: RequestContext) -> Record:
    """Remove labels. The DELETE has a body, which the server reads."""
    label_ids = texts(context.record().get("labelIds"), "Invalid request body: labelIds must be an array")
    conversation = _conversation(context, label_ids)
    conversation["labelIds"] = [label for label in conversation["labelIds"] if label not in label_ids]
    return {"ok": True}


def _conversation(context: RequestContext, label_ids: list[str]) -> Record:
    conversation = context.team.conversations.with_contact(context.ids["contactId"])
    if conversation is None:
        raise refuse(404, "Inbox not found")
    if not all(label_id in context.team.labels for label_id in label_ids):
        raise refuse(404, "Label not found")
    return conversation


ROUTES = (
    Route("GET", "/inbox/labels", list_labels),
    Route("POST", "/inbox/labels", create_label),
    Route("GET", "/inbox/labels/{labelId}", get_label),
    Route("POST", "/inbox/conversations/labels/{contactId}", attach_labels),
    Route("DELETE", "/inbox/conversations/labels/{contactId}", remove_labels),
)
