"""Mailboxes: warm-up with lemwarm, and SMTP/IMAP accounts of members."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from lemlist_async.sandbox import defaults
from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import RouteResponse, refuse, respond
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.routes.common import is_email, word
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES"]

_SETTINGS: Final[dict[str, type]] = {
    "warmEmailMax": int,
    "warmEmailRampup": int,
    "internalCommunicationPercent": int,
    "answerPercentage": int,
    "warmUsePlaintext": bool,
    "warmDailyVarianceEnabled": bool,
}
_FIRST_SETTINGS: Final[Record] = {"warmEmailRampup": 2, "warmEmailMax": 20}
_REQUIRED: Final[dict[str, type]] = {
    "sender_name": str,
    "sender_email": str,
    "smtp_host": str,
    "smtp_port": int,
    "smtp_login": str,
    "smtp_password": str,
    "imap_host": str,
    "imap_port": int,
    "imap_login": str,
    "imap_password": str,
}


def _mailbox_of(context: RequestContext) -> Record:
    boxes: Iterator[Record] = (box for user in context.team.users.values() for box in user["mailboxes"])
    box = next((box for box in boxes if box["_id"] == context.ids["userMailboxId"]), None)
    if box is None:
        raise refuse(400, "invalid-usermailbox")
    return box


def start_warmup(context: RequestContext) -> Record:
    """Start the warm-up. A second start succeeds."""
    _mailbox_of(context)["lemwarm"] |= {"active": True, "activeAt": context.team.stamp()}
    return {"ok": True}


def pause_warmup(context: RequestContext) -> Record:
    """Pause the warm-up. A second pause succeeds."""
    _mailbox_of(context)["lemwarm"]["active"] = False
    return {"ok": True}


def get_settings(context: RequestContext) -> Record:
    """Return the settings of the document's examples, which differ from its schema: ``active`` is missing."""
    warmup = _mailbox_of(context)["lemwarm"]
    shown = {field: warmup[field] for field in ("activeAt", *_SETTINGS) if field in warmup}
    score = {"score": 80, "lastAt": warmup.get("activeAt", context.team.created_at)}
    return _FIRST_SETTINGS | shown | {"deliverability": score}


def update_settings(context: RequestContext) -> Record:
    """Change settings. Types are checked, and the response does not repeat the settings."""
    warmup, body = _mailbox_of(context)["lemwarm"], context.record()
    given = {field: body[field] for field in _SETTINGS if field in body}
    if any(type(value) is not _SETTINGS[field] for field, value in given.items()):
        raise refuse(400, "A provided field has the wrong type")
    if any(not 1 <= value <= 40 for field, value in given.items() if field in _FIRST_SETTINGS):
        raise refuse(400, "Error updating settings")
    warmup |= given
    return {"ok": True}


def connect_account(context: RequestContext) -> RouteResponse:
    """Connect a mailbox, once per address. No server is contacted."""
    body = context.record()
    if any(not isinstance(body.get(field), kind) or not body[field] for field, kind in _REQUIRED.items()):
        raise refuse(400, "Missing required fields")
    if not is_email(body["sender_email"]):
        raise refuse(400, "Invalid email")
    if any(" " in body[host] or "." not in body[host] for host in ("smtp_host", "imap_host")):
        raise refuse(400, "Invalid host")
    user = context.team.users.get(word(body, "userId") if "userId" in body else context.team.user_id)
    if user is None:
        raise refuse(403, "User is not a member of this team")
    boxes = (box for member in context.team.users.values() for box in member["mailboxes"])
    if any(box["email"] == body["sender_email"] for box in boxes):
        raise refuse(400, "This SMTP mailbox already exists")
    box = defaults.mailbox(context.team, body["sender_email"], "custom")
    box |= {
        "_id": context.team.new_id("umx"),
        "hosts": {"smtp": body["smtp_host"], "imap": body["imap_host"]},
    }
    user["mailboxes"].append(box)
    return respond({"id": box["_id"], "email": box["email"], "provider": "custom"}, 201)


def _account_of(context: RequestContext) -> tuple[list[Record], Record]:
    for user in context.team.users.values():
        for box in user["mailboxes"]:
            if box["_id"] == context.ids["emailAccountId"]:
                return user["mailboxes"], box
    raise refuse(404, "Email account not found")


def disconnect_account(context: RequestContext) -> Record:
    """Disconnect a mailbox. Only one that was connected here can be."""
    boxes, box = _account_of(context)
    if box["provider"] != "custom":
        raise refuse(403, "You are not allowed to modify this mailbox")
    boxes.remove(box)
    return {"ok": True}


def test_account(context: RequestContext) -> Record:
    """Test a connection. A host that begins with ``down.`` does not answer."""
    hosts: dict[str, Any] = _account_of(context)[1].get("hosts", {})
    return {protocol: _trial(hosts.get(protocol, "")) for protocol in ("smtp", "imap")}


def _trial(host: str) -> Record:
    return (
        {"success": False, "error": "Connection timeout"} if host.startswith("down.") else {"success": True}
    )


ROUTES = (
    Route("POST", "/lemwarm/{userMailboxId}/start", start_warmup),
    Route("POST", "/lemwarm/{userMailboxId}/pause", pause_warmup),
    Route("GET", "/lemwarm/{userMailboxId}/settings", get_settings),
    Route("PATCH", "/lemwarm/{userMailboxId}/settings", update_settings),
    Route("POST", "/user/email-accounts", connect_account),
    Route("DELETE", "/user/email-accounts/{emailAccountId}", disconnect_account),
    Route("POST", "/user/email-accounts/{emailAccountId}/test", test_account),
)
