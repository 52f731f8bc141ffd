"""Handing of a job to the workers of a fleet, on its own or in a transaction of the caller."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import attrs
import psycopg
from psycopg.types.json import Jsonb

from lemlist_async.bulk.facade import PlanOptions
from lemlist_async.bulk.jobs import KINDS
from lemlist_async.bulk.jobs.job import Job
from lemlist_async.bulk.journal.address import PostgresJournal
from lemlist_async.bulk.journal.errors import JournalError
from lemlist_async.bulk.journal.postgres import COPY, REPEATED, copied_row
from lemlist_async.bulk.journal.storage import NewRow, plain
from lemlist_async.bulk.plan import description, fill, map_source
from lemlist_async.bulk.source.csv_dialect import FileFormat
from lemlist_async.bulk.source.rows import Source, check_source
from lemlist_async.bulk.source.uploads import copied, is_file_object
from lemlist_async.errors import ConfigurationError
from lemlist_async.fleet.engine import enqueue, make_app
from lemlist_async.fleet.jobs import first
from lemlist_async.fleet.keys import DEFAULT_TENANT
from lemlist_async.fleet.setup import set_up

if TYPE_CHECKING:
    from lemlist_async.client import Lemlist

Connection = psycopg.AsyncConnection[Any]


async def submit(
    lemlist: Lemlist,
    job: Job,
    rows: Source,
    *,
    to: str | Connection,
    name: str,
    tenant: str = DEFAULT_TENANT,
    start: bool = True,
    **options: Unpack[PlanOptions],
) -> None:
    """Check rows, write them as a job into the database of a fleet, and have a worker carry it on.

    `to` is the URL of the database, or an async connection of psycopg to it. Over a connection all is part of the
    transaction that is open there: the job exists once that is committed, and never if it is not. Rows are streamed,
    so that memory does not grow with them. By URL, the same `name` with the same rows again does nothing twice.

    Args:
        lemlist: Client of the key; the job is bound to the key's fingerprint and to the server. The key itself is
            not stored.
        job: One of the ready-made jobs.
        rows: As for `Bulk.plan`, and so are the `options`, of which `journal` is not taken.
        to: URL or connection.
        name: Name of the job, one of its kind in the database.
        tenant: Name by which workers find the key.
        start: Whether workers begin. If not, they do when `Jobs.want` or ``UPDATE lemlist_jobs SET wanted = true``
            tells them, in a transaction of any driver.

    Raises:
        InvalidInputError: the rows cannot be read.
        ConfigurationError: a job that only its program can run, or an option that cannot work.
        JournalError: there is a job of this name already, with other rows or by another connection.
    """
    if job.kind not in KINDS:
        raise ConfigurationError(
            f"a {job.kind!r} job is a function of one program: workers cannot carry it on"
        )
    if "journal" in options:
        raise ConfigurationError(
            "a submitted job has its journal in the database: name the job, and no journal"
        )
    if isinstance(to, str):
        await _by_url(lemlist, job, rows, PostgresJournal(to, name), tenant, start, options)
    else:
        await _in_transaction(lemlist, job, rows, to, name, tenant, start, options)


async def _by_url(
    lemlist: Lemlist,
    job: Job,
    rows: Source,
    place: PostgresJournal,
    tenant: str,
    start: bool,
    options: PlanOptions,
) -> None:
    await set_up(place.url)
    own: PlanOptions = {**options, "journal": place}
    plan = await lemlist.bulk.plan(job, rows, **own)
    await plan.aclose()
    app = make_app(place.url)
    async with (
        app.open_async(),
        await psycopg.AsyncConnection.connect(place.url, prepare_threshold=None) as connection,
    ):
        await connection.execute(
            "UPDATE lemlist_jobs SET wanted = %s, tenant = %s, trouble = NULL WHERE name = %s",
            (start, tenant, place.job),
        )
        await connection.commit()
        if start:
            await enqueue(app, place.job)


async def _in_transaction(
    lemlist: Lemlist,
    job: Job,
    rows: Source,
    connection: Connection,
    name: str,
    tenant: str,
    start: bool,
    options: PlanOptions,
) -> None:
    check_source(rows)
    with contextlib.ExitStack() as stack:
        shown_as = None
        if is_file_object(rows):
            rows = await asyncio.to_thread(stack.enter_context, copied(rows))
            shown_as = rows.name
        file_format = FileFormat(
            encoding=options.get("encoding", "utf-8"),
            delimiter=options.get("delimiter"),
            header=options.get("header", True),
        )
        mapping = options.get("mapping") or map_source(job, rows, file_format)
        async with connection.transaction():
            appender = await _Appender.make(connection, name, tenant, wanted=start)
            count, mark = await fill(appender, job, rows, file_format, mapping)
            bound = {"key": lemlist.key_fingerprint, "host": lemlist.base_url}
            described = description(job, rows, file_format, shown_as)
            await appender.complete(**described, **bound, digest=mark, rows=str(count), planned="1")
            if start:
                await enqueue(make_app("postgresql://"), name, connection=connection)


@attrs.frozen
class _Appender:
    """New rows of a job in a transaction of the caller."""

    connection: Connection
    job: int

    @classmethod
    async def make(cls, connection: Connection, name: str, tenant: str, *, wanted: bool) -> _Appender:
        PostgresJournal("postgresql://", name)  # checks the name
        made = await connection.execute(
            "INSERT INTO lemlist_jobs (name, tenant, wanted) VALUES (%s, %s, %s) ON CONFLICT (name) DO NOTHING "
            "RETURNING id",
            (name, tenant, wanted),
        )
        row = await made.fetchone()
        if row is None:
            raise JournalError(f"there is a job {name} already: a name is used once")
        return cls(connection, first(row))

    async def add(self, rows: Sequence[NewRow]) -> None:
        async with self.connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for row in rows:
                await copy.write_row(copied_row(self.job, row))

    async def complete(self, **values: str) -> None:
        for statement in REPEATED:
            await self.connection.execute(statement, {"job": self.job} if b"%" in statement else None)
        described = Jsonb({name: plain(value) for name, value in values.items()})
        await self.connection.execute(
            "UPDATE lemlist_jobs SET meta = %s WHERE id = %s", (described, self.job)
        )
