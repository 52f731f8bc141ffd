"""From rows to a plan: everything is read and checked once, before anything is sent."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
from pathlib import Path
from typing import Any, Self

import attrs

from lemlist_async.bulk.job import Job, RowRefusedError, State
from lemlist_async.bulk.journal import Journal, check_same_job
from lemlist_async.bulk.rows import Source, is_path, read_rows
from lemlist_async.bulk.source.csv_dialect import FileFormat
from lemlist_async.bulk.source.files import digest
from lemlist_async.bulk.source.raw_row import RawRow
from lemlist_async.bulk.tables import NewRow
from lemlist_async.core.json import dumps

_CHUNK = 1_000
"""Rows that are held while planning."""


@attrs.frozen(kw_only=True)
class Forecast:
    """What a job will take."""

    rows: int
    """All rows, refused ones included."""
    to_send: int
    refused: int
    settled: int
    """Done or failed in an earlier run of the same journal."""
    pending: int
    """Sent by an earlier run, whose results are still to be fetched."""
    doubtful: int
    """Sent by an earlier run that died; they are looked up first."""
    requests: int
    """Calls for the rows to send, at most, one for each result, one look-up for each doubtful row, and one to
    prepare."""
    seconds: float
    """The least time the limit allows for that many calls, without any waiting for answers."""
    credits: int
    """Enrichment credits that may be charged."""


class Plan:
    """A checked job in its journal, ready to run. Close it, or use `async with`."""

    def __init__(self, job: Job, journal: Journal, forecast: Forecast) -> None:
        self.job = job
        self.journal = journal
        self.forecast = forecast

    async def aclose(self) -> None:
        """Let go of the journal; a temporary one is removed."""
        await self.journal.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


async def make_plan(
    job: Job,
    source: Source,
    *,
    journal: str | os.PathLike[str] | None,
    file_format: FileFormat,
    limit: int,
    window: float,
    retry_failed: bool = False,
) -> Plan:
    """Read and check all rows into a journal; a journal that holds this job already is taken as it is.

    Raises:
        InvalidInputError: the source cannot be read.
        ConfigurationError: the journal belongs to another job.
        JournalError: the journal cannot be used.
    """
    opened = await Journal.open(journal)
    try:
        options = _sorted(job.options())
        mark = await asyncio.to_thread(digest, Path(source)) if is_path(source) else ""
        meta = await opened.meta()
        mine = {"kind": job.kind, "identity": identity(job), "digest": mark}
        check_same_job(meta, opened.path, mine)
        if meta.get("planned") != "1":
            await opened.forget_rows()
            name = os.fspath(source) if is_path(source) else type(source).__name__
            await opened.describe(source=str(name), **mine)
            await _fill(opened, job, source, file_format)
            await opened.describe(planned="1")
        await opened.describe(options=options)
        await opened.recover(repeatable=job.effect.repeatable, retry_failed=retry_failed)
        return Plan(job, opened, await forecast(job, opened, limit, window))
    except BaseException:
        await opened.close()
        raise


def identity(job: Job) -> str:
    """What makes two jobs the same: their options, but for those that may change between runs."""
    return _sorted({name: value for name, value in job.options().items() if name not in job.adjustable})


def _sorted(options: dict[str, Any]) -> str:
    return dumps(options, sort_keys=True).decode()


def _text(payload: dict[str, Any]) -> str:
    return dumps(payload, default=str).decode()


async def _fill(journal: Journal, job: Job, source: Source, file_format: FileFormat) -> None:
    """Rows are read and checked while the journal writes those before them."""
    n, written = 0, journal.add([])
    try:
        async for raws in read_rows(source, file_format, most=_CHUNK):
            rows = [check(job, n, raw) for n, raw in enumerate(raws, n + 1)]
            await written
            written = journal.add(rows)
            n += len(rows)
    finally:
        await written


def check(job: Job, n: int, raw: RawRow) -> NewRow:
    """A row as the journal takes it: to be done, or refused with the reason."""
    fault = raw.fault
    if fault is None:
        try:
            payload = job.check(raw.values)
        except RowRefusedError as refused:
            fault = str(refused)
        else:
            key = hashlib.sha256(job.key(payload).encode("utf-8", "replace")).digest()[:16]
            return NewRow(n, raw.line, key, _text(payload), credits=job.credits(payload))
    kept = {str(name): value for name, value in itertools.islice(raw.values.items(), 100)}
    return NewRow(n, raw.line, None, _text(kept), State.REFUSED.value, "refused", fault)


async def forecast(job: Job, journal: Journal, limit: int, window: float) -> Forecast:
    """What is left to do, and how long the limit makes it take."""
    counts = await journal.counts()
    by_state = {state: sum(n for (s, _), n in counts.items() if s == state) for state in State}
    to_send, doubtful, pending = by_state[State.NEW], by_state[State.UNKNOWN], by_state[State.PENDING]
    batches = -(-to_send // job.batch)
    results = (to_send if job.follows else 0) + pending
    lookups = doubtful if job.verifiable else 0
    requests = batches * job.calls + results + lookups + (1 if to_send or doubtful else 0)
    return Forecast(
        rows=sum(counts.values()),
        to_send=to_send,
        refused=by_state[State.REFUSED],
        settled=by_state[State.DONE] + by_state[State.FAILED],
        doubtful=doubtful,
        pending=pending,
        requests=requests,
        seconds=seconds_at_limit(requests, limit, window),
        credits=await journal.credits(),
    )


def seconds_at_limit(requests: int, limit: int, window: float) -> float:
    """The least time between the first and the last of so many requests: `limit` go at once in each `window`."""
    return 0.0 if requests <= 0 else (requests - 1) // limit * window
