"""File of events: one SQLite database for all processes of a host, opened twice.

A write-ahead log with ``synchronous=FULL`` for what is acknowledged, and the same file with ``synchronous=NORMAL`` for
leases and results: those survive the death of a process, and a loss of power makes the last of them happen again.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

from lemlist_async.webhooks.errors import StoreError

T = TypeVar("T")

APPLICATION = 0x6C656D77
"""Number that tells such a file from other databases."""
VERSION = 1
OLDEST_SQLITE = (3, 35)
"""Has RETURNING."""
_LOOK_EVERY = 0.25
"""Seconds between two looks whether the file is still there."""
BUSY = 5.0
"""Seconds for which another process may hold the file."""
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)

_SCHEMA = (
    # bodies are written once: in one table with the states each change would write them again, and to the log
    """CREATE TABLE events (
        n INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, type TEXT NOT NULL, body TEXT, received_at REAL NOT NULL
    )""",
    "CREATE INDEX events_received ON events (received_at)",
    """CREATE TABLE work (
        n INTEGER PRIMARY KEY, state TEXT NOT NULL DEFAULT 'waiting', due_at REAL NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0, owner TEXT, handled TEXT NOT NULL DEFAULT '[]', error TEXT, ended_at REAL
    )""",
    "CREATE INDEX work_due ON work (due_at, n) WHERE state = 'waiting'",
    "CREATE INDEX work_ended ON work (state, ended_at) WHERE ended_at IS NOT NULL",
    """CREATE TRIGGER events_added AFTER INSERT ON events
        BEGIN INSERT INTO work (n, due_at) VALUES (new.n, new.received_at); END""",
    "CREATE TRIGGER events_removed AFTER DELETE ON events BEGIN DELETE FROM work WHERE n = old.n; END",
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    f"PRAGMA application_id={APPLICATION}",
    f"PRAGMA user_version={VERSION}",
)


class Database:
    """An open file. All calls come from one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.resolve()
        self._durable: sqlite3.Connection | None = None
        self._quick: sqlite3.Connection | None = None
        self._inode = 0
        self._looked_at = 0.0
        self._full = False

    # Opening ------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Open the file, or make it, readable for its owner only.

        Raises:
            StoreError: it cannot be made or opened, is damaged, another program's or of a newer version.
        """
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            oldest = ".".join(map(str, OLDEST_SQLITE))
            raise StoreError(f"webhooks need SQLite {oldest}, and this Python has {sqlite3.sqlite_version}")
        with self.told():
            os.close(os.open(self._file, os.O_CREAT | os.O_RDWR | _NO_FOLLOW, 0o600))
            self._inode = self._file.stat().st_ino
            try:
                self._durable = self._connect("FULL")
                self._quick = self._connect("NORMAL")
            except BaseException:
                self.close()
                raise

    def _connect(self, synchronous: str) -> sqlite3.Connection:
        db = sqlite3.connect(self._file, timeout=BUSY, isolation_level=None, check_same_thread=False)
        try:
            _until(time.monotonic() + BUSY, lambda: db.execute("PRAGMA journal_mode=WAL"))
            db.execute(f"PRAGMA synchronous={synchronous}")
            # what is erased is overwritten
            db.execute("PRAGMA secure_delete=ON")
            self._set_up(db)
        except BaseException:
            db.close()
            raise
        return db

    def _set_up(self, db: sqlite3.Connection) -> None:
        # one state of the file for all three looks: another process may be making it at this moment
        db.execute("BEGIN")
        try:
            there = self._version(db)
        finally:
            db.execute("ROLLBACK")
        if there:
            return
        db.execute("BEGIN IMMEDIATE")
        try:
            # another process may have been first
            if not self._version(db):
                for statement in _SCHEMA:
                    db.execute(statement)
                db.execute("INSERT INTO meta VALUES ('begun', ?)", (str(time.time()),))
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def _version(self, db: sqlite3.Connection) -> int:
        (application,), (version,) = (
            db.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
        )
        if version > VERSION and application == APPLICATION:
            raise StoreError(
                f"{self.path} was written by a newer lemlist_async (version {version} of its file)"
            )
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application != APPLICATION and (tables or version or application):
            raise StoreError(f"{self.path} is a database, but not one of webhooks")
        found: int = version
        return found

    def close(self) -> None:
        """Close the file."""
        for db in (self._quick, self._durable):
            if db is not None:
                # a full disk: the log stays, and is read the next time
                with contextlib.suppress(sqlite3.Error):
                    db.close()
        self._durable = self._quick = None

    def prepare(self) -> None:
        """Make sure that what is written next goes into the file that others open, and that its log has room."""
        now = time.monotonic()
        if self._full:
            # on a disk that is nearly full the log would never be long enough to be emptied by itself
            with contextlib.suppress(sqlite3.Error):
                self.empty_log()
                self._full = False
        if self._durable is None or now - self._looked_at >= _LOOK_EVERY:
            self._looked_at = now
            self._make_sure_of_file()

    def _make_sure_of_file(self) -> None:
        """Open the file anew if it was removed or replaced: what went into the old one would be lost."""
        with contextlib.suppress(FileNotFoundError):
            if self._file.stat().st_ino == self._inode:
                return
        self.close()
        self.open()

    def empty_log(self) -> None:
        """Move the write-ahead log into the file, and empty it, unless another process reads an older state."""
        self.durable.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    @contextlib.contextmanager
    def told(self) -> Generator[None]:
        """Raise errors of SQLite and of the file system as StoreError: without values, and with advice."""
        try:
            yield
        except sqlite3.Error as error:
            self._full = self._full or _code(error) in {"SQLITE_FULL", "SQLITE_IOERR"}
            raise StoreError(f"{self.path}: {error}{_ADVICE.get(_code(error), '')}") from None
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror}") from None

    @property
    def durable(self) -> sqlite3.Connection:
        """Connection whose writes are on the disk when they return."""
        return _opened(self._durable)

    @property
    def quick(self) -> sqlite3.Connection:
        """Connection whose writes survive the process, but not a loss of power."""
        return _opened(self._quick)


_ADVICE = {
    "SQLITE_FULL": "; posts are answered with 503 until there is room",
    "SQLITE_IOERR": "; posts are answered with 503 while the disk is full or fails",
    "SQLITE_BUSY": "; another program holds it for longer than 5 s",
    "SQLITE_CORRUPT": "; move it away with its -wal and -shm files, and the next start makes a new one",
    "SQLITE_NOTADB": "; move it away, and the next start makes a new one",
    "SQLITE_READONLY": "; make it writable",
}


def _code(error: sqlite3.Error) -> str:
    name: str = getattr(error, "sqlite_errorname", "")
    return "_".join(name.split("_")[:2])


def _opened(db: sqlite3.Connection | None) -> sqlite3.Connection:
    if db is None:
        raise StoreError(
            "the receiver is not open: use it in `async with`, or in the lifespan of the application"
        )
    return db


def _until(latest: float, work: Callable[[], T]) -> T:
    """Repeat what SQLite refuses at once while another process sets the same file up."""
    while True:
        try:
            return work()
        except sqlite3.OperationalError as error:
            if _code(error) != "SQLITE_BUSY" or time.monotonic() > latest:
                raise
            time.sleep(0.01)
