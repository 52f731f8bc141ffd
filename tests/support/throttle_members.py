"""Throttles of several processes that share slots through a server, in virtual time."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from lemlist_async.errors import LimitStoreError
from lemlist_async.options import Lane
from lemlist_async.throttle import RateState, Throttle, ThrottleOptions
from lemlist_async.throttle.stores import servers
from lemlist_async.throttle.stores.redis_slots import PATIENCE, Reply
from tests.support.script_server import ScriptServer
from tests.support.throttle_sim import LIMIT, Server, Wire

URL = "redis://:secret@server/0"


@attrs.define(eq=False)
class Link:
    """The way of one process to the server of the slots: a server as far as the process can tell."""

    server: ScriptServer
    delay: float = 0.001
    """Seconds of each way."""
    cut: bool = False
    """Whether nothing arrives."""
    deaf: bool = False
    """Whether nothing comes back."""
    dead: bool = False
    """Whether the process was killed."""
    calls: int = 0

    def join(self, _member: object) -> None:
        """Do nothing at the end of the program."""

    def call(self, key: str, arguments: list[str], done: Callable[[Reply | Exception], None]) -> None:
        """Send a call on its way."""
        loop = asyncio.get_running_loop()
        self.calls += 1
        fate: asyncio.Future[None] = loop.create_future()

        def end(answer: Reply | Exception) -> None:
            if not fate.done() and not self.dead:
                fate.set_result(None)
                done(answer)

        def arrive() -> None:
            if self.cut or self.server.away or self.dead:
                return
            reply = self.server.run(key, arguments)
            if not self.deaf:
                loop.call_later(self.delay, end, reply)

        loop.call_later(self.delay, arrive)
        loop.call_later(PATIENCE, end, TimeoutError("no answer"))

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call back, unless the process was killed."""
        asyncio.get_running_loop().call_later(seconds, lambda: self.dead or call())


class Member:
    """A process with a throttle; a client as the simulation knows them."""

    _numbers = itertools.count()

    def __init__(self, server: ScriptServer, patch: pytest.MonkeyPatch, **options: Any) -> None:
        self.link = Link(server)
        patch.setattr(servers, "server_of", lambda _url: self.link)
        # the clocks of hosts have nothing in common
        offset = 3600.0 * next(self._numbers)
        loop = asyncio.get_running_loop()
        self.throttle = Throttle(
            ThrottleOptions(scope=URL, **options),
            clock=lambda: loop.time() + offset,
            random=lambda: 0.5,
            name="a key",
        )
        # the server is looked up at the first use, which may come after another member was made
        self.throttle._sharing._open("a key", self.throttle.now())
        self.done = 0
        self.failed = 0

    async def __call__(self, wire: Wire, lane: Lane = "bulk") -> None:
        while True:
            try:
                slot = await self.throttle.acquire(lane)
            except LimitStoreError:
                self.failed += 1
                await asyncio.sleep(0.1)
                continue
            if self.link.dead:
                await asyncio.Event().wait()
            decision = await wire()
            rate = RateState(LIMIT, decision.remaining)
            if self.link.dead:
                await asyncio.Event().wait()
            if decision.allowed:
                slot.answered(rate)
                self.done += 1
                return
            slot.refused(math.ceil(decision.retry_after), by_limiter=True, rate=rate)


async def work(member: Member, server: Server, workers: int = 15) -> None:
    """Keep a member busy, for ever."""

    async def one() -> None:
        while True:
            await member(server.wire)

    await asyncio.gather(*(one() for _ in range(workers)))
