"""Run of a plan, pass by pass, with as many rows in flight as the limit can use."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import weakref
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lemlist_async.bulk.jobs.job import ABSENT, IN_DOUBT, JobStoppedError, Outcome, RowResult, State
from lemlist_async.bulk.journal.errors import JournalError
from lemlist_async.bulk.journal.storage import JournalRow
from lemlist_async.bulk.plan import Plan
from lemlist_async.bulk.run.dispatcher import Dispatcher, Finished
from lemlist_async.bulk.run.executor import ROUNDS, BatchResult, Executor, Marks, OnAmbiguous
from lemlist_async.bulk.run.progress import Meter, Progress, Report
from lemlist_async.bulk.run.webhook_results import WebhookResults
from lemlist_async.observe import RetryScheduled, RowsEnd

if TYPE_CHECKING:
    from lemlist_async.client import Lemlist

_SPARE = 4
"""Batches in flight above the limit, so that a request always waits in the throttle's queue."""
_WIDEST = 96
"""Most batches in flight, however high the limit is set."""
_FLUSH_EVERY = 0.5
"""Seconds between two looks at the results that lemlist posted."""
_HELD = 20_000
"""Most rows in flight, to bound the memory. Two batches always may be."""
LOOK_UP_AFTER = 30.0
"""Seconds between a lost response and each look-up. Gateways in front of an API usually wait as long for it, so that
lemlist has finished by then the work that it was doing when the response was lost."""
_log = logging.getLogger("lemlist_async.bulk")


class Run:
    """One run of a plan. Iterate over it once for the rows, in the order they finish, or await `finish`.

    Leaving the loop early stops the run at once. The next run looks up the rows that were in flight. A plan has one
    run at a time.
    """

    def __init__(
        self,
        lemlist: Lemlist,
        plan: Plan,
        *,
        on_ambiguous: OnAmbiguous = "verify",
        poll_every: float = 5.0,
        patience: float = 900.0,
        look_up_after: float = LOOK_UP_AFTER,
    ) -> None:
        # a deadline or a bound of the queue is for an interactive caller: a row waits as long as it takes
        self._lemlist = lemlist.with_options(lane="bulk", deadline=None, max_wait=None)
        self._plan = plan
        self._every = poll_every
        self._patience = patience
        self._webhook_results = WebhookResults(plan.job)
        self._executor = Executor(
            self._lemlist, plan.job, on_ambiguous, self._webhook_results, plan.journal.guard
        )
        self._look_up_after = look_up_after
        self._lost_at = 0.0
        """Instant at which a response was last lost, on the clock of the event loop."""
        self._begun = False
        self._meter = Meter(lemlist.throttle, plan.forecast, follows=plan.job.follows)
        self._stopping = asyncio.Event()
        self._error: BaseException | None = None
        self._retries = 0

    def __repr__(self) -> str:
        state = "not begun" if not self._begun else "stopping" if self.stopped else "begun"
        return f"<Run of {self._plan!r}, {state}>"

    def stop(self) -> None:
        """Begin no more rows; those in flight are finished first."""
        self._stopping.set()

    @property
    def stopped(self) -> bool:
        """Whether no more rows begin: `stop` was called, or an error ended the run."""
        return self._stopping.is_set()

    @property
    def begun(self) -> bool:
        """Whether the run has begun, so that it can be reported."""
        return self._begun

    @property
    def progress(self) -> Progress:
        """State of the run in numbers."""
        return self._meter.progress

    def receive(self, body: bytes | str | Mapping[str, Any]) -> int:
        """Take a body that lemlist posted to the job's webhook; return how many results it holds.

        The call returns at once, so that the webhook can respond. The rows follow in the iteration. Results of other
        runs do no harm.

        Raises:
            InvalidInputError: the body holds no results, or lemlist posts none for this job.
        """
        return self._webhook_results.add(body)

    async def finish(self) -> Report:
        """Run to the end without looking at the rows, and return the report.

        Raises:
            JobStoppedError: as in the iteration.
        """
        async for _ in self:
            pass
        return await self.report()

    async def report(self) -> Report:
        """Return the report of the run so far.

        Raises:
            JobStoppedError: the run has not begun, so nothing was sent.
        """
        if not self._begun:
            raise JobStoppedError(
                "the run has not begun, and nothing was sent: iterate over it, or await finish()"
            )
        counts = await self._plan.journal.counts()
        retries = self._retries + self._executor.retries
        return self._meter.report(counts, retries=retries, confirmed=self._executor.confirmed)

    def __aiter__(self) -> AsyncGenerator[RowResult, None]:
        """Run to the end.

        Raises:
            JobStoppedError: an error that every further row would meet as well. Rows in flight are finished first.
            JournalError: another run of the plan is in progress, or this one has begun before.
        """
        handle = _Handle()
        rows = self._rows(handle)
        # weak: a generator that its consumer dropped half-way must not keep the journal in use
        handle.rows = weakref.ref(rows)
        return rows

    async def _rows(self, handle: _Handle) -> AsyncGenerator[RowResult, None]:
        plan, journal = self._plan, self._plan.journal
        if self._begun:
            raise JournalError("this run has begun before: make another one with bulk.run(plan)")
        # set without an await since the check: of two iterations at once only one may begin
        self._begun = True
        try:
            await journal.begin(handle)
        except BaseException:
            self._begun = False
            raise
        # requests of an earlier run may have left right before this one began
        self._lost_at = asyncio.get_running_loop().time()
        # the transport retries below the executor, which does not see those attempts
        off = self._lemlist.on(RetryScheduled, self._saw_retry)
        try:
            await plan.begin()
            self._meter.start(plan.forecast)
            await plan.job.prepare(self._lemlist, plan.forecast)
            # `async for` does not close a generator that is left half-way: its workers would run until it is collected
            passes = self._passes()
            async with contextlib.aclosing(passes) as groups:
                async for results in groups:
                    for result in results:
                        yield result
        finally:
            self._meter.end()
            off()
            with contextlib.suppress(JournalError):  # on a full disk the next run does it
                await journal.gather()
            journal.end()
        if self._error is not None:
            if isinstance(self._error, JobStoppedError):
                raise self._error
            raise JobStoppedError(f"the job stopped: {self._error}") from self._error

    async def _passes(self) -> AsyncGenerator[list[RowResult], None]:
        """Go through the passes of a run in their order."""
        for each in (
            self._pass(State.NEW, "send", self._plan.job.batch, self._executor.send),
            self._find_out(),
            self._collect(),
        ):
            async with contextlib.aclosing(each) as groups:
                async for results in groups:
                    yield results

    async def _find_out(self) -> AsyncGenerator[list[RowResult], None]:
        """Look up the rows with an ambiguous outcome, by the rule that `executor` states."""
        for _ in range(ROUNDS):
            for what, execute in ((IN_DOUBT, self._executor.look_up), (ABSENT, self._executor.look_again)):
                if not await self._any(State.UNKNOWN, what) or await self._wait_to_look():
                    continue
                each = self._pass(State.UNKNOWN, "look up", 1, execute, what)
                async with contextlib.aclosing(each) as groups:
                    async for results in groups:
                        yield results
                self._lost_at = asyncio.get_running_loop().time()
        async with contextlib.aclosing(self._leave_undecided()) as groups:
            async for results in groups:
                yield results

    async def _any(self, state: State, what: str | None = None) -> bool:
        return bool(await self._plan.journal.take(state, 0, 1, what=what))

    async def _wait_to_look(self) -> bool:
        """Wait until a look-up is conclusive; return whether the run was stopped meanwhile."""
        if not self._executor.looks_up:
            return self._stopping.is_set()
        seconds = max(0.0, self._lost_at + self._look_up_after - asyncio.get_running_loop().time())
        _log.info(
            "rows whose response was lost are looked up in %.0f s, when lemlist should be done with them",
            seconds,
        )
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return self._stopping.is_set()

    async def _leave_undecided(self) -> AsyncGenerator[list[RowResult], None]:
        """End the rows that are still ambiguous as unknown. Another run may look them up."""
        journal = self._plan.journal
        for what in (IN_DOUBT, ABSENT):
            while not isinstance(self._error, JournalError) and (
                rows := await journal.take(State.UNKNOWN, 0, what=what)
            ):
                found = [(row, Outcome(State.UNKNOWN, "unknown", row.reason, row.id)) for row in rows]
                try:
                    await journal.write([(row.n, outcome) for row, outcome in found])
                    # a temporary journal holds outcomes back, and `take` would read the same rows again
                    await journal.flush()
                except JournalError as error:
                    self._halt(error)
                yield self._passed("look up", found)

    def _saw_retry(self, _event: object) -> None:
        self._retries += 1

    async def _collect(self) -> AsyncGenerator[list[RowResult], None]:
        """Ask for results repeatedly, until all are there or none has come for `patience` seconds."""
        last = began = time.monotonic()
        # posted results cost no calls, so they come first; the rest is asked for
        asks = not self._plan.job.posts
        while await self._any(State.PENDING):
            # first ask for all pending rows, then take posted results until it is time to ask again
            rounds = [self._posted(began + self._every)]
            if asks:
                began = time.monotonic()
                rounds = [self._pass(State.PENDING, "results", 1, self._executor.follow), *rounds]
            for each in rounds:
                async with contextlib.aclosing(each) as found:
                    async for results in found:
                        last = time.monotonic() if results else last
                        yield results
            if self._stopping.is_set() or time.monotonic() - last > self._patience:
                return
            asks = True

    async def _posted(self, until: float) -> AsyncGenerator[list[RowResult], None]:
        """Give results that lemlist posts, until it is time to ask again."""
        while await self._any(State.PENDING):
            try:
                found = await self._webhook_results.flush(self._plan.journal)
            except JournalError as error:
                self._halt(error)
                return
            if found:
                yield self._passed("results", found)
            now = time.monotonic()
            if now >= until or await self._wait_for_stop(min(until, now + _FLUSH_EVERY)):
                return

    async def _wait_for_stop(self, until: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), max(0.0, until - time.monotonic()))
        return self._stopping.is_set()

    async def _pass(
        self, state: State, step: str, batch: int, execute: _Execute, what: str | None = None
    ) -> AsyncGenerator[list[RowResult], None]:
        """Work off the rows in one state, with several workers and one writer."""
        # Each worker has one batch in flight. With as many workers as the window has requests, a slow response delays
        # no other row.
        width = max(2, min(self._lemlist.throttle.limit + _SPARE, _WIDEST + _SPARE, _HELD // batch))
        journal, job = self._plan.journal, self._plan.job
        dispatcher = Dispatcher(
            journal,
            state,
            self._stopping,
            batch=batch,
            width=width,
            # a mark for each row protects nothing where the journal dies with the process, or rows may be repeated
            careful=not (journal.temporary or job.effect.repeatable),
            late=job.marks_late,
            what=what,
        )
        workers = [asyncio.create_task(self._work(dispatcher, execute)) for _ in range(width)]
        writer = asyncio.create_task(dispatcher.serve())
        try:
            while found := await dispatcher.results():
                yield self._passed(step, found)
            # after a JournalError the requests in flight end before their workers are cancelled
            await asyncio.wait(workers)
        finally:
            # Also where the consumer left the loop. A cancelled worker leaves its rows as sent, unless no request
            # of them left. `drain` comes after all tasks have ended: each may still add to what it writes.
            for task in (*workers, writer):
                task.cancel()
            ended = await asyncio.gather(*workers, writer, return_exceptions=True)
            await dispatcher.drain()
        for failed in ended:
            if isinstance(failed, JournalError):
                self._halt(failed)
            elif failed is not None and not isinstance(failed, asyncio.CancelledError):
                raise failed

    def _passed(self, step: str, found: Sequence[Finished]) -> list[RowResult]:
        """Count rows, and return those that have their final outcome."""
        results = [
            RowResult(row.line, row.payload, outcome) for row, outcome in found if not _is_open(outcome)
        ]
        ambiguous = sum(outcome.state is State.UNKNOWN and _is_open(outcome) for _, outcome in found)
        if ambiguous:
            self._lost_at = asyncio.get_running_loop().time()
        pending = len(found) - len(results) - ambiguous
        self._meter.passed(step, through=len(results), pending=pending, ambiguous=ambiguous)
        self._announce(results)
        return results

    def _announce(self, results: Sequence[RowResult]) -> None:
        """Emit the outcomes that the journal has got, by their kind."""
        counts = Counter((result.outcome.state, result.outcome.what) for result in results)
        for (state, what), count in counts.items():
            self._lemlist.emit(RowsEnd(job=self._plan.job.kind, state=state.value, what=what, count=count))

    async def _work(self, dispatcher: Dispatcher, execute: _Execute) -> None:
        try:
            while rows := await dispatcher.next():
                result = await execute(rows, dispatcher)
                if result.stop is not None:
                    self._halt(result.stop)
                dispatcher.complete(rows, result)
        except BaseException:
            # The run was left, or a function of the caller has a fault. The other workers must begin no more rows.
            self._stopping.set()
            raise
        finally:
            # the writer ends with the last worker: one that is not counted off would keep it waiting for ever
            dispatcher.leave()

    def _halt(self, error: BaseException) -> None:
        # the first error counts: later ones come from workers that were already in flight
        self._error = self._error or error
        self._stopping.set()


def _is_open(outcome: Outcome) -> bool:
    """Return whether this run still has to find out the outcome of the row."""
    return outcome.state is State.PENDING or (
        outcome.state is State.UNKNOWN and outcome.what in (IN_DOUBT, ABSENT)
    )


class _Handle:
    """Weak reference to the iteration of a run: None once its consumer dropped it."""

    rows: weakref.ref[object] | None = None

    def __call__(self) -> object:
        return self.rows and self.rows()


_Execute = Callable[[Sequence[JournalRow], Marks], Awaitable[BatchResult]]
