"""Sending windows: the next moment at which a schedule lets a message leave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from datetime import time as day_time
from functools import lru_cache
from zoneinfo import ZoneInfo

from lemlist_async.sandbox.tables import Record

__all__ = ["next_moment"]

_ONE_DAY = timedelta(days=1)
_WEEK = 7


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return None


def next_moment(schedule: Record | None, moment: float, days: int = 0) -> float | None:
    """Return the first moment, in epoch seconds, that is so many sending days later and inside the window.

    None if the window never opens. Without a schedule it is always open, and each day is a sending day. An unknown
    time zone counts as UTC.
    """
    if schedule is None:
        return moment + days * 86400.0
    try:
        return _next_opening(schedule, moment, days)
    except (OverflowError, ValueError, OSError):  # behind the end of the calendar
        return None


def _next_opening(schedule: Record, moment: float, days: int) -> float | None:
    weekdays = {int(day) for day in schedule["weekdays"]}
    start, end = (day_time.fromisoformat(schedule[name]) for name in ("start", "end"))
    if not weekdays or start >= end:
        return None
    zone = _zone(schedule["timezone"]) or UTC
    local = datetime.fromtimestamp(moment, zone)
    local = _sending_day_after(local, days, weekdays)
    if local.isoweekday() in weekdays and local.time() < end:
        opening = local.replace(hour=start.hour, minute=start.minute, second=0, microsecond=0)
        return max(local, opening).timestamp()
    while True:
        local = (local + _ONE_DAY).replace(hour=start.hour, minute=start.minute, second=0, microsecond=0)
        if local.isoweekday() in weekdays:
            return local.timestamp()


def _sending_day_after(local: datetime, days: int, weekdays: set[int]) -> datetime:
    # whole weeks at once, so that a delay of 1,500 days is no loop of 1,500 turns
    weeks, rest = divmod(days, len(weekdays))
    local += timedelta(days=weeks * _WEEK)
    while rest:
        local += _ONE_DAY
        rest -= local.isoweekday() in weekdays
    return local
