"""Leads of campaigns: add, read, change, remove."""

from __future__ import annotations

from itertools import islice
from typing import Any, Final
from urllib.parse import quote

from lemlist_async.sandbox.enrichment import start_for_lead
from lemlist_async.sandbox.lifecycle.states import in_state
from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import refuse
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.routes.common import QuietRoute, campaign_of, find, is_email
from lemlist_async.sandbox.routes.enrich import requests_of
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES", "flat_view", "insert_lead", "lead_in_campaign"]

_FIXED: Final[tuple[str, ...]] = ("email", "_id", "campaignId", "contactId", "isPaused")


def flat_view(lead: Record) -> Record:
    """Build a lead as most routes show it: variables and a few of its own fields side by side."""
    own = {field: lead[field] for field in ("_id", "isPaused", "campaignId", "contactId")}
    return {**lead["variables"], **own, **_enrichment(lead)}


def _enrichment(lead: Record) -> Record:
    return {"emailStatus": lead["emailStatus"]} if lead["emailStatus"] else {}


def create_lead(context: RequestContext) -> Record:
    """Add a lead and refuse a second copy. Any key of the body becomes a variable."""
    return _created(context, context.record())


def _created(context: RequestContext, body: Record) -> Record:
    campaign_id = context.ids["campaignId"]
    if not campaign_id.startswith("cam_"):  # lemlist says 200 and does nothing
        return {**body, "campaignId": campaign_id, "isPaused": False}
    campaign = campaign_of(context)
    lead = insert_lead(context, campaign, body, deduplicate=context.flag("deduplicate"))
    if requests := requests_of(context):
        start_for_lead(context.team, lead, requests)
    view = flat_view(lead)
    view.pop("emailStatus", None)
    return {"campaignId": campaign_id, "campaignName": campaign["name"], **view}


def create_lead_by_email(context: RequestContext) -> Record:
    """Serve the older route, no longer in the document, with the address in the path."""
    return _created(context, {**context.record(), "email": context.ids["email"]})


def insert_lead(context: RequestContext, campaign: Record, fields: Record, *, deduplicate: bool) -> Record:
    """Add a lead, or refuse it in lemlist's words."""
    variables: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    if not variables:
        raise refuse(400, "Bad params")
    email = variables.pop("email", None)
    if email is not None and not is_email(email):
        raise refuse(400, "Bad params: email is not valid")
    team = context.team
    homes = {lead["campaignId"] for lead in team.leads_by_email(email)} if email else set[str]()
    if campaign["_id"] in homes:
        raise refuse(400, "Lead already in the campaign")
    if deduplicate and homes:
        raise refuse(context.world.behaviour.duplicate_status, "Lead already in other campaign")
    return team.add_lead(campaign["_id"], email, **variables)


def list_campaign_leads(context: RequestContext) -> list[Record]:
    """List leads: three fields a row, no offset, and an empty list unless ``state`` is sent."""
    wanted, limit = set(context.many("state")), context.number("limit", 100, 1, 500)
    leads = context.team.leads.in_campaign(campaign_of(context)["_id"]).values()
    rows = islice((lead for lead in leads if in_state(lead, wanted)), limit)
    return [{field: lead[field] for field in ("_id", "contactId", "state")} for lead in rows]


def get_lead(context: RequestContext) -> Record:
    """Return one lead by ``id`` or ``email`` of the query."""
    lead_id, email = context.one("id"), context.one("email")
    if lead_id:
        return flat_view(find(context, context.team.leads, lead_id, "Lead not found"))
    leads = context.team.leads_by_email(email) if email else []
    if not leads:
        raise refuse(404, "Lead not found")
    return flat_view(leads[0])


def get_lead_by_email(context: RequestContext) -> object:
    """Return all copies of a person with ``version=v2``, else the first one, flat."""
    leads = context.team.leads_by_email(context.ids["email"])
    if not leads:
        raise refuse(404, "Lead not found")
    return (
        [_full_view(context, lead) for lead in leads]
        if context.one("version") == "v2"
        else flat_view(leads[0])
    )


def _full_view(context: RequestContext, lead: Record) -> Record:
    campaign = context.team.campaigns[lead["campaignId"]]
    own = ("_id", "isPaused", "state", "status", "source", "variables", "contactId")
    return {
        **{field: lead[field] for field in own},
        "personalized": lead.get("personalized", False),
        "updatedAt": lead.get("updatedAt", lead["createdAt"]),
        "enrichment": _enrichment(lead),
        "campaign": {"id": campaign["_id"], "name": campaign["name"], "status": campaign["status"]},
        "sendingUser": {},
    }


def lead_in_campaign(context: RequestContext, value: str) -> Record:
    """Return the lead that an id or an address names within the campaign of the path."""
    campaign = campaign_of(context)
    by_email = "@" in value
    leads = (
        context.team.leads_by_email(value)
        if by_email
        else [find(context, context.team.leads, value, "Lead not found")]
    )
    lead = next((lead for lead in leads if lead["campaignId"] == campaign["_id"]), None)
    if lead is None:
        raise refuse(404, "Lead not found")
    return lead


def update_lead(context: RequestContext) -> Record:
    """Change a lead. An unsubscribed lead gives a permanent 500."""
    lead, body = lead_in_campaign(context, context.ids["leadId"]), context.record()
    if lead["status"] == "unsubscribed":
        raise refuse(500, "Lead in graveyard")
    changes = {name: value for name, value in body.items() if name not in _FIXED}
    # JavaScript's text of an object: nested values are not understood, and not refused
    lead["variables"] |= {
        name: "[object Object]" if isinstance(value, dict) else value for name, value in changes.items()
    }
    lead["updatedAt"] = context.team.stamp()
    campaign = context.team.campaigns[lead["campaignId"]]
    address = quote(lead["variables"].get("email", lead["_id"]), safe="")
    url = f"{context.base_url()}/leads/{address}"
    return {
        "campaignId": campaign["_id"],
        "campaignName": campaign["name"],
        "leadUrl": url,
        **flat_view(lead),
    }


def remove_lead(context: RequestContext) -> Record:
    """Remove the lead of an id with ``action=remove``, else only unsubscribe it."""
    return _removed_or_unsubscribed(context, lead_in_campaign(context, context.ids["leadId"]))


def unsubscribe_lead(context: RequestContext) -> Record:
    """Unsubscribe the lead of an address, or remove it with ``action=remove`` as the older documents had it."""
    view = _removed_or_unsubscribed(context, lead_in_campaign(context, context.ids["email"]))
    return {field: view[field] for field in _FIXED if field in view}


def _removed_or_unsubscribed(context: RequestContext, lead: Record) -> Record:
    if context.one("action") == "remove":
        context.team.remove_lead(lead)
    else:
        _unsubscribe(context, lead)
    return flat_view(lead)


def _unsubscribe(context: RequestContext, lead: Record) -> None:
    """Unsubscribe a lead, which stays in its campaign, and block its address."""
    if lead["status"] == "unsubscribed":
        raise refuse(404, "Lead not found")
    if address := lead["variables"].get("email"):
        context.team.block(address)
    context.happen("emailsUnsubscribed", lead)


def unsubscribe_unnamed_lead(context: RequestContext) -> Record:
    """Refuse: the operation cannot name its lead."""
    campaign_of(context)
    raise refuse(404, "An email is required to unsub a lead")


ROUTES = (
    QuietRoute("GET", "/leads", get_lead),
    QuietRoute("GET", "/leads/{email}", get_lead_by_email),
    QuietRoute("GET", "/campaigns/{campaignId}/leads/", list_campaign_leads),
    Route("POST", "/campaigns/{campaignId}/leads/", create_lead),
    Route("POST", "/campaigns/{campaignId}/leads/{email}", create_lead_by_email),
    QuietRoute("DELETE", "/campaigns/{campaignId}/leads/", unsubscribe_unnamed_lead),
    QuietRoute("PATCH", "/campaigns/{campaignId}/leads/{leadId}", update_lead),
    QuietRoute("DELETE", "/campaigns/{campaignId}/leads/{leadId}", remove_lead),
    QuietRoute("DELETE", "/campaigns/{campaignId}/leads/{email}", unsubscribe_lead),
)
