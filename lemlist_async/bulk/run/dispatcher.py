"""Between the journal and the workers of a pass: rows out, outcomes in, many of both in one transaction."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import Iterable, Sequence

from lemlist_async.bulk.jobs.job import Outcome, State
from lemlist_async.bulk.journal.journal import Journal, JournalError
from lemlist_async.bulk.journal.tables import FIRST_PAGE, PAGE, PAGE_BYTES, JournalRow
from lemlist_async.bulk.run.executor import BatchResult

Finished = tuple[JournalRow, Outcome]

_PAUSE = 0.02
"""Seconds between two transactions, unless a worker waits for rows: the longest that an outcome waits for others."""
_AHEAD = 0.1
"""Seconds of work that are marked as sent before a worker asks, so that none waits for the disk."""
_MOST = 500
"""Rows that are marked ahead at most."""
_BYTES = 32 * 2**20
"""Bytes of rows between the journal and those for whom they are done, unless a single batch has more."""


class Dispatcher:
    """Hands out rows, takes their outcomes, and gives them on once they are written.

    Where rows may simply be sent again after a crash, transactions are few and large, and rows are marked as sent
    ahead. `careful` is for all others: a row is marked when a worker waits for it, and its outcome is written at
    once. With `late` rows are handed out as they are, and the worker marks them itself, right before their request
    leaves. Either way a row is marked only if it is still in the state in which it was read.
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
        self._bound = width * batch
        self._careful = careful
        self._feed = _Feed(journal, state, what, batch)
        self._pace = _Pace()
        self._waiting = 0
        # the way of a row: marked, ready, with a worker, brought, written, given; unseen are the last three
        self._marked: list[list[JournalRow]] = []
        self._ready: deque[list[JournalRow]] = deque()
        self._completed: list[Finished] = []
        self._back: list[int] = []
        self._written: list[Finished] = []
        self._given = 0
        self._unseen = 0
        self._bytes = 0
        self._given_bytes = 0
        self._asked_for: list[tuple[int, asyncio.Future[None]]] = []
        self._over = False
        self._bell, self._asked, self._served, self._news = (asyncio.Event() for _ in range(4))

    # For workers --------------------------------------------------------------------------------------

    async def next(self) -> list[JournalRow]:
        """A batch to do; empty when no more shall begin. It waits while too many outcomes were not looked at."""
        while not self._stopping.is_set():
            if self._ready and self._unseen < self._bound:
                self._pace.count += 1
                return self._ready.popleft()
            if self._over or (self._feed.exhausted and not self._ready and not self._marked):
                break
            await self._wait()
        return []

    async def _wait(self) -> None:
        self._waiting += 1
        self._bell.set()
        self._asked.set()
        try:
            await self._served.wait()
        finally:
            self._waiting -= 1

    async def mark(self, numbers: Sequence[int]) -> None:
        """Mark rows as sent; it is on the disk when this returns.

        Raises:
            JournalError: it could not be written, or another runner took one of them: none may be sent.
        """
        marked = asyncio.get_running_loop().create_future()
        if self._over:
            raise JournalError("the journal is no longer written")
        self._asked_for += [(n, marked) for n in numbers]
        self._bell.set()
        self._asked.set()
        await marked

    def complete(self, rows: Sequence[JournalRow], result: BatchResult) -> None:
        """What became of a batch; rows without an outcome were not sent, and go back."""
        outcomes = result.outcomes
        self._completed += [(row, outcomes[row.n]) for row in rows if row.n in outcomes]
        self._unseen += len(outcomes)
        if len(outcomes) < len(rows):
            left = [row for row in rows if row.n not in outcomes]
            self._bytes -= sum(row.size for row in left)
            if not isinstance(result.stop, JournalError):
                self.take_back(row.n for row in left if self._marks or row.n in result.marked)
        self._bell.set()

    def take_back(self, numbers: Iterable[int]) -> None:
        """Rows that were marked, and of which surely nothing left."""
        self._back += numbers

    def leave(self) -> None:
        """A worker ends."""
        self._workers -= 1
        self._bell.set()
        self._asked.set()

    # For whom the rows are done -----------------------------------------------------------------------

    async def results(self) -> list[Finished]:
        """Rows whose outcomes were written since the last time; empty at the end."""
        self._unseen -= self._given
        self._bytes -= self._given_bytes
        self._given = self._given_bytes = 0
        self._serve_waiting()
        while not self._written and not self._over:
            self._news.clear()
            await self._news.wait()
        found, self._written = self._written, []
        self._given = len(found)
        self._given_bytes = sum(row.size for row, _ in found)
        return found

    # In between ---------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Mark and write until all workers have ended.

        Raises:
            JournalError: something could not be written; nothing more begins.
        """
        try:
            while self._workers:
                await self._bell.wait()
                self._bell.clear()
                await self._turn()
                if not self._careful:
                    await self._pause()
            await self._turn()
        except JournalError as error:
            self._stopping.set()
            self._marked = []  # nothing of the transaction is on the disk
            self._refuse_marks(error)
            raise
        finally:
            self._over = True
            self._refuse_marks(JournalError("the journal is no longer written"))
            self._serve_waiting()
            self._news.set()

    def _refuse_marks(self, error: JournalError) -> None:
        for _, marked in self._asked_for:
            if not marked.done():
                marked.set_exception(JournalError(str(error)))
        self._asked_for.clear()

    async def _turn(self) -> None:
        self._asked.clear()
        self._marked = await self._feed.draw(self._wanted(), self._room())
        asked = self._asked_for.copy()
        # rows that a worker asked for are never marked ahead: those are two kinds of desks
        numbers = _numbers(self._marked) if self._marks else [n for n, _ in asked]
        brought, back = self._completed.copy(), self._back.copy()
        await self._write(brought, sent=numbers, back=back)
        del self._completed[: len(brought)], self._back[: len(back)], self._asked_for[: len(asked)]
        for _, marked in asked:
            if not marked.done():
                marked.set_result(None)
        self._bytes += sum(row.size for batch in self._marked for row in batch)
        self._ready += self._marked
        self._marked = []
        self._written += brought
        if brought:
            self._news.set()
        self._serve_waiting()

    def _wanted(self) -> int:
        """Batches to make ready."""
        if self._stopping.is_set() or self._unseen >= self._bound:
            return 0
        ahead = 0 if self._careful else min(int(self._pace.look() * _AHEAD), _MOST // self._batch)
        self._bound = (self._width + ahead) * self._batch
        return self._waiting + ahead - len(self._ready)

    def _room(self) -> int:
        """Bytes of rows that may be made ready; at least one batch always may, if there is no other."""
        return _BYTES - self._bytes if self._bytes > 0 else _BYTES

    async def _write(self, brought: Sequence[Finished], *, sent: Sequence[int], back: Sequence[int]) -> None:
        if brought or sent or back:
            finished = [(row.n, outcome) for row, outcome in brought]
            await self._journal.write(finished, sent=sent, back=back, expected=self._state)

    def _serve_waiting(self) -> None:
        self._served.set()
        self._served.clear()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PAUSE):
                await self._asked.wait()

    async def drain(self) -> None:
        """Write what is left, once nobody works any more: rows that were marked and not handed out are new again."""
        back = _numbers([*self._marked, *self._ready]) if self._marks else []
        # where it fails it is as after a crash: the rows say `sent`, and the next run finds out
        with contextlib.suppress(JournalError):
            await self._write(self._completed, sent=(), back=[*self._back, *back])
            await self._journal.flush()


def _numbers(batches: Sequence[Sequence[JournalRow]]) -> list[int]:
    return [row.n for row in itertools.chain.from_iterable(batches)]


class _Pace:
    """Batches a second that are handed out, of late."""

    def __init__(self) -> None:
        self.count = 0
        self._since = asyncio.get_running_loop().time()
        self._pace = 0.0

    def look(self) -> float:
        now = asyncio.get_running_loop().time()
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
        """So many batches, or those that are left, or as many as have room (in bytes)."""
        found: list[list[JournalRow]] = []
        while len(found) < batches and room > 0 and (rows := await self._next()):
            found.append(rows)
            room -= sum(row.size for row in rows)
        return found

    async def _next(self) -> list[JournalRow]:
        size = sum(row.size for row in self._rows) if self._batch > 1 else 0
        while len(self._rows) < self._batch and size < PAGE_BYTES and not self._last:
            page = await self._journal.take(self._state, self._after, self._most, what=self._what)
            self._last = not page
            self._after = page[-1].n if page else self._after
            self._most = min(2 * len(page), max(PAGE, self._batch))
            self._rows += page
            size += sum(row.size for row in page)
        return [self._rows.popleft() for _ in range(min(self._batch, len(self._rows)))]
