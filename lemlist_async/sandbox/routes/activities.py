"""Activities: the history, newest first."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

from lemlist_async.sandbox.exchange import Call, Record, refuse

from .common import QuietRoute, sliced

__all__ = ["ROUTES"]


def list_activities(call: Call) -> list[Record]:
    """A slice of those that every filter lets through; without ``version=v2`` in the flat old form."""
    earliest, latest = _moment(call, "minDate", "startDate"), _moment(call, "maxDate", "endDate")
    if earliest is not None and latest is not None and earliest >= latest:
        raise refuse(400, "Bad params: maxDate must be greater than minDate")
    low, high = -math.inf if earliest is None else earliest, math.inf if latest is None else latest
    dated = earliest is not None or latest is not None
    wanted = {name: call.one(name) for name in ("type", "campaignId", "leadId")}
    chosen = [
        row
        for row in reversed(call.team.activities.values())
        if all(value in (None, row.get(name)) for name, value in wanted.items())
        and (not call.flag("isFirst") or row.get("isFirst"))
        and (not dated or low <= datetime.fromisoformat(row["createdAt"]).timestamp() <= high)
    ]
    shape: Callable[[Call, Record], Record] = _view if call.one("version") == "v2" else _old_view
    return [shape(call, row) for row in sliced(call, chosen)]


def _moment(call: Call, name: str, alias: str) -> float | None:
    """Epoch seconds from seconds or ISO 8601; a time without zone is UTC."""
    given = call.one(name) or call.one(alias)
    if given is None:
        return None
    try:
        return float(given)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise refuse(400, f"Bad params: {name} is not a date") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _view(call: Call, activity: Record) -> Record:
    """An activity with names beside ids, and its lead as it is now."""
    lead = call.team.leads.get(activity.get("leadId", ""))
    return {**_about(call, activity, lead), **({"lead": _lead_view(lead)} if lead else {})}


def _old_view(call: Call, activity: Record) -> Record:
    """The variables of the lead lie flat beside the fields of the event."""
    lead = call.team.leads.get(activity.get("leadId", ""))
    return {**(lead["variables"] if lead else {}), **_about(call, activity, lead), "extra": {}}


def _about(call: Call, activity: Record, lead: Record | None) -> Record:
    campaign = call.team.campaigns.get(activity.get("campaignId", ""))
    variables: Record = lead["variables"] if lead else {}
    named = {
        f"lead{name[0].upper()}{name[1:]}": variables[name]
        for name in ("email", "firstName", "lastName", "companyName")
        if name in variables
    }
    ids = {name: activity[name] for name in ("teamId", "campaignId", "leadId") if name in activity}
    names = {"campaignName": campaign["name"], "name": campaign["name"]} if campaign else {}
    return {**activity, **named, **names, "metaData": {**ids, "type": activity["type"]}}


def _lead_view(lead: Record) -> Record:
    shown = ("_id", "isPaused", "state", "personalized", "source", "variables", "contactId")
    enrichment = {"emailStatus": lead["emailStatus"]} if lead["emailStatus"] else {}
    return {field: lead[field] for field in shown} | {"enrichment": enrichment}


def delete_recording(call: Call) -> Record:
    """Only of a call that has a recording."""
    activity = call.team.activities.get(call.ids["activityId"])
    if activity is None or "recordingUrl" not in activity:
        raise refuse(404, "Activity not found")
    del activity["recordingUrl"]
    activity.pop("transcript", None)
    return {"ok": True}


ROUTES = (
    QuietRoute("GET", "/activities", list_activities),
    QuietRoute("DELETE", "/activities/{activityId}/recording-transcript", delete_recording),
)
