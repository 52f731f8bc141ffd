"""An activity as lemlist shows it: with names beside ids, flat with the lead's variables or with the lead inside."""

from __future__ import annotations

from typing import Final

from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record

__all__ = ["flat_activity", "full_activity"]

_PERSON: Final[tuple[str, ...]] = ("email", "firstName", "lastName", "companyName", "phone", "picture")


def full_activity(team: Team, activity: Record) -> Record:
    """Build the activity with the lead as it is now."""
    lead = team.leads.get(activity.get("leadId", ""))
    return {**_about(team, activity, lead), **({"lead": _lead_view(lead)} if lead else {})}


def flat_activity(team: Team, activity: Record) -> Record:
    """Build the older form, where the lead's variables lie beside the event's fields. Hooks post this one."""
    lead = team.leads.get(activity.get("leadId", ""))
    return {**(lead["variables"] if lead else {}), **_about(team, activity, lead)}


def _about(team: Team, activity: Record, lead: Record | None) -> Record:
    campaign = team.campaigns.get(activity.get("campaignId") or "")
    variables: Record = lead["variables"] if lead else {}
    named = {f"lead{name[0].upper()}{name[1:]}": variables[name] for name in _PERSON if name in variables}
    ids = {
        name: activity[name] for name in ("teamId", "campaignId", "leadId", "createdBy") if name in activity
    }
    names = {"campaignName": campaign["name"], "name": campaign["name"]} if campaign else {}
    return {**activity, **named, **names, "metaData": {**ids, "type": activity["type"]}}


def _lead_view(lead: Record) -> Record:
    shown = ("_id", "isPaused", "state", "source", "variables", "contactId")
    enrichment = {"emailStatus": lead["emailStatus"]} if lead["emailStatus"] else {}
    own = {field: lead[field] for field in shown}
    return own | {"personalized": lead.get("personalized", False), "enrichment": enrichment}
