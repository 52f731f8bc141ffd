"""Labels of conversations."""

from __future__ import annotations

from typing import Final

from lemlist_async.sandbox.exchange import Call, Record, Route, refuse

from .common import find, texts

__all__ = ["ROUTES"]

_COLORS: Final[tuple[str, ...]] = ("#C0392B", "#27AE60", "#2980B9", "#8E44AD")


def list_labels(call: Call) -> list[Record]:
    """All of them."""
    return list(call.team.labels.values())


def create_label(call: Call) -> Record:
    """A name is used once; the author is shown only on reads."""
    name = call.record().get("labelName")
    if not isinstance(name, str) or not name.strip():
        raise refuse(400, "labelName is required")
    if any(label["name"] == name for label in call.team.labels.values()):
        raise refuse(409, "Label with this name already exists")
    label = {
        "_id": call.team.new_id("lbl"),
        "name": name,
        "color": _COLORS[len(call.team.labels) % len(_COLORS)],
        "createdAt": call.team.stamp(),
    }
    call.team.labels.keep(label | {"createdBy": call.team.users[call.team.user_id]["email"]})
    return label


def get_label(call: Call) -> Record:
    """One label."""
    return find(call, call.team.labels, call.ids["labelId"], "Label not found")


def attach_labels(call: Call) -> Record:
    """Adds to the labels of a conversation with ``appendLabels``, else replaces them."""
    body = call.record()
    refusal = "Invalid request body: labelIds must be an array and appendLabels must be a boolean"
    label_ids, append = texts(body.get("labelIds"), refusal), body.get("appendLabels")
    if not isinstance(append, bool):
        raise refuse(400, refusal)
    conversation = _conversation(call, label_ids)
    before: list[str] = conversation["labelIds"] if append else []
    conversation["labelIds"] = list(dict.fromkeys([*before, *label_ids]))
    return {"ok": True}


def remove_labels(call: Call) -> Record:
    """A DELETE with a body, which this server does read."""
    label_ids = texts(call.record().get("labelIds"), "Invalid request body: labelIds must be an array")
    conversation = _conversation(call, label_ids)
    conversation["labelIds"] = [label for label in conversation["labelIds"] if label not in label_ids]
    return {"ok": True}


def _conversation(call: Call, label_ids: list[str]) -> Record:
    conversation = call.team.conversation_with(call.ids["contactId"])
    if conversation is None:
        raise refuse(404, "Inbox not found")
    if not all(label_id in call.team.labels for label_id in label_ids):
        raise refuse(404, "Label not found")
    return conversation


ROUTES = (
    Route("GET", "/inbox/labels", list_labels),
    Route("POST", "/inbox/labels", create_label),
    Route("GET", "/inbox/labels/{labelId}", get_label),
    Route("POST", "/inbox/conversations/labels/{contactId}", attach_labels),
    Route("DELETE", "/inbox/conversations/labels/{contactId}", remove_labels),
)
