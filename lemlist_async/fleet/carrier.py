"""Runs of jobs in the process of a worker."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
from collections import Counter

import attrs

from lemlist_async.bulk.jobs.job import JobStoppedError
from lemlist_async.bulk.journal.address import LEASE, PostgresJournal
from lemlist_async.bulk.journal.errors import JournalUnavailableError
from lemlist_async.bulk.journal.storage import plain
from lemlist_async.bulk.run.executor import OnAmbiguous
from lemlist_async.bulk.run.run import LOOK_UP_AFTER, Run
from lemlist_async.errors import (
    ClosedError,
    LemlistError,
    QueueError,
    RateLimitError,
    ServerError,
    TransportError,
)
from lemlist_async.pool import LemlistPool

_PASSING = (ClosedError, JournalUnavailableError, QueueError, RateLimitError, ServerError, TransportError)
"""Errors after which another attempt may succeed. After any other one the job waits for a person."""
_SOONEST, _LATEST = 5.0, 300.0
"""Seconds until a job is carried on after an error that may pass: doubled each time it did not."""

_log = logging.getLogger("lemlist_async.fleet")


class End(enum.Enum):
    """Way in which the carrying on of a job ended."""

    FINISHED = "finished"
    """No row is left."""
    LATER = "later"
    """Another attempt is due after some seconds: rows are left, or an error may pass."""
    HANDED_OVER = "handed over"
    """This worker ends, and another one shall go on at once."""
    GIVEN_UP = "given up"
    """An error that another attempt would meet as well."""


@attrs.frozen
class Carried:
    """End of one attempt to carry a job on."""

    end: End
    seconds: float = 0.0
    """Seconds until the next attempt."""
    trouble: str = ""


@attrs.frozen(kw_only=True)
class RunOptions:
    """Options of the runs of a worker; see `Bulk.run`."""

    lease: float = LEASE
    """Seconds after which another worker may carry a job on if this one has died or stands still."""
    on_ambiguous: OnAmbiguous = "verify"
    poll_every: float = 5.0
    patience: float = 900.0
    look_up_after: float = LOOK_UP_AFTER


class Carrier:
    """Runs the jobs that the queue hands to this process.

    A run is a task of its own. It goes on if the queue loses interest in it, as when the database restarts, and ends
    with `drain`. A job has at most one run here, however often it is handed out.
    """

    def __init__(self, url: str, pool: LemlistPool, options: RunOptions) -> None:
        self._url = url
        self._pool = pool
        self._options = options
        self._tasks: dict[str, asyncio.Task[Carried]] = {}
        self._runs: dict[str, Run] = {}
        self._failures = Counter[str]()
        self._draining = False

    def __len__(self) -> int:
        return len(self._tasks)

    async def carry_on(self, job: str, tenant: str) -> Carried:
        """Carry a job on to its end, or until this worker drains."""
        task = self._tasks.get(job)
        if task is None:
            if self._draining:
                return Carried(End.HANDED_OVER)
            task = self._tasks[job] = asyncio.create_task(self._carry_on(job, tenant), name=f"carry on {job}")
            task.add_done_callback(lambda _: self._tasks.pop(job, None))
        # the queue may cancel its own task, and not the run
        return await asyncio.shield(task)

    async def drain(self, seconds: float) -> None:
        """Begin no more rows, finish those in flight for so many seconds, and end all runs."""
        self._draining = True
        for run in self._runs.values():
            run.stop()
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            # what is in flight now is left as sent, and looked up by the successor
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self, job: str) -> None:
        """Begin no more rows of a job."""
        if (run := self._runs.get(job)) is not None:
            run.stop()

    @property
    def jobs(self) -> list[str]:
        """Names of the jobs that run."""
        return list(self._runs)

    async def _carry_on(self, job: str, tenant: str) -> Carried:
        try:
            left = await self._run(job, tenant)
        except JobStoppedError as stopped:
            return self._failed(job, stopped.__cause__ or stopped)
        except Exception as error:  # noqa: BLE001  # a fault of this program, too, must not be met every few seconds
            return self._failed(job, error)
        self._failures.pop(job, None)
        if not left:
            return Carried(End.FINISHED)
        if self._draining:
            return Carried(End.HANDED_OVER)
        return Carried(End.LATER, _SOONEST)

    async def _run(self, job: str, tenant: str) -> int:
        """Run a job, and return how many rows are left."""
        options = self._options
        client = await self._pool.client(tenant)
        async with await client.bulk.resume(PostgresJournal(self._url, job, options.lease)) as plan:
            run = client.bulk.run(
                plan,
                on_ambiguous=options.on_ambiguous,
                poll_every=options.poll_every,
                patience=options.patience,
                look_up_after=options.look_up_after,
            )
            self._runs[job] = run
            if self._draining:
                run.stop()
            try:
                report = await run.finish()
            finally:
                del self._runs[job]
            _log.info("%s: %d of %d rows left", job, report.left, report.rows)
            return report.left

    def _failed(self, job: str, error: BaseException) -> Carried:
        if not isinstance(error, _PASSING):
            self._failures.pop(job, None)
            _log.warning("%s is given up: %s", job, error, exc_info=not isinstance(error, LemlistError))
            return Carried(End.GIVEN_UP, trouble=_said(error))
        seconds = min(_SOONEST * 2 ** self._failures[job], _LATEST)
        if isinstance(error, JournalUnavailableError):
            # the worker that has the job may have died: its lease is over after so long at the latest
            seconds = min(seconds, self._options.lease)
        self._failures[job] += 1
        _log.info("%s is carried on in %.0f s: %s", job, seconds, error)
        return Carried(End.LATER, seconds, _said(error))


def _said(error: BaseException) -> str:
    return (plain(f"{type(error).__name__}: {error}") or "")[:500]


async def ended(task: asyncio.Task[object]) -> None:
    """Cancel a task, and wait for its end."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
