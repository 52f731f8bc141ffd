"""Jobs of a fleet, as its database knows them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Literal, LiteralString

import attrs
import psycopg
from psycopg.rows import dict_row

from lemlist_async.bulk.journal.postgres_server import KEEPALIVE
from lemlist_async.bulk.journal.storage import LEFT
from lemlist_async.errors import ConfigurationError

Phase = Literal["planning", "planned", "waiting", "running", "finished", "stopped"]
Connection = psycopg.AsyncConnection[Any]

_JOBS: LiteralString = """
SELECT j.id, j.name, j.tenant, j.wanted, j.trouble, j.created_at, j.meta,
    CASE WHEN j.lease_until > clock_timestamp() THEN j.holder END AS holder
FROM lemlist_jobs AS j WHERE %(name)s::text IS NULL OR j.name = %(name)s ORDER BY j.id
"""
_COUNTS: LiteralString = """
SELECT job, state, what, count(*) AS rows FROM lemlist_rows WHERE job = ANY(%s) GROUP BY job, state, what
"""


@attrs.frozen(kw_only=True)
class FleetJob:
    """A job of a fleet, at one moment."""

    name: str
    kind: str
    source: str
    tenant: str
    counts: Mapping[tuple[str, str], int] = attrs.field(repr=False)
    """Rows in each (state, what)."""
    wanted: bool
    """Whether workers are to carry it on."""
    holder: str | None
    """Host, process and token of the worker that has it."""
    trouble: str | None
    """Reason why workers gave it up; `submit` or a change puts it right."""
    planned: bool
    erased: bool
    created_at: datetime

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(self.counts.values())

    @property
    def left(self) -> int:
        """Rows that are still to be sent, or wait for results."""
        return sum(count for (state, _), count in self.counts.items() if state in LEFT)

    @property
    def unknown(self) -> int:
        """Rows that may have been done, with no way to find out yet."""
        return self.state("unknown")

    def state(self, state: str) -> int:
        """Return the number of rows in a state."""
        return sum(count for (one, _), count in self.counts.items() if one == state)

    @property
    def phase(self) -> Phase:
        """Phase of the job: ``stopped`` has rows left and a `trouble`; ``planned`` waits to be submitted."""
        if not self.planned:
            return "planning"
        if self.holder is not None:
            return "running"
        if self.wanted:
            return "waiting"
        if self.trouble is not None:
            return "stopped"
        return "planned" if self.left else "finished"

    def as_json(self) -> dict[str, Any]:
        """Return the job as plain JSON."""
        return {
            "name": self.name, "kind": self.kind, "source": self.source, "tenant": self.tenant, "phase": self.phase,
            "rows": self.rows, "left": self.left, "unknown": self.unknown, "worker": self.holder,
            "trouble": self.trouble, "erased": self.erased, "created_at": self.created_at.isoformat(),
            "counts": {f"{state} {what}".strip(): count for (state, what), count in self.counts.items()},
        }  # fmt: skip


class Jobs:
    """Questions about the jobs of a database, over an open connection of psycopg."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str) -> AsyncGenerator[Jobs]:
        """Open a connection for the block."""
        async with await psycopg.AsyncConnection.connect(
            url, autocommit=True, prepare_threshold=None, **KEEPALIVE
        ) as connection:
            yield cls(connection)

    async def all(self) -> Sequence[FleetJob]:
        """Return all jobs, the oldest first."""
        return await self._read(None)

    async def get(self, name: str) -> FleetJob:
        """Return a job.

        Raises:
            ConfigurationError: there is no job of this name.
        """
        found = await self._read(name)
        if not found:
            raise ConfigurationError(f"there is no job {name}")
        return found[0]

    async def want(self, name: str, *, wanted: bool = True) -> None:
        """Have workers carry a job on within some seconds, or (not `wanted`) no more. Rows in flight are finished.

        Raises:
            ConfigurationError: there is no job of this name.
        """
        changed = await self._connection.execute(
            "UPDATE lemlist_jobs SET wanted = %s, trouble = NULL WHERE name = %s", (wanted, name)
        )
        if not changed.rowcount:
            raise ConfigurationError(f"there is no job {name}")

    async def remove(self, name: str) -> None:
        """Remove a job with its rows, unless a worker has it.

        Raises:
            ConfigurationError: there is no such job, or a worker has it.
        """
        async with self._connection.transaction():
            found = await self._connection.execute(
                "DELETE FROM lemlist_jobs WHERE name = %s "
                "AND (lease_until IS NULL OR lease_until <= clock_timestamp()) RETURNING id",
                (name,),
            )
            if (row := await found.fetchone()) is None:
                raise ConfigurationError(f"there is no job {name} that no worker has")
            job = first(row)
            await self._connection.execute("DELETE FROM lemlist_rows WHERE job = %s", (job,))

    async def _read(self, name: str | None) -> list[FleetJob]:
        async with self._connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(_JOBS, {"name": name})
            jobs = await cursor.fetchall()
            await cursor.execute(_COUNTS, ([job["id"] for job in jobs],))
            counts: dict[int, dict[tuple[str, str], int]] = {job["id"]: {} for job in jobs}
            async for row in cursor:
                counts[row["job"]][row["state"], row["what"]] = row["rows"]
        return [_job(job, counts[job["id"]]) for job in jobs]


def first(row: Any) -> Any:
    """Return the only value of a row, whatever kind of rows the caller's connection makes."""
    values: Any = getattr(row, "values", lambda: row)()
    return next(iter(values))


def _job(row: Mapping[str, Any], counts: Mapping[tuple[str, str], int]) -> FleetJob:
    meta: Mapping[str, str] = row["meta"]
    return FleetJob(
        name=row["name"],
        kind=meta.get("kind", "?"),
        source=meta.get("source", "?"),
        tenant=row["tenant"] or "",
        counts=counts,
        wanted=row["wanted"],
        holder=row["holder"],
        trouble=row["trouble"],
        planned=meta.get("planned") == "1",
        erased=meta.get("erased") == "1",
        created_at=row["created_at"],
    )
