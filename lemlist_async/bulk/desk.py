"""Between the journal and the workers of a pass: rows out, outcomes in, many of both in one transaction."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import Sequence

from lemlist_async.bulk.job import Outcome, State
from lemlist_async.bulk.journal import Journal, JournalError
from lemlist_async.bulk.settle import Settled
from lemlist_async.bulk.tables import PAGE, JournalRow

Finished = tuple[JournalRow, Outcome]

_PAUSE = 0.02
"""Seconds between two transactions, unless a worker waits for rows: the longest that an outcome waits for others."""
_AHEAD = 0.1
"""Seconds of work that are marked as sent before a worker asks, so that none waits for the disk."""
_MOST = 500
"""Rows that are marked ahead at most."""


class Desk:
    """Hands out rows that the journal knows as sent, takes their outcomes, and gives them on once they are written.

    Where rows may simply be sent again after a crash, transactions are few and large, and rows are marked ahead.
    `careful` is for all others: a row is marked when a worker waits for it, and its outcome is written at once.
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
    ) -> None:
        self._journal = journal
        self._marks = state is State.NEW
        self._stopping = stopping
        self._batch = batch
        self._width = self._workers = width
        self._bound = width * batch
        self._careful = careful
        self._feed = _Feed(journal, state, batch)
        self._pace = _Pace()
        self._waiting = 0
        # the way of a row: marked, ready, with a worker, brought, written, given; unseen are the last three
        self._marked: list[list[JournalRow]] = []
        self._ready: deque[list[JournalRow]] = deque()
        self._brought: list[Finished] = []
        self._back: list[int] = []
        self._written: list[Finished] = []
        self._given = 0
        self._unseen = 0
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

    def bring(self, rows: Sequence[JournalRow], settled: Settled) -> None:
        """What became of a batch; rows without an outcome were not sent, and go back."""
        outcomes = settled.outcomes
        self._brought += [(row, outcomes[row.n]) for row in rows if row.n in outcomes]
        self._unseen += len(outcomes)
        if len(outcomes) < len(rows) and not isinstance(settled.stop, JournalError):
            self._back += [row.n for row in rows if row.n not in outcomes]
        self._bell.set()

    def leave(self) -> None:
        """A worker ends."""
        self._workers -= 1
        self._bell.set()
        self._asked.set()

    # For whom the rows are done -----------------------------------------------------------------------

    async def results(self) -> list[Finished]:
        """Rows whose outcomes were written since the last time; empty at the end."""
        self._unseen -= self._given
        self._given = 0
        self._serve_waiting()
        while not self._written and not self._over:
            self._news.clear()
            await self._news.wait()
        found, self._written = self._written, []
        self._given = len(found)
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
        except JournalError:
            self._stopping.set()
            raise
        finally:
            self._over = True
            self._serve_waiting()
            self._news.set()

    async def _turn(self) -> None:
        self._asked.clear()
        self._marked = await self._feed.draw(self._wanted())
        numbers = _numbers(self._marked) if self._marks else []
        brought, back = self._brought.copy(), self._back.copy()
        await self._write(brought, sent=numbers, back=back)
        del self._brought[: len(brought)], self._back[: len(back)]
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

    async def _write(self, brought: Sequence[Finished], *, sent: Sequence[int], back: Sequence[int]) -> None:
        if brought or sent or back:
            await self._journal.write([(row.n, outcome) for row, outcome in brought], sent=sent, back=back)

    def _serve_waiting(self) -> None:
        self._served.set()
        self._served.clear()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PAUSE):
                await self._asked.wait()

    async def put_away(self) -> None:
        """Write what is left, once nobody works any more: rows that were marked and not handed out are new again."""
        back = _numbers([*self._marked, *self._ready]) if self._marks else []
        # where it fails it is as after a crash: the rows say `sent`, and the next run finds out
        with contextlib.suppress(JournalError):
            await self._write(self._brought, sent=(), back=[*self._back, *back])
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

    def __init__(self, journal: Journal, state: State, batch: int) -> None:
        self._journal = journal
        self._state = state
        self._batch = batch
        self._rows: deque[JournalRow] = deque()
        self._after = 0
        self._last = False

    @property
    def exhausted(self) -> bool:
        return self._last and not self._rows

    async def draw(self, batches: int) -> list[list[JournalRow]]:
        """So many batches, or those that are left."""
        found: list[list[JournalRow]] = []
        while len(found) < batches and (rows := await self._next()):
            found.append(rows)
        return found

    async def _next(self) -> list[JournalRow]:
        if len(self._rows) < self._batch and not self._last:
            most = max(PAGE, self._batch)
            page = await self._journal.take(self._state, self._after, most)
            self._last = len(page) < most
            self._after = page[-1].n if page else self._after
            self._rows += page
        return [self._rows.popleft() for _ in range(min(self._batch, len(self._rows)))]
