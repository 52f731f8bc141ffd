"""The journal of a job: one SQLite file that tells the truth about each row after a crash.

Write-ahead log with ``synchronous=FULL``: a state is on the disk when the call that wrote it returns. A temporary
journal dies with its process: it holds states back, and writes many at once. All of SQLite runs in one thread of
its own. What the file holds is told in `tables`.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from lemlist_async.bulk import tables
from lemlist_async.bulk.job import Outcome, State
from lemlist_async.bulk.lock import FileLock
from lemlist_async.bulk.tables import JournalRow, NewRow
from lemlist_async.errors import ConfigurationError, LemlistError

T = TypeVar("T")


class JournalError(LemlistError):
    """The journal cannot be used: another job's, a newer version's, in use, damaged, or the disk is full."""


_DURABLE = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
_DYING = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF;"
_HELD = 500
"""Outcomes that a temporary journal holds back at most."""
_Finished = Sequence[tuple[int, Outcome]]
"""What became of rows, by their numbers."""


class Journal:
    """An open journal, locked against other runners unless it is only looked at."""

    def __init__(self, path: Path, *, temporary: bool = False) -> None:
        self.path = path
        self.temporary = temporary
        self._kept = False
        self._lock = FileLock(path.with_name(path.name + "-lock"))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lemlist-journal")
        # what a temporary one has not written yet
        self._finished: list[tuple[int, Outcome]] = []
        self._sent: set[int] = set()
        self._db: sqlite3.Connection | None = None

    # Opening and closing ------------------------------------------------------------------------------

    @classmethod
    async def open(cls, path: str | os.PathLike[str] | None, *, new: bool = True) -> Journal:
        """Open a journal, or (`new`) make one; None makes one that is removed when it is closed.

        Raises:
            ConfigurationError: there is none, and none shall be made.
            JournalError: in use by another runner, not a journal, of a newer version, or not writable.
        """
        if path is None:
            folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="lemlist-async-")
            journal = cls(Path(folder) / "journal.db", temporary=True)
        else:
            journal = cls(Path(path))
        try:
            await journal.in_thread(journal._connect, new)
        except BaseException:
            await journal.close()
            raise
        return journal

    @classmethod
    async def look(cls, path: str | os.PathLike[str]) -> Journal:
        """Open a journal to read only, even while a runner works on it.

        Raises:
            ConfigurationError: there is none.
            JournalError: not a journal, of a newer version, or not readable.
        """
        journal = cls(Path(path))
        try:
            await journal.in_thread(journal._connect_to_read)
        except BaseException:
            await journal.close()
            raise
        return journal

    def _connect_to_read(self) -> None:
        self._must_exist()
        uri = f"{self.path.resolve().as_uri()}?mode=ro"
        if not self.path.with_name(self.path.name + "-wal").exists():
            # nobody writes; without this SQLite would want to make files beside it, in a folder it may not
            uri += "&immutable=1"
        self._db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        self._check_version(self._db)

    def _must_exist(self) -> None:
        if not self.path.is_file():
            raise ConfigurationError(f"there is no journal {self.path}")

    def _connect(self, new: bool) -> None:
        if not new:
            self._must_exist()
        try:
            self._lock.acquire()
            # made with its mode from the first byte on: it holds personal data
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        except BlockingIOError:
            raise JournalError(f"{self.path} is in use by another runner") from None
        except OSError as error:
            raise JournalError(f"{self.path} cannot be written: {error.strerror}") from None
        self._db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        self._db.executescript(_DYING if self.temporary else _DURABLE)
        if self._check_version(self._db) == 0:
            self._db.executescript(f"BEGIN; {tables.SCHEMA} COMMIT;")

    def _check_version(self, db: sqlite3.Connection) -> int:
        version: int
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > tables.VERSION:
            raise JournalError(
                f"{self.path} was written by a newer lemlist_async (journal version {version}, "
                f"this one knows {tables.VERSION})"
            )
        if version == 0 and db.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
            raise JournalError(f"{self.path} is a database, but not a journal")
        return version

    async def keep(self) -> Path:
        """Return the path; a temporary journal is written in full, and stays when it is closed."""
        await self.flush()
        self._kept = True
        return self.path

    async def close(self) -> None:
        """Let go of the file; a temporary one is removed, unless it is kept."""
        await self.in_thread(self._disconnect)
        self._thread.shutdown(wait=False)

    def _disconnect(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
        self._lock.release()
        if self.temporary and not self._kept:
            for leftover in self.path.parent.iterdir():
                leftover.unlink()
            self.path.parent.rmdir()

    def in_thread(self, work: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """Run something in the journal's own thread, where all of SQLite happens. It begins at once.

        Raises:
            JournalError: SQLite failed; a full disk ends here.
        """
        return asyncio.get_running_loop().run_in_executor(self._thread, self._told, work, args)

    def _told(self, work: Callable[..., T], args: Sequence[Any]) -> T:
        try:
            return work(*args)
        except sqlite3.Error as error:
            raise JournalError(f"{self.path}: {error}") from None

    @property
    def db(self) -> sqlite3.Connection:
        """The connection, for use in the journal's thread."""
        if self._db is None:
            raise JournalError(f"{self.path} is closed")
        return self._db

    # What the job is ----------------------------------------------------------------------------------

    async def meta(self) -> dict[str, str]:
        """The job's description; empty in a new journal."""
        return await self.in_thread(lambda: dict(self.db.execute("SELECT key, value FROM meta")))

    async def describe(self, **values: str) -> None:
        """Write parts of the description."""
        await self.in_thread(
            self.db.executemany, "INSERT OR REPLACE INTO meta VALUES (?, ?)", list(values.items())
        )

    async def forget_rows(self) -> None:
        """Drop the rows of a plan that was never finished; none of them was sent."""
        await self.in_thread(self.db.execute, "DELETE FROM rows")

    # Rows ---------------------------------------------------------------------------------------------

    def add(self, rows: Sequence[NewRow]) -> Awaitable[None]:
        """Append rows; one whose key is there already is refused as its duplicate. It begins at once."""
        return self.in_thread(lambda: tables.add(self.db, rows))

    async def recover(self, *, repeatable: bool, retry_failed: bool) -> None:
        """After a crash: rows that were sent are sent again if they may be, else nobody knows about them."""
        await self.in_thread(lambda: tables.recover(self.db, repeatable, retry_failed))

    async def take(self, state: State, after: int, most: int = tables.PAGE) -> list[JournalRow]:
        """The next rows in a state, behind row number `after`."""
        return await self.in_thread(lambda: tables.take(self.db, state, after, most))

    async def pending(self, ids: Iterable[str]) -> list[JournalRow]:
        """The pending rows with these ids of lemlist's."""
        wanted = tuple(ids)
        return await self.in_thread(lambda: tables.pending(self.db, wanted))

    async def write(
        self, finished: _Finished = (), *, sent: Sequence[int] = (), back: Sequence[int] = ()
    ) -> None:
        """Note what became of rows, and which are about to be sent, or (`back`) surely were not.

        It is on the disk when this returns. A temporary journal may hold it until `flush`.
        """
        if not self.temporary:
            await self.in_thread(lambda: tables.write(self.db, finished, sent=sent, back=back))
            return
        self._sent.update(sent)
        self._sent.difference_update(back, [n for n, _ in finished])
        self._finished += finished
        if back or len(self._finished) >= _HELD:
            await self._write_held(back=back)

    async def flush(self) -> None:
        """Write what a temporary journal holds back."""
        if self._finished or self._sent:
            await self._write_held(sent=tuple(self._sent))

    async def _write_held(self, *, sent: Sequence[int] = (), back: Sequence[int] = ()) -> None:
        finished = tuple(self._finished)
        await self.in_thread(lambda: tables.write(self.db, finished, sent=sent, back=back))
        # only now: what was done must not look new to another run of the same plan
        del self._finished[: len(finished)]
        self._sent.difference_update(sent)

    async def counts(self) -> Counter[tuple[str, str]]:
        """How many rows are in each (state, what)."""
        await self.flush()
        return await self.in_thread(lambda: tables.counts(self.db))

    async def credits(self) -> int:
        """Credits that the rows still to be sent may cost."""
        return await self.in_thread(lambda: tables.credits_to_spend(self.db))

    def rows(self, *, settled: bool = False) -> Iterator[JournalRow]:
        """All rows in order, or (`settled`) those that are not simply done; for use in the journal's thread."""
        if self._finished or self._sent:
            tables.write(self.db, tuple(self._finished), sent=tuple(self._sent))
        return tables.all_rows(self.db, settled=settled)


def check_same_job(meta: Mapping[str, str], path: Path, mine: Mapping[str, str]) -> None:
    """Refuse to run a job on another one's journal.

    Raises:
        ConfigurationError: naming what differs.
    """
    for name, value in mine.items():
        theirs = meta.get(name, value)
        if theirs == value:
            continue
        changed = "another file, or the file has changed"
        what = changed if name == "digest" else f"another job ({name} {theirs})"
        raise ConfigurationError(f"the journal {path} belongs to {what}; take another journal for this one")
