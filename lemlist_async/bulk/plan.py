"""Planning of a job: all rows are read and checked once, before anything is sent."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, Self, get_args

import attrs

from lemlist_async.bulk.forecast import Forecast, seconds_at_limit
from lemlist_async.bulk.jobs.job import REPEATED, SKIPPED, Job, RowResult, RowSkippedError, State
from lemlist_async.bulk.journal.address import Place
from lemlist_async.bulk.journal.errors import JournalError
from lemlist_async.bulk.journal.identities import Identities
from lemlist_async.bulk.journal.journal import Journal
from lemlist_async.bulk.journal.planned_file import PlannedFile, find_planned_file
from lemlist_async.bulk.journal.report import flat, with_cells
from lemlist_async.bulk.journal.storage import FIRST_PAGE, JournalRow, NewRow
from lemlist_async.bulk.source.csv_dialect import FileFormat
from lemlist_async.bulk.source.files import FileHead, digest, head_of
from lemlist_async.bulk.source.frames import head_of_frame, is_frame
from lemlist_async.bulk.source.mapping import ColumnMapping
from lemlist_async.bulk.source.raw_row import RawRow
from lemlist_async.bulk.source.rows import Source, is_path, read_rows
from lemlist_async.bulk.source.values import cells, exact, readable, shown
from lemlist_async.core.json import dumps
from lemlist_async.core.wire import Effect
from lemlist_async.errors import ConfigurationError

_CHUNK = 1_000
"""Rows that are held while planning."""
_LONGEST_REASON = 500

Binding = Literal["rows", "key", "host"]
"""Parts of a journal's description that bind it, beside its job."""


@attrs.frozen(kw_only=True)
class Surroundings:
    """Surroundings of a plan: the fingerprint of the team's key, the server, and its limit."""

    key: str
    host: str
    limit: int
    window: float
    skip: frozenset[str] = frozenset()
    """Bindings of the journal that are not checked."""
    binds: bool = True
    """Whether the journal is bound to key and host; not for a mere look, which may have no key."""


class Plan:
    """A checked job in its journal, ready to run. Close it, or use `async with`."""

    def __init__(
        self,
        job: Job,
        journal: Journal,
        forecast: Forecast,
        around: Surroundings,
        mapping: ColumnMapping | None = None,
    ) -> None:
        self.job = job
        self.journal = journal
        self.mapping: ColumnMapping | None = mapping
        """Mapping of the columns of a CSV file; None for rows of another source, and for a job that was resumed."""
        self.forecast: Forecast = forecast
        self._around = around
        self._used = False

    async def refused(self) -> AsyncIterator[RowResult]:
        """Rows that will not be sent, with line and reason: refused, skipped, or the same as an earlier one."""
        rows = self.journal.rows(refused=True)

        def page() -> list[JournalRow]:
            return list(itertools.islice(rows, FIRST_PAGE))

        while found := await self.journal.in_thread(page):
            for row in found:
                yield RowResult(row.line, row.payload, row.outcome)

    async def rows(self) -> AsyncIterator[dict[str, Any]]:
        """Iterate over all rows as they are now, flat: the columns of the source, ``row.*`` and ``result.*``.

        They are those of a report in CSV, for a table or a DataFrame. A row without a result has no ``result.*``.
        """

        def begin() -> Iterator[tuple[JournalRow, dict[str, Any] | None]]:
            return with_cells(self.journal.rows(), find_planned_file(self.journal.meta_now()))

        await self.journal.flush()
        pairs = await self.journal.in_thread(begin)

        def page() -> list[dict[str, Any]]:
            return [flat(row, cells) for row, cells in itertools.islice(pairs, FIRST_PAGE)]

        while found := await self.journal.in_thread(page):
            for row in found:
                yield row

    async def begin(self) -> None:
        """Make ready for a run: an earlier one of this plan may have left rows in flight, and changed the forecast."""
        if self._used:
            await self.journal.recover(repeatable=self.job.effect.repeatable)
            self.forecast = await forecast(self.job, self.journal, self._around)
        self._used = True
        if self.forecast.ambiguous:
            await self.journal.reopen()

    async def aclose(self) -> None:
        """Let go of the journal; a temporary one is removed."""
        await self.journal.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<Plan of {self.job.kind}: {self.forecast.rows} rows, {self.forecast.to_send} to send>"


async def make_plan(
    job: Job,
    source: Source,
    *,
    name: str | None = None,
    journal: Place | None,
    file_format: FileFormat,
    around: Surroundings,
    mapping: ColumnMapping | None = None,
    retry_failed: bool = False,
) -> Plan:
    """Read and check all rows into a journal; a journal that holds this job already is taken as it is.

    `name` stands for a file that is a mere copy, and is not there for a report.

    Raises:
        InvalidInputError: the source cannot be read.
        ConfigurationError: the journal belongs to another job, other rows, another key or another server; or the job
            is above one of its bounds.
        JournalError: the journal cannot be used.
        TypeError: rows that are no path and no iterable of mappings.
    """
    opened = await Journal.open(journal)
    try:
        meta = await opened.meta()
        mine = {"kind": job.kind, "identity": identity(job)}
        check_same_job(meta, opened.name, mine)
        check_bindings(meta, opened.name, around)
        if meta.get("planned") == "1":
            await _check_same_rows(opened, job, source, file_format, meta, around)
        else:
            await opened.begin_plan()
            await opened.describe(**description(job, source, file_format, name))
            count, mark = await fill(opened, job, source, file_format, mapping)
            await opened.complete_plan(rows=count, digest=mark)
        return await take_up(job, opened, around, mapping=mapping, retry_failed=retry_failed)
    except BaseException:
        await opened.close()
        raise


async def take_up(
    job: Job,
    journal: Journal,
    around: Surroundings,
    *,
    mapping: ColumnMapping | None = None,
    retry_failed: bool,
) -> Plan:
    """Make a plan of a journal whose rows are in."""
    bound = {"key": around.key, "host": around.host} if around.binds else {}
    await journal.describe(options=_sorted(job.options()), **bound)
    await journal.recover(repeatable=job.effect.repeatable, retry_failed=retry_failed)
    await journal.gather()
    expected = await forecast(job, journal, around)
    job.check_forecast(expected)
    return Plan(job, journal, expected, around, mapping)


def map_source(job: Job, source: Source, file_format: FileFormat) -> ColumnMapping | None:
    """Return how a job reads the columns of a CSV file or a table.

    None for JSON and for mappings, whose rows have names of their own, and for jobs that do not read columns.

    Raises:
        InvalidInputError: the file cannot be read, no row of it could be used, or two columns mean one field.
    """
    if is_frame(source):
        head: FileHead | None = head_of_frame(source)
    else:
        head = head_of(Path(source), file_format) if is_path(source) else None
    if head is None:
        return None
    mapping = job.map_columns(head.columns, head.samples)
    return None if mapping is None else attrs.evolve(mapping, line=head.line)


# What a journal belongs to -------------------------------------------------------------------------------


def identity(job: Job) -> str:
    """Return the options that make two jobs the same: all but those that may change between runs."""
    return _sorted({name: value for name, value in job.options().items() if name not in job.adjustable})


def description(job: Job, source: Source, file_format: FileFormat, name: str | None = None) -> dict[str, str]:
    """Return the description of a job over some rows, with all that it is resumed from."""
    file: dict[str, str] = {}
    if is_path(source) and name is None:
        file = {"file": PlannedFile(Path(source), file_format).described()}
    shown_as = name or (os.fspath(source) if is_path(source) else type(source).__name__)
    return {
        "kind": job.kind, "identity": identity(job), "options": _sorted(job.options()), "source": readable(shown_as),
        **file,
    }  # fmt: skip


def check_same_job(meta: dict[str, str], journal: str, mine: dict[str, str]) -> None:
    """Refuse to run a job on another one's journal.

    Raises:
        ConfigurationError: naming what differs.
        JournalError: its personal data were erased.
    """
    if meta.get("erased") == "1":
        raise JournalError(f"the personal data of {journal} were erased: it can be reported, and not run")
    for name, value in mine.items():
        theirs = meta.get(name, value)
        if theirs != value:
            raise ConfigurationError(
                f"the journal {journal} belongs to another job ({name} {theirs}); take another journal for this one"
            )


def check_bindings(meta: dict[str, str], journal: str, around: Surroundings) -> None:
    """Refuse to go on with another team's key, or at another server.

    Raises:
        ConfigurationError: naming what differs.
    """
    if unknown := around.skip - set(get_args(Binding)):
        raise ConfigurationError(
            f"force takes {', '.join(get_args(Binding))}, not {', '.join(map(repr, sorted(unknown)))}"
        )
    if not around.binds:
        return
    for name, mine, what in (
        ("key", around.key, "another API key, which may be that of another team"),
        ("host", around.host, f"another server, {meta.get('host')}"),
    ):
        if meta.get(name, mine) != mine and name not in around.skip:
            raise ConfigurationError(
                f"the journal {journal} was made with {what}; force {name!r} goes on with it all the same"
            )


async def _check_same_rows(
    journal: Journal,
    job: Job,
    source: Source,
    file_format: FileFormat,
    meta: dict[str, str],
    around: Surroundings,
) -> None:
    """Refuse rows that are not those of the journal, which would be ignored."""
    if "rows" in around.skip:
        return
    given = Digest()
    if is_path(source):
        what = "another file, or the file has changed"
        same = await asyncio.to_thread(digest, Path(source)) == meta.get("digest")
    else:
        async for _ in given.read(job, source, file_format):
            pass
        what = f"other rows than the {given.rows} that were given"
        # version 1 kept no digest of rows that were not a file: only their number can be compared
        same = (
            given.value == meta["digest"] if meta.get("digest") else str(given.rows) == meta.get("rows", "0")
        )
    if not same:
        raise ConfigurationError(
            f"the journal {journal.name} belongs to {what}; take another journal for these, or resume it without "
            "rows (force 'rows' goes on with those in the journal)"
        )


class Digest:
    """Reads a source, and knows it again: by the bytes of a file, else by what its rows hold."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._file = ""
        self.rows: int = 0

    @property
    def value(self) -> str:
        """SHA-256, once all was read."""
        return self._file or self._hash.hexdigest()

    async def read(self, job: Job, source: Source, file_format: FileFormat) -> AsyncIterator[list[RawRow]]:
        """Give the rows in their order, with cells that are plain JSON or a fault."""
        if is_path(source):
            self._file = await asyncio.to_thread(digest, Path(source))
        async for raws in read_rows(source, file_format, most=_CHUNK, texts=job.takes_texts):
            found = [as_json(raw) for raw in raws]
            self.rows += len(found)
            if not self._file:
                self._hash.update(b"\n".join([text for _, text in found]) + b"\n")
            yield [row for row, _ in found]


_SIMPLE = frozenset({str, int, float, bool})
"""Types of cells that JSON holds as they are, but for what `dumps` refuses, and for NaN and infinity."""


def as_json(raw: RawRow) -> tuple[RawRow, bytes]:
    """Return a row with plain JSON cells, or with a fault and cells that can be shown; and the same row as JSON."""
    if raw.fault is None and _SIMPLE.issuperset(map(type, raw.values.values())):
        # most rows are plain: writing them as JSON is the quickest check
        with contextlib.suppress(TypeError):
            text = dumps(raw.values)
            if b"null" not in text:
                return raw, text
    row = _exact(raw)
    return row, dumps((row.values, row.fault))


def _exact(raw: RawRow) -> RawRow:
    if raw.fault is not None:
        return RawRow(raw.line, shown(raw.values), raw.fault)
    try:
        return RawRow(raw.line, cells(raw.values), None, raw.note)
    except ValueError as error:
        return RawRow(raw.line, shown(raw.values), str(error))


class Appender(Protocol):
    """Place that takes new rows in their order."""

    def add(self, rows: Sequence[NewRow]) -> Awaitable[None]:
        """Append rows."""
        ...


# Filling it ----------------------------------------------------------------------------------------------


def _sorted(options: dict[str, Any]) -> str:
    return dumps(options, sort_keys=True).decode()


async def fill(
    journal: Appender, job: Job, source: Source, file_format: FileFormat, mapping: ColumnMapping | None
) -> tuple[int, str]:
    """Read and check rows while the journal writes those before them. Return their number and digest."""
    n, written, mark, identities = 0, journal.add([]), Digest(), Identities()
    try:
        async for raws in mark.read(job, source, file_format):
            if mapping is not None:
                mapping.check_columns(raws[0].values)
            rows = [check(job, n, raw, mapping, identities) for n, raw in enumerate(raws, n + 1)]
            await written
            written = journal.add(rows)
            n += len(rows)
    finally:
        identities.close()
        await written
    return n, mark.value


def check(
    job: Job,
    n: int,
    raw: RawRow,
    mapping: ColumnMapping | None = None,
    identities: Identities | None = None,
) -> NewRow:
    """Return a row as the journal takes it: to be done, or refused with the reason."""
    fault, what = raw.fault, "refused"
    if fault is None:
        try:
            payload = job.check(raw.values) if mapping is None else job.check_mapped(raw.values, mapping)
            if raw.note is not None and job.takes_notes:
                payload = payload | {"note": "; ".join(filter(None, (raw.note, payload.get("note"))))}
            text = dumps(payload)
            if b"null" in text:
                exact(payload)  # JSON has no NaN, and the writer makes it null
            key, other = job.key(payload), job.other_key(payload)
        except RowSkippedError as skipped:
            what, fault = SKIPPED, str(skipped)
        except (TypeError, ValueError) as refused:  # a RowRefusedError is one
            fault = str(refused)
        else:
            mark, second = _hashed(key), None if other is None else _hashed(other)
            if identities is not None and (first := identities.meet(mark, second, raw.line)) is not None:
                why = f"the same person as line {first}, by another identity"
                return NewRow(n, raw.line, None, text.decode(), State.REFUSED.value, REPEATED, why)
            return NewRow(n, raw.line, mark, text.decode(), credits=job.credits(payload))
    kept = dumps(shown(raw.values)).decode()
    return NewRow(n, raw.line, None, kept, State.REFUSED.value, what, fault[:_LONGEST_REASON])


def _hashed(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()[:16]


async def forecast(job: Job, journal: Journal, around: Surroundings) -> Forecast:
    """Return the work that is left, and the least time that the limit allows for it."""
    counts = await journal.counts()
    by_state = {state: sum(n for (s, _), n in counts.items() if s == state) for state in State}
    to_send, ambiguous, pending = by_state[State.NEW], by_state[State.UNKNOWN], by_state[State.PENDING]
    repeated, skipped = counts[State.REFUSED, REPEATED], counts[State.REFUSED, SKIPPED]
    batches = -(-to_send // job.batch)
    results = (to_send if job.follows else 0) + pending
    # a row that two look-ups do not find is sent again where lemlist refuses duplicates
    again = 2 + (job.calls if job.effect is Effect.DEDUPABLE else 0)
    doubts = ambiguous * again if job.verifiable else 0
    requests = batches * job.calls + results + doubts + (1 if to_send or ambiguous else 0)
    return Forecast(
        rows=sum(counts.values()),
        to_send=to_send,
        refused=by_state[State.REFUSED] - repeated - skipped,
        repeated=repeated,
        skipped=skipped,
        finished=by_state[State.DONE] + by_state[State.FAILED],
        ambiguous=ambiguous,
        pending=pending,
        requests=requests,
        seconds=seconds_at_limit(requests, around.limit, around.window),
        credits=await journal.credits(),
    )
