"""Journal of a job: one SQLite file with the durable state of each row.

Write-ahead log with ``synchronous=FULL``: a state is on the disk when the call that wrote it returns. A temporary
journal dies with its process: it holds states back, and writes many at once. All of SQLite runs in one thread of
its own. `tables` describes the contents of the file.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from lemlist_async.bulk.jobs.job import Outcome, State
from lemlist_async.bulk.journal import tables
from lemlist_async.bulk.journal.lock import NO_FOLLOW, FileLock
from lemlist_async.bulk.journal.tables import JournalRow, NewRow
from lemlist_async.errors import ConfigurationError, LemlistError

T = TypeVar("T")


class JournalError(LemlistError):
    """The journal cannot be used: another job's, a newer version's, in use, damaged, or the disk is full."""


# checkpoints are made here and not by SQLite: the file must be noted as incomplete before it becomes so
_DURABLE = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
_DYING = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF;"
_HELD = 500
"""Most outcomes that a temporary journal holds back."""
_LONGEST_LOG = 4 * 2**20
"""Bytes of a write-ahead log above which it is written into the file."""
_LEFT = frozenset({State.NEW, State.SENT, State.PENDING})
_Finished = Sequence[tuple[int, Outcome]]
"""Outcomes of rows, by their numbers."""


def beside(path: Path, suffix: str) -> Path:
    """A file beside a journal, of its name and a suffix."""
    return path.with_name(path.name + suffix)


def _sync_folder(folder: Path) -> None:
    """Have the name of a new file survive a loss of power, where the system lets folders be synced."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_sqlite() -> None:
    if sqlite3.sqlite_version_info < tables.OLDEST_SQLITE:
        oldest = ".".join(map(str, tables.OLDEST_SQLITE))
        raise JournalError(f"journals need SQLite {oldest}, and this Python has {sqlite3.sqlite_version}")


def _weight(outcome: Outcome) -> int:
    # an estimate: the size as JSON is known only when the result is written
    return len(str(outcome.result)) if outcome.result is not None else 0


class Journal:
    """An open journal, locked against other runners unless it is only looked at."""

    def __init__(self, path: Path, *, temporary: bool = False) -> None:
        self.path = path
        self.temporary = temporary
        self._kept = False
        # two names of one file must meet at one lock
        self._file = path.resolve()
        self._lock = FileLock(beside(self._file, "-lock"))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lemlist-journal")
        self._wal = beside(self._file, "-wal")
        self._closed = False
        self._tailed = False
        self._longest = _LONGEST_LOG
        # what a temporary one has not written yet
        self._finished: list[tuple[int, Outcome]] = []
        self._held = 0
        self._sent: set[int] = set()
        self._db: sqlite3.Connection | None = None
        self._consumer: Callable[[], object] = lambda: None
        self._idle = asyncio.Event()
        self._idle.set()

    # Opening and closing ------------------------------------------------------------------------------

    @classmethod
    async def open(cls, path: str | os.PathLike[str] | None, *, new: bool = True) -> Journal:
        """Open a journal, or (`new`) make one; None makes one that is removed when it is closed.

        A journal of an older version is migrated.

        Raises:
            ConfigurationError: there is none, and none shall be made.
            JournalError: in use by another runner, not a journal, damaged, without the part that is in its
                ``-wal`` file, of a newer version, or not writable; or SQLite is too old.
        """
        _check_sqlite()
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
        _check_sqlite()
        journal = cls(Path(path))
        try:
            await journal.in_thread(journal._connect_to_read)
        except BaseException:
            await journal.close()
            raise
        return journal

    def _connect_to_read(self) -> None:
        self._must_exist()
        uri = f"{self._file.as_uri()}?mode=ro"
        whole = not self._wal.exists()
        if whole:
            # no process writes: without this SQLite makes files beside the journal, in a folder that may be read-only
            uri += "&immutable=1"
        self._db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        self._check_version(self._db)
        self._check_tail(whole)

    def _must_exist(self) -> None:
        if not self.path.is_file():
            raise ConfigurationError(f"there is no journal {self.path}")

    def _connect(self, new: bool) -> None:
        if not new:
            self._must_exist()
        try:
            self._lock.acquire()
            self._make_sure_of_file()
        except BlockingIOError:
            raise JournalError(f"{self.path} is in use by another runner") from None
        except OSError as error:
            raise JournalError(f"{self.path} cannot be written: {error.strerror}") from None
        whole = not self._wal.exists()
        self._db = db = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
        version = self._check_version(db)
        if self.temporary:
            db.executescript(_DYING)
            return
        db.executescript(_DURABLE)
        self._check_tail(whole)
        if db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise JournalError(f"{self.path} is damaged: restore it from a copy")
        if version < tables.VERSION:
            tables.migrate(db)
        self._check_count()

    def _make_sure_of_file(self) -> None:
        """Make a journal that appears with its tables, or look at the one that is there."""
        try:
            there = os.lstat(self._file)
        except FileNotFoundError:
            self._make()
            return
        if there.st_nlink > 1:
            raise JournalError(
                f"{self.path} has {there.st_nlink} names (hard links), under which two runners could use it at "
                "once: remove the others"
            )
        if there.st_size == 0 and not self._wal.exists():
            raise JournalError(
                f"{self.path} is empty, and no new journal is made in its place: if it was one, its -wal file is "
                "missing; if it never was, remove it"
            )

    def _make(self) -> None:
        if self._wal.exists():
            raise JournalError(
                f"{self._wal} is there without its journal {self.path.name}: put that back beside it"
            )
        made = beside(self._file, "-new")
        made.unlink(missing_ok=True)  # of a process that was killed right here
        # made with its mode from the first byte on: it holds personal data
        os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_RDWR | NO_FOLLOW, 0o600))
        with contextlib.closing(sqlite3.connect(made, isolation_level=None)) as db:
            db.executescript(f"PRAGMA synchronous=FULL; BEGIN; {tables.SCHEMA} COMMIT;")
        made.rename(self._file)
        if not self.temporary:
            _sync_folder(self._file.parent)

    def _check_version(self, db: sqlite3.Connection) -> int:
        version: int
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > tables.VERSION:
            raise JournalError(
                f"{self.path} was written by a newer lemlist_async (journal version {version}, "
                f"this one knows {tables.VERSION})"
            )
        there = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
        if version < 1 or not there & tables.NAMES:
            raise JournalError(f"{self.path} is a database, but not a journal")
        if missing := tables.NAMES - there:
            raise tables.DamagedError(f"it has no {min(missing)}")
        return version

    async def keep(self) -> Path:
        """Return the path; a temporary journal is written in full, and stays when it is closed."""
        await self.flush()
        self._kept = True
        return self.path

    def _check_tail(self, whole: bool) -> None:
        """Refuse a file whose newest part was in a ``-wal`` file that is not there."""
        if whole and self.meta_now().get("tail") == "wal":
            raise JournalError(
                f"{self.path} is not whole: its newest part is in the file {self._wal.name} beside it, which is "
                "missing. Rows may have been done that it shows as new; copy both files together"
            )

    def _check_count(self) -> None:
        """Refuse a file from which rows have vanished, or with states that there are not."""
        there, planned = sum(tables.counts(self.db).values()), self.meta_now().get("rows")
        if planned is not None and planned != str(there):
            raise JournalError(f"{self.path} is damaged: it holds {there} of {planned} rows")

    async def close(self) -> None:
        """Close the file; a temporary one is removed, unless it is kept. May be called twice."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
            self._thread.shutdown(wait=False)

    def _disconnect(self) -> None:
        try:
            if self._db is not None:
                with contextlib.suppress(sqlite3.Error):  # a full disk; the next run finds out
                    self._gather()
                self._db.close()
                self._db = None
        finally:
            self._lock.release()
        if self.temporary and not self._kept:
            for leftover in self.path.parent.iterdir():
                leftover.unlink()
            self.path.parent.rmdir()

    # What is in the write-ahead log -------------------------------------------------------------------

    def _note_tail(self) -> None:
        """Note in the file itself that newer parts are in the log, before the first of them is written.

        A file without its log then shows that it is incomplete. A note in the log itself cancels this one.
        """
        if self._tailed or self.temporary:
            return
        self.db.execute("INSERT OR REPLACE INTO meta VALUES ('tail', 'wal')")
        self._checkpoint()
        self.db.execute("INSERT OR REPLACE INTO meta VALUES ('tail', '')")
        self._tailed = True

    def _gather(self) -> None:
        """Move the contents of the log into the file, which is complete by itself afterwards."""
        if self._tailed and self._checkpoint():
            self._tailed = False

    def _checkpoint(self) -> bool:
        """Write the log into the file and empty it; False where another process reads an older state."""
        # a reader must not hold up the runner: what cannot be done now is done the next time
        self.db.execute("PRAGMA busy_timeout=50")
        busy: int
        (busy, _, _) = self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self.db.execute("PRAGMA busy_timeout=5000")
        return busy == 0

    def _shorten_log(self) -> None:
        if not self._tailed or (size := self._wal.stat().st_size) < self._longest:
            return
        self._tailed = False
        self._note_tail()
        left = self._wal.stat().st_size
        self._longest = _LONGEST_LOG if left < size else size + _LONGEST_LOG

    async def gather(self) -> None:
        """Make the file complete by itself: until the next write, it may be moved without its ``-wal``."""
        await self.in_thread(self._gather)

    def in_thread(self, work: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """Run a function in the journal's own thread, which alone uses SQLite. It is queued at once.

        Raises:
            JournalError: SQLite failed; a full disk ends here. Or the journal is closed.
        """
        if self._closed:
            raise JournalError(f"{self.path} is closed")
        return asyncio.get_running_loop().run_in_executor(self._thread, self._told, work, args)

    def _told(self, work: Callable[..., T], args: Sequence[Any]) -> T:
        try:
            return work(*args)
        except sqlite3.Error as error:
            raise JournalError(f"{self.path}: {error}") from None
        except UnicodeDecodeError as error:  # in SQLite's message about a damaged name
            raise JournalError(f"{self.path} is damaged: {error}") from None
        except tables.DamagedError as error:
            raise JournalError(f"{self.path} is damaged: {error}") from None
        except tables.TakenError as error:
            raise JournalError(f"another runner works on {self.path}: {error}") from None

    @property
    def db(self) -> sqlite3.Connection:
        """The connection, for use in the journal's thread."""
        if self._db is None:
            raise JournalError(f"{self.path} is closed")
        return self._db

    # What the job is ----------------------------------------------------------------------------------

    async def meta(self) -> dict[str, str]:
        """Return the job's description; empty in a new journal."""
        return await self.in_thread(self.meta_now)

    def meta_now(self) -> dict[str, str]:
        """The same, for use in the journal's thread."""
        found = dict(self.db.execute("SELECT key, value FROM meta"))
        if not all(isinstance(text, str) for text in (*found, *found.values())):
            raise tables.DamagedError("its description is not readable")
        return found

    async def describe(self, **values: str) -> None:
        """Write parts of the description."""
        await self.in_thread(self._describe, list(values.items()))

    def _describe(self, values: Sequence[tuple[str, str]]) -> None:
        self._note_tail()
        self.db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values)

    async def forget_rows(self) -> None:
        """Drop the rows of a plan that was never finished; none of them was sent."""
        await self.in_thread(self._forget)

    def _forget(self) -> None:
        self._note_tail()
        tables.forget(self.db)

    # Rows ---------------------------------------------------------------------------------------------

    def add(self, rows: Sequence[NewRow]) -> Awaitable[None]:
        """Append rows; one whose key is there already is refused as its duplicate. It begins at once."""
        return self.in_thread(self._add, rows)

    def _add(self, rows: Sequence[NewRow]) -> None:
        self._note_tail()
        tables.add(self.db, rows)
        self._shorten_log()

    async def recover(self, *, repeatable: bool, retry_failed: bool = False) -> None:
        """Recover from a run that ended early: sent rows become new if they may be repeated, else unknown."""
        await self.flush()
        await self.in_thread(self._recover, repeatable, retry_failed)

    def _recover(self, repeatable: bool, retry_failed: bool) -> None:
        self._note_tail()
        tables.recover(self.db, repeatable, retry_failed)

    async def reopen(self) -> None:
        """Have the run that begins look up all unknown rows again."""
        await self.in_thread(self._reopen)

    def _reopen(self) -> None:
        self._note_tail()
        tables.reopen(self.db)

    async def take(
        self, state: State, after: int, most: int = tables.PAGE, *, what: str | None = None
    ) -> list[JournalRow]:
        """Return the next rows in a state (unknown ones: with this `what`), behind row number `after`.

        There may be fewer than `most`, for the memory's sake; none at the end.
        """
        return await self.in_thread(lambda: tables.take(self.db, state, what, after, most))

    async def pending(self, ids: Iterable[str]) -> list[JournalRow]:
        """Return the pending rows with these ids of lemlist."""
        wanted = tuple(ids)
        return await self.in_thread(lambda: tables.pending(self.db, wanted))

    async def write(
        self,
        finished: _Finished = (),
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
        if not self.temporary:
            await self.in_thread(self._write, finished, sent, back, expected)
            return
        if not self._sent.isdisjoint(sent):
            raise JournalError("another run works on these rows")
        self._sent.update(sent)
        self._sent.difference_update(back, [n for n, _ in finished])
        self._finished += finished
        self._held += sum(_weight(outcome) for _, outcome in finished)
        if back or len(self._finished) >= _HELD or self._held >= tables.PAGE_BYTES:
            await self._write_held(back=back)

    def _write(self, finished: _Finished, sent: Sequence[int], back: Sequence[int], expected: State) -> None:
        self._note_tail()
        tables.write(self.db, finished, sent=sent, back=back, expected=expected)
        self._shorten_log()

    async def flush(self) -> None:
        """Write all that a temporary journal holds back."""
        if self._finished or self._sent:
            await self._write_held(sent=tuple(self._sent))

    async def _write_held(self, *, sent: Sequence[int] = (), back: Sequence[int] = ()) -> None:
        finished = tuple(self._finished)
        await self.in_thread(lambda: tables.write_held(self.db, finished, sent=sent, back=back))
        # only after the write: until then another run of the plan would take finished rows for new ones
        del self._finished[: len(finished)]
        self._held = sum(_weight(outcome) for _, outcome in self._finished)
        self._sent.difference_update(sent)

    async def counts(self) -> Counter[tuple[str, str]]:
        """Return the number of rows in each (state, what)."""
        await self.flush()
        return await self.in_thread(lambda: tables.counts(self.db))

    async def credits(self) -> int:
        """Return the credits that the rows still to be sent may cost."""
        return await self.in_thread(lambda: tables.credits_to_spend(self.db))

    def rows(self, *, unfinished: bool = False, refused: bool = False) -> Iterator[JournalRow]:
        """Iterate over all rows in order, or those that are `unfinished` (not simply done) or `refused`.

        For use in the journal's thread.
        """
        if self._finished or self._sent:
            tables.write_held(self.db, tuple(self._finished), sent=tuple(self._sent))
        return tables.all_rows(self.db, unfinished=unfinished, refused=refused)

    async def erase(self) -> None:
        """Remove the personal data of a finished job from the file; its counts, lines and states stay.

        Raises:
            JournalError: rows are left to be sent, or wait for results.
        """
        await self.in_thread(self._erase)

    def _erase(self) -> None:
        counts = tables.counts(self.db)
        left = sum(n for (state, _), n in counts.items() if state in _LEFT)
        if left or self.meta_now().get("planned") != "1":
            raise JournalError(f"{self.path} is not finished ({left:,} rows are left): nothing was erased")
        self._note_tail()
        tables.erase(self.db)
        # the log still has the pages as they were
        self._gather()

    # Who runs it --------------------------------------------------------------------------------------

    async def begin(self, consumer: Callable[[], object]) -> None:
        """Note that a run works on the rows, until `end`; `consumer` gives None once its iteration was dropped.

        Raises:
            JournalError: another run goes on.
        """
        while not self._idle.is_set():
            if self._consumer() is not None:
                raise JournalError(f"this plan is running: another run works on {self.path}")
            # it is being cancelled
            await self._idle.wait()
        self._consumer = consumer
        self._idle.clear()

    def end(self) -> None:
        """Note that the run has ended."""
        self._idle.set()
