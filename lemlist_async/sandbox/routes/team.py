"""Team: the account itself, its senders, credits and CRM users."""

from __future__ import annotations

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import refuse
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.routes.hooks import hook_view
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES", "STATUSES"]

STATUSES = ("running", "paused", "draft", "ended", "archived", "errors")


def get_team(context: RequestContext) -> Record:
    """Return the team, with its members for ``version=v2``."""
    team = context.team
    record: Record = {
        "_id": team.id,
        "name": team.name,
        "userIds": list(team.users),
        "createdBy": team.user_id,
        "createdAt": team.created_at,
        "hooks": [hook_view(hook) for hook in team.hooks.values()],
        "beta": [],
        "invitedUsers": [],
        "slackWebhook": {"url": "https://hooks.sandbox.example/team", "failCounter": 0},
        "customDomain": "links.sandbox.example",
    }
    if context.one("version") == "v2":
        record["users"] = [
            {"userId": user["_id"], "name": user["name"], "email": user["email"], "role": user["role"]}
            for user in team.users.values()
        ]
    return record


def list_senders(context: RequestContext) -> list[Record]:
    """List members, each with the campaigns that send in their name."""
    state = context.one("state")
    if state is not None and state not in STATUSES:
        raise refuse(400, "Bad params (invalid state parameter)")
    return [
        {
            "userId": user_id,
            "campaigns": [_sender_row(campaign) for campaign in _campaigns_of(context, user_id, state)],
        }
        for user_id in context.team.users
    ]


def _campaigns_of(context: RequestContext, user_id: str, status: str | None) -> list[Record]:
    return [
        campaign
        for campaign in context.team.campaigns.values()
        if user_id in campaign["sendUserIds"] and status in (None, campaign["status"])
    ]


def _sender_row(campaign: Record) -> Record:
    row = {field: campaign[field] for field in ("_id", "name", "status")}
    return row | {"sendingChannels": ["email", "linkedin"]}


def get_credits(context: RequestContext) -> Record:
    """Return credits by origin, and their sum."""
    total = sum(context.team.credits.values())
    return {"credits": total, "details": {"remaining": {"total": total, **context.team.credits}}}


def list_crm_users(context: RequestContext) -> list[Record]:
    """List the members that have a CRM segment."""
    pairs = {(row["userId"], row["crm"]): None for row in context.team.crm_filters.values()}
    return [{"userId": user_id, "crm": crm} for user_id, crm in pairs]


ROUTES = (
    Route("GET", "/team", get_team),
    Route("GET", "/team/senders", list_senders),
    Route("GET", "/team/credits", get_credits),
    Route("GET", "/team/crmUsers", list_crm_users),
)
