"""Servers that keep slots, by the scheme of their URL."""

from __future__ import annotations

import os
import threading

from lemlist_async.throttle.stores.redis_slots import RedisSlots
from lemlist_async.throttle.stores.server_thread import ServerThread

_POSTGRES = ("postgresql://", "postgres://")


def check(url: str) -> None:
    """Look whether a server can be tried at all, without speaking to it.

    Raises:
        ConfigurationError: its package is missing, or the URL is not one that it understands.
    """
    if url.startswith(_POSTGRES):
        from lemlist_async.throttle.stores import postgres_server

        postgres_server.check(url)
        return
    from lemlist_async.throttle.stores import redis_server

    redis_server.check(url)


def _make(url: str) -> ServerThread:
    if url.startswith(_POSTGRES):
        from lemlist_async.throttle.stores.postgres_server import PostgresServer

        return PostgresServer(url)
    from lemlist_async.throttle.stores.redis_server import RedisServer

    return RedisServer(url)


def slots_of(url: str) -> type[RedisSlots]:
    """Return the class of a member of the slots in a server."""
    if url.startswith(_POSTGRES):
        from lemlist_async.throttle.stores.postgres_server import PostgresSlots

        return PostgresSlots
    return RedisSlots


_servers: dict[str, ServerThread] = {}
_inherited: list[ServerThread] = []
_lock = threading.Lock()


def server_of(url: str) -> ServerThread:
    """Return the server of a URL, for all keys of this process."""
    with _lock:
        if url not in _servers:
            _servers[url] = _make(url)
        return _servers[url]


def _renew() -> None:
    # a child has no thread of its parent's, and must not use its connections
    global _lock  # noqa: PLW0603  # another thread may have held it at the fork
    _lock = threading.Lock()
    _inherited.extend(_servers.values())
    _servers.clear()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew)
