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
REDIRECTS = 3
"""Nodes of a cluster that one call asks at most."""
MISSING = "a scope of redis:// needs the package redis: pip install 'lemlist_async[redis]'"


class RedisServer(ServerThread):
    """A Redis or Valkey server, as `Server` describes it. One for each URL, in each process.

    The server may be a node of a cluster: it names the node of a key, which is asked from then on. redis-py's own
    client for clusters would try a call again after an error, and so take two slots.
    """

    def __init__(self, url: str) -> None:
        from redis.asyncio import BlockingConnectionPool
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
        self._pool: Any = pool
        self._nodes: dict[tuple[str, int] | None, Redis] = {None: self._connect(pool)}
        """Client of each node of a cluster that was named; under None that of the URL."""
        self._homes: dict[str, tuple[str, int]] = {}
        """Node of each key that is not on the server of the URL."""
        self._digest: str | None = None
        super().__init__("lemlist-throttle-redis")

    async def ask(self, key: str, arguments: list[str]) -> Reply:
        """Run the script."""
        from redis.exceptions import MovedError

        for _ in range(REDIRECTS):
            try:
                return await self._run_script(self._nodes[self._homes.get(key)], key, arguments)
            except MovedError as moved:  # nothing was executed
                node: Any = moved
                self._homes[key] = home = str(node.host), int(node.port)
                if home not in self._nodes:
                    self._nodes[home] = self._connect_to(*home)
            except BaseException:
                self._homes.pop(key, None)  # another node may have taken over: the server of the URL knows
                raise
        raise UnusableError("the nodes of the cluster do not agree on the place of the key")

    async def _run_script(self, redis: Redis, key: str, arguments: list[str]) -> Reply:
        from redis.exceptions import NoScriptError

        reply: Reply
        if self._digest is not None:
            try:
                reply = await redis.evalsha(self._digest, 1, key, *arguments)
                return reply
            except NoScriptError:  # flushed, or another server
                self._digest = None
        reply = await redis.eval(script(), 1, key, *arguments)
        self._digest = await redis.script_load(script())
        return reply

    def _connect(self, pool: Any) -> Redis:
        from redis.asyncio import Redis

        return Redis(connection_pool=pool)

    def _connect_to(self, host: str, port: int) -> Redis:
        """Return a client of another node, which is reached as the server of the URL is."""
        pool = self._pool
        options = {**pool.connection_kwargs, "host": host, "port": port}
        return self._connect(
            type(pool)(
                connection_class=pool.connection_class,
                max_connections=CONNECTIONS,
                timeout=PATIENCE,
                **options,
            )
        )

    async def close(self) -> None:
        """Close the connections to all nodes; redis-py warns of each that is left open."""
        for redis in self._nodes.values():
            await redis.aclose(close_connection_pool=True)

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
