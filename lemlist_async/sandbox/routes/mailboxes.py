"""Mailboxes: warm-up with lemwarm, and SMTP/IMAP accounts of members."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from lemlist_async.sandbox import defaults
from lemlist_async.sandbox.exchange import Answer, Call, Record, Route, answer, refuse

from .common import is_email

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


def _mailbox_of(call: Call) -> Record:
    boxes: Iterator[Record] = (box for user in call.team.users.values() for box in user["mailboxes"])
    box = next((box for box in boxes if box["_id"] == call.ids["userMailboxId"]), None)
    if box is None:
        raise refuse(400, "invalid-usermailbox")
    return box


def start_warmup(call: Call) -> Record:
    """Starting twice is fine."""
    _mailbox_of(call)["lemwarm"] |= {"active": True, "activeAt": call.team.stamp()}
    return {"ok": True}


def pause_warmup(call: Call) -> Record:
    """Pausing twice is fine."""
    _mailbox_of(call)["lemwarm"]["active"] = False
    return {"ok": True}


def get_settings(call: Call) -> Record:
    """What the examples show, not what the schema says; ``active`` is not among it."""
    warmup = _mailbox_of(call)["lemwarm"]
    shown = {field: warmup[field] for field in ("activeAt", *_SETTINGS) if field in warmup}
    score = {"score": 80, "lastAt": warmup.get("activeAt", call.team.created_at)}
    return _FIRST_SETTINGS | shown | {"deliverability": score}


def update_settings(call: Call) -> Record:
    """Types are checked; the answer does not repeat the settings."""
    warmup, body = _mailbox_of(call)["lemwarm"], call.record()
    given = {field: body[field] for field in _SETTINGS if field in body}
    if any(type(value) is not _SETTINGS[field] for field, value in given.items()):
        raise refuse(400, "A provided field has the wrong type")
    if any(not 1 <= value <= 40 for field, value in given.items() if field in _FIRST_SETTINGS):
        raise refuse(400, "Error updating settings")
    warmup |= given
    return {"ok": True}


def connect_account(call: Call) -> Answer:
    """An address is connected once; nothing is dialled."""
    body = call.record()
    if any(not isinstance(body.get(field), kind) or not body[field] for field, kind in _REQUIRED.items()):
        raise refuse(400, "Missing required fields")
    if not is_email(body["sender_email"]):
        raise refuse(400, "Invalid email")
    if any(" " in body[host] or "." not in body[host] for host in ("smtp_host", "imap_host")):
        raise refuse(400, "Invalid host")
    user = call.team.users.get(body.get("userId", call.team.user_id))
    if user is None:
        raise refuse(403, "User is not a member of this team")
    boxes = (box for member in call.team.users.values() for box in member["mailboxes"])
    if any(box["email"] == body["sender_email"] for box in boxes):
        raise refuse(400, "This SMTP mailbox already exists")
    box = defaults.mailbox(call.team, body["sender_email"], "custom")
    box |= {"_id": call.team.new_id("umx"), "hosts": {"smtp": body["smtp_host"], "imap": body["imap_host"]}}
    user["mailboxes"].append(box)
    return answer({"id": box["_id"], "email": box["email"], "provider": "custom"}, 201)


def _account_of(call: Call) -> tuple[list[Record], Record]:
    for user in call.team.users.values():
        for box in user["mailboxes"]:
            if box["_id"] == call.ids["emailAccountId"]:
                return user["mailboxes"], box
    raise refuse(404, "Email account not found")


def disconnect_account(call: Call) -> Record:
    """Only what was connected here."""
    boxes, box = _account_of(call)
    if box["provider"] != "custom":
        raise refuse(403, "You are not allowed to modify this mailbox")
    boxes.remove(box)
    return {"ok": True}


def test_account(call: Call) -> Record:
    """A host that begins with ``down.`` does not answer."""
    hosts: dict[str, Any] = _account_of(call)[1].get("hosts", {})
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
