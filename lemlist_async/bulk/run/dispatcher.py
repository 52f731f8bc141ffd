"""Flow of rows between the journal and the workers of one pass."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import Iterable, Sequence

from lemlist_async.bulk.jobs.job import Outcome, State
from lemlist_async.bulk.journal.errors import JournalError
from lemlist_async.bulk.journal.journal import Journal
from lemlist_async.bulk.journal.storage import FIRST_PAGE, PAGE, PAGE_BYTES, JournalRow
from lemlist_async.bulk.run.executor import BatchResult

Finished = tuple[JournalRow, Outcome]

_PAUSE = 0.02
"""Seconds between two transactions, unless a worker waits for rows: the longest that one outcome waits for others."""
_AHEAD = 0.1
"""Seconds of work that are marked as sent before a worker asks: no worker then waits for the disk."""
_MAX_AHEAD = 500
"""Most rows that are marked ahead."""
_MAX_BYTES = 32 * 2**20
"""Most bytes of rows in memory between the journal and the consumer. A single batch may exceed it."""


class Dispatcher:
    """Pass rows from the journal to workers, and their outcomes back to the journal and on to the consumer.

    Way of a row::

        journal (new, pending or unknown)
           |  read; a new row is marked as sent
        ready ----------------> drain: new again
           |  next
        with a worker --------> take_back or complete without an outcome: returned, then new again
           |  complete with an outcome
        completed
           |  outcome on the disk
        written
           |  results
        delivered to the consumer
           |  results, called again
        consumed

    A pass over pending or unknown rows marks nothing. With `late` a worker marks its rows by `mark`, right before
    their request leaves. With `careful` a row is marked only while a worker waits for it, and its outcome is written
    at once. Otherwise rows may be sent again after a crash, so transactions are few and large, and rows are marked
    ahead of the workers.

    Invariants:

    - One event loop runs everything here. Any number of workers call `next`, `mark` and `complete`. One writer runs
      `serve`, and it alone writes to the journal until it has ended. One consumer calls `results`.
    - Order: a row is marked on the disk before its request leaves. Its outcome is on the disk before the consumer
      gets it. Within a pass, batches are handed out in the order of the journal.
    - A row is marked only if the journal still has it in the state in which it was read. Of two runs that want a
      row, one gets it.
    - Bounds: no batch is handed out while as many rows as `_backlog_limit` have an outcome and are not consumed. No
      batch is read while the rows in memory fill `_MAX_BYTES`, unless there are none.
    - Cancellation: a worker that is cancelled leaves its rows as sent, unless it takes them back. A writer that is
      cancelled keeps `_completed`, `_returned` and `_marked`, and the transaction may be on the disk or not. `drain`
      then writes the first two and makes unsent rows new again. The journal has one thread, so that comes after
      the cancelled transaction. Writing an outcome twice changes nothing.
    - Failure: after a JournalError nothing is handed out or marked. Rows that stay sent in the journal are treated
      as after a crash by the next run.
    """

    def __init__(
        self,
        journal: Journal,
        state: State,
        stopping: asyncio.Event,
        *,
        batch: int,
        width: int,
        careful: bool,
        late: bool = False,
        what: str | None = None,
    ) -> None:
        self._journal = journal
        self._state = state
        self._marks = state is State.NEW and not late
        self._stopping = stopping
        self._batch = batch
        self._width = self._workers = width
        self._backlog_limit = width * batch
        self._careful = careful
        self._feed = _Feed(journal, state, what, batch)
        self._pace = _Pace()
        self._waiting = 0
        self._marked: list[list[JournalRow]] = []
        """Batches of the transaction in progress."""
        self._ready: deque[list[JournalRow]] = deque()
        self._completed: list[Finished] = []
        self._returned: list[int] = []
        """Rows that were marked, and of which no request left."""
        self._written: list[Finished] = []
        self._delivered = self._delivered_bytes = 0
        """Rows that the last `results` returned, and their bytes: consumed when it is called again."""
        self._unconsumed = 0
        """Rows that are completed, written or delivered."""
        self._held_bytes = 0
        self._mark_requests: list[tuple[int, asyncio.Future[None]]] = []
        self._closed = False
        self._failure: JournalError | None = None
        """Error that ended the writer."""
        self._writer_wakes = asyncio.Event()
        self._worker_waits = asyncio.Event()
        """Ends the pause between two transactions."""
        self._rows_served = asyncio.Event()
        """A pulse, set and cleared in one step: each worker that waits then looks again."""
        self._results_ready = asyncio.Event()

    # For workers --------------------------------------------------------------------------------------

    async def next(self) -> list[JournalRow]:
        """Return a batch to do; empty when no more may begin. Wait while the consumer is too far behind."""
        while not self._stopping.is_set():
            if self._ready and self._unconsumed < self._backlog_limit:
                self._pace.count += 1
                return self._ready.popleft()
            if self._closed or (self._feed.exhausted and not self._ready and not self._marked):
                break
            # after a pulse the worker looks again: another one may have taken the batch
            await self._wait()
        return []

    async def _wait(self) -> None:
        self._waiting += 1
        self._writer_wakes.set()
        self._worker_waits.set()
        try:
            # a pulse cannot be missed: between the look and this wait nothing else runs
            await self._rows_served.wait()
        finally:
            self._waiting -= 1

    async def mark(self, numbers: Sequence[int]) -> None:
        """Mark rows as sent; the mark is on the disk when this returns.

        Raises:
            JournalError: the mark could not be written, or another runner took one of the rows. None may be sent.
        """
        marked = asyncio.get_running_loop().create_future()
        if self._closed:
            raise self._over()
        # one future for all rows: they are added in one step, so one transaction marks them all
        self._mark_requests += [(n, marked) for n in numbers]
        self._writer_wakes.set()
        self._worker_waits.set()
        await marked

    def complete(self, rows: Sequence[JournalRow], result: BatchResult) -> None:
        """Take the result of a batch; rows without an outcome were not sent, and are returned."""
        outcomes = result.outcomes
        self._completed += [(row, outcomes[row.n]) for row in rows if row.n in outcomes]
        self._unconsumed += len(outcomes)
        if len(outcomes) < len(rows):
            left = [row for row in rows if row.n not in outcomes]
            self._held_bytes -= sum(row.size for row in left)
            # after a JournalError the transaction of the mark is not on the disk, or the row is another runner's
            if not isinstance(result.stop, JournalError):
                self.take_back(row.n for row in left if self._marks or row.n in result.marked)
        self._writer_wakes.set()

    def take_back(self, numbers: Iterable[int]) -> None:
        """Return rows that were marked, and of which certainly no request left."""
        self._returned += numbers

    def leave(self) -> None:
        """Note that a worker has ended."""
        self._workers -= 1
        self._writer_wakes.set()
        self._worker_waits.set()

    # For the consumer ---------------------------------------------------------------------------------

    async def results(self) -> list[Finished]:
        """Return rows whose outcomes were written since the last call; empty at the end."""
        # the next call is the only sign that the consumer is done with the rows of the last one
        self._unconsumed -= self._delivered
        self._held_bytes -= self._delivered_bytes
        self._delivered = self._delivered_bytes = 0
        self._serve_waiting()
        while not self._written and not self._closed:
            # cleared right after the look, without an await in between: a signal cannot be lost
            self._results_ready.clear()
            await self._results_ready.wait()
        found, self._written = self._written, []
        self._delivered = len(found)
        self._delivered_bytes = sum(row.size for row, _ in found)
        return found

    # For the writer -----------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Mark and write until all workers have ended.

        Raises:
            JournalError: the journal could not be written. No further row begins.
        """
        try:
            while self._workers:
                await self._writer_wakes.wait()
                # before the turn, not after it: a call during the transaction must cause another turn
                self._writer_wakes.clear()
                await self._turn()
                if not self._careful:
                    await self._pause()
            await self._turn()  # outcomes that came during the last transaction
        except JournalError as error:
            self._failure = error
            self._stopping.set()
            self._marked = []  # nothing of the transaction is on the disk
            self._refuse_marks(error)
            raise
        finally:
            # also after a cancellation: waiting workers and the consumer must wake up and see the end
            self._closed = True
            self._refuse_marks(self._over())
            self._serve_waiting()
            self._results_ready.set()

    def _over(self) -> JournalError:
        # a new one for each caller, since each adds its own traceback
        failure = self._failure
        return (
            JournalError("the journal is no longer written")
            if failure is None
            else type(failure)(str(failure))
        )

    def _refuse_marks(self, error: JournalError) -> None:
        for _, marked in self._mark_requests:
            if not marked.done():
                # one for each waiter, since each adds its own traceback
                marked.set_exception(type(error)(str(error)))
        self._mark_requests.clear()

    async def _turn(self) -> None:
        """Run one transaction: mark the rows that workers need, and write the outcomes that are there.

        A cancellation while the transaction runs cannot stop the journal's thread. The queues are therefore changed
        only after it: `drain` writes their rows again.
        """
        self._worker_waits.clear()
        self._marked = await self._feed.draw(self._wanted(), self._room())
        asked = self._mark_requests.copy()
        # either the writer marks ahead, or the workers ask (`late`): never both in one pass
        numbers = _numbers(self._marked) if self._marks else [n for n, _ in asked]
        completed, returned = self._completed.copy(), self._returned.copy()
        # copies: workers go on adding to both lists while the transaction runs in the journal's thread
        await self._write(completed, sent=numbers, back=returned)
        del (
            self._completed[: len(completed)],
            self._returned[: len(returned)],
            self._mark_requests[: len(asked)],
        )
        for _, marked in asked:
            if not marked.done():  # the worker may have been cancelled meanwhile
                marked.set_result(None)
        self._held_bytes += sum(row.size for batch in self._marked for row in batch)
        # only after the write: a request must not leave before its mark is on the disk
        self._ready += self._marked
        self._marked = []
        self._written += completed
        if completed:
            self._results_ready.set()
        self._serve_waiting()

    def _wanted(self) -> int:
        """Return how many batches to make ready."""
        # nothing is marked ahead of a slow consumer: a crash would leave all of it to be looked up
        if self._stopping.is_set() or self._unconsumed >= self._backlog_limit:
            return 0
        ahead = 0 if self._careful else min(int(self._pace.look() * _AHEAD), _MAX_AHEAD // self._batch)
        self._backlog_limit = (self._width + ahead) * self._batch
        return self._waiting + ahead - len(self._ready)

    def _room(self) -> int:
        """Return the bytes of rows that may be made ready. One batch always may, if there is no other."""
        return _MAX_BYTES - self._held_bytes if self._held_bytes > 0 else _MAX_BYTES

    async def _write(
        self, completed: Sequence[Finished], *, sent: Sequence[int], back: Sequence[int]
    ) -> None:
        if completed or sent or back:
            finished = [(row.n, outcome) for row, outcome in completed]
            await self._journal.write(finished, sent=sent, back=back, expected=self._state)

    def _serve_waiting(self) -> None:
        self._rows_served.set()
        self._rows_served.clear()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PAUSE):
                # a worker that waits ends the pause: an idle worker costs more than a small transaction
                await self._worker_waits.wait()

    async def drain(self) -> None:
        """Write what is left after the workers and the writer have ended. Rows that no worker got are new again."""
        back = _numbers([*self._marked, *self._ready]) if self._marks else []
        # a failure leaves the rows as after a crash: they are `sent`, and the next run looks them up
        with contextlib.suppress(JournalError):
            await self._write(self._completed, sent=(), back=[*self._returned, *back])
            await self._journal.flush()


def _numbers(batches: Sequence[Sequence[JournalRow]]) -> list[int]:
    return [row.n for row in itertools.chain.from_iterable(batches)]


class _Pace:
    """Rate at which batches were handed out lately, per second."""

    def __init__(self) -> None:
        self.count = 0
        self._since = asyncio.get_running_loop().time()
        self._pace = 0.0

    def look(self) -> float:
        now = asyncio.get_running_loop().time()
        # over a shorter span the rate would swing with single batches
        if (passed := now - self._since) >= _AHEAD:
            self._pace, self._since, self.count = self.count / passed, now, 0
        return self._pace


class _Feed:
    """Batches of rows in order, read from the journal page by page."""

    def __init__(self, journal: Journal, state: State, what: str | None, batch: int) -> None:
        self._journal = journal
        self._state = state
        self._what = what
        self._batch = batch
        self._rows: deque[JournalRow] = deque()
        self._after = 0
        self._most = FIRST_PAGE
        self._last = False

    @property
    def exhausted(self) -> bool:
        return self._last and not self._rows

    async def draw(self, batches: int, room: int) -> list[list[JournalRow]]:
        """Return up to so many batches, and no more than have room (in bytes)."""
        found: list[list[JournalRow]] = []
        while len(found) < batches and room > 0 and (rows := await self._next()):
            found.append(rows)
            room -= sum(row.size for row in rows)
        return found

    async def _next(self) -> list[JournalRow]:
        # summing up the rows for each batch of one would be quadratic in the page
        size = sum(row.size for row in self._rows) if self._batch > 1 else 0
        while len(self._rows) < self._batch and size < PAGE_BYTES and not self._last:
            page = await self._journal.take(self._state, self._after, self._most, what=self._what)
            self._last = not page
            self._after = page[-1].n if page else self._after
            self._most = min(2 * len(page), max(PAGE, self._batch))
            self._rows += page
            size += sum(row.size for row in page)
        return [self._rows.popleft() for _ in range(min(self._batch, len(self._rows)))]
