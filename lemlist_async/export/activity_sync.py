"""Sync of activities: each event once, in closed windows of time, from a cursor on."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs

from lemlist_async.core.json import dumps
from lemlist_async.core.model import write_time
from lemlist_async.errors import InvalidInputError
from lemlist_async.export.activity_rows import Value, row_of
from lemlist_async.resources.activities import Activity

if TYPE_CHECKING:
    from lemlist_async.client import Lemlist

_PAGE = 100
"""Most rows in one response."""
_DEEP = 1_000
"""Events in a window at most, as far as it can be split: so many are held."""
_SHORTEST = timedelta(seconds=1)
"""A window of this length is read however many events it has."""
_REMEMBERED = 50_000
"""Events of the overlap that are remembered at most; the oldest are forgotten first."""
_MILLISECOND = timedelta(milliseconds=1)


@attrs.frozen
class ActivityBatch:
    """Events of one window, oldest first, with the cursor to resume from."""

    items: list[Activity]
    cursor: dict[str, Any]
    """Plain JSON. Store it together with the items, or after them: never before."""

    def rows(self) -> list[dict[str, Value]]:
        """Return the events as rows with the same columns, as `ActivityTable` has them."""
        return [row_of(item) for item in self.items]


@attrs.define
class _Cursor:
    """Position of a sync: all events up to `until` were given, those since `until` minus the overlap by their ids."""

    until: datetime
    seen: dict[str, datetime] = attrs.field(factory=dict[str, datetime])

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> _Cursor:
        try:
            seen = {str(name): datetime.fromisoformat(at) for name, at in given["seen"].items()}
            return cls(_whole(datetime.fromisoformat(given["until"])), seen)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidInputError(f"not a cursor of this sync: {error!r}") from None

    def write(self) -> dict[str, Any]:
        seen = {name: write_time(at) for name, at in self.seen.items()}
        return {"until": write_time(self.until), "seen": seen}

    def passed(self, high: datetime, items: list[Activity], overlap: timedelta) -> None:
        """A window that ends at `high` was read, and these are new in it."""
        self.until = max(self.until, high)
        self.seen.update((_key(item), item.created_at or high) for item in items)
        kept = [(name, at) for name, at in self.seen.items() if at >= high - overlap]
        self.seen = dict(sorted(kept, key=lambda pair: pair[1])[-_REMEMBERED:])


async def sync_activities(
    lemlist: Lemlist,
    cursor: Mapping[str, Any] | None,
    *,
    since: datetime | None,
    until: datetime | None,
    overlap: timedelta,
    types: Collection[str] | None,
) -> AsyncIterator[ActivityBatch]:
    """Iterate over all events from the cursor, or from `since`, up to `until`; see `Bulk.sync_activities`."""
    if overlap < timedelta(0):
        raise InvalidInputError("overlap must not be negative")
    end = _whole(until or datetime.now(UTC))
    place = _Cursor(_whole(since)) if since is not None else _Cursor(end)
    if cursor is not None:
        place = _Cursor.read(cursor)
        # one ahead of the clock, which was set back, must not skip what happens until the clock is there again
        place.until = min(place.until, end)
    elif since is None:
        raise InvalidInputError("give a cursor, or since for the first time")
    begin = place.until if cursor is None else place.until - overlap
    windows = [(begin, end)] if begin < end else []
    reader = _Windows(lemlist, types)
    while windows:
        low, high = windows.pop()
        found = await reader.read(low, high)
        if found is None:
            middle = low + (high - low) // 2 // _MILLISECOND * _MILLISECOND
            windows += [(middle, high), (low, middle)]
            continue
        fresh = [item for item in found if _key(item) not in place.seen]
        place.passed(high, fresh, overlap)
        if fresh or not windows:
            yield ActivityBatch(fresh, place.write())


class _Windows:
    """Reads closed windows: nothing new appears in them while their pages are turned."""

    def __init__(self, lemlist: Lemlist, types: Collection[str] | None) -> None:
        self._lemlist = lemlist
        self._types = None if types is None else frozenset(types)
        # lemlist filters by one type at most
        one = next(iter(self._types)) if self._types is not None and len(self._types) == 1 else None
        self._filter: dict[str, Any] = {} if one is None else {"type": one}

    async def read(self, low: datetime, high: datetime) -> list[Activity] | None:
        """The events of a window, oldest first; None if it must be split first."""
        pages = self._lemlist.activities.list(
            page_size=_PAGE, min_date=write_time(low), max_date=write_time(high), **self._filter
        ).strict()  # a cursor must not pass events that the list left out
        first = await pages
        found = {_key(item): item for item in first.items}
        if first.next is not None:
            full = len(first.items) >= _PAGE
            if full and high - low > _SHORTEST and (await pages.resume({"offset": _DEEP})).items:
                return None
            async for item in pages.resume(first.next):
                found[_key(item)] = item
        wanted = [item for item in found.values() if self._types is None or item.type in self._types]
        return wanted[::-1]


def _key(item: Activity) -> str:
    """Return the id of an event, or a digest of an event without one."""
    return item.id or hashlib.sha256(dumps(item.to_dict(), sort_keys=True)).hexdigest()


def _whole(moment: datetime) -> datetime:
    """In whole milliseconds, which is what lemlist writes; without a zone it is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.replace(microsecond=aware.microsecond // 1000 * 1000)
