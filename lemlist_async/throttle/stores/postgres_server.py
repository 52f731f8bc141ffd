"""Connections to a PostgreSQL server that keeps slots, in a thread that does nothing else."""

from __future__ import annotations

import asyncio
import re
from functools import cache
from importlib.resources import files
from typing import Any

from lemlist_async.errors import ConfigurationError
from lemlist_async.throttle.stores.redis_slots import LostConnectionError, RedisSlots, Reply
from lemlist_async.throttle.stores.server_thread import ServerThread
from lemlist_async.throttle.stores.shared import Scope, UnusableError

CONNECTIONS = 8
"""Connections at most: each is busy for a millisecond per call."""
MISSING = "a scope of postgresql:// needs the package psycopg: pip install 'lemlist_async[fleet]'"
_TURN = "SELECT lemlist_slots_turn_v2(%s, %s, NULL, NULL)"
_LOCK = 0x6C656D6E
"""Advisory lock under which the table is made."""
_PASSWORD = re.compile(r"(?<=:)[^:@/\s]+(?=@)|(?<=password=)[^\s&]+")
_INTEGERS = slice(1, 6)
"""Places of a reply that hold numbers, beside the grants."""


@cache
def schema() -> str:
    """Return the statements that make the table and the function."""
    return (files("lemlist_async.throttle.stores") / "slots.sql").read_text("utf-8")


def reply_of(found: list[str]) -> Reply:
    """Return the reply of the function as the script of Redis gives it."""
    if len(found) < 7:
        return found
    return [found[0], *map(int, found[_INTEGERS]), found[6], *map(int, found[7:])]


class PostgresSlots(RedisSlots):
    """One member of the slots in a PostgreSQL server."""

    scope: Scope = "postgres"


class PostgresServer(ServerThread):
    """A PostgreSQL server, as `Server` describes it. One for each URL, in each process."""

    def __init__(self, url: str) -> None:
        super().__init__("lemlist-throttle-postgres")
        self._url = url
        self._idle: list[Any] = []
        self._places = asyncio.Semaphore(CONNECTIONS)

    async def ask(self, key: str, arguments: list[str]) -> Reply:
        """Take a turn."""
        import psycopg

        async with self._places:
            connection = self._idle.pop() if self._idle else await self._connect()
            try:
                reply = await self._turn(connection, key, arguments)
            except psycopg.OperationalError as error:
                # closed here and not given back: it is broken, or in the middle of a statement
                await connection.close()
                raise LostConnectionError(self._said(error)) from None
            except BaseException:
                await connection.close()
                raise
            self._idle.append(connection)
            return reply

    async def _turn(self, connection: Any, key: str, arguments: list[str]) -> Reply:
        import psycopg

        try:
            cursor = await connection.execute(_TURN, (key, arguments))
        except psycopg.errors.UndefinedFunction:
            await self._prepare(connection)
            cursor = await connection.execute(_TURN, (key, arguments))
        (found,) = await cursor.fetchone()
        return reply_of(found)

    async def _prepare(self, connection: Any) -> None:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            there = await connection.execute(
                "SELECT count(*) FROM pg_proc WHERE proname = 'lemlist_slots_turn_v2'"
            )
            if await there.fetchone() == (0,):
                await connection.execute(schema())

    async def _connect(self) -> Any:
        import psycopg

        try:
            return await psycopg.AsyncConnection.connect(
                self._url, autocommit=True, prepare_threshold=None, connect_timeout=2
            )
        except psycopg.OperationalError as error:
            raise UnusableError(self._said(error)) from None

    def explain(self, error: Exception) -> Exception:
        """Return the error for the members."""
        return error if isinstance(error, LostConnectionError) else UnusableError(self._said(error))

    def _said(self, error: Exception) -> str:
        text = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        return _PASSWORD.sub("…", text)

    async def close(self) -> None:
        """Close the connections."""
        while self._idle:
            await self._idle.pop().close()


def check(url: str) -> None:
    """Look whether a server can be tried at all, without speaking to it.

    Raises:
        ConfigurationError: the package psycopg is missing, or the URL is not one that it understands.
    """
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise ConfigurationError(MISSING) from None
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ConfigurationError("ThrottleOptions.scope: not a URL that libpq understands") from None
