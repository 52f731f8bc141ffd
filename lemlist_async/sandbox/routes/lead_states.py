"""State changes of leads: pause, resume, launch, interested or not."""

from __future__ import annotations

from collections.abc import Callable

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import refuse
from lemlist_async.sandbox.routes.common import QuietRoute
from lemlist_async.sandbox.routes.leads import flat_view, lead_in_campaign
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES"]


def resume_lead(context: RequestContext) -> list[Record]:
    """Resume the person in all campaigns."""
    return [_set_paused(context, lead, paused=False) for lead in _copies(context, context.ids["leadId"])]


def pause_lead(context: RequestContext) -> list[Record]:
    """Pause the person in all campaigns, or in the one that ``campaignId`` names."""
    campaign_id = context.one("campaignId")
    leads = [
        lead for lead in _copies(context, context.ids["leadId"]) if campaign_id in (None, lead["campaignId"])
    ]
    if not leads:
        raise refuse(404, "Lead not found")
    return [_set_paused(context, lead, paused=True) for lead in leads]


def _set_paused(context: RequestContext, lead: Record, *, paused: bool) -> Record:
    if lead["isPaused"] != paused:
        context.happen("paused" if paused else "resumed", lead, userName="api")
    return flat_view(lead)


def _copies(context: RequestContext, value: str) -> list[Record]:
    """Return the lead of an id with its copies in other campaigns, or all leads of an address."""
    lead = context.team.leads.get(value)
    if "@" in value:
        leads = context.team.leads_by_email(value)
    elif lead is None:
        leads = []
    else:
        leads = list(context.team.leads.of_contact(lead["contactId"]))
    if not leads:
        raise refuse(404, "Lead not found")
    return leads


def launch_lead(context: RequestContext) -> Record:
    """Release a lead from review. Errors are JSON with a code under ``error``."""
    missing = {"error": "CAMPAIGN_LEAD_REVIEW_LEAD_NOT_FOUND", "message": "Lead not found"}
    lead = context.team.leads.get(context.ids["leadId"])
    if lead is None:
        raise refuse(404, missing)
    campaign = context.team.campaigns[lead["campaignId"]]
    refusals = (
        (lead["status"] != "review", "LEAD_ALREADY_LAUNCHED", "Lead is already launched"),
        (lead["isPaused"], "LEAD_PAUSED", "Lead is paused"),
        (not campaign["sendUserIds"], "LEAD_NO_SENDER_AVAILABLE", "No sender is available"),
    )
    for applies, code, message in refusals:
        if applies:
            raise refuse(400, {"error": f"CAMPAIGN_LEAD_REVIEW_{code}", "message": message})
    lead |= {"status": "running", "state": "reviewed", "updatedAt": context.team.stamp()}
    context.team.on_launch(lead)
    return {"ok": True}


def _mark(context: RequestContext, lead: Record, *, interested: bool) -> Record:
    context.happen("manualInterested" if interested else "manualNotInterested", lead, userName="api")
    return flat_view(lead)


def _mark_everywhere(interested: bool) -> Callable[[RequestContext], list[Record]]:
    def mark(context: RequestContext) -> list[Record]:
        return [
            _mark(context, lead, interested=interested)
            for lead in _copies(context, context.ids["leadIdOrEmail"])
        ]

    return mark


def _mark_here(interested: bool) -> Callable[[RequestContext], Record]:
    def mark(context: RequestContext) -> Record:
        return _mark(context, lead_in_campaign(context, context.ids["leadIdOrEmail"]), interested=interested)

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
