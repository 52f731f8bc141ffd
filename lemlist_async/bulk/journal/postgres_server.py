"""Connections of a process to one PostgreSQL server, shared by all journals on it."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, ClassVar, TypeVar
from weakref import WeakSet

import psycopg
from psycopg.conninfo import conninfo_to_dict

from lemlist_async.bulk.journal.lease import Lease, now

T = TypeVar("T")

CONNECTIONS = 8
"""Connections of a process at most, beside the one that renews leases. Each is busy for about a millisecond a call."""
PATIENCE = 60.0
"""Seconds for which a run waits for a server that restarts."""
_PAUSE = 0.25
"""Seconds between two tries of a connection."""
_RENEWALS = 4
"""Renewals in the time of one lease."""
# a cut cable is noticed within 20 s, and not after hours
KEEPALIVE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
Connection = psycopg.Connection[tuple[Any, ...]]

_RENEW = """
UPDATE lemlist_jobs SET lease_until = clock_timestamp() + lease FROM (
    SELECT j.id AS mine, make_interval(secs => held.seconds) AS lease
    FROM lemlist_jobs AS j JOIN unnest(%s::bigint[], %s::bigint[], %s::float8[]) AS held (id, epoch, seconds)
        ON j.id = held.id AND j.epoch = held.epoch
    FOR UPDATE OF j SKIP LOCKED
) AS held WHERE id = mine RETURNING id
"""
_MINE = """
SELECT j.id FROM lemlist_jobs AS j JOIN unnest(%s::bigint[], %s::bigint[]) AS held (id, epoch)
    ON j.id = held.id AND j.epoch = held.epoch
"""


def connect(url: str) -> Connection:
    """Open a connection. Statements are not prepared by name, since a pooler may change the session below."""
    given = conninfo_to_dict(url)
    return psycopg.connect(
        url,
        autocommit=True,
        prepare_threshold=None,
        **{k: v for k, v in KEEPALIVE.items() if k not in given},
    )


class Turns(Executor):
    """Runs the calls of one journal one after the other, in threads that several journals share."""

    def __init__(self, threads: Executor) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._busy = False

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run a call after those that were given before."""
        future: Future[T] = Future()
        with self._lock:
            self._waiting.append((future, lambda: fn(*args, **kwargs)))
            if self._busy:
                return future
            self._busy = True
        self._threads.submit(self._turn)
        return future

    def _turn(self) -> None:
        future, call = self._waiting.popleft()
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001  # the caller gets it, whatever it is
                future.set_exception(error)
        with self._lock:
            self._busy = bool(self._waiting)
        if self._busy:
            # back to the end of the queue: a journal with many calls must not keep a thread from the others
            self._threads.submit(self._turn)


class Server:
    """A server, as long as a journal uses it.

    Each thread has a connection of its own, and one more thread renews the leases of all journals: a report of a
    million rows, or a busy event loop, costs no lease. A thread that is busy when the process is stopped holds no lock
    in the server, but for the transactions of `PostgresRows`, which end by themselves.
    """

    _servers: ClassVar[dict[tuple[int, str], Server]] = {}
    _registry: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def of(cls, url: str) -> Server:
        """Return the server of a URL in this process, for a user that calls `release` once."""
        with cls._registry:
            # a forked child shares the parent's sockets, and must not use them
            found = cls._servers.get((os.getpid(), url))
            server = cls._servers[os.getpid(), url] = found or cls(url)
            server._users += 1
            return server

    def __init__(self, url: str) -> None:
        self.url = url
        self._users = 0
        self.threads: ThreadPoolExecutor = ThreadPoolExecutor(
            CONNECTIONS, thread_name_prefix="lemlist-postgres"
        )
        self._own = threading.local()
        self._connections: list[Connection] = []
        self._closing = threading.Event()
        self._leases: WeakSet[Lease] = WeakSet()
        self._lock = threading.Lock()
        self._keeper: threading.Thread | None = None

    def release(self) -> None:
        """Let go of the server; the last user closes its connections, in a thread of its own."""
        with self._registry:
            self._users -= 1
            if self._users:
                return
            self._servers.pop((os.getpid(), self.url), None)
        self._closing.set()
        self.threads.shutdown(wait=False)
        threading.Thread(target=self._close, name="lemlist-postgres-close").start()

    def _close(self) -> None:
        self.threads.shutdown(wait=True)
        if self._keeper is not None:
            self._keeper.join()
        for connection in self._connections:
            connection.close()

    # Calls ---------------------------------------------------------------------------------------------

    def run(self, work: Callable[[Connection, bool], T], *, patience: float = PATIENCE) -> T:
        """Call a function with the connection of this thread; again, and told so, if the connection broke.

        Raises:
            psycopg.Error: the database refused it, or is away for longer than `patience` seconds.
        """
        until, again = now() + patience, False
        while True:
            try:
                return work(self._connection(), again)
            except psycopg.OperationalError:
                connection: Connection | None = getattr(self._own, "connection", None)
                if connection is not None and not connection.closed:
                    raise  # of the statement: a full disk, a lock that did not come
                if now() >= until or self._closing.wait(_PAUSE):
                    raise
                again = True

    def _connection(self) -> Connection:
        found: Connection | None = getattr(self._own, "connection", None)
        if found is None or found.closed:
            self._own.connection = None
            found = self._own.connection = connect(self.url)
            with self._lock:
                self._connections = [*(one for one in self._connections if not one.closed), found]
        return found

    # Leases --------------------------------------------------------------------------------------------

    def keep(self, lease: Lease) -> None:
        """Renew a lease from now on, until `drop`."""
        with self._lock:
            self._leases.add(lease)
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._renew_all, name="lemlist-leases", daemon=True)
                self._keeper.start()

    def drop(self, lease: Lease) -> None:
        """Renew a lease no more."""
        with self._lock:
            self._leases.discard(lease)

    def _held(self) -> list[Lease]:
        with self._lock:
            return [lease for lease in self._leases if not lease.lost]

    def _renew_all(self) -> None:
        while not self._closing.wait(min([1.0, *(lease.seconds / _RENEWALS for lease in self._held())])):
            due = [lease for lease in self._held() if now() - lease.asked >= lease.seconds / _RENEWALS]
            if due:
                try:
                    self._renew(due)
                except psycopg.Error:
                    continue  # the server is away: the next try may find it, or the leases end

    def _renew(self, leases: Iterable[Lease]) -> None:
        by_job = {lease.job: lease for lease in leases}
        jobs, epochs = list(by_job), [lease.epoch for lease in by_job.values()]
        seconds = [lease.seconds for lease in by_job.values()]
        asked = now()
        connection = self._connection()
        renewed = {job for (job,) in connection.execute(_RENEW, (jobs, epochs, seconds))}
        # a row that is locked at this moment was skipped, and is tried again soon
        mine = renewed | {job for (job,) in connection.execute(_MINE, (jobs, epochs))}
        for job, lease in by_job.items():
            if job in renewed:
                lease.renew(asked)
            lease.lost = job not in mine


def worded(error: psycopg.Error) -> str:
    """Return the message of an error, in one line and without the statement."""
    text = error.diag.message_primary or str(error).strip().partition("\n")[0]
    return text or type(error).__name__
