"""Users: members of the team, and the channels of the key's own member."""

from __future__ import annotations

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import refuse
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES"]


def get_user(context: RequestContext) -> Record:
    """Return one member; an unknown id belongs to another team."""
    user = context.team.users.get(context.ids["userId"])
    if user is None:
        raise refuse(400, "Bad team")
    return {field: user[field] for field in ("_id", "email", "role", "linkedIn", "mailboxes")}


def get_channels(context: RequestContext) -> Record:
    """List the channels of the member behind the key."""
    mailboxes = context.team.users[context.team.user_id]["mailboxes"]
    key_states = [{"id": box["_id"], "email": box["email"], "provider": box["provider"]} for box in mailboxes]
    return {
        "plan": context.team.plan,
        "email": {"connected": bool(key_states), "available": True, "accounts": key_states},
        "linkedin": {"connected": True, "available": True},
        "whatsapp": {"connected": False, "available": True, "addonActive": False, "accounts": []},
    }


ROUTES = (
    Route("GET", "/users/{userId}", get_user),
    # no 401 is documented for it
    Route("GET", "/user/channels", get_channels),
)
