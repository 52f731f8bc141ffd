"""Every store of slots, set up for tests: one contract holds for all of them."""

from __future__ import annotations

import heapq
import itertools
import math
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from lemlist_async.throttle.stores.postgres_server import PostgresSlots, reply_of
from lemlist_async.throttle.stores.process import ProcessSlots
from lemlist_async.throttle.stores.redis_slots import RedisSlots, Reply
from lemlist_async.throttle.stores.shared import SharedSlots
from tests.support.script_server import ScriptServer
from tests.support.slots_model import World

LIMIT, WINDOW, BEGIN = 3, 1.0, 1000.0


@attrs.define(eq=False)
class ProcessStore:
    """The memory of one process, which has one member."""

    limit: int = LIMIT
    step: float = math.inf
    most_members: int = 1

    def join(self, clock: Callable[[], float]) -> SharedSlots:
        """Make a member."""
        return ProcessSlots(limit=self.limit, window=WINDOW, margin=0.0)

    def kill(self, slots: SharedSlots) -> None:
        """End the member."""

    def turn(self) -> None:
        """Do nothing: there is no thread."""


@attrs.define(eq=False)
class HostStore:
    """A file of this host."""

    limit: int = LIMIT
    pace: float = 0.0
    step: float = math.inf
    most_members: int = 3
    name: str = attrs.field(factory=lambda: f"test-{secrets.token_hex(8)}")

    def join(self, clock: Callable[[], float]) -> SharedSlots:
        """Become a member."""
        from lemlist_async.throttle.stores.host import HostSlots

        return HostSlots(self.name, limit=self.limit, window=WINDOW, margin=0.0, pace=self.pace, now=clock())

    def kill(self, slots: SharedSlots) -> None:
        """Let go of the file, as the kernel does."""
        slots.close()

    def turn(self) -> None:
        """Do nothing: there is no thread."""

    def clean(self) -> None:
        """Remove the file."""
        from lemlist_async.throttle.stores.host_file import boot_id, place_of

        shutil.rmtree(place_of(self.name, boot_id()), ignore_errors=True)


class OnServer:
    """Members of a store whose server is asked in a thread, which the test stands for."""

    __slots__ = ()
    server: Any

    def kill(self, slots: SharedSlots) -> None:
        """Let it never call again."""
        assert isinstance(slots, RedisSlots)
        slots._closed = True

    def turn(self) -> None:
        """Let the timers of its thread ring."""
        self.server.ring()


@attrs.define(eq=False)
class ScriptStore(OnServer):
    """The script of the Redis store."""

    limit: int = LIMIT
    pace: float = 0.0
    step: float = 0.05
    most_members: int = 3
    source: str | None = None
    server: Any = None
    killed: set[int] = attrs.field(factory=set[int])

    def join(self, clock: Callable[[], float]) -> RedisSlots:
        """Become a member."""
        if self.server is None:
            self.server = ScriptServer(clock, **({"source": self.source} if self.source else {}))
        return RedisSlots(
            self.server,
            "key",
            limit=self.limit,
            window=WINDOW,
            margin=0.0,
            pace=self.pace,
            clock=clock,
            wake=lambda update: update(clock()),
        )


class FunctionServer:
    """The function in a real PostgreSQL server, called at once, on a clock that the test moves."""

    def __init__(self, url: str, clock: Callable[[], float], limit: int) -> None:
        import psycopg

        from lemlist_async.throttle.stores.postgres_server import schema

        self._clock = clock
        self._key = f"test-{secrets.token_hex(6)}"
        self._connection = psycopg.connect(url, autocommit=True)
        found = self._connection.execute("SELECT to_regclass('lemlist_slots_v2') IS NULL").fetchone()
        if found == (True,):
            self._connection.execute(schema().encode())
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def call(self, key: str, arguments: list[str], done: Callable[[Reply | Exception], None]) -> None:
        """Call the function now."""
        del key
        now = round((self._clock() + 3600) * 1e6)
        found: Any = self._connection.execute(
            "SELECT lemlist_slots_turn_v2(%s, %s, %s, 'a')", (self._key, arguments, now)
        ).fetchone()
        done(reply_of(found[0]))

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Keep a timer until `ring`."""
        heapq.heappush(self._timers, (self._clock() + seconds, next(self._order), call))

    def ring(self) -> None:
        """Let the timers ring whose time has come."""
        while self._timers and self._timers[0][0] <= self._clock():
            heapq.heappop(self._timers)[2]()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@attrs.define(eq=False)
class FunctionStore(OnServer):
    """The function of the PostgreSQL store."""

    url: str
    limit: int = LIMIT
    pace: float = 0.0
    step: float = 0.05
    most_members: int = 3
    server: Any = None

    def join(self, clock: Callable[[], float]) -> RedisSlots:
        """Become a member."""
        if self.server is None:
            self.server = FunctionServer(self.url, clock, self.limit)
        return PostgresSlots(
            self.server,
            "key",
            limit=self.limit,
            window=WINDOW,
            margin=0.0,
            pace=self.pace,
            clock=clock,
            wake=lambda update: update(clock()),
        )

    def clean(self) -> None:
        """Close the connection."""
        self.server.close()


AnyStore = ProcessStore | HostStore | ScriptStore | FunctionStore
STORES: dict[str, Callable[..., AnyStore]] = {"process": ProcessStore, "script": ScriptStore}
DATABASES: list[str] = []
"""URL of the database for the store in PostgreSQL, once a test has one."""
STORES["postgres"] = lambda **options: FunctionStore(DATABASES[-1], **options)
if sys.platform == "linux":
    STORES["host"] = HostStore


def worlds(name: str, **options: Any) -> Iterator[World]:
    """Yield a world with one member that may send at once."""
    store = STORES[name](**options)
    world = World(store, WINDOW, BEGIN)
    member = world.add()
    # a server that is used for the first time does not know whether it has forgotten
    world.now = max(world.now, member.slots.next_grant(world.now, urgent=False))
    member.slots.withdraw()
    yield world
    for member in world.members:
        store.kill(member.slots)
    if isinstance(store, HostStore | FunctionStore):
        store.clean()
