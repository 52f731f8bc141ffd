"""Connections to a Redis or Valkey server, in a thread that does nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from lemlist_async.errors import ConfigurationError
from lemlist_async.throttle.stores.redis_slots import PATIENCE, LostConnectionError, Reply, script
from lemlist_async.throttle.stores.server_thread import ServerThread
from lemlist_async.throttle.stores.shared import UnusableError

if TYPE_CHECKING:
    from redis.asyncio import Redis

CONNECTIONS = 16
"""Connections at most: each is busy for less than a millisecond per call."""
MISSING = "a scope of redis:// needs the package redis: pip install 'lemlist_async[redis]'"


class RedisServer(ServerThread):
    """A Redis or Valkey server, as `Server` describes it. One for each URL, in each process."""

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
        self._redis: Redis = Redis(connection_pool=pool)
        self._digest: str | None = None
        super().__init__("lemlist-throttle-redis")

    async def ask(self, key: str, arguments: list[str]) -> Reply:
        """Run the script."""
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

    def explain(self, error: Exception) -> Exception:
        """Return the error for the members, without the password."""
        from redis.exceptions import ConnectionError as RedisConnectionError
        from redis.exceptions import TimeoutError as RedisTimeoutError

        if isinstance(error, RedisTimeoutError):
            return TimeoutError()
        if isinstance(error, RedisConnectionError | OSError):
            return LostConnectionError(self._said(error))
        return UnusableError(self._said(error))

    def _said(self, error: Exception) -> str:
        text = f"{type(error).__name__}: {error}"
        return text.replace(self._password, "…") if self._password else text


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


def _redis_url(url: str) -> str:
    """Return the URL as redis-py knows it: Valkey has its own names for the same schemes."""
    return re.sub("^valkey", "redis", url)
