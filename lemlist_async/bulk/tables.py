"""The tables of a journal: what is asked of them and written to them, as plain functions of a connection.

Schema, version 1 (`PRAGMA user_version`):

``meta(key, value)``
    ``kind``, ``options`` and ``identity`` (JSON: all options, and those that may not change between runs),
    ``source`` (a name), ``digest`` (SHA-256 of a file), ``planned`` (``1`` once all rows are in).
``rows(n, line, key, payload, state, what, reason, id, result, tries, credits)``
    ``n`` counts from 1 in the order of the source; ``key`` is a hash of what makes two rows the same;
    ``payload`` and ``result`` are JSON; ``state`` is one of new, sent, pending, done, refused, failed, unknown.

SQLite lets go of Python's lock for each step of a statement, and a busy event loop makes it wait to get it back. So
many rows are one step wherever they go: as one JSON text to and from SQLite, or as one long list of values.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from lemlist_async.bulk.job import Outcome, Payload, State
from lemlist_async.core.json import dumps, loads

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
_INSERT = "INSERT OR IGNORE INTO rows (n, line, key, payload, state, what, reason, credits) VALUES "
_FINISH = """
UPDATE rows SET (state, what, reason, id, result) = (
    json_extract(value, '$[1]'), json_extract(value, '$[2]'), json_extract(value, '$[3]'),
    json_extract(value, '$[4]'), json_extract(value, '$[5]')
) FROM json_each(?) WHERE n = json_extract(value, '$[0]')
"""
_IDS = "id IN (SELECT value FROM json_each(?))"
_NUMBERS = "n IN (SELECT value FROM json_each(?))"
_MARK = f"UPDATE rows SET state = 'sent', tries = tries + 1 WHERE {_NUMBERS}"  # noqa: S608  # our own words
_PUT_BACK = f"UPDATE rows SET state = 'new', tries = tries - 1 WHERE state = 'sent' AND {_NUMBERS}"  # noqa: S608  # our own words
_COLUMNS = "n, line, payload, state, what, reason, id, result, tries"
_AS_JSON = "json_array(n, line, json(payload), state, what, reason, id, json(result), tries)"
PAGE = 500
"""Rows that are read at once."""
_TOGETHER = 100
"""Rows in one INSERT at most; SQLite takes 32,766 values."""
_STATES = {state.value: state for state in State}


class JournalRow(NamedTuple):
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


class NewRow(NamedTuple):
    """One row as the plan writes it, by the columns it goes into: refused with a reason, or to be done."""

    n: int
    line: int
    key: bytes | None
    payload: str
    state: str = State.NEW.value
    what: str = ""
    reason: str | None = None
    credits: int = 0


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Generator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # a full disk ends it by itself
            db.execute("ROLLBACK")
        raise


def add(db: sqlite3.Connection, rows: Sequence[NewRow]) -> None:
    """Append rows in one transaction; one whose key is there already is refused as its duplicate."""
    with _transaction(db):
        for start in range(0, len(rows), _TOGETHER):
            _insert(db, rows[start : start + _TOGETHER])


def _insert(db: sqlite3.Connection, rows: Sequence[NewRow]) -> None:
    written = db.execute(_insertion(len(rows)), tuple(itertools.chain.from_iterable(rows))).rowcount
    if written == len(rows):
        return
    numbers = db.execute("SELECT n FROM rows WHERE n BETWEEN ? AND ?", (rows[0].n, rows[-1].n))
    there = {n for (n,) in numbers}
    for row in rows:
        if row.n not in there:
            (line,) = db.execute("SELECT line FROM rows WHERE key = ?", (row.key,)).fetchone()
            why = f"the same as line {line}"
            db.execute(
                _insertion(1),
                NewRow(row.n, row.line, None, row.payload, State.REFUSED.value, "repeated", why),
            )


@functools.cache
def _insertion(rows: int) -> str:
    return _INSERT + ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * rows)


def write(
    db: sqlite3.Connection,
    finished: Iterable[tuple[int, Outcome]] = (),
    *,
    sent: Sequence[int] = (),
    back: Sequence[int] = (),
) -> None:
    """In one transaction: what became of rows, and which are about to be sent, or (`back`) surely were not."""
    outcomes = [_finished(n, outcome) for n, outcome in finished]
    with _transaction(db):
        for statement, values in ((_MARK, sent), (_PUT_BACK, back), (_FINISH, outcomes)):
            if values:
                db.execute(statement, (dumps(values).decode(),))


def _finished(n: int, outcome: Outcome) -> tuple[int, str, str, str | None, str | None, str | None]:
    result = None if outcome.result is None else dumps(outcome.result, default=str).decode()
    return n, outcome.state, outcome.what, outcome.reason, outcome.id, result


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
    return _read(db, f"{index} WHERE {few} state = ? AND n > ? ORDER BY n LIMIT ?", (state, after, most))


def pending(db: sqlite3.Connection, ids: Iterable[str]) -> list[JournalRow]:
    """The pending rows with these ids of lemlist's."""
    where = f"INDEXED BY rows_open WHERE {_FEW} AND state = 'pending' AND {_IDS}"
    return _read(db, where, (dumps(list(ids)).decode(),))


def _read(db: sqlite3.Connection, where: str, values: Sequence[Any]) -> list[JournalRow]:
    rows = f"SELECT {_COLUMNS} FROM rows {where}"  # noqa: S608  # our own words
    (text,) = db.execute(f"SELECT json_group_array({_AS_JSON}) FROM ({rows})", values).fetchone()  # noqa: S608  # and again
    return [
        JournalRow(n, line, payload, _STATES[state], *rest) for n, line, payload, state, *rest in loads(text)
    ]


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
    while found := _read(db, f"WHERE n > ? {only} ORDER BY n LIMIT ?", (after, PAGE)):
        yield from found
        after = found[-1].n
