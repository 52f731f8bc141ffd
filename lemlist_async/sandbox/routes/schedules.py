"""Schedules: the windows of the week in which campaigns send."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, cast

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import refuse
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.routes.common import QuietRoute, campaign_of, find, newest, paged
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES"]

_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_DAYS: Final = range(1, 8)
_WRONG_KEY: Final[Record] = {"error": "The authentication you supplied is incorrect"}


def _is_clock(value: Any) -> bool:
    return isinstance(value, str) and _CLOCK.fullmatch(value) is not None


def _is_week(value: Any) -> bool:
    return isinstance(value, list) and all(day in _DAYS for day in cast("list[object]", value))


_CHECKS: Final[dict[str, Callable[[Any], bool]]] = {
    "name": lambda value: isinstance(value, str) and value != "",
    "timezone": lambda value: isinstance(value, str) and value != "",
    "secondsToWait": lambda value: isinstance(value, int) and value >= 0,
    "start": _is_clock,
    "end": _is_clock,
    "weekdays": _is_week,
    "public": lambda value: isinstance(value, bool),
}
_REQUIRED: Final[tuple[str, ...]] = ("name", "timezone", "start", "end", "weekdays")


def _living(context: RequestContext) -> list[Record]:
    return [row for row in context.team.schedules.values() if "deletedAt" not in row]


def list_schedules(context: RequestContext) -> Record:
    """Return a page of schedules."""
    page, pagination = paged(context, newest(context, _living(context)))
    return {"schedules": page, "pagination": pagination}


def create_schedule(context: RequestContext) -> Record:
    """Require name, timezone, start, end and weekdays. Errors are JSON."""
    body = context.record()
    fields = _checked(body, "Bad team or invalid schedule fields")
    if any(name not in fields for name in _REQUIRED):
        raise refuse(400, {"error": "BadRequest", "message": "Bad team or invalid schedule fields"})
    return context.team.add_schedule(**fields)


def _checked(body: Record, message: str) -> Record:
    fields = {name: body[name] for name in _CHECKS if name in body}
    if not all(_CHECKS[name](value) for name, value in fields.items()):
        raise refuse(400, {"error": "BadRequest", "message": message})
    return fields


def _schedule_of(context: RequestContext) -> Record:
    schedule = find(context, context.team.schedules, context.ids["scheduleId"], "Schedule not found")
    if "deletedAt" in schedule:
        raise refuse(404, "Schedule not found")
    return schedule


def get_schedule(context: RequestContext) -> Record:
    """Return one schedule."""
    return _schedule_of(context)


def update_schedule(context: RequestContext) -> Record:
    """Change the given fields. Errors are JSON here, unlike those of the neighbouring routes."""
    schedule = context.team.schedules.get(context.ids["scheduleId"])
    if schedule is None or "deletedAt" in schedule:
        raise refuse(404, {"error": "Schedule not found"})
    schedule |= _checked(context.record(), "Bad team or invalid schedule update")
    return schedule


def delete_schedule(context: RequestContext) -> Record:
    """Delete a schedule softly: hidden from every response, kept in the state."""
    schedule = _schedule_of(context)
    schedule |= {"deletedAt": context.team.stamp(), "deletedBy": context.team.user_id}
    for campaign in context.team.campaigns.values():
        if schedule["_id"] in campaign["scheduleIds"]:
            campaign["scheduleIds"].remove(schedule["_id"])
    return {"_id": schedule["_id"]}


def list_campaign_schedules(context: RequestContext) -> list[Record]:
    """List the schedules of one campaign."""
    return [context.team.schedules[schedule_id] for schedule_id in campaign_of(context)["scheduleIds"]]


def associate_schedule(context: RequestContext) -> Record:
    """Attach a schedule to a campaign. A second time changes nothing."""
    campaign, schedule = campaign_of(context), _schedule_of(context)
    if schedule["_id"] not in campaign["scheduleIds"]:
        campaign["scheduleIds"].append(schedule["_id"])
    return {"scheduleId": schedule["_id"], "campaignId": campaign["_id"]}


ROUTES = (
    Route("GET", "/schedules", list_schedules),
    Route("POST", "/schedules", create_schedule, unauthorized=_WRONG_KEY),
    Route("GET", "/schedules/{scheduleId}", get_schedule),
    Route("PATCH", "/schedules/{scheduleId}", update_schedule, unauthorized=_WRONG_KEY),
    QuietRoute("DELETE", "/schedules/{scheduleId}", delete_schedule),
    QuietRoute("GET", "/campaigns/{campaignId}/schedules/", list_campaign_schedules),
    QuietRoute("POST", "/campaigns/{campaignId}/schedules/{scheduleId}", associate_schedule),
)
