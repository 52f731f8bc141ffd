"""`lemlist.bulk`: jobs into lemlist, exports and events out of it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, overload

from lemlist_async.bulk.jobs import KINDS
from lemlist_async.bulk.jobs.function_job import Each, FunctionJob, FunctionRun, Key
from lemlist_async.bulk.jobs.job import Job
from lemlist_async.bulk.jobs.leads import ImportLeads, OnDuplicate
from lemlist_async.bulk.journal.journal import Journal, JournalError
from lemlist_async.bulk.plan import (
    Binding,
    Plan,
    Surroundings,
    check_bindings,
    check_same_job,
    make_plan,
    take_up,
)
from lemlist_async.bulk.run.executor import OnAmbiguous
from lemlist_async.bulk.run.run import LOOK_UP_AFTER, Run
from lemlist_async.bulk.source.csv_dialect import FileFormat
from lemlist_async.bulk.source.files import header_of
from lemlist_async.bulk.source.rows import Source, is_path
from lemlist_async.core.json import loads
from lemlist_async.core.wire import Effect
from lemlist_async.errors import ConfigurationError
from lemlist_async.export.activity_sync import ActivityBatch, sync_activities
from lemlist_async.export.export import Export
from lemlist_async.resources.leads import LeadFlags

if TYPE_CHECKING:
    from lemlist_async.client import Lemlist


class Bulk:
    """Work over many rows, in the bulk lane, where it never delays interactive requests."""

    def __init__(self, lemlist: Lemlist) -> None:
        self._lemlist = lemlist

    async def plan_leads(
        self,
        campaign_id: str,
        rows: Source,
        *,
        journal: str | os.PathLike[str] | None = None,
        encoding: str = "utf-8",
        delimiter: str | None = None,
        header: bool = True,
        on_duplicate: OnDuplicate = "skip",
        columns: dict[str, str] | None = None,
        retry_failed: bool = False,
        force: Collection[Binding] = (),
        **flags: Unpack[LeadFlags],
    ) -> Plan:
        """Plan an import of leads into a campaign; nothing is sent.

        As `plan` with `ImportLeads`. `flags` are those of `leads.create`: ``deduplicate``, ``find_email``, …
        """
        job = ImportLeads(campaign_id=campaign_id, on_duplicate=on_duplicate, columns=columns or {}, **flags)
        return await self.plan(
            job,
            rows,
            journal=journal,
            encoding=encoding,
            delimiter=delimiter,
            header=header,
            retry_failed=retry_failed,
            force=force,
        )

    async def plan(
        self,
        job: Job,
        rows: Source,
        *,
        journal: str | os.PathLike[str] | None = None,
        encoding: str = "utf-8",
        delimiter: str | None = None,
        header: bool = True,
        retry_failed: bool = False,
        force: Collection[Binding] = (),
        dry_run: bool = False,
    ) -> Plan:
        """Plan a job; nothing is sent.

        `rows` is a CSV or JSON lines file, or mappings from column to value; a plain text among them is a row
        with that one value, where the job takes such rows. `journal` is the file that lets the job survive a crash;
        given again with the same rows, the job resumes. `retry_failed` sends rows again that lemlist refused.

        A file tells its `encoding` by a byte order mark, else it is UTF-8; the `delimiter` of a CSV is detected. With
        `header=False` its first row is a row, and the columns are ``1``, ``2``, … or, alone, ``value``.

        A journal is bound to its rows, the API key and the server. `force` resumes it although one of these
        differs: ``rows`` ignores the rows that are given, ``key`` and ``host`` do the rest with the present key or
        server. With `dry_run` the plan cannot run: key and server are neither compared with the journal nor
        written to it.

        Raises:
            InvalidInputError: the rows cannot be read, or have no column that the job needs.
            ConfigurationError: an option that cannot work, or a journal of another job, other rows, another key or
                another server.
            JournalError: the journal cannot be used.
            TypeError: rows that are neither a path nor an iterable of mappings.
        """
        file_format = FileFormat(encoding=encoding, delimiter=delimiter, header=header)
        if is_path(rows) and (columns := header_of(Path(rows), file_format)):
            job.check_columns(columns)
        return await make_plan(
            job,
            rows,
            journal=journal,
            file_format=file_format,
            around=self._around(force, dry_run),
            retry_failed=retry_failed,
        )

    async def resume(
        self,
        journal: str | os.PathLike[str],
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
            check_same_job(meta, opened.path, {})
            check_bindings(meta, opened.path, around)
            return await take_up(job_of(meta, opened.path), opened, around, retry_failed=retry_failed)
        except BaseException:
            await opened.close()
            raise

    async def erase(self, journal: str | os.PathLike[str]) -> None:
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

    @overload
    def run(
        self,
        plan: Plan,
        *,
        on_ambiguous: OnAmbiguous = ...,
        poll_every: float = ...,
        patience: float = ...,
        look_up_after: float = ...,
    ) -> Run: ...
    @overload
    def run(
        self,
        plan: Source,
        *,
        each: Each,
        effect: Effect,
        key: Key | None = ...,
        verify: Each | None = ...,
        name: str = ...,
        journal: str | os.PathLike[str] | None = ...,
        encoding: str = ...,
        delimiter: str | None = ...,
        header: bool = ...,
        retry_failed: bool = ...,
        force: Collection[Binding] = ...,
        on_ambiguous: OnAmbiguous = ...,
        look_up_after: float = ...,
    ) -> FunctionRun: ...
    def run(
        self,
        plan: Plan | Source,
        *,
        each: Each | None = None,
        effect: Effect = Effect.UNSAFE,
        key: Key | None = None,
        verify: Each | None = None,
        name: str = "",
        journal: str | os.PathLike[str] | None = None,
        encoding: str = "utf-8",
        delimiter: str | None = None,
        header: bool = True,
        retry_failed: bool = False,
        force: Collection[Binding] = (),
        on_ambiguous: OnAmbiguous = "verify",
        poll_every: float = 5.0,
        patience: float = 900.0,
        look_up_after: float = LOOK_UP_AFTER,
    ) -> Run | FunctionRun:
        """Run a plan, or rows with a function of your own; iterate over the result for each row as it finishes.

        `on_ambiguous` decides about a row whose response was lost, and that may not simply be sent again. ``verify``
        looks it up, twice if need be, `look_up_after` seconds after the loss and after the first look-up. A row that
        is not found is sent again only if lemlist refuses duplicates. ``report`` leaves the row as unknown.
        `poll_every` is the least time between two requests for the same result. `patience` is the time without any
        new result after which the run ends, and leaves the rest to another run. Both are in seconds.

        With rows, ``await each(lemlist, row)`` does one of them: it returns plain JSON, a model, None or an
        `Outcome`. `effect` is the effect of doing a row twice. After a lost response or a crash a repeatable row is
        done again. Any other row is given to `verify`, which returns None if the row was not done; without it the row
        ends as unknown. `key` tells which rows are the same; by default those that are equal. `journal`, `encoding`,
        `delimiter`, `header`, `retry_failed` and `force` are those of `plan`, and `name` is what the journal calls
        the job.

        Raises:
            ConfigurationError: rows without `each`, or times below zero.
        """
        if min(poll_every, patience, look_up_after) < 0:
            raise ConfigurationError("poll_every, patience and look_up_after are seconds of at least 0")

        def run(made: Plan) -> Run:
            return Run(
                self._lemlist,
                made,
                on_ambiguous=on_ambiguous,
                poll_every=poll_every,
                patience=patience,
                look_up_after=look_up_after,
            )

        if isinstance(plan, Plan):
            return run(plan)
        if each is None:
            raise ConfigurationError("give a plan, or rows with each=…, the function that does one of them")
        rows, job = plan, FunctionJob(each=each, effect=effect, by=key, look_up=verify, name=name)
        return FunctionRun(
            lambda: self.plan(
                job,
                rows,
                journal=journal,
                encoding=encoding,
                delimiter=delimiter,
                header=header,
                retry_failed=retry_failed,
                force=force,
            ),
            run,
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
        """
        view = self._lemlist.with_options(lane="bulk")
        return sync_activities(view, cursor, since=since, until=until, overlap=overlap, types=types)


def job_of(meta: dict[str, str], path: Path) -> Job:
    """Return the job that a journal describes."""
    kind = meta.get("kind", "")
    if meta.get("planned") != "1":
        raise ConfigurationError(f"{path} holds no finished plan: give the rows again, with the same journal")
    if kind not in KINDS:
        raise ConfigurationError(
            f"{path} is the journal of a {kind!r} job, which can only be resumed by its program"
        )
    try:
        job: Job = KINDS[kind](**loads(meta["options"]))
    except (KeyError, TypeError, ValueError) as error:
        raise JournalError(f"{path} is damaged: its options are not those of {kind} ({error})") from None
    return job
