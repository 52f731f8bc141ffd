"""The tables of a journal: what is asked of them and written to them, as plain functions of a connection.

Schema, version 1 (`PRAGMA user_version`):

``meta(key, value)``
    ``kind``, ``options`` and ``identity`` (JSON: all options, and those that may not change between runs),
    ``source`` (a name), ``digest`` (SHA-256 of a file), ``planned`` (``1`` once all rows are in).
``rows(n, line, key, payload, state, what, reason, id, result, tries, credits)``
    ``n`` counts from 1 in the order of the source; ``key`` is a hash of what makes two rows the same;
    ``payload`` and ``result`` are JSON; ``state`` is one of new, sent, pending, done, refused, failed, unknown.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import orjson

from lemlist_async.bulk.job import Outcome, Payload, State

if TYPE_CHECKING:
    import sqlite3

VERSION = 1
_FEW = "state IN ('pending', 'unknown', 'failed')"
"""Rows that lie far apart; a query uses their index only if it says just this."""
SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE rows (
    n INTEGER PRIMARY KEY, line INTEGER NOT NULL, key BLOB, payload TEXT NOT NULL, state TEXT NOT NULL,
    what TEXT NOT NULL DEFAULT '', reason TEXT, id TEXT, result TEXT, tries INTEGER NOT NULL DEFAULT 0,
    credits INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX rows_by_key ON rows (key) WHERE key IS NOT NULL;
CREATE INDEX rows_open ON rows (state, n) WHERE {_FEW};
PRAGMA user_version={VERSION};
"""
FINISH = "UPDATE rows SET state = ?, what = ?, reason = ?, id = ?, result = ? WHERE n = ?"
"""Takes what `finished` gives."""
_INSERT = """
INSERT OR IGNORE INTO rows (line, key, payload, state, what, reason, credits) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_COLUMNS = "n, line, payload, state, what, reason, id, result, tries"
PAGE = 500
"""Rows that are read at once."""


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


def add(db: sqlite3.Connection, rows: Sequence[NewRow]) -> None:
    """Append rows in one transaction; one whose key is there already is refused as its duplicate."""
    db.execute("BEGIN")
    try:
        for row in rows:
            _add_one(db, row)
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _add_one(db: sqlite3.Connection, row: NewRow) -> None:
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


def recover(db: sqlite3.Connection, repeatable: bool, retry_failed: bool) -> None:
    """After a crash: rows that were sent are sent again if they may be, else nobody knows about them."""
    anew = "UPDATE rows SET state='new', what='', reason=NULL WHERE state = ?"
    if repeatable:
        db.executemany(anew, [(State.SENT,), (State.UNKNOWN,)])
    else:
        db.execute("UPDATE rows SET state='unknown', what='unknown' WHERE state='sent'")
    if retry_failed:
        db.execute(anew, (State.FAILED,))


def take(db: sqlite3.Connection, state: State, after: int, most: int) -> list[JournalRow]:
    """The next rows in a state, behind row number `after`."""
    # new rows lie side by side, and need no index
    index, few = ("", "") if state is State.NEW else ("INDEXED BY rows_open", f"{_FEW} AND")
    query = (
        f"SELECT {_COLUMNS} FROM rows {index} "  # noqa: S608  # our own words
        f"WHERE {few} state = ? AND n > ? ORDER BY n LIMIT ?"
    )
    return [_row(values) for values in db.execute(query, (state, after, most))]


def finished(n: int, outcome: Outcome) -> Sequence[Any]:
    """A row's outcome, as `FINISH` takes it."""
    result = None if outcome.result is None else orjson.dumps(outcome.result, default=str).decode()
    return outcome.state, outcome.what, outcome.reason, outcome.id, result, n


def counts(db: sqlite3.Connection) -> Counter[tuple[str, str]]:
    """How many rows are in each (state, what)."""
    found = db.execute("SELECT state, what, count(*) FROM rows GROUP BY state, what")
    return Counter({(state, what): count for state, what, count in found})


def credits_to_spend(db: sqlite3.Connection) -> int:
    """Credits that the rows still to be sent may cost."""
    total: int
    (total,) = db.execute("SELECT coalesce(sum(credits), 0) FROM rows WHERE state = 'new'").fetchone()
    return total


def all_rows(db: sqlite3.Connection, *, settled: bool) -> Iterator[JournalRow]:
    """All rows in order, or (`settled`) those that are not simply done; read page by page."""
    after, only = 0, "AND state NOT IN ('done', 'new', 'pending')" if settled else ""
    query = f"SELECT {_COLUMNS} FROM rows WHERE n > ? {only} ORDER BY n LIMIT {PAGE}"  # noqa: S608  # our words
    while found := db.execute(query, (after,)).fetchall():
        yield from map(_row, found)
        after = found[-1][0]


def _row(values: Sequence[Any]) -> JournalRow:
    n, line, payload, state, what, reason, id_, result, tries = values
    found = None if result is None else orjson.loads(result)
    return JournalRow(n, line, orjson.loads(payload), State(state), what, reason, id_, found, tries)
