"""Rows of a job in a PostgreSQL database, which every worker of a fleet reaches.

The job is leased by one worker at a time. Each new holder raises the epoch of the job, and every statement that
writes checks the epoch of its worker: one that was stopped, cut off or delayed past its lease writes nothing more.
`schema.sql` describes the tables.
"""

from __future__ import annotations

import contextlib
import importlib.resources
import os
import secrets
import socket
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg.types.json import Jsonb

from lemlist_async.bulk.jobs.job import IN_DOUBT, Outcome, State
from lemlist_async.bulk.jobs.job import REPEATED as WHAT_REPEATED
from lemlist_async.bulk.journal.address import PostgresJournal, without_password
from lemlist_async.bulk.journal.errors import DamagedError, JournalError, JournalUnavailableError, TakenError
from lemlist_async.bulk.journal.lease import Lease, now
from lemlist_async.bulk.journal.postgres_server import PATIENCE, Connection, Server, worded
from lemlist_async.bulk.journal.storage import (
    ENDED,
    FIRST_PAGE,
    PAGE,
    PAGE_BYTES,
    JournalRow,
    NewRow,
    finished_row,
    plain,
)
from lemlist_async.core.json import loads
from lemlist_async.core.wire import is_object
from lemlist_async.errors import ConfigurationError

T = TypeVar("T")

VERSION = 1
_SETUP_LOCK = 0x6C656D6C
"""Advisory lock under which the tables are made."""
_IDLE = "SET LOCAL idle_in_transaction_session_timeout = '10s'"
"""Ends the transaction of a worker that is stopped in its middle, so that it keeps no lock from its successor."""
_FEW = "state IN ('pending', 'unknown', 'failed')"
_STATES = {state.value: state for state in State}
_WRITE = (
    "SELECT lemlist_write_v1(%s, %s, %s, %s::integer[], %s, %s::integer[], %s::integer[], %s::text[], %s::text[], "
    "%s::text[], %s::text[], %s::text[])"
)
COPY = b"COPY lemlist_rows (job, n, line, key, payload, state, what, reason, credits) FROM STDIN"
"""Streams new rows into the table."""
REPEATED = (
    # the planner does not know yet how many rows the job has, and would look for each among all others
    b"SET LOCAL enable_nestloop = off",
    f"""
UPDATE lemlist_rows AS r SET state = '{State.REFUSED.value}', what = '{WHAT_REPEATED}', key = NULL, credits = 0,
    reason = 'the same as line ' || s.first_line
FROM (
    SELECT n, min(n) OVER same AS first, first_value(line) OVER same AS first_line FROM lemlist_rows
    WHERE job = %(job)s AND key IS NOT NULL WINDOW same AS (PARTITION BY key ORDER BY n)
) AS s WHERE r.job = %(job)s AND r.n = s.n AND s.n > s.first
""".encode(),  # noqa: S608  # our own words
    b"SET LOCAL enable_nestloop TO DEFAULT",
)
"""Refuses rows of a job that repeat an earlier one, once all are in; in a transaction."""
_ACQUIRE = """
UPDATE lemlist_jobs
SET epoch = epoch + 1, holder = %(holder)s, lease_until = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE id = %(job)s AND (lease_until IS NULL OR lease_until <= clock_timestamp() OR holder = %(holder)s)
RETURNING epoch
"""
_RELEASE = "UPDATE lemlist_jobs SET lease_until = NULL, holder = NULL WHERE id = %s AND epoch = %s"
_SIZE = "octet_length(payload::text)"
_PAGE = f"""
SELECT n, line, payload, state, what, reason, id, result, tries, size FROM (
    SELECT n, line, payload::text, state, what, reason, id, result::text, tries, {_SIZE} AS size,
        sum({_SIZE} + coalesce(octet_length(result::text), 0)) OVER (ORDER BY n) AS total,
        row_number() OVER (ORDER BY n) AS place
    FROM (SELECT * FROM lemlist_rows WHERE job = %(job)s AND {{where}} ORDER BY n LIMIT %(most)s) AS found
) AS page WHERE total <= %(bytes)s OR place = 1 ORDER BY n
"""  # noqa: S608  # our own words


def prepare(connection: Connection) -> None:
    """Make the tables where there are none.

    Raises:
        JournalError: they are those of a newer version, or may not be made.
    """
    if (version := _version(connection)) is None:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_SETUP_LOCK,))
            if _version(connection) is None:  # another process may have made them meanwhile
                connection.execute(schema().encode())
        version = VERSION
    if version > VERSION:
        raise JournalError(
            f"the tables were made by a newer lemlist_async (version {version}, this one knows {VERSION})"
        )


def schema() -> str:
    """Return the statements that make the tables, for a user who may and has to make them by hand."""
    return importlib.resources.files(__package__ or "").joinpath("schema.sql").read_text("utf-8")


def _version(connection: Connection) -> int | None:
    if not has_table(connection, "lemlist_schema"):
        return None
    (version,) = _one(connection.execute("SELECT version FROM lemlist_schema"))
    return int(version)


def has_table(connection: Connection, name: str) -> bool:
    """Return whether a table is there. `to_regclass` may recall an older answer within a transaction."""
    statement = "SELECT EXISTS (SELECT FROM pg_class WHERE relname = %s AND pg_table_is_visible(oid))"
    (there,) = _one(connection.execute(statement, (name,)))
    return bool(there)


def _one(cursor: psycopg.Cursor[tuple[Any, ...]]) -> tuple[Any, ...]:
    found = cursor.fetchone()
    if found is None:
        raise DamagedError("a row of its tables is missing")
    return found


class PostgresRows:
    """Rows of one job on a server, leased unless they are only looked at."""

    errors: tuple[type[Exception], ...] = (psycopg.Error,)

    def __init__(self, place: PostgresJournal) -> None:
        self.place = place
        self.server: Server = Server.of(place.url)
        self.lease: Lease | None = None
        self._job = 0
        # tells this holder from any other one, and a person where to look
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._closed = False

    @property
    def name(self) -> str:
        """Database and job, without a password."""
        return str(self.place)

    @property
    def guard(self) -> Callable[[], None] | None:
        """Check of the lease."""
        return None if self.lease is None else self.lease.check

    def explain(self, error: Exception) -> JournalError:
        """Return the error to raise for one of the database."""
        if not isinstance(error, psycopg.Error):
            return JournalError(f"{self.name}: {error}")
        if error.sqlstate == "LA001":
            return JournalUnavailableError(f"{self.name} is no longer this worker's: {worded(error)}")
        kind = JournalUnavailableError if isinstance(error, psycopg.OperationalError) else JournalError
        return kind(f"{self.name}: {worded(error)}")

    # Opening and closing ------------------------------------------------------------------------------

    def connect(self, new: bool) -> None:
        """Take the lease of the job, or (`new`) make the job.

        Raises:
            ConfigurationError: there is no such job.
            JournalError: another worker has it, or the tables cannot be used.
        """
        self._begin(lambda connection: self._find(connection, new))
        asked = now()
        found = self._run(lambda connection: connection.execute(
            _ACQUIRE, {"job": self._job, "holder": self._holder, "seconds": self.place.lease}
        ).fetchone())  # fmt: skip
        if found is None:
            raise JournalUnavailableError(f"{self.name} is in use by another runner")
        self.lease = Lease(self._job, int(found[0]), self.place.lease, asked)
        self.server.keep(self.lease)
        self._check_count()

    def connect_to_read(self) -> None:
        """Find the job, to read only."""
        self._begin(lambda connection: self._find(connection, new=False))

    def _begin(self, find: Callable[[Connection], None]) -> None:
        def begin(connection: Connection, _again: bool) -> None:
            prepare(connection)
            find(connection)

        # the caller learns at once that the server is away; a run in progress waits for it
        self.server.run(begin, patience=0)

    def _find(self, connection: Connection, new: bool) -> None:
        if new:
            connection.execute(
                "INSERT INTO lemlist_jobs (name) VALUES (%s) ON CONFLICT (name) DO NOTHING", (self.place.job,)
            )
        found = connection.execute(
            "SELECT id FROM lemlist_jobs WHERE name = %s", (self.place.job,)
        ).fetchone()
        if found is None:
            raise ConfigurationError(
                f"there is no job {self.place.job} in {without_password(self.place.url)}"
            )
        self._job = int(found[0])

    def _check_count(self) -> None:
        there, planned = sum(self.counts().values()), self.meta().get("rows")
        if planned is not None and planned != str(there):
            raise JournalError(f"{self.name} is damaged: it holds {there} of {planned} rows")

    def close(self) -> None:
        """Give the lease back."""
        if self._closed:
            return
        self._closed = True
        lease, self.lease = self.lease, None
        try:
            if lease is not None:
                self.server.drop(lease)
                with contextlib.suppress(psycopg.Error):  # then it ends by itself
                    self.server.run(
                        lambda connection, _: connection.execute(_RELEASE, (lease.job, lease.epoch)),
                        patience=0,
                    )
        finally:
            self.server.release()

    def gather(self) -> None:
        """Do nothing: all rows are in one place."""

    def _run(self, work: Callable[[Connection], T]) -> T:
        return self.server.run(lambda connection, _again: work(connection))

    @contextlib.contextmanager
    def _mine(self, connection: Connection) -> Generator[None]:
        """Run a transaction of this holder: a take-over comes before it or after it."""
        with connection.transaction():
            connection.execute(_IDLE)
            held = connection.execute(
                "SELECT 1 FROM lemlist_jobs WHERE id = %s AND epoch = %s FOR UPDATE", (self._job, self._epoch)
            )
            if held.fetchone() is None:
                raise TakenError("it has taken the job over")
            yield

    @property
    def _epoch(self) -> int:
        if self.lease is None:
            raise JournalError(f"{self.name} is open to read only, or closed")
        return self.lease.epoch

    # What the job is ----------------------------------------------------------------------------------

    def meta(self) -> dict[str, str]:
        """Return the description of the job."""
        (found,) = self._run(
            lambda connection: _one(
                connection.execute("SELECT meta::text FROM lemlist_jobs WHERE id = %s", (self._job,))
            )
        )
        meta = loads(found)
        if not is_object(meta) or not all(isinstance(text, str) for text in meta.values()):
            raise DamagedError("its description is not readable")
        return meta

    def describe(self, values: Mapping[str, str]) -> None:
        """Write parts of the description."""
        self._run(lambda connection: self._describe(connection, values))

    def _describe(self, connection: Connection, values: Mapping[str, str]) -> None:
        with self._mine(connection):
            _describe(connection, self._job, values)

    def forget(self) -> None:
        """Drop the rows of a plan that was never finished."""
        self._run(self._forget)

    def _forget(self, connection: Connection) -> None:
        with self._mine(connection):
            (count,) = _one(
                connection.execute(
                    "SELECT count(*) FROM lemlist_rows WHERE job = %s "
                    "AND (tries > 0 OR state NOT IN ('new', 'refused'))",
                    (self._job,),
                )
            )
            if count:
                raise DamagedError(
                    f"its description says that it was never planned, and {count} rows of it were sent"
                )
            connection.execute("DELETE FROM lemlist_rows WHERE job = %s", (self._job,))

    def complete(self, values: Mapping[str, str]) -> None:
        """Note that all rows are in, and refuse those whose key an earlier one has."""
        self._run(lambda connection: self._complete(connection, values))

    def _complete(self, connection: Connection, values: Mapping[str, str]) -> None:
        with self._mine(connection):
            for statement in REPEATED:
                connection.execute(statement, {"job": self._job} if b"%" in statement else None)
            _describe(connection, self._job, values)

    # Rows ---------------------------------------------------------------------------------------------

    def add(self, rows: Sequence[NewRow]) -> None:
        """Append rows to a plan."""
        if rows:
            self.server.run(lambda connection, again: self._add(connection, rows, again))

    def _add(self, connection: Connection, rows: Sequence[NewRow], again: bool) -> None:
        low, high = rows[0].n, rows[-1].n
        with self._mine(connection):
            if again:  # the transaction may be in, although its connection broke
                connection.execute(
                    "DELETE FROM lemlist_rows WHERE job = %s AND n BETWEEN %s AND %s", (self._job, low, high)
                )
            copy_rows(connection, self._job, rows)

    def recover(self, *, repeatable: bool, retry_failed: bool) -> None:
        """Recover the rows of a run that ended early, of this worker or of one whose lease is over."""
        self._run(lambda connection: self._recover(connection, repeatable, retry_failed))

    def _recover(self, connection: Connection, repeatable: bool, retry_failed: bool) -> None:
        anew = "UPDATE lemlist_rows SET state = 'new', what = '', reason = NULL"
        doubtful = "UPDATE lemlist_rows SET state = 'unknown', what = 'unknown'"
        values = {"job": self._job, "ended": ENDED}
        statements = [
            # what lemlist refused is in doubt if the response to an earlier attempt was lost
            (retry_failed and not repeatable, f"{doubtful} WHERE state = 'failed' AND tries > 1"),
            # a refused attempt that was the only one does not count, and cannot have succeeded
            (retry_failed, f"{anew}, tries = 0 WHERE state = 'failed'"),
            (repeatable, f"{anew} WHERE state IN ('sent', 'unknown')"),
            (not repeatable, f"{doubtful}, reason = %(ended)s WHERE state = 'sent'"),
        ]
        with self._mine(connection):
            for due, statement in statements:
                if due:
                    connection.execute(f"{statement} AND job = %(job)s".encode(), values)

    def reopen(self) -> None:
        """Have the next run look up all unknown rows again."""
        self._run(self._reopen)

    def _reopen(self, connection: Connection) -> None:
        with self._mine(connection):
            connection.execute(
                f"UPDATE lemlist_rows SET what = %s WHERE job = %s AND state = 'unknown' AND {_FEW}",  # noqa: S608  # our own words
                (IN_DOUBT, self._job),
            )

    def take(self, state: State, what: str | None, after: int, most: int) -> list[JournalRow]:
        """Return the next rows in a state."""
        # the planner uses the index of the few only for a query that says what the index says
        where = "n > %(after)s AND state = %(state)s" + ("" if state is State.NEW else f" AND {_FEW}")
        where += "" if what is None else " AND what = %(what)s"
        return self._page(where, most, state=state.value, what=what, after=after)

    def pending(self, ids: Sequence[str]) -> list[JournalRow]:
        """Return the pending rows with these ids of lemlist."""
        where = f"state = 'pending' AND {_FEW} AND id = ANY(%(ids)s)"
        return self._page(where, len(ids), limit=2**62, ids=[plain(one) for one in ids])

    def _page(self, where: str, most: int, *, limit: int | None = None, **values: Any) -> list[JournalRow]:
        """Return the first rows by their numbers: `most`, or as many as keep to the bytes, and one at least."""
        statement = _PAGE.format(where=where)
        given = {"job": self._job, "most": most, "bytes": PAGE_BYTES if limit is None else limit, **values}
        found = self._run(lambda connection: connection.execute(statement.encode(), given).fetchall())
        try:
            return [_row(*row) for row in found]
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedError(f"a row is not readable ({error})") from None

    def write(
        self,
        finished: Iterable[tuple[int, Outcome]],
        *,
        sent: Sequence[int],
        back: Sequence[int],
        expected: State,
    ) -> None:
        """Write outcomes, and mark rows, if the job is still this worker's."""
        columns = [
            list(column)
            for column in zip(*(finished_row(n, outcome) for n, outcome in finished), strict=True)
        ]
        values = (list(sent), expected.value, list(back), *(columns or [[], [], [], [], [], []]))

        def write(connection: Connection, again: bool) -> None:
            connection.execute(_WRITE, (self._job, self._epoch, again, *values))

        try:
            self.server.run(write, patience=PATIENCE)
        except psycopg.Error as error:
            if error.sqlstate == "LA002":
                raise TakenError(worded(error)) from None
            raise

    def counts(self) -> Counter[tuple[str, str]]:
        """Return the number of rows in each (state, what)."""
        statement = "SELECT state, what, count(*) FROM lemlist_rows WHERE job = %s GROUP BY state, what"
        found = Counter[tuple[str, str]]()
        for state, what, count in self._run(lambda c: c.execute(statement, (self._job,)).fetchall()):
            if state not in _STATES:
                raise DamagedError(f"{count} rows are in a state {state!r} ({what!r}), which there is not")
            found[state, what] = count
        return found

    def credits(self) -> int:
        """Return the credits that the rows still to be sent may cost."""
        statement = "SELECT coalesce(sum(credits), 0) FROM lemlist_rows WHERE job = %s AND state = 'new'"
        (total,) = self._run(lambda c: _one(c.execute(statement, (self._job,))))
        return int(total)

    def rows(self, *, unfinished: bool, refused: bool) -> Iterator[JournalRow]:
        """Iterate over all rows, or a part of them, page by page."""
        only = "AND state NOT IN ('done', 'new', 'pending')" if unfinished else ""
        only = "AND state = 'refused'" if refused else only
        after, most = 0, FIRST_PAGE
        while found := self._page(f"n > %(after)s {only}", most, after=after):
            yield from found
            after, most = found[-1].n, min(2 * len(found), PAGE)

    def erase(self) -> None:
        """Remove the personal data from the tables. Backups and the log of the server keep them for their own time."""
        self._run(self._erase)

    def _erase(self, connection: Connection) -> None:
        with self._mine(connection):
            connection.execute(
                "UPDATE lemlist_rows SET payload = '{}', key = NULL, reason = NULL, id = NULL, result = NULL "
                "WHERE job = %s",
                (self._job,),
            )
            connection.execute(
                "UPDATE lemlist_jobs SET trouble = NULL, wanted = false, meta = jsonb_build_object("
                "'kind', meta->'kind', 'planned', meta->'planned', 'rows', meta->'rows', 'erased', '1') WHERE id = %s",
                (self._job,),
            )
        # the rows as they were stay in the table until it is swept
        connection.execute("VACUUM lemlist_rows")
        connection.execute("VACUUM lemlist_jobs")


def _describe(connection: Connection, job: int, values: Mapping[str, str]) -> None:
    described = Jsonb({name: plain(value) for name, value in values.items()})
    connection.execute("UPDATE lemlist_jobs SET meta = meta || %s WHERE id = %s", (described, job))


def copy_rows(connection: Connection, job: int, rows: Iterable[NewRow]) -> None:
    """Stream new rows into the table."""
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        for row in rows:
            copy.write_row(copied_row(job, row))


def copied_row(job: int, row: NewRow) -> tuple[Any, ...]:
    """Return a new row by the columns that are copied."""
    n, line, key, payload, state, what, reason, credits_ = row
    return job, n, line, key, payload, state, what, plain(reason), credits_


def _row(
    n: int, line: int, payload: str, state: str, what: str, reason: str | None, id_: str | None,
    result: str | None, tries: int, size: int,
) -> JournalRow:  # fmt: skip
    row = loads(payload)
    if not is_object(row):
        raise TypeError("its payload is no JSON object")
    found = None if result is None else loads(result)
    return JournalRow(n, line, row, _STATES[state], what, reason, id_, found, tries, size)
