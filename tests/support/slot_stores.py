"""Every store of slots, set up for tests: one contract holds for all of them."""

from __future__ import annotations

import math
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from lemlist_async.throttle.stores.process import ProcessSlots
from lemlist_async.throttle.stores.redis_slots import RedisSlots
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


@attrs.define(eq=False)
class ScriptStore:
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

    def kill(self, slots: SharedSlots) -> None:
        """Let it never call again."""
        assert isinstance(slots, RedisSlots)
        slots._closed = True

    def turn(self) -> None:
        """Let the timers of its thread ring."""
        self.server.ring()


AnyStore = ProcessStore | HostStore | ScriptStore
STORES: dict[str, Callable[..., AnyStore]] = {"process": ProcessStore, "script": ScriptStore}
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
    if isinstance(store, HostStore):
        store.clean()
