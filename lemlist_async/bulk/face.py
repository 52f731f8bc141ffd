"""`lemlist.bulk`: plan, run, resume."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from lemlist_async.bulk.job import Job
from lemlist_async.bulk.jobs.leads import ImportLeads, OnDuplicate
from lemlist_async.bulk.journal import Journal
from lemlist_async.bulk.plan import Plan, forecast, make_plan
from lemlist_async.bulk.rows import Source, header_of, is_path
from lemlist_async.bulk.runner import OnAmbiguous, Run
from lemlist_async.errors import ConfigurationError

if TYPE_CHECKING:
    from lemlist_async.client import Lemlist

_KINDS: dict[str, type[Any]] = {ImportLeads.kind: ImportLeads}


class Bulk:
    """Jobs over many rows, in the lane where they never hold up a person."""

    def __init__(self, lemlist: Lemlist) -> None:
        self._lemlist = lemlist

    async def plan_leads(
        self,
        campaign_id: str,
        rows: Source,
        *,
        journal: str | os.PathLike[str] | None = None,
        encoding: str = "utf-8",
        on_duplicate: OnDuplicate = "skip",
        columns: dict[str, str] | None = None,
        retry_failed: bool = False,
        **flags: bool,
    ) -> Plan:
        """Plan an import of leads into a campaign; nothing is sent.

        `rows` is a CSV or JSON lines file, or mappings from column to value. `journal` is the file that lets
        the job survive a crash; given again with the same rows it goes on where it was. `flags` are those of
        `leads.create`: ``deduplicate``, ``find_email``, …

        Raises:
            InvalidInputError: the rows cannot be read, or have no column for the address.
            ConfigurationError: an id or option that cannot work, or another job's journal.
            JournalError: the journal cannot be used.
        """
        job = ImportLeads(campaign_id=campaign_id, on_duplicate=on_duplicate, columns=columns or {}, **flags)
        if is_path(rows) and (columns_ := header_of(Path(rows), encoding=encoding)):
            job.check_columns(columns_)
        return await self.plan(job, rows, journal=journal, encoding=encoding, retry_failed=retry_failed)

    async def plan(
        self,
        job: Job,
        rows: Source,
        *,
        journal: str | os.PathLike[str] | None = None,
        encoding: str = "utf-8",
        retry_failed: bool = False,
    ) -> Plan:
        """Plan any job; nothing is sent."""
        throttle = self._lemlist.throttle
        return await make_plan(
            job,
            rows,
            journal=journal,
            encoding=encoding,
            limit=throttle.limit,
            window=throttle.window,
            retry_failed=retry_failed,
        )

    async def resume(self, journal: str | os.PathLike[str], *, retry_failed: bool = False) -> Plan:
        """Take up a job from its journal alone.

        Raises:
            ConfigurationError: there is no journal, no finished plan in it, or its kind of job is not known here.
            JournalError: the journal cannot be used.
        """
        opened = await Journal.open(journal, new=False)
        try:
            job = job_of(await opened.meta(), opened.path)
            await opened.recover(retry_failed=retry_failed)
            throttle = self._lemlist.throttle
            return Plan(job, opened, await forecast(job, opened, throttle.limit, throttle.window))
        except BaseException:
            await opened.close()
            raise

    def run(self, plan: Plan, *, on_ambiguous: OnAmbiguous = "verify") -> Run:
        """Run a plan; iterate over the result for each row as it finishes.

        `on_ambiguous` says what becomes of a row whose answer was lost: ``verify`` looks it up and sends it
        again if it is not there, ``report`` leaves it as unknown.
        """
        return Run(self._lemlist, plan, on_ambiguous=on_ambiguous)


def job_of(meta: dict[str, str], path: Path) -> Job:
    """The job that a journal describes."""
    kind = meta.get("kind", "")
    if meta.get("planned") != "1":
        raise ConfigurationError(f"{path} holds no finished plan: give the rows again, with the same journal")
    if kind not in _KINDS:
        raise ConfigurationError(
            f"{path} is the journal of a {kind!r} job, which can only be resumed by its program"
        )
    job: Job = _KINDS[kind](**orjson.loads(meta["options"]))
    return job
