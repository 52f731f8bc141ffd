"""`lemlist.bulk`: jobs into lemlist, exports and events out of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from lemlist_async.bulk.jobs import KINDS
from lemlist_async.bulk.jobs.function_job import Each, FunctionJob, FunctionRun, Key
from lemlist_async.bulk.jobs.job import Job
from lemlist_async.bulk.jobs.leads import ImportLeads, OnDuplicate
from lemlist_async.bulk.journal.address import Place
from lemlist_async.bulk.journal.errors import JournalError
from lemlist_async.bulk.journal.journal import Journal
from lemlist_async.bulk.plan import (
    Binding,
    Plan,
    Surroundings,
    check_bindings,
    check_same_job,
    make_plan,
    map_source,
    take_up,
)
from lemlist_async.bulk.run.executor import OnAmbiguous
from lemlist_async.bulk.run.run import LOOK_UP_AFTER, Run
from lemlist_async.bulk.source.csv_dialect import FileFormat
from lemlist_async.bulk.source.frames import Frame
from lemlist_async.bulk.source.mapping import ColumnMapping
from lemlist_async.bulk.source.rows import Source, check_source
from lemlist_async.bulk.source.uploads import FileObject, copied, is_file_object
from lemlist_async.core.json import loads
from lemlist_async.core.wire import Effect
from lemlist_async.errors import ConfigurationError
from lemlist_async.export.activity_sync import ActivityBatch, sync_activities
from lemlist_async.export.export import Export
from lemlist_async.resources.leads import LeadFlags

if TYPE_CHECKING:
    from lemlist_async.client import Lemlist


class PlanOptions(TypedDict, total=False):
    """Options of planning a job: its journal, and the format of its file of rows."""

    journal: Place | None
    """File, or job on a PostgreSQL server, that lets the job survive a crash; given again with the same rows, the job
    resumes. By default a temporary file is used."""
    encoding: str
    """Encoding of a file without a byte order mark; by default UTF-8."""
    delimiter: str | None
    """Character between the cells of a CSV; by default detected."""
    header: bool
    """Whether the first line of a CSV names the columns, as it does by default. Otherwise they are ``1``, ``2``, …,
    and a single one is ``value``."""
    mapping: ColumnMapping | None
    """Mapping of the columns of a CSV file, as `Bulk.map_columns` returned it; by default the file is looked at."""
    retry_failed: bool
    """Whether rows are sent again that lemlist refused in an earlier run; by default False."""
    force: Collection[Binding]
    """Parts of its description to which a journal is not bound in this run. ``rows`` ignores the rows that are given;
    ``key`` and ``host`` do the rest with the present key or server. By default it is bound to all three."""
    dry_run: bool
    """Whether the plan is only to be looked at: key and server are neither compared with the journal nor written to
    it, and the plan cannot run. By default False."""


class LeadPlanOptions(PlanOptions, LeadFlags, total=False):
    """Options of planning an import of leads."""

    on_duplicate: OnDuplicate
    """Treatment of a lead that is there already: ``skip`` (by default) or ``raise``."""
    columns: dict[str, str] | None
    """Field of a column whose name does not show it."""


class Bulk:
    """Work over many rows, in the bulk lane, where it never delays interactive requests."""

    def __init__(self, lemlist: Lemlist) -> None:
        self._lemlist = lemlist

    async def plan_leads(self, campaign_id: str, rows: Source, **options: Unpack[LeadPlanOptions]) -> Plan:
        """Plan an import of leads into a campaign; nothing is sent.

        As `plan` with `ImportLeads`, and with the options of both. The flags are those of `leads.create`:
        ``deduplicate``, ``find_email``, …
        """
        given: dict[str, Any] = dict(options)
        planning: Any = {name: given.pop(name) for name in PlanOptions.__annotations__ if name in given}
        given["columns"] = given.get("columns") or {}
        return await self.plan(ImportLeads(campaign_id=campaign_id, **given), rows, **planning)

    async def plan(self, job: Job, rows: Source, **options: Unpack[PlanOptions]) -> Plan:
        """Plan a job; nothing is sent.

        `rows` is a CSV or JSON lines file, a file object (also one of a web form), a DataFrame, or mappings from
        column to value; a plain text among them is a row with that one value, where the job takes such rows. A file
        object is read from where it stands, and put back there if it can be. The options are explained at
        `PlanOptions`.

        Raises:
            InvalidInputError: the rows cannot be read, or have no column that the job needs.
            ConfigurationError: an option that cannot work, a job above its own bound of credits, or a journal of
                another job, other rows, another key or another server.
            JournalError: the journal cannot be used.
            TypeError: rows that are given in no such way, or an option that there is not.
        """
        _check_names(options)
        check_source(rows)
        if is_file_object(rows):
            with contextlib.ExitStack() as stack:
                copy = await asyncio.to_thread(stack.enter_context, copied(rows))
                return await self._plan(job, copy, options, name=copy.name)
        return await self._plan(job, rows, options)

    async def _plan(self, job: Job, rows: Source, options: PlanOptions, name: str | None = None) -> Plan:
        file_format = _file_format(options)
        return await make_plan(
            job,
            rows,
            name=name,
            journal=options.get("journal"),
            file_format=file_format,
            mapping=options.get("mapping") or map_source(job, rows, file_format),
            around=self._around(options.get("force", ()), options.get("dry_run", False)),
            retry_failed=options.get("retry_failed", False),
        )

    def map_columns(
        self, job: Job, file: str | os.PathLike[str] | FileObject | Frame, **options: Unpack[PlanOptions]
    ) -> ColumnMapping | None:
        """Return how a job would read the columns of a CSV file, with their first values; nothing is planned.

        None for JSON files, whose rows have names of their own, and for jobs that do not read columns. Of the options
        of `plan`, those of the file's format count.

        Raises:
            InvalidInputError: the file cannot be read, no row of it could be used, or two columns mean one field.
        """
        _check_names(options)
        if is_file_object(file):
            with copied(file) as copy:
                return map_source(job, copy, _file_format(options))
        return map_source(job, file, _file_format(options))

    async def resume(
        self,
        journal: Place,
        *,
        retry_failed: bool = False,
        force: Collection[Binding] = (),
        dry_run: bool = False,
    ) -> Plan:
        """Take up a job from its journal alone; `force` and `dry_run` are those of `plan`.

        Raises:
            ConfigurationError: there is no journal, no finished plan in it, its kind of job is not known here, or it
                was made with another key or server.
            JournalError: the journal cannot be used.
        """
        opened = await Journal.open(journal, new=False)
        try:
            around, meta = self._around(force, dry_run), await opened.meta()
            check_same_job(meta, opened.name, {})
            check_bindings(meta, opened.name, around)
            return await take_up(job_of(meta, opened.name), opened, around, retry_failed=retry_failed)
        except BaseException:
            await opened.close()
            raise

    async def erase(self, journal: Place) -> None:
        """Remove the personal data of a finished job from its journal; counts, lines and states stay.

        Raises:
            ConfigurationError: there is no journal.
            JournalError: it is not finished, or cannot be used.
        """
        opened = await Journal.open(journal, new=False)
        try:
            await opened.erase()
        finally:
            await opened.close()

    def _around(self, force: Collection[Binding], dry_run: bool) -> Surroundings:
        throttle = self._lemlist.throttle
        return Surroundings(
            key=self._lemlist.key_fingerprint,
            host=self._lemlist.base_url,
            limit=throttle.limit,
            window=throttle.window,
            skip=frozenset(force),
            binds=not dry_run,
        )

    def run(
        self,
        plan: Plan,
        *,
        on_ambiguous: OnAmbiguous = "verify",
        poll_every: float = 5.0,
        patience: float = 900.0,
        look_up_after: float = LOOK_UP_AFTER,
    ) -> Run:
        """Run a plan; iterate over the result for each row as it finishes.

        `on_ambiguous` decides about a row whose response was lost, and that may not simply be sent again. ``verify``
        looks it up, twice if need be, `look_up_after` seconds after the loss and after the first look-up. A row that
        is not found is sent again only if lemlist refuses duplicates. ``report`` leaves the row as unknown.
        `poll_every` is the least time between two requests for the same result. `patience` is the time without any
        new result after which the run ends, and leaves the rest to another run. Both are in seconds.

        Raises:
            ConfigurationError: times below zero.
            TypeError: rows instead of a plan.
        """
        if not isinstance(plan, Plan):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a checker
            raise TypeError(
                "bulk.run takes a plan; for rows and a function of your own there is bulk.run_function"
            )
        if min(poll_every, patience, look_up_after) < 0:
            raise ConfigurationError("poll_every, patience and look_up_after are seconds of at least 0")
        return Run(
            self._lemlist,
            plan,
            on_ambiguous=on_ambiguous,
            poll_every=poll_every,
            patience=patience,
            look_up_after=look_up_after,
        )

    def run_function(
        self,
        rows: Source,
        function: Each,
        *,
        effect: Effect,
        key: Key | None = None,
        verify: Each | None = None,
        name: str = "",
        on_ambiguous: OnAmbiguous = "verify",
        look_up_after: float = LOOK_UP_AFTER,
        **options: Unpack[PlanOptions],
    ) -> FunctionRun:
        """Run a function of your own over rows; iterate over the result for each row as it finishes.

        ``await function(lemlist, row)`` does one row: it returns plain JSON, a model, None or an `Outcome`. `effect`
        is the effect of doing a row twice. After a lost response or a crash a repeatable row is done again. Any other
        row is given to `verify`, which returns None if the row was not done; without it the row ends as unknown. `key`
        tells which rows are the same; by default those that are equal. `name` is the job's name in its journal.
        `on_ambiguous` and `look_up_after` are those of `run`, the other options those of `plan`.

        Raises:
            ConfigurationError: `look_up_after` is below zero.
        """
        if look_up_after < 0:
            raise ConfigurationError("look_up_after is a number of seconds of at least 0")
        _check_names(options)
        job = FunctionJob(each=function, effect=effect, by=key, look_up=verify, name=name)
        return FunctionRun(
            lambda: self.plan(job, rows, **options),
            lambda plan: self.run(plan, on_ambiguous=on_ambiguous, look_up_after=look_up_after),
        )

    # Out of lemlist -------------------------------------------------------------------------------------

    def export_leads(self, campaign_id: str, *, state: str | Sequence[str] = "all") -> Export:
        """Export all leads of a campaign, or those in some states, with their variables."""
        return self._export(lambda view: view.campaigns.export_leads_csv(campaign_id, state=state))

    def export_contacts(self, list_id: str = "all") -> Export:
        """Export all contacts, or those of a list, with their custom fields."""
        return self._export(lambda view: view.contacts.export(list_id))

    def export_unsubscribes(self) -> Export:
        """Export all blocked values."""
        return self._export(lambda view: view.unsubscribes.export())

    def _export(self, ask: Callable[[Lemlist], AsyncIterable[Mapping[str, str]]]) -> Export:
        view = self._lemlist.with_options(lane="bulk")
        return Export(lambda: aiter(ask(view)))

    def sync_activities(
        self,
        cursor: Mapping[str, Any] | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        overlap: timedelta = timedelta(minutes=10),
        types: Collection[str] | None = None,
    ) -> AsyncIterator[ActivityBatch]:
        """Iterate over activities since the last sync, in batches, oldest first, each with a cursor to resume from.

        The first sync begins at `since`, and each later one at the `cursor` of the last batch that was stored. A
        sync ends at `until`, by default now. `overlap` is the delay with which an event may appear in lemlist's list
        and still be found: that span is read again, and events that were given before are left out, by ids that the
        cursor carries. `types` leaves other events out.

        A window of time with more than 1,000 events is split, so that no more are in memory. Where a sync ends
        half-way, the next one from the last stored cursor misses nothing and repeats nothing that was stored.

        Raises:
            InvalidInputError: neither a cursor nor `since`, or what is no cursor.
            IncompleteListError: lemlist's list may have left events out; the cursor has not passed them.
        """
        view = self._lemlist.with_options(lane="bulk")
        return sync_activities(view, cursor, since=since, until=until, overlap=overlap, types=types)


def _file_format(options: PlanOptions) -> FileFormat:
    return FileFormat(
        encoding=options.get("encoding", "utf-8"),
        delimiter=options.get("delimiter"),
        header=options.get("header", True),
    )


def _check_names(options: PlanOptions) -> None:
    # at run time `Unpack` takes any keyword: a misspelt one must not be ignored
    if unknown := options.keys() - PlanOptions.__annotations__.keys():
        raise TypeError(
            f"there is no option {min(unknown)!r}; there are {', '.join(PlanOptions.__annotations__)}"
        )


def job_of(meta: dict[str, str], name: str) -> Job:
    """Return the job that a journal describes."""
    kind = meta.get("kind", "")
    if meta.get("planned") != "1":
        raise ConfigurationError(f"{name} holds no finished plan: give the rows again, with the same journal")
    if kind not in KINDS:
        raise ConfigurationError(
            f"{name} is the journal of a {kind!r} job, which can only be resumed by its program"
        )
    try:
        job: Job = KINDS[kind](**loads(meta["options"]))
    except (KeyError, TypeError, ValueError) as error:
        raise JournalError(f"{name} is damaged: its options are not those of {kind} ({error})") from None
    return job
