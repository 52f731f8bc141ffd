"""Thread and event loop of its own, in which a process speaks to a server that keeps slots."""

from __future__ import annotations

import abc
import asyncio
import atexit
import contextlib
import os
import threading
from collections.abc import Callable
from weakref import WeakSet

from lemlist_async.throttle.stores.redis_slots import PATIENCE, RedisSlots, Reply
from lemlist_async.throttle.stores.shared import UnusableError


class ServerThread(abc.ABC):
    """A server, as `Server` describes it.

    Its own thread and event loop, since a throttle serves many loops and outlives each of them; and since a loop that
    is busy for a quarter of a second must not take the server for one that is away.
    """

    def __init__(self, name: str) -> None:
        self._pid = os.getpid()
        self._members: WeakSet[RedisSlots] = WeakSet()
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        # a daemon, since the program may end at any time
        threading.Thread(target=self._loop.run_forever, name=name, daemon=True).start()
        atexit.register(self._finish)

    @abc.abstractmethod
    async def ask(self, key: str, arguments: list[str]) -> Reply:
        """Take a turn of a member at the slots of a key."""

    @abc.abstractmethod
    def explain(self, error: Exception) -> Exception:
        """Return the error for the members: TimeoutError, LostConnectionError or UnusableError, without a password."""

    async def close(self) -> None:  # noqa: B027  # not every client needs it
        """Close the connections."""

    def call(self, key: str, arguments: list[str], done: Callable[[Reply | Exception], None]) -> None:
        """Take a turn; `done` gets its reply or error within `PATIENCE` seconds."""
        if os.getpid() != self._pid:
            raise UnusableError("the thread that speaks to the server is the parent's")
        self._loop.call_soon_threadsafe(self._begin, key, arguments, done)

    def join(self, member: RedisSlots) -> None:
        """Let a member leave when the program ends: its slots are free earlier than its lease is over."""
        self._members.add(member)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call back from the thread of the server."""
        self._loop.call_soon_threadsafe(self._loop.call_later, seconds, call)

    def _begin(self, key: str, arguments: list[str], done: Callable[[Reply | Exception], None]) -> None:
        task = self._loop.create_task(self._run(key, arguments, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, key: str, arguments: list[str], done: Callable[[Reply | Exception], None]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                answer: Reply | Exception = await self.ask(key, arguments)
        except TimeoutError:
            answer = TimeoutError()
        except Exception as error:  # noqa: BLE001  # the member counts on an answer, whatever went wrong
            answer = self.explain(error)
        if isinstance(answer, TimeoutError):
            answer = TimeoutError(f"the server did not answer within {PATIENCE:g} s")
        done(answer)

    def _finish(self) -> None:
        if os.getpid() != self._pid:  # the thread is the parent's
            return
        for member in tuple(self._members):
            member.leave_soon()
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._drain(), self._loop).result(PATIENCE)

    async def _drain(self) -> None:
        await asyncio.gather(*self._tasks)
        await self.close()
