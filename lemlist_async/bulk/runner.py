"""Runs a plan: as many rows in flight as the limit can use, pass by pass."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from lemlist_async.bulk.desk import Desk, Finished
from lemlist_async.bulk.job import JobStoppedError, Outcome, State
from lemlist_async.bulk.journal import JournalError
from lemlist_async.bulk.plan import Plan
from lemlist_async.bulk.posted import Posted
from lemlist_async.bulk.progress import Meter, Progress, Report
from lemlist_async.bulk.settle import OnAmbiguous, Settled, Settler
from lemlist_async.bulk.tables import JournalRow

if TYPE_CHECKING:
    from lemlist_async.client import Lemlist

_SPARE = 4
"""Batches in flight above the limit, so that somebody always waits in the throttle's queue."""
_WIDEST = 96
"""Batches in flight at most, however high the limit is set."""
_HAND_IN = 0.5
"""Seconds between two looks at what was posted."""
_HELD = 20_000
"""Rows in flight at most, for the memory's sake; two batches always may be."""


@attrs.frozen
class RowResult:
    """What became of one row."""

    line: int
    payload: dict[str, Any]
    outcome: Outcome


class Run:
    """One run of a plan: iterate over it for the rows, in the order they finish.

    Leaving the loop early stops it at once; what was in flight is looked up by the next run.
    """

    def __init__(
        self,
        lemlist: Lemlist,
        plan: Plan,
        *,
        on_ambiguous: OnAmbiguous = "verify",
        poll_every: float = 5.0,
        patience: float = 900.0,
    ) -> None:
        self._lemlist = lemlist.with_options(lane="bulk")
        self._plan = plan
        self._every = poll_every
        self._patience = patience
        self._posted = Posted(plan.job)
        self._settler = Settler(self._lemlist, plan.job, plan.journal, on_ambiguous, self._posted)
        self._meter = Meter(lemlist.throttle, plan.forecast, follows=plan.job.follows)
        self._stopping = asyncio.Event()
        self._error: BaseException | None = None
        self._retries = 0

    def stop(self) -> None:
        """Begin no more rows; those in flight are finished first."""
        self._stopping.set()

    @property
    def stopped(self) -> bool:
        """Whether it begins no more rows: `stop` was called, or an error ended it."""
        return self._stopping.is_set()

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return self._meter.progress

    def receive(self, body: bytes | str | Mapping[str, Any]) -> int:
        """Hand over what lemlist posted to the job's webhook: how many results it holds.

        It returns at once, so that the post can be answered; the rows follow in the iteration. Results of other
        runs do no harm.

        Raises:
            InvalidInputError: it is no such body, or nothing is posted for this job.
        """
        return self._posted.add(body)

    async def report(self) -> Report:
        """What was done so far."""
        counts = await self._plan.journal.counts()
        retries = self._retries + self._settler.retries
        return self._meter.report(counts, retries=retries, confirmed=self._settler.confirmed)

    async def __aiter__(self) -> AsyncGenerator[RowResult, None]:
        """Run to the end.

        Raises:
            JobStoppedError: something that no further row would survive; what was in flight is finished first.
        """
        self._meter.start()
        off = self._lemlist.on("retry", self._saw_retry)
        try:
            await self._plan.job.prepare(self._lemlist, self._plan.forecast)
            for each in (
                self._pass(State.UNKNOWN, "look up", 1, self._settler.doubt),
                self._pass(State.NEW, "send", self._plan.job.batch, self._settler.send),
                self._collect(),
            ):
                async with contextlib.aclosing(each) as groups:
                    async for results in groups:
                        for result in results:
                            yield result
        finally:
            self._meter.end()
            off()
        if self._error is not None:
            raise JobStoppedError(f"the job stopped: {self._error}") from self._error

    def _saw_retry(self, _event: object) -> None:
        self._retries += 1

    async def _collect(self) -> AsyncGenerator[list[RowResult], None]:
        """Ask for results again and again, until all are there or none has come for a long time."""
        last = began = time.monotonic()
        asks = not self._plan.job.posts  # else what is posted comes first, and what is left is asked for
        while await self._pending():
            rounds = [self._told(began + self._every)]
            if asks:
                began = time.monotonic()
                rounds = [self._pass(State.PENDING, "results", 1, self._settler.follow), *rounds]
            for each in rounds:
                async with contextlib.aclosing(each) as found:
                    async for results in found:
                        last = time.monotonic() if results else last
                        yield results
            if self._stopping.is_set() or time.monotonic() - last > self._patience:
                return
            asks = True

    async def _pending(self) -> bool:
        return bool(await self._plan.journal.take(State.PENDING, 0, 1))

    async def _told(self, until: float) -> AsyncGenerator[list[RowResult], None]:
        """Results that are posted while there is nothing to ask."""
        while await self._pending():
            try:
                found = await self._posted.hand_in(self._plan.journal)
            except JournalError as error:
                self._halt(error)
                return
            if found:
                yield self._passed("results", found)
            now = time.monotonic()
            if now >= until or await self._told_to_stop(min(until, now + _HAND_IN)):
                return

    async def _told_to_stop(self, until: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), max(0.0, until - time.monotonic()))
        return self._stopping.is_set()

    async def _pass(
        self, state: State, step: str, batch: int, settle: _Settle
    ) -> AsyncGenerator[list[RowResult], None]:
        """Work off the rows in a state."""
        width = max(2, min(self._lemlist.throttle.limit + _SPARE, _WIDEST + _SPARE, _HELD // batch))
        journal, repeatable = self._plan.journal, self._plan.job.effect.repeatable
        careful = not (journal.temporary or repeatable)
        desk = Desk(journal, state, self._stopping, batch=batch, width=width, careful=careful)
        workers = [asyncio.create_task(self._work(desk, settle)) for _ in range(width)]
        clerk = asyncio.create_task(desk.serve())
        try:
            while found := await desk.results():
                yield self._passed(step, found)
            await asyncio.wait(workers)
        finally:
            for task in (*workers, clerk):
                task.cancel()
            ended = await asyncio.gather(*workers, clerk, return_exceptions=True)
            await desk.put_away()
        for failed in ended:
            if isinstance(failed, JournalError):
                self._halt(failed)
            elif isinstance(failed, Exception):
                raise failed

    def _passed(self, step: str, found: Sequence[Finished]) -> list[RowResult]:
        """Count rows; those that have their outcome."""
        results = [
            RowResult(row.line, row.payload, outcome)
            for row, outcome in found
            if outcome.state is not State.PENDING
        ]
        self._meter.passed(step, through=len(results), pending=len(found) - len(results))
        return results

    async def _work(self, desk: Desk, settle: _Settle) -> None:
        try:
            while rows := await desk.next():
                settled = await settle(rows)
                if settled.stop is not None:
                    self._halt(settled.stop)
                desk.bring(rows, settled)
        except Exception:
            # a fault in the program, such as in a function of the caller's: the other workers begin no more
            self._stopping.set()
            raise
        finally:
            desk.leave()

    def _halt(self, error: BaseException) -> None:
        self._error = self._error or error
        self._stopping.set()


_Settle = Callable[[Sequence[JournalRow]], Awaitable[Settled]]
