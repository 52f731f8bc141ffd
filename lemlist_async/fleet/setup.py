"""Tables of a fleet: those of the journals, and those of procrastinate."""

from __future__ import annotations

import asyncio

from procrastinate.schema import SchemaManager

from lemlist_async.bulk.journal.postgres import has_table, prepare
from lemlist_async.bulk.journal.postgres_server import connect

_ENGINE = "procrastinate_jobs"
_LOCK = 0x6C656D6D
"""Advisory lock under which the tables of the engine are made."""


async def set_up(url: str) -> None:
    """Make the tables where there are none; of several processes, one does it.

    Raises:
        JournalError: the tables are those of a newer version.
        psycopg.Error: the database is away, or the tables may not be made.
    """
    await asyncio.to_thread(_set_up, url)


def _set_up(url: str) -> None:
    with connect(url) as connection:
        prepare(connection)
        if not has_table(connection, _ENGINE):
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                if not has_table(connection, _ENGINE):  # another process may have made them meanwhile
                    connection.execute(SchemaManager.get_schema())
