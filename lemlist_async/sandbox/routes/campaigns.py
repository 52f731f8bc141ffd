"""Campaigns: list, create, read, change, start, pause, duplicate."""

from __future__ import annotations

from typing import Final

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import refuse
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.routes.common import QuietRoute, campaign_of, find, newest, paged, require, texts
from lemlist_async.sandbox.routes.team import STATUSES
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES", "senders_of"]

_CONDITIONS: Final[tuple[str, ...]] = ("deliverable", "risky", "undeliverable", "unverified")
_FLAGS: Final[tuple[str, ...]] = (
    "stopOnEmailReplied",
    "stopOnMeetingBooked",
    "stopOnLinkClicked",
    "leadsPausedByInterest",
    "opportunityReplied",
    "opportunityClicked",
    "autoLeadInterest",
    "disableTrackOpen",
    "disableTrackClick",
    "disableTrackReply",
    "disableOutOfOffice",
    "sequenceSharing",
)
_OBJECTS: Final[tuple[str, ...]] = ("aiFeatures", "tracking", "onReplied", "onLinkClicked", "onMeetingBooked")
_LISTED: Final[tuple[str, ...]] = (
    "_id",
    "name",
    "emoji",
    "labels",
    "timezone",
    "teamId",
    "sequenceId",
    "scheduleIds",
    "createdAt",
    "createdBy",
    "status",
)


def list_campaigns(context: RequestContext) -> object:
    """List campaigns: short rows, or a page object for ``version=v2`` (by the sandbox's ``list_shape``)."""
    status, author = context.one("status"), context.one("createdBy")
    if status is not None and status not in STATUSES:
        raise refuse(400, "Bad params: status is invalid")
    chosen = [
        campaign
        for campaign in newest(context, context.team.campaigns.values())
        if status in (None, campaign["status"]) and author in (None, campaign["createdBy"])
    ]
    page, pagination = paged(context, chosen)
    if context.one("version") != "v2":
        return [{field: campaign[field] for field in ("_id", "name", "labels")} for campaign in page]
    rows = [full_view(context.team, campaign) for campaign in page]
    return (
        rows
        if context.world.behaviour.list_shape == "bare"
        else {"campaigns": rows, "pagination": pagination}
    )


def senders_of(team: Team, campaign: Record) -> list[Record]:
    """List the members that a campaign sends for, with their first mailbox."""
    users = [team.users[user_id] for user_id in campaign["sendUserIds"] if user_id in team.users]
    return [
        {"id": user["_id"], "email": user["email"], "sendUserMailboxId": user["mailboxes"][0]["_id"]}
        for user in users
    ]


def full_view(team: Team, campaign: Record) -> Record:
    """Build a campaign as lists and single reads show it."""
    errors = [] if campaign["sendUserIds"] else ["This campaign has nobody to send it."]
    author = team.users.get(campaign["createdBy"], {})
    return {
        **{field: campaign[field] for field in _LISTED},
        "hasError": bool(errors),
        "errors": errors,
        "creator": {"userId": campaign["createdBy"], "userEmail": author.get("email")},
        "senders": senders_of(team, campaign),
    }


def create_campaign(context: RequestContext) -> Record:
    """Create a campaign. Its state is ``running`` and it has no senders."""
    body = context.record()
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        raise refuse(400, "Bad params")
    fields = {"sendUserIds": list[str](), **_review_settings(body)}
    if "timezone" in body:
        fields["timezone"] = require(body, "timezone")
    campaign = context.team.add_campaign(name, **fields)
    shown = ("_id", "sequenceId", "scheduleIds", "teamId", "createdBy", "createdAt", "state", "emoji", "name")
    counters = dict.fromkeys(("scannedCount", "reviewedCount", "inSequenceLeadCount"), 0)
    return {
        **{field: campaign[field] for field in shown},
        **counters,
        "variableKeys": [],
        "displayedVariableKeys": ["companyName"],
        "senders": [],
        "sendUsers": [],
        "stopOnEmailReplied": True,
        "crmOpportunitiesOnTask": True,
        "unsubscribe": "campaign",
    }


def _review_settings(body: Record) -> Record:
    settings: Record = {
        field: body[field] for field in ("autoReview", "autoReviewConditions") if field in body
    }
    conditions = texts(settings.get("autoReviewConditions", []), "Bad params")
    if not isinstance(settings.get("autoReview", False), bool):
        raise refuse(400, "Bad params")
    if not all(condition in _CONDITIONS for condition in conditions):
        raise refuse(400, "Bad params: autoReviewConditions is invalid")
    return settings


def get_campaign(context: RequestContext) -> Record:
    """Return the campaign with its senders."""
    return full_view(context.team, campaign_of(context))


def update_campaign(context: RequestContext) -> Record:
    """Change a campaign. The undocumented ``archived`` works too, as seen live."""
    campaign, body = campaign_of(context), context.record()
    changes: Record = {field: require(body, field, bool) for field in (*_FLAGS, "archived") if field in body}
    changes |= {field: require(body, field, dict) for field in _OBJECTS if field in body}
    changes |= {field: require(body, field) for field in ("name", "stopOnLinkClickedFilter") if field in body}
    changes |= _review_settings(body)
    if "sendUserIds" in body:
        user_ids = texts(require(body, "sendUserIds", list), "Bad params: sendUserIds is required")
        changes["sendUserIds"] = _members(context.team, user_ids)
    if "archived" in changes:
        changes["status"] = "archived" if changes["archived"] else campaign["state"]
    campaign |= changes
    flags = {field: campaign.get(field, False) for field in _FLAGS}
    return {"name": campaign["name"], **flags, "sendUsers": _send_users(context.team, campaign)}


def _members(team: Team, user_ids: list[str]) -> list[str]:
    members = [user_id for user_id in user_ids if user_id in team.users]
    if not members:
        raise refuse(400, "None of the provided sender IDs are members of this team")
    return members


def _send_users(team: Team, campaign: Record) -> list[Record]:
    return [
        {
            "id": sender["id"],
            "mailboxes": [{"sendUserMailboxId": sender["sendUserMailboxId"], "email": sender["email"]}],
            "phoneNumbers": [],
            "whatsappAccountIds": [],
        }
        for sender in senders_of(team, campaign)
    ]


def pause_campaign(context: RequestContext) -> Record:
    """Pause a campaign; 400 if it is not running."""
    return _switch(context, "paused", "You can't pause campaigns that are not running.")


def start_campaign(context: RequestContext) -> Record:
    """Start a campaign; 400 if it is running already, as a new campaign is."""
    return _switch(context, "running", "You can't start campaigns that are already running.")


def _switch(context: RequestContext, state: str, refusal: str) -> Record:
    campaign = campaign_of(context)
    if campaign["state"] == state:
        raise refuse(400, refusal)
    campaign["state"] = campaign["status"] = state
    context.world.engine.walker.switched(context.team, campaign)
    return {"_id": campaign["_id"], "state": state}


def duplicate_campaign(context: RequestContext) -> Record:
    """Copy settings and steps, without the leads. Errors are JSON."""
    miss, foreign = {"error": "Campaign not found"}, {"error": "Bad team"}
    original = find(context, context.team.campaigns, context.ids["campaignId"], miss, foreign)
    name = context.record().get("name") or f"{original['name']} (copy)"
    own = {
        "_id",
        "name",
        "sequenceId",
        "scheduleIds",
        "createdAt",
        "createdBy",
        "status",
        "state",
        "archived",
    }
    settings: Record = {field: value for field, value in original.items() if field not in own}
    copy = context.team.add_campaign(name, **settings, state="paused")
    steps = context.team.sequences[original["sequenceId"]]["steps"]
    context.team.sequences[copy["sequenceId"]]["steps"] = [
        step | {"_id": context.team.new_id("stp"), "sequenceId": copy["sequenceId"]} for step in steps
    ]
    view = full_view(context.team, copy)
    shown = (
        "_id",
        "name",
        "sequenceId",
        "labels",
        "createdAt",
        "createdBy",
        "status",
        "senders",
        "hasError",
        "errors",
    )
    return {field: view[field] for field in shown} | {"archived": False}


def get_statutes(context: RequestContext) -> Record:
    """List the obstacles to a launch."""
    campaign = find(context, context.team.campaigns, context.ids["campaignId"], None)
    team = context.team
    findings = (
        (3, "sender", "The campaign has no sender.", not campaign["sendUserIds"]),
        (3, "sequence", "The campaign has no step.", not team.sequences[campaign["sequenceId"]]["steps"]),
        (2, "lead", "The campaign has no lead.", not team.leads.in_campaign(campaign["_id"])),
    )
    statutes = [
        {"type": "issue", "level": level, "category": category, "message": message}
        for level, category, message, present in findings
        if present
    ]
    return {"name": campaign["name"], "status": campaign["status"], "statutes": statutes}


ROUTES = (
    Route("GET", "/campaigns", list_campaigns),
    Route("POST", "/campaigns", create_campaign),
    QuietRoute("GET", "/campaigns/{campaignId}", get_campaign),
    QuietRoute("PATCH", "/campaigns/{campaignId}", update_campaign),
    QuietRoute("POST", "/campaigns/{campaignId}/pause", pause_campaign),
    QuietRoute("POST", "/campaigns/{campaignId}/start", start_campaign),
    QuietRoute("POST", "/campaigns/{campaignId}/duplicate", duplicate_campaign),
    QuietRoute("GET", "/campaigns/{campaignId}/statutes", get_statutes),
)
