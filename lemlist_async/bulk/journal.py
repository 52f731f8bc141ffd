"""The journal of a job: one SQLite file that tells the truth about each row after a crash.

Schema, version 1 (`PRAGMA user_version`):

``meta(key, value)``
    ``kind``, ``options`` and ``identity`` (JSON: all options, and those that may not change between runs),
    ``source`` (a name), ``digest`` (SHA-256 of a file), ``planned`` (``1`` once all rows are in).
``rows(n, line, key, payload, state, what, reason, id, result, tries, credits)``
    ``n`` counts from 1 in the order of the source; ``key`` is a hash of what makes two rows the same;
    ``payload`` and ``result`` are JSON; ``state`` is one of new, sent, pending, done, refused, failed, unknown.

Write-ahead log with ``synchronous=FULL``: a state is on the disk when the call that wrote it returns. All of
SQLite runs in one thread of its own; writes that come while it commits go together into the next commit.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import attrs
import orjson

from lemlist_async.bulk.job import Outcome, Payload, State
from lemlist_async.bulk.lock import FileLock
from lemlist_async.errors import ConfigurationError, LemlistError

T = TypeVar("T")

VERSION = 1
_FEW = "state IN ('pending', 'unknown', 'failed')"
"""Rows that lie far apart; a query uses their index only if it says just this."""
_SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE rows (
    n INTEGER PRIMARY KEY, line INTEGER NOT NULL, key BLOB, payload TEXT NOT NULL, state TEXT NOT NULL,
    what TEXT NOT NULL DEFAULT '', reason TEXT, id TEXT, result TEXT, tries INTEGER NOT NULL DEFAULT 0,
    credits INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX rows_by_key ON rows (key) WHERE key IS NOT NULL;
CREATE INDEX rows_open ON rows (state, n) WHERE {_FEW};
"""
_INSERT = """
INSERT OR IGNORE INTO rows (line, key, payload, state, what, reason, credits) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_COLUMNS = "n, line, payload, state, what, reason, id, result, tries"
_FINISH = "UPDATE rows SET state = ?, what = ?, reason = ?, id = ?, result = ? WHERE n = ?"
_PAGE = 500
"""Rows that are read at once."""


class JournalError(LemlistError):
    """The journal cannot be used: another job's, a newer version's, in use, damaged, or the disk is full."""


@attrs.frozen
class JournalRow:
    """One row of a job."""

    n: int
    line: int
    payload: Payload
    state: State
    what: str = ""
    reason: str | None = None
    id: str | None = None
    result: Any = None
    tries: int = 0

    @property
    def outcome(self) -> Outcome:
        """What became of it so far."""
        return Outcome(self.state, self.what or self.state, self.reason, self.id, self.result)


@attrs.frozen
class NewRow:
    """One row as the plan writes it: with a key if it is to be done, with a reason if it is refused."""

    line: int
    payload: Payload
    key: str | None
    reason: str | None = None
    credits: int = 0


@attrs.frozen
class _Write:
    """One statement for some rows, and who waits for it to be on the disk."""

    sql: str
    values: Sequence[Sequence[Any]]
    written: asyncio.Future[None]


class Journal:
    """An open journal, locked against other runners unless it is only looked at."""

    def __init__(self, path: Path, *, temporary: bool = False) -> None:
        self.path = path
        self._temporary = temporary
        self._lock = FileLock(path.with_name(path.name + "-lock"))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lemlist-journal")
        self._waiting: list[_Write] = []
        self._writer: asyncio.Task[None] | None = None
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
        # one that dies with its process anyway need not reach the disk
        synchronous = "OFF" if self._temporary else "FULL"
        self._db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous};")
        if self._check_version(self._db) == 0:
            self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={VERSION}; COMMIT;")

    def _check_version(self, db: sqlite3.Connection) -> int:
        version: int
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise JournalError(
                f"{self.path} was written by a newer lemlist_async (journal version {version}, "
                f"this one knows {VERSION})"
            )
        if version == 0 and db.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
            raise JournalError(f"{self.path} is a database, but not a journal")
        return version

    async def close(self) -> None:
        """Write what waits, let go of the file; a temporary one is removed."""
        if self._writer is not None:
            await self._writer
        await self.in_thread(self._disconnect)
        self._thread.shutdown(wait=False)

    def _disconnect(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
        self._lock.release()
        if self._temporary:
            for leftover in self.path.parent.iterdir():
                leftover.unlink()
            self.path.parent.rmdir()

    async def in_thread(self, work: Callable[..., T], *args: Any) -> T:
        """Run something in the journal's own thread, where all of SQLite happens.

        Raises:
            JournalError: SQLite failed; a full disk ends here.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)
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

    # Planning -----------------------------------------------------------------------------------------

    async def add(self, rows: Sequence[NewRow]) -> None:
        """Append rows in one transaction; one whose key is there already is refused as its duplicate."""
        await self.in_thread(self._add, rows)

    def _add(self, rows: Sequence[NewRow]) -> None:
        db = self.db
        db.execute("BEGIN")
        try:
            for row in rows:
                self._add_one(db, row)
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")

    def _add_one(self, db: sqlite3.Connection, row: NewRow) -> None:
        key = None if row.key is None else hashlib.sha256(row.key.encode("utf-8", "replace")).digest()[:16]
        payload = orjson.dumps(row.payload, default=str).decode()
        state, what, reason = (
            (State.NEW, "", None) if row.reason is None else (State.REFUSED, "refused", row.reason)
        )
        values = (row.line, key, payload, state, what, reason, row.credits)
        if db.execute(_INSERT, values).rowcount:
            return
        (line,) = db.execute("SELECT line FROM rows WHERE key = ?", (key,)).fetchone()
        refused = (row.line, None, payload, State.REFUSED, "repeated", f"the same as line {line}", 0)
        db.execute(_INSERT, refused)

    # Running ------------------------------------------------------------------------------------------

    async def recover(self, *, repeatable: bool, retry_failed: bool) -> None:
        """After a crash: rows that were sent are sent again if they may be, else nobody knows about them."""
        await self.in_thread(self._recover, repeatable, retry_failed)

    def _recover(self, repeatable: bool, retry_failed: bool) -> None:
        anew = "UPDATE rows SET state='new', what='', reason=NULL WHERE state = ?"
        if repeatable:
            self.db.executemany(anew, [(State.SENT,), (State.UNKNOWN,)])
        else:
            self.db.execute("UPDATE rows SET state='unknown', what='unknown' WHERE state='sent'")
        if retry_failed:
            self.db.execute(anew, (State.FAILED,))

    async def take(self, state: State, after: int, most: int = _PAGE) -> list[JournalRow]:
        """The next rows in a state, behind row number `after`."""
        return await self.in_thread(self._take, state, after, most)

    def _take(self, state: State, after: int, most: int) -> list[JournalRow]:
        # new rows lie side by side, and need no index
        index, few = ("", "") if state is State.NEW else ("INDEXED BY rows_open", f"{_FEW} AND")
        query = (
            f"SELECT {_COLUMNS} FROM rows {index} "  # noqa: S608  # our own words
            f"WHERE {few} state = ? AND n > ? ORDER BY n LIMIT ?"
        )
        return [_row(values) for values in self.db.execute(query, (state, after, most))]

    async def mark(self, numbers: Iterable[int], state: State) -> None:
        """Note that rows are about to be sent, or (`new`) that they surely were not."""
        step = 1 if state is State.SENT else -1
        statement = f"UPDATE rows SET state = ?, tries = tries + {step} WHERE n = ?"  # noqa: S608  # an int
        await self._write(statement, [(state, n) for n in numbers])

    async def finish(self, results: Iterable[tuple[int, Outcome]]) -> None:
        """Note what became of rows."""
        await self._write(
            _FINISH, [(o.state, o.what, o.reason, o.id, _json(o.result), n) for n, o in results]
        )

    async def _write(self, sql: str, values: Sequence[Sequence[Any]]) -> None:
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        self._waiting.append(_Write(sql, values, written))
        if self._writer is None or self._writer.done():
            self._writer = loop.create_task(self._commit_all())
        await written

    async def _commit_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await self.in_thread(self._commit, batch)
            except LemlistError as error:
                _settle(batch, error)
            else:
                _settle(batch, None)

    def _commit(self, batch: Sequence[_Write]) -> None:
        db = self.db
        db.execute("BEGIN IMMEDIATE")
        try:
            for write in batch:
                db.executemany(write.sql, write.values)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    # Looking ------------------------------------------------------------------------------------------

    async def counts(self) -> Counter[tuple[str, str]]:
        """How many rows are in each (state, what)."""
        query = "SELECT state, what, count(*) FROM rows GROUP BY state, what"
        found = await self.in_thread(lambda: self.db.execute(query).fetchall())
        return Counter({(state, what): count for state, what, count in found})

    async def credits(self) -> int:
        """Credits that the rows still to be sent may cost."""
        query = "SELECT coalesce(sum(credits), 0) FROM rows WHERE state = 'new'"
        (total,) = await self.in_thread(lambda: self.db.execute(query).fetchone())
        return int(total)

    def rows(self, *, settled: bool = False) -> Iterator[JournalRow]:
        """All rows in order, or (`settled`) those that are not simply done; read page by page."""
        after, only = 0, "AND state NOT IN ('done', 'new', 'pending')" if settled else ""
        query = f"SELECT {_COLUMNS} FROM rows WHERE n > ? {only} ORDER BY n LIMIT {_PAGE}"  # noqa: S608  # our words
        while found := self.db.execute(query, (after,)).fetchall():
            yield from map(_row, found)
            after = found[-1][0]


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value, default=str).decode()


def _row(values: Sequence[Any]) -> JournalRow:
    n, line, payload, state, what, reason, id_, result, tries = values
    found = None if result is None else orjson.loads(result)
    return JournalRow(n, line, orjson.loads(payload), State(state), what, reason, id_, found, tries)


def _settle(batch: Sequence[_Write], error: LemlistError | None) -> None:
    for write in batch:
        if write.written.done():  # its caller was cancelled
            continue
        if error is None:
            write.written.set_result(None)
        else:
            write.written.set_exception(error)


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
