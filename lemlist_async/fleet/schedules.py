"""Work of a fleet at set times: the sync of activities, and that of values not to be contacted."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg

from lemlist_async.bulk.jobs.unsubscribes import BlockValues
from lemlist_async.bulk.journal.postgres_server import KEEPALIVE
from lemlist_async.bulk.journal.storage import plain
from lemlist_async.core.json import dumps, loads

if TYPE_CHECKING:
    from lemlist_async.client import Lemlist

Scheduled = Callable[["Lemlist", str], Awaitable[None]]
"""Work for one tenant: called with the client of its key, and its name. It may be done twice."""
Blocked = Callable[[str], AsyncIterable[str]]
"""Function that returns the addresses and domains that a tenant must not contact."""

_TABLES: LiteralString = """
CREATE TABLE IF NOT EXISTS lemlist_activities (
    tenant text NOT NULL, id text NOT NULL, type text, created_at timestamptz, body json NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE TABLE IF NOT EXISTS lemlist_cursors (tenant text PRIMARY KEY, cursor json NOT NULL);
"""
_ADD: LiteralString = """
INSERT INTO lemlist_activities (tenant, id, type, created_at, body) VALUES (%s, %s, %s, %s, %s::json)
ON CONFLICT (tenant, id) DO NOTHING
"""
_MOVE: LiteralString = """
INSERT INTO lemlist_cursors (tenant, cursor) VALUES (%s, %s::json)
ON CONFLICT (tenant) DO UPDATE SET cursor = excluded.cursor
"""
_LOCK = 0x6C656D6F
"""Advisory lock under which the tables are made."""


def store_activities(url: str, *, first: timedelta = timedelta(days=30)) -> Scheduled:
    """Return work that brings the table ``lemlist_activities`` up to date, each event once.

    The first time it begins so long ago (`first`). Events and the cursor are written in one transaction: wherever it
    ends, the next time misses nothing.
    """

    async def sync(lemlist: Lemlist, tenant: str) -> None:
        async with await psycopg.AsyncConnection.connect(
            url, autocommit=True, prepare_threshold=None, **KEEPALIVE
        ) as connection:
            async with connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                await connection.execute(_TABLES)
            found = await connection.execute(
                "SELECT cursor::text FROM lemlist_cursors WHERE tenant = %s", (tenant,)
            )
            row: Any = await found.fetchone()
            cursor = None if row is None else loads(row[0])
            since = datetime.now(UTC) - first if cursor is None else None
            async for batch in lemlist.bulk.sync_activities(cursor, since=since):
                values = [
                    (tenant, one.id, plain(one.type), one.created_at, dumps(one.to_dict()).decode())
                    for one in batch.items
                ]
                async with connection.transaction(), connection.cursor() as writer:
                    await writer.executemany(_ADD, values)
                    await writer.execute(_MOVE, (tenant, dumps(batch.cursor).decode()))

    return sync


def block_values(blocked: Blocked) -> Scheduled:
    """Return work that blocks what must not be contacted, 10,000 values a call; what is blocked stays so."""

    async def block(lemlist: Lemlist, tenant: str) -> None:
        async with await lemlist.bulk.plan(BlockValues(), blocked(tenant)) as plan:
            await lemlist.bulk.run(plan).finish()

    return block
