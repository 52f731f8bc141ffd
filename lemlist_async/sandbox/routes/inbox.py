"""Inbox: conversations with contacts, and messages that are only recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lemlist_async.sandbox.exchange import Answer, Call, Record, Route, refuse

from .common import word
from .contacts import full_name

__all__ = ["ROUTES"]

_PAGE: Final = 10


def list_conversations(call: Call) -> Record:
    """Those of one member, the latest first."""
    user_id = call.one("userId")
    if not user_id:
        raise refuse(400, "User ID is required")
    if user_id not in call.team.users:
        raise refuse(400, "User not in team")
    own = [
        row
        for row in call.team.conversations.values()
        if any(user["userId"] == user_id for user in row["users"])
    ]
    own.sort(key=lambda row: row["lastActivityAt"], reverse=True)
    limit = call.number("limit", _PAGE, 1, 100)
    rows = [_view(call, row) for row in own]
    return _page(rows, (call.number("page", 1, 1) - 1) * limit, limit)


def list_messages(call: Call) -> Record:
    """What was exchanged with one contact, the latest first; ``markAsRead=true`` writes."""
    contact_id, user_id = call.ids["contactId"], call.one("userId")
    if contact_id not in call.team.contacts:
        raise refuse(400, "Invalid contactId")
    if user_id is not None and user_id not in call.team.users:
        raise refuse(400, "User not in team" if user_id.startswith("usr_") else "Invalid userId")
    if call.flag("markAsRead"):
        _mark_read(call, contact_id, user_id)
    messages = [
        row
        for row in call.team.activities.values()
        if row.get("contactId") == contact_id and "message" in row
    ]
    return _page(messages[::-1], call.number("skip", 0), call.number("limit", _PAGE, 1, 100))


def _mark_read(call: Call, contact_id: str, user_id: str | None) -> None:
    if user_id is None:
        raise refuse(400, "User ID is required to mark as read")
    conversation = call.team.conversation_with(contact_id)
    for user in conversation["users"] if conversation else ():
        user["read"] = user["read"] or user["userId"] == user_id


def _page(rows: Sequence[Record], start: int, limit: int) -> Record:
    page = start // limit + 1
    pagination = {
        "totalItems": len(rows),
        "currentPage": page,
        "nextPage": page + 1 if start + limit < len(rows) else None,
        "previousPage": page - 1 if page > 1 else None,
        "perPage": limit,
        "totalPages": -(-len(rows) // limit),
    }
    return {"data": rows[start : start + limit], "pagination": pagination}


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise refuse(400, f"Invalid {name}")
    return value


def _recipient(call: Call, body: Record) -> Record:
    """The contact that a message goes to, by its own id or that of a lead."""
    contact_id, lead_id = word(body, "contactId"), word(body, "leadId")
    if not contact_id and not lead_id:
        raise refuse(400, "contactId or leadId is required")
    if lead_id and not lead_id.startswith("lea_"):
        raise refuse(400, "Invalid leadId")
    lead = call.team.leads.get(lead_id)
    if lead_id and lead is None:
        raise refuse(400, "Lead not found")
    contact = call.team.contacts.get(contact_id or (lead["contactId"] if lead else ""))
    if contact is None:
        raise refuse(400, "Invalid contactId")
    return contact


def _sender(call: Call, body: Record) -> Record:
    user = call.team.users.get(_text(body, "sendUserId"))
    if user is None:
        raise refuse(400, "Invalid sendUserId")
    return user


def send_email(call: Call) -> Record:
    """Recorded in ``team.sent`` and in the conversation; nothing leaves."""
    body = call.record()
    user = _sender(call, body)
    mailbox = next((box for box in user["mailboxes"] if box["_id"] == _text(body, "sendUserMailboxId")), None)
    if mailbox is None:
        raise refuse(400, "Invalid sendUserMailboxId")
    if mailbox["email"] != _text(body, "sendUserEmail"):
        raise refuse(400, "Invalid sendUserEmail")
    contact = _recipient(call, body)
    _send(call, "email", "emailsSent", body, contact)
    return {"ok": True, "contactId": contact["_id"]}


def send_linkedin(call: Call) -> Record:
    """Recorded; nothing leaves."""
    body = call.record()
    _sender(call, body)
    _send(call, "linkedin", "linkedinSent", body, _recipient(call, body))
    return {"ok": True}


def send_whatsapp(call: Call) -> Answer:
    """Recorded; the answer has no body."""
    body = call.record()
    _sender(call, body)
    _text(body, "sendUserWhatsappAccountId")
    _send(call, "whatsapp", "whatsappMessageSent", body, _recipient(call, body))
    return Answer(200)


def _send(call: Call, channel: str, kind: str, body: Record, contact: Record) -> None:
    message = body.get("message")
    if not isinstance(message, str) or not message:
        raise refuse(400, "Bad request")
    call.team.sent.append({"channel": channel, **body})
    lead = call.team.leads.get(word(body, "leadId"))
    own = {
        field: body[field]
        for field in ("sendUserId", "sendUserEmail", "sendUserMailboxId", "subject")
        if field in body
    }
    call.team.add_message(contact, channel, kind, message, lead, **own)


def _view(call: Call, row: Record) -> Record:
    """A conversation with the person it is with."""
    contact = call.team.contacts[row["contactId"]]
    person = {"_id": contact["_id"], "fullName": full_name(contact), "email": contact["email"]}
    return {field: value for field, value in row.items() if field != "labelIds"} | {"contact": person}


ROUTES = (
    Route("GET", "/inbox", list_conversations),
    Route("GET", "/inbox/{contactId}", list_messages),
    Route("POST", "/inbox/email", send_email),
    Route("POST", "/inbox/linkedin", send_linkedin),
    Route("POST", "/inbox/whatsapp", send_whatsapp),
)
