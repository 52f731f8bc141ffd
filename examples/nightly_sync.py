"""Activities of lemlist into DuckDB with dlt, night after night, each once; on the sandbox.

pip install 'dlt[duckdb]'     then   python examples/nightly_sync.py
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dlt

from lemlist_async import Lemlist
from lemlist_async.sandbox import Sandbox


@dlt.resource(name="activities", primary_key="id", write_disposition="merge")
async def activities() -> AsyncIterator[list[dict[str, Any]]]:
    """Yield what is new since the last run. dlt keeps the cursor with the rows, and commits both or none."""
    state = dlt.current.resource_state()
    since = datetime.now(UTC) - timedelta(days=30)
    # opened here: dlt has an event loop of its own, and a client belongs to the loop of its first call
    async with Lemlist() as lemlist:
        async for batch in lemlist.bulk.sync_activities(state.get("cursor"), since=since):
            yield [
                {"id": event.id, "type": event.type, "campaign": event.campaign_id, "at": event.created_at}
                for event in batch.items
            ]
            state["cursor"] = batch.cursor


def run(folder: Path) -> int:
    """One night: load what is new, and return the rows in the table."""
    pipeline = dlt.pipeline(
        "lemlist",
        destination=dlt.destinations.duckdb(str(folder / "lemlist.duckdb")),
        dataset_name="crm",
        pipelines_dir=str(folder / "dlt"),
    )
    pipeline.run(activities())
    with pipeline.sql_client() as client:
        rows = client.execute_sql("SELECT count(*) FROM activities")
    return int(rows[0][0]) if rows else 0


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Sandbox(limit=None) as sandbox, Lemlist(sandbox.key, sandbox.url) as lemlist:
            os.environ.update(LEMLIST_API_KEY=sandbox.key, LEMLIST_BASE_URL=sandbox.url)
            campaign = await lemlist.campaigns.create(name="Spring")
            for night in (1, 2):
                lead = await lemlist.leads.create(campaign.id, email=f"ann{night}@example.com")
                await lemlist.leads.pause(lead.id)
                rows = await asyncio.to_thread(run, Path(folder))
                print(f"night {night}: {rows} activities in the table")


if __name__ == "__main__":
    asyncio.run(main())
