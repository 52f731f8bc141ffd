"""What moves a lead on: pause, resume, launch, interested or not."""

from __future__ import annotations

from collections.abc import Callable

from lemlist_async.sandbox.exchange import Call, Record, refuse

from .common import QuietRoute
from .leads import flat_view, lead_in_campaign

__all__ = ["ROUTES"]


def resume_lead(call: Call) -> list[Record]:
    """In all campaigns of the person."""
    return [_set_paused(call, lead, paused=False) for lead in _copies(call, call.ids["leadId"])]


def pause_lead(call: Call) -> list[Record]:
    """In all campaigns of the person, unless ``campaignId`` names one."""
    campaign_id = call.one("campaignId")
    leads = [lead for lead in _copies(call, call.ids["leadId"]) if campaign_id in (None, lead["campaignId"])]
    if not leads:
        raise refuse(404, "Lead not found")
    return [_set_paused(call, lead, paused=True) for lead in leads]


def _set_paused(call: Call, lead: Record, *, paused: bool) -> Record:
    if lead["isPaused"] != paused:
        lead |= {"isPaused": paused, "updatedAt": call.team.stamp()}
        call.team.add_activity("paused" if paused else "resumed", lead)
    return flat_view(lead)


def _copies(call: Call, value: str) -> list[Record]:
    """The lead of an id and its copies in other campaigns, or all leads of an address."""
    lead = call.team.leads.get(value)
    if "@" in value:
        leads = call.team.leads_by_email(value)
    elif lead is None:
        leads = []
    else:
        leads = call.team.leads_of_contact(lead["contactId"])
    if not leads:
        raise refuse(404, "Lead not found")
    return leads


def launch_lead(call: Call) -> Record:
    """Releases a lead from review; errors are JSON with a code under ``error``."""
    missing = {"error": "CAMPAIGN_LEAD_REVIEW_LEAD_NOT_FOUND", "message": "Lead not found"}
    lead = call.team.leads.get(call.ids["leadId"])
    if lead is None:
        raise refuse(404, missing)
    campaign = call.team.campaigns[lead["campaignId"]]
    refusals = (
        (lead["status"] != "review", "LEAD_ALREADY_LAUNCHED", "Lead is already launched"),
        (lead["isPaused"], "LEAD_PAUSED", "Lead is paused"),
        (not campaign["sendUserIds"], "LEAD_NO_SENDER_AVAILABLE", "No sender is available"),
    )
    for applies, code, message in refusals:
        if applies:
            raise refuse(400, {"error": f"CAMPAIGN_LEAD_REVIEW_{code}", "message": message})
    lead |= {"status": "running", "state": "reviewed", "updatedAt": call.team.stamp()}
    return {"ok": True}


def _mark(call: Call, lead: Record, *, interested: bool) -> Record:
    word = "interested" if interested else "notInterested"
    lead |= {"state": word, "status": word, "updatedAt": call.team.stamp()}
    call.team.add_activity("apiInterested" if interested else "apiNotInterested", lead)
    return flat_view(lead)


def _mark_everywhere(interested: bool) -> Callable[[Call], list[Record]]:
    def mark(call: Call) -> list[Record]:
        return [_mark(call, lead, interested=interested) for lead in _copies(call, call.ids["leadIdOrEmail"])]

    return mark


def _mark_here(interested: bool) -> Callable[[Call], Record]:
    def mark(call: Call) -> Record:
        return _mark(call, lead_in_campaign(call, call.ids["leadIdOrEmail"]), interested=interested)

    return mark


ROUTES = (
    QuietRoute("POST", "/leads/start/{leadId}", resume_lead),
    QuietRoute("POST", "/leads/pause/{leadId}", pause_lead),
    QuietRoute("POST", "/leads/review/{leadId}", launch_lead),
    QuietRoute("POST", "/leads/interested/{leadIdOrEmail}", _mark_everywhere(True)),
    QuietRoute("POST", "/leads/notinterested/{leadIdOrEmail}", _mark_everywhere(False)),
    QuietRoute("POST", "/campaigns/{campaignId}/leads/{leadIdOrEmail}/interested", _mark_here(True)),
    QuietRoute("POST", "/campaigns/{campaignId}/leads/{leadIdOrEmail}/notinterested", _mark_here(False)),
)
