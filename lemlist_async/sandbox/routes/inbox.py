"""Inbox: conversations with contacts, and messages that are only recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import RouteResponse, refuse
from lemlist_async.sandbox.route import Route, Work
from lemlist_async.sandbox.routes.common import word
from lemlist_async.sandbox.routes.contacts import full_name
from lemlist_async.sandbox.slices import chosen
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES"]

_PAGE: Final = 10


def list_conversations(context: RequestContext) -> Work:
    """List the conversations of one member, latest first."""
    user_id = context.one("userId")
    if not user_id:
        raise refuse(400, "User ID is required")
    if user_id not in context.team.users:
        raise refuse(400, "User not in team")
    own = yield from chosen(
        context.team.conversations.values(),
        [lambda row: any(user["userId"] == user_id for user in row["users"])],
    )
    own.sort(key=lambda row: row["lastActivityAt"], reverse=True)
    limit = context.number("limit", _PAGE, 1, 100)
    page = _page(own, (context.number("page", 1, 1) - 1) * limit, limit)
    return page | {"data": [_view(context, row) for row in page["data"]]}


def list_messages(context: RequestContext) -> Work:
    """List the messages of one contact, latest first. ``markAsRead=true`` writes."""
    contact_id, user_id = context.ids["contactId"], context.one("userId")
    if contact_id not in context.team.contacts:
        raise refuse(400, "Invalid contactId")
    if user_id is not None and user_id not in context.team.users:
        raise refuse(400, "User not in team" if user_id.startswith("usr_") else "Invalid userId")
    if context.flag("markAsRead"):
        _mark_read(context, contact_id, user_id)
    messages = yield from chosen(
        context.team.activities.values(),
        [lambda row: row.get("contactId") == contact_id, lambda row: "message" in row],
    )
    return _page(messages[::-1], context.number("skip", 0), context.number("limit", _PAGE, 1, 100))


def _mark_read(context: RequestContext, contact_id: str, user_id: str | None) -> None:
    if user_id is None:
        raise refuse(400, "User ID is required to mark as read")
    conversation = context.team.conversations.with_contact(contact_id)
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


def _recipient(context: RequestContext, body: Record) -> Record:
    """Find the receiver of a message, by contact id or by lead id."""
    contact_id, lead_id = word(body, "contactId"), word(body, "leadId")
    if not contact_id and not lead_id:
        raise refuse(400, "contactId or leadId is required")
    if lead_id and not lead_id.startswith("lea_"):
        raise refuse(400, "Invalid leadId")
    lead = context.team.leads.get(lead_id)
    if lead_id and lead is None:
        raise refuse(400, "Lead not found")
    contact = context.team.contacts.get(contact_id or (lead["contactId"] if lead else ""))
    if contact is None:
        raise refuse(400, "Invalid contactId")
    return contact


def _sender(context: RequestContext, body: Record) -> Record:
    user = context.team.users.get(_text(body, "sendUserId"))
    if user is None:
        raise refuse(400, "Invalid sendUserId")
    return user


def send_email(context: RequestContext) -> Record:
    """Record a message in ``team.sent`` and in the conversation. Nothing is sent."""
    body = context.record()
    user = _sender(context, body)
    mailbox = next((box for box in user["mailboxes"] if box["_id"] == _text(body, "sendUserMailboxId")), None)
    if mailbox is None:
        raise refuse(400, "Invalid sendUserMailboxId")
    if mailbox["email"] != _text(body, "sendUserEmail"):
        raise refuse(400, "Invalid sendUserEmail")
    contact = _recipient(context, body)
    _send(context, "email", "emailsSent", body, contact)
    return {"ok": True, "contactId": contact["_id"]}


def send_linkedin(context: RequestContext) -> Record:
    """Record a message. Nothing is sent."""
    body = context.record()
    _sender(context, body)
    _send(context, "linkedin", "linkedinSent", body, _recipient(context, body))
    return {"ok": True}


def send_whatsapp(context: RequestContext) -> RouteResponse:
    """Record a message. The response has no body."""
    body = context.record()
    _sender(context, body)
    _text(body, "sendUserWhatsappAccountId")
    _send(context, "whatsapp", "whatsappMessageSent", body, _recipient(context, body))
    return RouteResponse(200)


def _send(context: RequestContext, channel: str, kind: str, body: Record, contact: Record) -> None:
    message = body.get("message")
    if not isinstance(message, str) or not message:
        raise refuse(400, "Bad request")
    context.team.sent.append({"channel": channel, **body})
    own = {
        field: body[field]
        for field in ("sendUserId", "sendUserEmail", "sendUserMailboxId", "subject")
        if field in body
    }
    # as seen live: a message of the inbox belongs to no campaign, and moves no lead
    context.team.add_message(contact, channel, kind, message, campaignId=None, **own)


def _view(context: RequestContext, row: Record) -> Record:
    """Build a conversation with its contact."""
    contact = context.team.contacts[row["contactId"]]
    person = {"_id": contact["_id"], "fullName": full_name(contact), "email": contact["email"]}
    return {field: value for field, value in row.items() if field != "labelIds"} | {"contact": person}


ROUTES = (
    Route("GET", "/inbox", list_conversations),
    Route("GET", "/inbox/{contactId}", list_messages),
    Route("POST", "/inbox/email", send_email),
    Route("POST", "/inbox/linkedin", send_linkedin),
    Route("POST", "/inbox/whatsapp", send_whatsapp),
)
