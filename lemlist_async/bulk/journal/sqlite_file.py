"""Rows of a job in one SQLite file.

Write-ahead log with ``synchronous=FULL``: a state is on the disk when the call that wrote it returns, and so is a plan
when it is complete. `tables` describes the contents of the file.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from lemlist_async.bulk.jobs.job import Outcome, State
from lemlist_async.bulk.journal import tables
from lemlist_async.bulk.journal.errors import DamagedError, JournalError, JournalUnavailableError
from lemlist_async.bulk.journal.lock import NO_FOLLOW, FileLock
from lemlist_async.bulk.journal.storage import JournalRow, NewRow
from lemlist_async.errors import ConfigurationError

# checkpoints are made here and not by SQLite: the file must be noted as incomplete before it becomes so
_DURABLE = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
_DYING = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF;"
_LONGEST_LOG = 4 * 2**20
"""Bytes of a write-ahead log above which it is written into the file."""


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


def _is_planned(db: sqlite3.Connection) -> bool:
    found: tuple[str] | None = db.execute("SELECT value FROM meta WHERE key = 'planned'").fetchone()
    return found == ("1",)


def check_sqlite() -> None:
    """Check the version of SQLite.

    Raises:
        JournalError: it is too old.
    """
    if sqlite3.sqlite_version_info < tables.OLDEST_SQLITE:
        oldest = ".".join(map(str, tables.OLDEST_SQLITE))
        raise JournalError(f"journals need SQLite {oldest}, and this Python has {sqlite3.sqlite_version}")


class SqliteFile:
    """A file of rows, locked against other runners unless it is only looked at.

    One that is `dying` is never needed after a crash, and is removed with its folder unless it is kept.
    """

    guard = None
    """The lock of the file ends with the process that holds it, and not before."""
    errors: tuple[type[Exception], ...] = (sqlite3.Error, UnicodeDecodeError)

    def __init__(self, path: Path, *, dying: bool = False) -> None:
        self.path = path
        self.dying = dying
        self.kept: bool = False
        # two names of one file must meet at one lock
        self._file = path.resolve()
        self._lock = FileLock(beside(self._file, "-lock"))
        self._wal = beside(self._file, "-wal")
        self._tailed = False
        self._longest = _LONGEST_LOG
        self._db: sqlite3.Connection | None = None

    @property
    def name(self) -> str:
        """The path, for messages."""
        return str(self.path)

    def explain(self, error: Exception) -> JournalError:
        """Return the error to raise for one of SQLite; one in its own message is about a damaged name."""
        damaged = " is damaged" if isinstance(error, UnicodeDecodeError) else ""
        return JournalError(f"{self.path}{damaged}: {error}")

    # Opening and closing ------------------------------------------------------------------------------

    def connect(self, new: bool) -> None:
        """Open the file to run it, or (`new`) make it; a file of an older version is migrated."""
        if not new:
            self._must_exist()
        try:
            self._lock.acquire()
            self._make_sure_of_file()
        except BlockingIOError:
            raise JournalUnavailableError(f"{self.path} is in use by another runner") from None
        except OSError as error:
            raise JournalError(f"{self.path} cannot be written: {error.strerror}") from None
        whole = not self._wal.exists()
        self._db = db = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
        version = self._check_version(db)
        if self.dying:
            db.executescript(_DYING)
            return
        db.executescript(_DURABLE)
        self._check_tail(whole)
        if db.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise JournalError(f"{self.path} is damaged: restore it from a copy")
        if version < tables.VERSION:
            tables.migrate(db)
        self._check_count()

    def connect_to_read(self) -> None:
        """Open the file to read only, even while a runner works on it."""
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
        if not self.dying:
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
        missing = tables.NAMES - there
        if "meta" in there and not _is_planned(db):
            missing -= {"rows_by_key"}  # a plan makes it in the end
        if missing:
            raise DamagedError(f"it has no {min(missing)}")
        return version

    def _check_tail(self, whole: bool) -> None:
        """Refuse a file whose newest part was in a ``-wal`` file that is not there."""
        if whole and self.meta().get("tail") == "wal":
            raise JournalError(
                f"{self.path} is not whole: its newest part is in the file {self._wal.name} beside it, which is "
                "missing. Rows may have been done that it shows as new; copy both files together"
            )

    def _check_count(self) -> None:
        """Refuse a file from which rows have vanished, or with states that there are not."""
        there, planned = sum(tables.counts(self.db).values()), self.meta().get("rows")
        if planned is not None and planned != str(there):
            raise JournalError(f"{self.path} is damaged: it holds {there} of {planned} rows")

    def close(self) -> None:
        """Close the file; a dying one is removed, unless it is kept."""
        try:
            if self._db is not None:
                with contextlib.suppress(sqlite3.Error):  # a full disk; the next run finds out
                    self.gather()
                self._db.close()
                self._db = None
        finally:
            self._lock.release()
        if self.dying and not self.kept:
            self._remove()

    def _remove(self) -> None:
        folder = self.path.parent
        # closing twice is allowed
        if folder.exists():
            for leftover in folder.iterdir():
                leftover.unlink()
            folder.rmdir()

    # What is in the write-ahead log -------------------------------------------------------------------

    def _note_tail(self) -> None:
        """Note in the file itself that newer parts are in the log, before the first of them is written.

        A file without its log then shows that it is incomplete. A note in the log itself cancels this one.
        """
        if self._tailed or self.dying:
            return
        self.db.execute("INSERT OR REPLACE INTO meta VALUES ('tail', 'wal')")
        self._checkpoint()
        self.db.execute("INSERT OR REPLACE INTO meta VALUES ('tail', '')")
        self._tailed = True

    def gather(self) -> None:
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

    @property
    def db(self) -> sqlite3.Connection:
        """The connection."""
        if self._db is None:
            raise JournalError(f"{self.path} is closed")
        return self._db

    # What the job is ----------------------------------------------------------------------------------

    def meta(self) -> dict[str, str]:
        """Return the description of the job."""
        found = dict(self.db.execute("SELECT key, value FROM meta"))
        if not all(isinstance(text, str) for text in (*found, *found.values())):
            raise DamagedError("its description is not readable")
        return found

    def describe(self, values: Mapping[str, str]) -> None:
        """Write parts of the description."""
        self._note_tail()
        self.db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(values.items()))

    def forget(self) -> None:
        """Begin a plan: drop the rows of one that was never finished."""
        self._note_tail()
        tables.forget(self.db)
        if not self.dying:
            # a loss of power costs a plan that is not finished, whatever of it is on the disk: no commit waits for it
            self.db.execute("PRAGMA synchronous=NORMAL")

    # Rows ---------------------------------------------------------------------------------------------

    def add(self, rows: Sequence[NewRow]) -> None:
        """Append rows to a plan."""
        self._note_tail()
        tables.add(self.db, rows)
        self._shorten_log()

    def complete(self, values: Mapping[str, str]) -> None:
        """Note that all rows are in, and refuse those whose key an earlier one has."""
        self._note_tail()
        if not self.dying:
            # the commit of this note waits until the log is on the disk, with all that is in it
            self.db.execute("PRAGMA synchronous=FULL")
        tables.complete(self.db, values.items())
        self._shorten_log()

    def recover(self, *, repeatable: bool, retry_failed: bool) -> None:
        """Recover the rows of a run that ended early."""
        self._note_tail()
        tables.recover(self.db, repeatable, retry_failed)

    def reopen(self) -> None:
        """Have the next run look up all unknown rows again."""
        self._note_tail()
        tables.reopen(self.db)

    def take(self, state: State, what: str | None, after: int, most: int) -> list[JournalRow]:
        """Return the next rows in a state."""
        return tables.take(self.db, state, what, after, most)

    def pending(self, ids: Sequence[str]) -> list[JournalRow]:
        """Return the pending rows with these ids of lemlist."""
        return tables.pending(self.db, ids)

    def write(
        self,
        finished: Iterable[tuple[int, Outcome]],
        *,
        sent: Sequence[int],
        back: Sequence[int],
        expected: State,
    ) -> None:
        """Write outcomes, and mark rows."""
        self._note_tail()
        tables.write(self.db, finished, sent=sent, back=back, expected=expected)
        self._shorten_log()

    def write_held(
        self, finished: Iterable[tuple[int, Outcome]], *, sent: Sequence[int], back: Sequence[int] = ()
    ) -> None:
        """Write as `write` does, for rows that are marked in memory only: their states in the file lag behind."""
        tables.write_held(self.db, finished, sent=sent, back=back)

    def counts(self) -> Counter[tuple[str, str]]:
        """Return the number of rows in each (state, what)."""
        return tables.counts(self.db)

    def credits(self) -> int:
        """Return the credits that the rows still to be sent may cost."""
        return tables.credits_to_spend(self.db)

    def rows(self, *, unfinished: bool, refused: bool) -> Iterator[JournalRow]:
        """Iterate over all rows, or a part of them."""
        return tables.all_rows(self.db, unfinished=unfinished, refused=refused)

    def erase(self) -> None:
        """Remove the personal data, from the log too."""
        self._note_tail()
        tables.erase(self.db)
        # the log still has the pages as they were
        self.gather()
