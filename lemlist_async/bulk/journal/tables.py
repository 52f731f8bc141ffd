"""Tables of a journal: queries and writes, as plain functions of a connection.

Schema, version 2 (`PRAGMA user_version`):

``meta(key, value)``
    ``kind``, ``options`` and ``identity`` (JSON: all options, and those that may not change between runs),
    ``source`` (a name), ``file`` (JSON: its path and format),
    ``digest`` (SHA-256 of the file or of the rows), ``planned`` (``1`` once all rows are in),
    ``rows`` (how many those are), ``key`` and ``host`` (fingerprint of the API key and address of the API),
    ``tail`` (``wal`` in a file whose newest part is in the write-ahead log), ``erased`` (``1`` once the personal
    data are gone).
``rows(n, line, key, payload, state, what, reason, id, result, tries, credits)``
    ``n`` counts from 1 in the order of the source; ``key`` is a hash of what makes two rows the same;
    ``payload`` and ``result`` are JSON; ``state`` is one of new, sent, pending, done, refused, failed, unknown;
    ``what`` of an unknown row says whether a run still looks it up (``in doubt``, ``absent``).

Version 1 has the same tables, and no ``rows``, ``key``, ``host``, ``tail`` and ``erased``.

SQLite lets go of Python's lock for each step of a statement, and a busy event loop makes it wait to get it back. So
many rows are one step wherever they go: as one JSON text to and from SQLite, or as one long list of values.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lemlist_async.bulk.jobs.job import IN_DOUBT, REPEATED, Outcome, Payload, State
from lemlist_async.bulk.journal.errors import DamagedError, TakenError
from lemlist_async.bulk.journal.storage import (
    ENDED,
    FIRST_PAGE,
    PAGE,
    PAGE_BYTES,
    FinishedRow,
    JournalRow,
    NewRow,
    finished_row,
)
from lemlist_async.core.json import dumps, loads
from lemlist_async.core.wire import is_object

if TYPE_CHECKING:
    import sqlite3

VERSION = 2
OLDEST_SQLITE = (3, 35)
"""Has UPDATE … FROM and RETURNING."""
_FEW = "state IN ('pending', 'unknown', 'failed')"
"""Rows that lie far apart; a query uses their index only if it says just this."""
_BY_KEY = "CREATE UNIQUE INDEX rows_by_key ON rows (key) WHERE key IS NOT NULL"
SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE rows (
    n INTEGER PRIMARY KEY, line INTEGER NOT NULL, key BLOB, payload TEXT NOT NULL, state TEXT NOT NULL,
    what TEXT NOT NULL DEFAULT '', reason TEXT, id TEXT, result TEXT, tries INTEGER NOT NULL DEFAULT 0,
    credits INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX rows_open ON rows (state, n) WHERE {_FEW};
PRAGMA user_version={VERSION};
"""
NAMES = frozenset({"meta", "rows", "rows_by_key", "rows_open"})
"""Tables and indexes that a journal has once its rows are in."""
_INSERT = "INSERT INTO rows (n, line, key, payload, state, what, reason, credits) VALUES "
_REPEATED = f"""
WITH twice AS (
    SELECT key, min(n) AS first FROM rows WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1
)
UPDATE rows SET
    key = NULL, state = '{State.REFUSED.value}', what = '{REPEATED}', credits = 0,
    reason = 'the same as line ' || (SELECT line FROM rows AS earlier WHERE earlier.n = twice.first)
FROM twice WHERE rows.key = twice.key AND rows.n > twice.first
"""  # noqa: S608  # our own words
_FINISH = """
UPDATE rows SET (state, what, reason, id, result) = (
    json_extract(value, '$[1]'), json_extract(value, '$[2]'), json_extract(value, '$[3]'),
    json_extract(value, '$[4]'), json_extract(value, '$[5]')
) FROM json_each(?) WHERE n = json_extract(value, '$[0]')
"""
_IDS = "id IN (SELECT value FROM json_each(?))"
_NUMBERS = "n IN (SELECT value FROM json_each(?))"
# of two runs that want a row, only one finds it in the state in which both have read it
_MARK = f"UPDATE rows SET state = 'sent', tries = tries + 1 WHERE state = ? AND {_NUMBERS} RETURNING n"  # noqa: S608  # our own words
_MARK_ANY = f"UPDATE rows SET state = 'sent', tries = tries + (state <> 'sent') WHERE {_NUMBERS}"  # noqa: S608  # our own words
_PUT_BACK = f"UPDATE rows SET state = 'new', tries = tries - 1 WHERE state = 'sent' AND {_NUMBERS}"  # noqa: S608  # our own words
_COLUMNS = "n, line, payload, state, what, reason, id, result, tries"
_SIZE = "length(CAST(payload AS BLOB))"
_AS_JSON = f"json_array(n, line, json(payload), state, what, reason, id, json(result), tries, {_SIZE})"
_BYTES = f"coalesce(sum({_SIZE} + coalesce(length(CAST(result AS BLOB)), 0)), 0)"
_TOGETHER = 100
"""Rows in one INSERT at most; SQLite takes 32,766 values."""
_STATES = {state.value: state for state in State}


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
    """Append rows to a plan in one transaction."""
    with _transaction(db):
        for start in range(0, len(rows), _TOGETHER):
            some = rows[start : start + _TOGETHER]
            db.execute(_insertion(len(some)), tuple(itertools.chain.from_iterable(some)))


def complete(db: sqlite3.Connection, meta: Iterable[tuple[str, str]]) -> None:
    """Note that all rows are in, and refuse those whose key an earlier one has.

    The index of the keys is made here at once, by sorting them. Kept while rows are added, it would take a page from
    anywhere in the file for each of them, and the time of a row would grow with their number.
    """
    with _transaction(db):
        try:
            db.execute(_BY_KEY)
        except db.IntegrityError:
            db.execute("CREATE INDEX rows_twice ON rows (key) WHERE key IS NOT NULL")
            db.execute(_REPEATED)
            db.execute("DROP INDEX rows_twice")
            db.execute(_BY_KEY)
        db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", meta)


def forget(db: sqlite3.Connection) -> None:
    """Begin a plan: drop the rows of one that was never finished, and the index that `complete` makes."""
    used = "SELECT count(*) FROM rows WHERE tries > 0 OR state NOT IN ('new', 'refused')"
    (count,) = db.execute(used).fetchone()
    if count:
        raise DamagedError(
            f"its description says that it was never planned, and {count} rows of it were sent"
        )
    with _transaction(db):
        db.execute("DELETE FROM rows")
        db.execute("DROP INDEX IF EXISTS rows_by_key")


@functools.cache
def _insertion(rows: int) -> str:
    return _INSERT + ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * rows)


def write(
    db: sqlite3.Connection,
    finished: Iterable[tuple[int, Outcome]] = (),
    *,
    sent: Sequence[int] = (),
    back: Sequence[int] = (),
    expected: State = State.NEW,
) -> None:
    """In one transaction write outcomes, and mark rows about to be sent, or (`back`) certainly not sent.

    Raises:
        TakenError: a row to be sent is no longer in the state `expected`. Nothing was written.
    """
    outcomes = [finished_row(n, outcome) for n, outcome in finished]
    with _transaction(db):
        if sent:
            marked = db.execute(_MARK, (expected, dumps(sent).decode())).fetchall()
            if len(marked) != len(sent):
                raise TakenError(f"of {len(sent)} rows to be sent only {len(marked)} were still {expected}")
        if back:
            db.execute(_PUT_BACK, (dumps(back).decode(),))
        for page in _pages(outcomes):
            db.execute(_FINISH, (dumps(page).decode(),))


def write_held(
    db: sqlite3.Connection,
    finished: Iterable[tuple[int, Outcome]],
    *,
    sent: Sequence[int],
    back: Sequence[int] = (),
) -> None:
    """Write as `write` does, for rows that are marked in memory only: their states in the file lag behind."""
    write(db, finished, back=back)
    if sent:
        db.execute(_MARK_ANY, (dumps(sent).decode(),))


def _pages(outcomes: Sequence[FinishedRow]) -> Iterator[Sequence[FinishedRow]]:
    """Outcomes in their order, so many bytes of results at once."""
    page: list[FinishedRow] = []
    size = 0
    for outcome in outcomes:
        page.append(outcome)
        size += len(outcome[5] or "")
        if size >= PAGE_BYTES:
            yield page
            page, size = [], 0
    if page:
        yield page


def recover(db: sqlite3.Connection, repeatable: bool, retry_failed: bool) -> None:
    """Recover from a run that ended early: sent rows become new if they may be repeated, else unknown."""
    anew = "UPDATE rows SET state='new', what='', reason=NULL WHERE state = ?"
    with _transaction(db):
        if repeatable:
            db.execute(anew, (State.SENT,))
            db.execute(f"{anew} AND {_FEW}", (State.UNKNOWN,))
        else:
            db.execute(
                "UPDATE rows SET state='unknown', what='unknown', reason=? WHERE state='sent'", (ENDED,)
            )
        if retry_failed and not repeatable:
            # lemlist refused this attempt, but the response to an earlier one was lost
            db.execute("UPDATE rows SET state='unknown', what='unknown' WHERE state='failed' AND tries > 1")
        if retry_failed:
            # lemlist refused their only attempt: it does not count, and cannot have succeeded
            db.execute("UPDATE rows SET state='new', what='', reason=NULL, tries=0 WHERE state='failed'")


def reopen(db: sqlite3.Connection) -> None:
    """Have the next run look up all unknown rows again."""
    db.execute(f"UPDATE rows SET what=? WHERE state='unknown' AND {_FEW}", (IN_DOUBT,))  # noqa: S608  # our own words


def migrate(db: sqlite3.Connection) -> None:
    """Migrate the tables of version 1, in one transaction."""
    with _transaction(db):
        # version 1 called rows failed whose last response was lost, although lemlist may have done them
        db.execute(
            "UPDATE rows SET state='unknown', what='unknown' "
            "WHERE state='failed' AND reason LIKE 'not done after%tries%'"
        )
        db.execute(
            "INSERT OR REPLACE INTO meta SELECT 'rows', CAST(count(*) AS TEXT) FROM rows "
            "WHERE EXISTS (SELECT 1 FROM meta WHERE key = 'planned' AND value = '1') HAVING count(*) > 0"
        )
        db.execute(f"PRAGMA user_version={VERSION}")


def take(db: sqlite3.Connection, state: State, what: str | None, after: int, most: int) -> list[JournalRow]:
    """Return the next rows in a state (of unknown ones: those with this `what`), behind row number `after`.

    There are fewer than `most` where these are the last, or their bytes are many.
    """
    # new rows lie side by side, and need no index
    index, few = ("", "") if state is State.NEW else ("INDEXED BY rows_open", f"{_FEW} AND")
    if what is None:
        return _page(db, f"{index} WHERE {few} state = ? AND n > ?", (state, after), most)
    return _page(db, f"{index} WHERE {few} state = ? AND n > ? AND what = ?", (state, after, what), most)


def pending(db: sqlite3.Connection, ids: Iterable[str]) -> list[JournalRow]:
    """Return the pending rows with these ids of lemlist."""
    where = f"INDEXED BY rows_open WHERE {_FEW} AND state = 'pending' AND {_IDS}"
    return _read(db, where, (dumps(list(ids)).decode(),))


def _page(db: sqlite3.Connection, where: str, values: Sequence[Any], most: int) -> list[JournalRow]:
    """Return the first rows by their numbers: `most`, or as many as keep to `PAGE_BYTES`, and one at least."""
    where = f"{where} ORDER BY n LIMIT ?"
    while most > 1:
        rows = f"SELECT payload, result FROM rows {where}"  # noqa: S608  # our own words
        (size,) = db.execute(f"SELECT {_BYTES} FROM ({rows})", (*values, most)).fetchone()  # noqa: S608  # and again
        if size <= PAGE_BYTES:
            break
        most = max(1, min(most // 2, most * PAGE_BYTES // size))
    return _read(db, where, (*values, most))


def _read(db: sqlite3.Connection, where: str, values: Sequence[Any]) -> list[JournalRow]:
    rows = f"SELECT {_COLUMNS} FROM rows {where}"  # noqa: S608  # our own words
    (text,) = db.execute(f"SELECT json_group_array({_AS_JSON}) FROM ({rows})", values).fetchone()  # noqa: S608  # and again
    try:
        return [
            JournalRow(n, line, _object(payload), _STATES[state], *rest)
            for n, line, payload, state, *rest in loads(text)
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(f"a row is not readable ({error})") from None


def _object(payload: object) -> Payload:
    if not is_object(payload):
        raise TypeError("its payload is no JSON object")
    return payload


def counts(db: sqlite3.Connection) -> Counter[tuple[str, str]]:
    """Return the number of rows in each (state, what)."""
    found = Counter[tuple[str, str]]()
    for state, what, count in db.execute("SELECT state, what, count(*) FROM rows GROUP BY state, what"):
        if state not in _STATES or not isinstance(what, str):
            raise DamagedError(f"{count} rows are in a state {state!r} ({what!r}), which there is not")
        found[state, what] = count
    return found


def credits_to_spend(db: sqlite3.Connection) -> int:
    """Return the credits that the rows still to be sent may cost."""
    total: int
    (total,) = db.execute("SELECT coalesce(sum(credits), 0) FROM rows WHERE state = 'new'").fetchone()
    return total


def all_rows(
    db: sqlite3.Connection, *, unfinished: bool = False, refused: bool = False
) -> Iterator[JournalRow]:
    """Iterate over all rows, or those that are `unfinished` (not simply done) or `refused`, page by page."""
    only = "AND state NOT IN ('done', 'new', 'pending')" if unfinished else ""
    only = "AND state = 'refused'" if refused else only
    after, most = 0, FIRST_PAGE
    while found := _page(db, f"WHERE n > ? {only}", (after,), most):
        yield from found
        after, most = found[-1].n, min(2 * len(found), PAGE)


def erase(db: sqlite3.Connection) -> None:
    """Remove payloads, reasons, results and ids from the rows. Line, state and `what` stay."""
    db.execute("PRAGMA secure_delete = ON")
    with _transaction(db):
        db.execute("UPDATE rows SET payload = '{}', key = NULL, reason = NULL, id = NULL, result = NULL")
        db.execute("DELETE FROM meta WHERE key NOT IN ('kind', 'planned', 'rows', 'tail')")
        db.execute("INSERT INTO meta VALUES ('erased', '1')")
    db.execute("VACUUM")
