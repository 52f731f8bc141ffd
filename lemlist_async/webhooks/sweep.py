"""Sweep of activities: brings events that no hook posts, and those that were lost in an outage."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lemlist_async.core.json import dumps, loads
from lemlist_async.errors import LemlistError
from lemlist_async.resources.activities import Activity
from lemlist_async.webhooks.disk import Disk
from lemlist_async.webhooks.errors import MalformedBodyError
from lemlist_async.webhooks.handlers import Handlers
from lemlist_async.webhooks.parsing import Delivery, delivery
from lemlist_async.webhooks.upkeep import Upkeep

if TYPE_CHECKING:
    from lemlist_async.client import Lemlist

_log = logging.getLogger("lemlist_async.webhooks")
OVERLAP = timedelta(minutes=10)
"""Time with which an activity may appear late, and is found still."""
_MOST_FILTERED = 4
"""Types for which lemlist is asked one by one; more are picked out of all activities."""


class Sweep:
    """Sweeps into one file. The cursor lies in the same file, and is written after the events before it."""

    def __init__(self, disk: Disk, handlers: Handlers) -> None:
        self._disk = disk
        self._upkeep = Upkeep(disk.store)
        self._handlers = handlers

    async def run(
        self,
        lemlist: Lemlist,
        *,
        since: datetime | None,
        overlap: timedelta,
        campaigns: Collection[str] | None,
    ) -> int:
        """Put activities since the last sweep through the same door as posts; return how many are new."""
        types = self._handlers.types
        filters = sorted(types) if types is not None and len(types) <= _MOST_FILTERED else [None]
        return sum([await self._one(lemlist, kind, since, overlap, campaigns) for kind in filters])

    async def repeat(self, seconds: float, lemlist: Lemlist, campaigns: Collection[str] | None) -> None:
        """Sweep again and again, in turns with the other processes that share the file."""
        while True:
            try:
                now = time.time()
                # a little less, so that its own next turn is not taken for that of another process
                if await self._disk.run(self._upkeep.take_turn, "sweep turn", now, now + 0.9 * seconds):
                    await self.run(lemlist, since=None, overlap=OVERLAP, campaigns=campaigns)
            except LemlistError as error:
                _log.warning("a sweep ended early, and the next one goes on: %s", error.brief)
            await asyncio.sleep(seconds)

    async def _one(
        self,
        lemlist: Lemlist,
        kind: str | None,
        since: datetime | None,
        overlap: timedelta,
        campaigns: Collection[str] | None,
    ) -> int:
        place, added = f"sweep {kind or ''}".strip(), 0
        kept = await self._disk.run(self._upkeep.read, place)
        begun = await self._disk.run(self._upkeep.read, "begun")
        begin = since or datetime.fromtimestamp(float(begun or 0), UTC)
        batches = lemlist.bulk.sync_activities(
            None if kept is None else loads(kept),
            since=begin,
            overlap=overlap,
            types=None if kind is None else [kind],
        )
        async for batch in batches:
            wanted = [one for one in batch.items if campaigns is None or one.campaign_id in campaigns]
            found = [made for one in wanted if (made := self._delivery(one)) is not None]
            cursor = dumps(batch.cursor).decode()
            added += await self._disk.write(found)
            await self._disk.run(self._upkeep.write, place, cursor)
        return added

    def _delivery(self, activity: Activity) -> Delivery | None:
        """Return an activity as an event, if a handler wants it."""
        if not activity.id or not isinstance(activity.type, str) or not self._handlers.of(activity.type):
            return None
        try:
            return delivery(flat(activity))
        except MalformedBodyError:  # nested too deeply: it must not end every sweep at the same place
            return None


def flat(activity: Activity) -> dict[str, Any]:
    """Return an activity in the form in which hooks post it: variables of the lead beside the keys of the event."""
    variables = getattr(activity.lead, "variables", None)
    return {**(variables if isinstance(variables, dict) else {}), **activity.to_dict()}
