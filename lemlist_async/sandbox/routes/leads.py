"""Leads of campaigns: add, read, change, remove."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from lemlist_async.sandbox.enrichment import start_for_lead
from lemlist_async.sandbox.exchange import Call, Record, Route, refuse

from .common import QuietRoute, campaign_of, find, is_email
from .enrich import requests_of

__all__ = ["ROUTES", "flat_view", "insert_lead", "lead_in_campaign"]

_FIXED: Final[tuple[str, ...]] = ("email", "_id", "campaignId", "contactId", "isPaused")


def flat_view(lead: Record) -> Record:
    """A lead as most routes show it: its variables and a few fields of its own side by side."""
    own = {field: lead[field] for field in ("_id", "isPaused", "campaignId", "contactId")}
    return {**lead["variables"], **own, **_enrichment(lead)}


def _enrichment(lead: Record) -> Record:
    return {"emailStatus": lead["emailStatus"]} if lead["emailStatus"] else {}


def create_lead(call: Call) -> Record:
    """Refuses a second copy; any key of the body becomes a variable."""
    return _created(call, call.record())


def _created(call: Call, body: Record) -> Record:
    campaign_id = call.ids["campaignId"]
    if not campaign_id.startswith("cam_"):  # lemlist says 200 and does nothing
        return {**body, "campaignId": campaign_id, "isPaused": False}
    campaign = campaign_of(call)
    lead = insert_lead(call, campaign, body, deduplicate=call.flag("deduplicate"))
    if requests := requests_of(call):
        start_for_lead(call.team, lead, requests)
    view = flat_view(lead)
    view.pop("emailStatus", None)
    return {"campaignId": campaign_id, "campaignName": campaign["name"], **view}


def create_lead_by_email(call: Call) -> Record:
    """The older route, no longer in the document: the address is in the path."""
    return _created(call, {**call.record(), "email": call.ids["email"]})


def insert_lead(call: Call, campaign: Record, fields: Record, *, deduplicate: bool) -> Record:
    """Add a lead, or refuse it in lemlist's words."""
    variables: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    if not variables:
        raise refuse(400, "Bad params")
    email = variables.pop("email", None)
    if email is not None and not is_email(email):
        raise refuse(400, "Bad params: email is not valid")
    team = call.team
    homes = {lead["campaignId"] for lead in team.leads_by_email(email)} if email else set[str]()
    if campaign["_id"] in homes:
        raise refuse(400, "Lead already in the campaign")
    if deduplicate and homes:
        raise refuse(call.world.behaviour.duplicate_status, "Lead already in other campaign")
    return team.add_lead(campaign["_id"], email, **variables)


def list_campaign_leads(call: Call) -> list[Record]:
    """Three fields a row, no offset, and nobody unless ``state`` is sent."""
    wanted, limit = set(call.many("state")), call.number("limit", 100, 1, 500)
    leads = (lead for lead in call.team.leads_of(campaign_of(call)["_id"]) if wanted & {"all", lead["state"]})
    return [{field: lead[field] for field in ("_id", "contactId", "state")} for lead in leads][:limit]


def get_lead(call: Call) -> Record:
    """One lead by ``id`` or ``email`` of the query."""
    lead_id, email = call.one("id"), call.one("email")
    if lead_id:
        return flat_view(find(call, call.team.leads, lead_id, "Lead not found"))
    leads = call.team.leads_by_email(email) if email else []
    if not leads:
        raise refuse(404, "Lead not found")
    return flat_view(leads[0])


def get_lead_by_email(call: Call) -> object:
    """With ``version=v2`` all copies of a person, without it the first one, flat."""
    leads = call.team.leads_by_email(call.ids["email"])
    if not leads:
        raise refuse(404, "Lead not found")
    return [_full_view(call, lead) for lead in leads] if call.one("version") == "v2" else flat_view(leads[0])


def _full_view(call: Call, lead: Record) -> Record:
    campaign = call.team.campaigns[lead["campaignId"]]
    own = ("_id", "isPaused", "state", "status", "personalized", "source", "variables", "contactId")
    return {
        **{field: lead[field] for field in own},
        "updatedAt": lead.get("updatedAt", lead["createdAt"]),
        "enrichment": _enrichment(lead),
        "campaign": {"id": campaign["_id"], "name": campaign["name"], "status": campaign["status"]},
        "sendingUser": {},
    }


def lead_in_campaign(call: Call, value: str) -> Record:
    """The lead that an id or an address means within the campaign of the path."""
    campaign = campaign_of(call)
    by_email = "@" in value
    leads = (
        call.team.leads_by_email(value)
        if by_email
        else [find(call, call.team.leads, value, "Lead not found")]
    )
    lead = next((lead for lead in leads if lead["campaignId"] == campaign["_id"]), None)
    if lead is None:
        raise refuse(404, "Lead not found")
    return lead


def update_lead(call: Call) -> Record:
    """An unsubscribed lead is a 500 that never goes away."""
    lead, body = lead_in_campaign(call, call.ids["leadId"]), call.record()
    if lead["status"] == "unsubscribed":
        raise refuse(500, "Lead in graveyard")
    changes = {name: value for name, value in body.items() if name not in _FIXED}
    # JavaScript's text of an object: nested values are not understood, and not refused
    lead["variables"] |= {
        name: "[object Object]" if isinstance(value, dict) else value for name, value in changes.items()
    }
    lead["updatedAt"] = call.team.stamp()
    campaign = call.team.campaigns[lead["campaignId"]]
    address = quote(lead["variables"].get("email", lead["_id"]), safe="")
    url = f"{call.world.behaviour.public_url()}/leads/{address}"
    return {
        "campaignId": campaign["_id"],
        "campaignName": campaign["name"],
        "leadUrl": url,
        **flat_view(lead),
    }


def remove_lead(call: Call) -> Record:
    """Removes with ``action=remove``, and only unsubscribes without it."""
    lead = lead_in_campaign(call, call.ids["leadId"])
    if call.one("action") != "remove":
        return _unsubscribed(call, lead)
    call.team.remove_lead(lead)
    return flat_view(lead)


def unsubscribe_lead(call: Call) -> Record:
    """The lead of that address keeps its place, and is written to no more."""
    view = _unsubscribed(call, lead_in_campaign(call, call.ids["email"]))
    return {field: view[field] for field in _FIXED if field in view}


def _unsubscribed(call: Call, lead: Record) -> Record:
    if lead["status"] == "unsubscribed":
        raise refuse(404, "Lead not found")
    lead |= {"status": "unsubscribed", "state": "emailsUnsubscribed", "updatedAt": call.team.stamp()}
    call.team.add_activity("emailsUnsubscribed", lead)
    return flat_view(lead)


def unsubscribe_nobody(call: Call) -> Record:
    """The operation has no way to say which lead."""
    campaign_of(call)
    raise refuse(404, "An email is required to unsub a lead")


ROUTES = (
    QuietRoute("GET", "/leads", get_lead),
    QuietRoute("GET", "/leads/{email}", get_lead_by_email),
    QuietRoute("GET", "/campaigns/{campaignId}/leads/", list_campaign_leads),
    Route("POST", "/campaigns/{campaignId}/leads/", create_lead),
    Route("POST", "/campaigns/{campaignId}/leads/{email}", create_lead_by_email),
    QuietRoute("DELETE", "/campaigns/{campaignId}/leads/", unsubscribe_nobody),
    QuietRoute("PATCH", "/campaigns/{campaignId}/leads/{leadId}", update_lead),
    QuietRoute("DELETE", "/campaigns/{campaignId}/leads/{leadId}", remove_lead),
    QuietRoute("DELETE", "/campaigns/{campaignId}/leads/{email}", unsubscribe_lead),
)
