"""Events into a store of one's own, run after run, each event once; on the sandbox.

python examples/sync_activities.py
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from lemlist_async import Lemlist
from lemlist_async.sandbox import Sandbox


async def sync(
    lemlist: Lemlist, store: dict[str, Any], cursor: dict[str, Any] | None
) -> dict[str, Any] | None:
    """One run: events and cursor are stored together."""
    since = datetime.now(UTC) - timedelta(days=1)
    async for batch in lemlist.bulk.sync_activities(cursor, since=since):
        store.update((event.id, event.type) for event in batch.items)
        cursor = batch.cursor
    return cursor


async def main() -> None:
    store: dict[str, Any] = {}
    async with Sandbox() as sandbox, Lemlist(sandbox.key, base_url=sandbox.url) as lemlist:
        campaign = await lemlist.campaigns.create(name="Spring")
        lead = await lemlist.leads.create(campaign.id, email="ann@example.com")
        await lemlist.leads.pause(lead.id)
        cursor = await sync(lemlist, store, None)
        print("first run:", len(store), "events")
        await lemlist.leads.mark_interested(lead.id)
        cursor = await sync(lemlist, store, cursor)
        print("second run:", len(store), "events; the cursor is at", (cursor or {})["until"])


if __name__ == "__main__":
    asyncio.run(main())
