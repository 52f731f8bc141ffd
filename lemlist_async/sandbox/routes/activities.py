"""Activities: the history, newest first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime

from lemlist_async.sandbox.activity_views import flat_activity, full_activity
from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import refuse
from lemlist_async.sandbox.route import Work
from lemlist_async.sandbox.routes.common import QuietRoute, sliced
from lemlist_async.sandbox.slices import chosen
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record

__all__ = ["ROUTES"]


def list_activities(context: RequestContext) -> Work:
    """Return one slice of the activities that match every filter; without ``version=v2`` in the old flat form."""
    earliest, latest = _moment(context, "minDate", "startDate"), _moment(context, "maxDate", "endDate")
    if earliest is not None and latest is not None and earliest >= latest:
        raise refuse(400, "Bad params: maxDate must be greater than minDate")
    low, high = -math.inf if earliest is None else earliest, math.inf if latest is None else latest
    wanted: dict[str, object] = {
        name: value for name in ("type", "campaignId", "leadId") if (value := context.one(name)) is not None
    }
    if context.flag("isFirst"):
        wanted["isFirst"] = True
    tests = list[Callable[[Record], bool]]()
    if wanted:
        tests.append(lambda row: all(row.get(name) == value for name, value in wanted.items()))
    if earliest is not None or latest is not None:
        tests.append(lambda row: low <= datetime.fromisoformat(row["createdAt"]).timestamp() <= high)
    rows: Iterable[Record] = reversed(context.team.activities.values())
    if tests:
        most = context.number("offset", 0) + context.number("limit", 100, 1, 100)
        rows = yield from chosen(rows, tests, most)
    shape: Callable[[Team, Record], Record] = full_activity if context.one("version") == "v2" else _old_view
    return [shape(context.team, row) for row in sliced(context, rows)]


def _moment(context: RequestContext, name: str, alias: str) -> float | None:
    """Convert seconds or ISO 8601 to epoch seconds. A time without a zone is UTC."""
    given = context.one(name) or context.one(alias)
    if given is None:
        return None
    try:
        return _seconds(given)
    except (ValueError, OverflowError):
        raise refuse(400, f"Bad params: {name} is not a date") from None


def _seconds(given: str) -> float:
    with suppress(ValueError):
        number = float(given)
        if math.isnan(number):
            raise OverflowError
        return number
    moment = datetime.fromisoformat(given)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _old_view(team: Team, activity: Record) -> Record:
    return {**flat_activity(team, activity), "extra": {}}


def delete_recording(context: RequestContext) -> Record:
    """Delete the recording of a phone call; 404 for an activity without one."""
    activity = context.team.activities.get(context.ids["activityId"])
    if activity is None or "recordingUrl" not in activity:
        raise refuse(404, "Activity not found")
    del activity["recordingUrl"]
    activity.pop("transcript", None)
    return {"ok": True}


ROUTES = (
    QuietRoute("GET", "/activities", list_activities),
    QuietRoute("DELETE", "/activities/{activityId}/recording-transcript", delete_recording),
)
