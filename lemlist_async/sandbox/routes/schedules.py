"""Schedules: the windows of the week in which campaigns send."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, cast

from lemlist_async.sandbox.exchange import Call, Record, Route, refuse

from .common import QuietRoute, campaign_of, find, newest, paged

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


def _living(call: Call) -> list[Record]:
    return [row for row in call.team.schedules.values() if "deletedAt" not in row]


def list_schedules(call: Call) -> Record:
    """A page of them."""
    page, pagination = paged(call, newest(call, _living(call)))
    return {"schedules": page, "pagination": pagination}


def create_schedule(call: Call) -> Record:
    """All of name, timezone, start, end and weekdays; errors are JSON."""
    body = call.record()
    fields = _checked(body, "Bad team or invalid schedule fields")
    if any(name not in fields for name in _REQUIRED):
        raise refuse(400, {"error": "BadRequest", "message": "Bad team or invalid schedule fields"})
    return call.team.add_schedule(**fields)


def _checked(body: Record, message: str) -> Record:
    fields = {name: body[name] for name in _CHECKS if name in body}
    if not all(_CHECKS[name](value) for name, value in fields.items()):
        raise refuse(400, {"error": "BadRequest", "message": message})
    return fields


def _schedule_of(call: Call) -> Record:
    schedule = find(call, call.team.schedules, call.ids["scheduleId"], "Schedule not found")
    if "deletedAt" in schedule:
        raise refuse(404, "Schedule not found")
    return schedule


def get_schedule(call: Call) -> Record:
    """One window."""
    return _schedule_of(call)


def update_schedule(call: Call) -> Record:
    """Changes what is given; errors are JSON here, unlike those of its neighbours."""
    schedule = call.team.schedules.get(call.ids["scheduleId"])
    if schedule is None or "deletedAt" in schedule:
        raise refuse(404, {"error": "Schedule not found"})
    schedule |= _checked(call.record(), "Bad team or invalid schedule update")
    return schedule


def delete_schedule(call: Call) -> Record:
    """A soft deletion: it is gone from every answer but stays in the state."""
    schedule = _schedule_of(call)
    schedule |= {"deletedAt": call.team.stamp(), "deletedBy": call.team.user_id}
    for campaign in call.team.campaigns.values():
        if schedule["_id"] in campaign["scheduleIds"]:
            campaign["scheduleIds"].remove(schedule["_id"])
    return {"_id": schedule["_id"]}


def list_campaign_schedules(call: Call) -> list[Record]:
    """The windows of one campaign."""
    return [call.team.schedules[schedule_id] for schedule_id in campaign_of(call)["scheduleIds"]]


def associate_schedule(call: Call) -> Record:
    """Once or again, the campaign has it once."""
    campaign, schedule = campaign_of(call), _schedule_of(call)
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
