"""Journal of a job: the durable state of each row, as a run uses it.

The rows are in a file (`sqlite_file`) or on a server (`postgres`). All use of them is in threads: one call after the
other for each journal.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from lemlist_async.bulk.jobs.job import Outcome, State
from lemlist_async.bulk.journal.address import Place, PostgresJournal, place_of
from lemlist_async.bulk.journal.errors import DamagedError, JournalError, JournalUnavailableError, TakenError
from lemlist_async.bulk.journal.sqlite_file import SqliteFile, check_sqlite
from lemlist_async.bulk.journal.storage import LEFT, PAGE, PAGE_BYTES, JournalRow, NewRow, Storage
from lemlist_async.errors import ConfigurationError

T = TypeVar("T")
Finished = Sequence[tuple[int, Outcome]]
"""Outcomes of rows, by their numbers."""
_HELD = 500
"""Most outcomes that are held back."""


class Journal:
    """An open journal, for one runner at a time unless it is only looked at."""

    temporary: bool = False
    """Whether it dies with its process: it then holds states back, and writes many at once."""

    def __init__(self, storage: Storage, threads: Executor) -> None:
        self.storage = storage
        self._threads = threads
        self._closed = False
        self._consumer: Callable[[], object] = lambda: None
        self._idle = asyncio.Event()
        self._idle.set()

    # Opening and closing ------------------------------------------------------------------------------

    @classmethod
    async def open(cls, path: Place | None, *, new: bool = True) -> Journal:
        """Open a journal, or (`new`) make one; None makes one that is removed when it is closed.

        A journal of an older version is migrated.

        Raises:
            ConfigurationError: there is none, and none shall be made.
            JournalError: in use by another runner, not a journal, damaged, without the part that is in its
                ``-wal`` file, of a newer version, or not writable; or SQLite is too old.
        """
        if path is None:
            check_sqlite()
            return await TemporaryJournal.make()
        storage, threads = _at(path)
        return await cls(storage, threads)._connected(lambda: storage.connect(new))

    @classmethod
    async def look(cls, path: Place) -> Journal:
        """Open a journal to read only, even while a runner works on it.

        Raises:
            ConfigurationError: there is none.
            JournalError: not a journal, of a newer version, or not readable.
        """
        storage, threads = _at(path)
        return await cls(storage, threads)._connected(storage.connect_to_read)

    async def _connected(self, connect: Callable[[], None]) -> Journal:
        try:
            await self.in_thread(connect)
        except BaseException:
            await self.close()
            raise
        return self

    @property
    def name(self) -> str:
        """Name of the place, for messages."""
        return self.storage.name

    @property
    def path(self) -> Path:
        """Path of the file.

        Raises:
            JournalError: the rows are on a server.
        """
        if isinstance(self.storage, SqliteFile):
            return self.storage.path
        raise JournalError(f"{self.name} is no file")

    @property
    def guard(self) -> Callable[[], None] | None:
        """Check that the journal is still this runner's; None where only an open file can be.

        It raises JournalError, and costs no request.
        """
        return self.storage.guard

    async def close(self) -> None:
        """Let go of the place; a temporary journal is removed, unless it is kept. May be called twice."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._threads, self.storage.close)
            self._threads.shutdown(wait=False)

    async def keep(self) -> str:
        """Return the name under which the journal is opened again; a temporary one stays when it is closed."""
        return self.name

    async def gather(self) -> None:
        """Make the file complete by itself: until the next write, it may be moved without its ``-wal``."""
        await self.in_thread(self.storage.gather)

    def in_thread(self, work: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """Run a function in a thread of the journal, after those that were given before. It is queued at once.

        Raises:
            JournalError: the database failed; a full disk ends here. Or the journal is closed.
        """
        if self._closed:
            raise JournalError(f"{self.name} is closed")
        return asyncio.get_running_loop().run_in_executor(self._threads, self._told, work, args)

    def _told(self, work: Callable[..., T], args: Sequence[Any]) -> T:
        try:
            return work(*args)
        except self.storage.errors as error:
            raise self.storage.explain(error) from None
        except DamagedError as error:
            raise JournalError(f"{self.name} is damaged: {error}") from None
        except TakenError as error:
            raise JournalUnavailableError(f"another runner works on {self.name}: {error}") from None

    # What the job is ----------------------------------------------------------------------------------

    async def meta(self) -> dict[str, str]:
        """Return the job's description; empty in a new journal."""
        return await self.in_thread(self.meta_now)

    def meta_now(self) -> dict[str, str]:
        """The same, for use in the journal's thread."""
        return self.storage.meta()

    async def describe(self, **values: str) -> None:
        """Write parts of the description."""
        await self.in_thread(self.storage.describe, values)

    async def begin_plan(self) -> None:
        """Drop the rows of a plan that was never finished; none of them was sent."""
        await self.in_thread(self.storage.forget)

    # Rows ---------------------------------------------------------------------------------------------

    def add(self, rows: Sequence[NewRow]) -> Awaitable[None]:
        """Append rows to a plan. It begins at once."""
        return self.in_thread(self.storage.add, rows)

    async def complete_plan(self, *, rows: int, digest: str) -> None:
        """End a plan of so many rows: each whose key an earlier one has is refused as its duplicate."""
        await self.in_thread(self.storage.complete, {"digest": digest, "rows": str(rows), "planned": "1"})

    async def recover(self, *, repeatable: bool, retry_failed: bool = False) -> None:
        """Recover from a run that ended early: sent rows become new if they may be repeated, else unknown."""
        await self.flush()
        await self.in_thread(lambda: self.storage.recover(repeatable=repeatable, retry_failed=retry_failed))

    async def reopen(self) -> None:
        """Have the run that begins look up all unknown rows again."""
        await self.in_thread(self.storage.reopen)

    async def take(
        self, state: State, after: int, most: int = PAGE, *, what: str | None = None
    ) -> list[JournalRow]:
        """Return the next rows in a state (unknown ones: with this `what`), behind row number `after`.

        There may be fewer than `most`, for the memory's sake; none at the end.
        """
        return await self.in_thread(self.storage.take, state, what, after, most)

    async def pending(self, ids: Iterable[str]) -> list[JournalRow]:
        """Return the pending rows with these ids of lemlist."""
        return await self.in_thread(self.storage.pending, tuple(ids))

    async def write(
        self,
        finished: Finished = (),
        *,
        sent: Sequence[int] = (),
        back: Sequence[int] = (),
        expected: State = State.NEW,
    ) -> None:
        """Write outcomes, and mark rows that are about to be sent, or (`back`) certainly were not sent.

        All is on the disk when this returns. A temporary journal may hold it until `flush`.

        Raises:
            JournalError: a row to be sent is not `expected` any more, since another runner took it.
        """
        await self.in_thread(lambda: self.storage.write(finished, sent=sent, back=back, expected=expected))

    async def flush(self) -> None:
        """Write all that a temporary journal holds back."""

    async def counts(self) -> Counter[tuple[str, str]]:
        """Return the number of rows in each (state, what)."""
        await self.flush()
        return await self.in_thread(self.storage.counts)

    async def credits(self) -> int:
        """Return the credits that the rows still to be sent may cost."""
        return await self.in_thread(self.storage.credits)

    def rows(self, *, unfinished: bool = False, refused: bool = False) -> Iterator[JournalRow]:
        """Iterate over all rows in order, or those that are `unfinished` (not simply done) or `refused`.

        For use in the journal's thread.
        """
        return self.storage.rows(unfinished=unfinished, refused=refused)

    async def erase(self) -> None:
        """Remove the personal data of a finished job from the file; its counts, lines and states stay.

        Raises:
            JournalError: rows are left to be sent, or wait for results.
        """
        await self.in_thread(self._erase)

    def _erase(self) -> None:
        left = sum(n for (state, _), n in self.storage.counts().items() if state in LEFT)
        if left or self.meta_now().get("planned") != "1":
            raise JournalError(f"{self.name} is not finished ({left:,} rows are left): nothing was erased")
        self.storage.erase()

    # Who runs it --------------------------------------------------------------------------------------

    async def begin(self, consumer: Callable[[], object]) -> None:
        """Note that a run works on the rows, until `end`; `consumer` gives None once its iteration was dropped.

        Raises:
            JournalError: another run goes on.
        """
        while not self._idle.is_set():
            if self._consumer() is not None:
                raise JournalError(f"this plan is running: another run works on {self.name}")
            # it is being cancelled
            await self._idle.wait()
        self._consumer = consumer
        self._idle.clear()

    def end(self) -> None:
        """Note that the run has ended."""
        self._idle.set()


class TemporaryJournal(Journal):
    """A journal in a folder that is removed when it is closed, unless it is kept."""

    temporary: bool = True

    def __init__(self, file: SqliteFile) -> None:
        super().__init__(file, _thread())
        self._rows_file = file
        # what is not written yet
        self._finished: list[tuple[int, Outcome]] = []
        self._held = 0
        self._sent: set[int] = set()

    @classmethod
    async def make(cls) -> Journal:
        """Make a journal in a new folder."""
        folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="lemlist-async-")
        file = SqliteFile(Path(folder) / "journal.db", dying=True)
        return await cls(file)._connected(lambda: file.connect(new=True))

    async def keep(self) -> str:
        """Return the path; the journal is written in full, and stays when it is closed."""
        await self.flush()
        self._rows_file.kept = True
        return self.name

    async def write(
        self,
        finished: Finished = (),
        *,
        sent: Sequence[int] = (),
        back: Sequence[int] = (),
        expected: State = State.NEW,
    ) -> None:
        """Hold outcomes and marks, and write them when they are many.

        Raises:
            JournalError: another run works on a row to be sent.
        """
        if not self._sent.isdisjoint(sent):
            raise JournalError("another run works on these rows")
        self._sent.update(sent)
        self._sent.difference_update(back, [n for n, _ in finished])
        self._finished += finished
        self._held += sum(_weight(outcome) for _, outcome in finished)
        if back or len(self._finished) >= _HELD or self._held >= PAGE_BYTES:
            await self._write_held(back=back)

    async def flush(self) -> None:
        """Write all that is held back."""
        if self._finished or self._sent:
            await self._write_held(sent=tuple(self._sent))

    async def _write_held(self, *, sent: Sequence[int] = (), back: Sequence[int] = ()) -> None:
        finished = tuple(self._finished)
        await self.in_thread(lambda: self._rows_file.write_held(finished, sent=sent, back=back))
        # only after the write: until then another run of the plan would take finished rows for new ones
        del self._finished[: len(finished)]
        self._held = sum(_weight(outcome) for _, outcome in self._finished)
        self._sent.difference_update(sent)

    def rows(self, *, unfinished: bool = False, refused: bool = False) -> Iterator[JournalRow]:
        """Iterate over rows, with what is held back."""
        if self._finished or self._sent:
            self._rows_file.write_held(tuple(self._finished), sent=tuple(self._sent))
        return super().rows(unfinished=unfinished, refused=refused)


def _thread() -> ThreadPoolExecutor:
    """Return a thread of its own for a file: SQLite makes each of its callers wait for the disk."""
    return ThreadPoolExecutor(1, thread_name_prefix="lemlist-journal")


def _at(place: Place) -> tuple[Storage, Executor]:
    """Return the rows of a place, not yet connected, and the threads to use them in."""
    found = place_of(place)
    if not isinstance(found, PostgresJournal):
        check_sqlite()
        return SqliteFile(Path(found)), _thread()
    try:
        from lemlist_async.bulk.journal.postgres import PostgresRows
        from lemlist_async.bulk.journal.postgres_server import Turns
    except ImportError:
        raise ConfigurationError(
            "journals on PostgreSQL need the package psycopg: pip install 'lemlist_async[fleet]'"
        ) from None
    rows = PostgresRows(found)
    return rows, Turns(rows.server.threads)


def _weight(outcome: Outcome) -> int:
    # an estimate: the size as JSON is known only when the result is written
    return len(str(outcome.result)) if outcome.result is not None else 0
