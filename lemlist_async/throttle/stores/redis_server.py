"""Connections to a Redis or Valkey server, in a thread that does nothing else."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakSet

from lemlist_async.errors import ConfigurationError
from lemlist_async.throttle.stores.redis_slots import (
    PATIENCE,
    LostConnectionError,
    RedisSlots,
    Reply,
    script,
)
from lemlist_async.throttle.stores.shared import UnusableError

if TYPE_CHECKING:
    from redis.asyncio import Redis

CONNECTIONS = 16
"""Connections at most: each is busy for less than a millisecond per call."""
MISSING = "a scope of redis:// needs the package redis: pip install 'lemlist_async[redis]'"


class RedisServer:
    """A server, as `Server` describes it. One for each URL, in each process.

    Its own thread and event loop, since a throttle serves many loops and outlives each of them; and since a loop that
    is busy for a quarter of a second must not take the server for one that is away.
    """

    def __init__(self, url: str) -> None:
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        # redis-py would try again by itself, for 58 seconds on a silent server, and take a slot with each try
        pool = cast("Any", BlockingConnectionPool).from_url(
            _redis_url(url),
            max_connections=CONNECTIONS,
            timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            protocol=2,  # with 3 the server may announce that it is slow, and redis-py wait for it
        )
        self._password: str = pool.connection_kwargs.get("password") or ""
        self._pid = os.getpid()
        self._members: WeakSet[RedisSlots] = WeakSet()
        self._redis: Redis = Redis(connection_pool=pool)
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._digest: str | None = None
        # a daemon, since the program may end at any time
        threading.Thread(target=self._loop.run_forever, name="lemlist-throttle-redis", daemon=True).start()
        atexit.register(self._finish)

    def call(self, key: str, arguments: list[str], done: Callable[[Reply | Exception], None]) -> None:
        """Run the script; `done` gets its reply or error within `PATIENCE` seconds."""
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
        from redis.exceptions import ConnectionError as RedisConnectionError
        from redis.exceptions import TimeoutError as RedisTimeoutError

        try:
            async with asyncio.timeout(PATIENCE):
                answer: Reply | Exception = await self._evaluate(key, arguments)
        except (TimeoutError, RedisTimeoutError):
            answer = TimeoutError(f"the server did not answer within {PATIENCE:g} s")
        except (RedisConnectionError, OSError) as error:
            answer = LostConnectionError(self._said(error))
        except Exception as error:  # noqa: BLE001  # the member counts on an answer, whatever went wrong
            answer = UnusableError(self._said(error))
        done(answer)

    def _said(self, error: Exception) -> str:
        text = f"{type(error).__name__}: {error}"
        return text.replace(self._password, "…") if self._password else text

    async def _evaluate(self, key: str, arguments: list[str]) -> Reply:
        from redis.exceptions import NoScriptError

        reply: Reply
        if self._digest is not None:
            try:
                reply = await self._redis.evalsha(self._digest, 1, key, *arguments)
                return reply
            except NoScriptError:  # flushed, or another server
                self._digest = None
        reply = await self._redis.eval(script(), 1, key, *arguments)
        self._digest = await self._redis.script_load(script())
        return reply

    def _finish(self) -> None:
        if os.getpid() != self._pid:  # the thread is the parent's
            return
        for member in tuple(self._members):
            member.leave_soon()
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._drain(), self._loop).result(PATIENCE)

    async def _drain(self) -> None:
        await asyncio.gather(*self._tasks)


def check(url: str) -> None:
    """Look whether a server can be tried at all, without speaking to it.

    Raises:
        ConfigurationError: the package redis is missing, or the URL is not one that it understands.
    """
    try:
        from redis.asyncio import ConnectionPool

        cast("Any", ConnectionPool).from_url(_redis_url(url))
    except ImportError:
        raise ConfigurationError(MISSING) from None
    except ValueError as error:
        raise ConfigurationError(f"ThrottleOptions.scope: {error}") from None


_servers: dict[str, RedisServer] = {}
_inherited: list[RedisServer] = []
_lock = threading.Lock()


def server_of(url: str) -> RedisServer:
    """Return the server of a URL, for all keys of this process."""
    with _lock:
        if url not in _servers:
            _servers[url] = RedisServer(url)
        return _servers[url]


def _redis_url(url: str) -> str:
    """Return the URL as redis-py knows it: Valkey has its own names for the same schemes."""
    return re.sub("^valkey", "redis", url)


def _renew() -> None:
    # a child has no thread of its parent's, and must not use its connections
    global _lock  # noqa: PLW0603  # another thread may have held it at the fork
    _lock = threading.Lock()
    _inherited.extend(_servers.values())
    _servers.clear()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew)
