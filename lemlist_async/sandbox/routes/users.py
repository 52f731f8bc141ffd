"""Users: members of the team, and the channels of the one the key belongs to."""

from __future__ import annotations

from lemlist_async.sandbox.exchange import Call, Record, Route, refuse

__all__ = ["ROUTES"]


def get_user(call: Call) -> Record:
    """One member; whoever is none is another team's."""
    user = call.team.users.get(call.ids["userId"])
    if user is None:
        raise refuse(400, "Bad team")
    return {field: user[field] for field in ("_id", "email", "role", "linkedIn", "mailboxes")}


def get_channels(call: Call) -> Record:
    """What the member behind the key can send through."""
    mailboxes = call.team.users[call.team.user_id]["mailboxes"]
    accounts = [{"id": box["_id"], "email": box["email"], "provider": box["provider"]} for box in mailboxes]
    return {
        "plan": call.team.plan,
        "email": {"connected": bool(accounts), "available": True, "accounts": accounts},
        "linkedin": {"connected": True, "available": True},
        "whatsapp": {"connected": False, "available": True, "addonActive": False, "accounts": []},
    }


ROUTES = (
    Route("GET", "/users/{userId}", get_user),
    # no 401 is documented for it
    Route("GET", "/user/channels", get_channels),
)
