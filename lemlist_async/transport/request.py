"""Internals of aiohttp that requests through a ClientSession rely on: when one is written, and to which connection.

Private names of aiohttp are used here and in `direct` only. If one of them disappears, the pool no longer makes the
check that needs it, and `Request.send` still refuses the connection.
"""

from __future__ import annotations

from collections.abc import Coroutine
from time import monotonic
from typing import Any

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.hdrs import AUTHORIZATION
from multidict import CIMultiDict
from yarl import URL

from lemlist_async.core.send_observer import SendObserver
from lemlist_async.throttle import Slot


class StaleConnectionError(aiohttp.ClientConnectionError):
    """The connection holds bytes that no request asked for; nothing was written to it."""


class Request(ClientRequest):
    """Request of our own session, which records when it is written; requests of a borrowed session cannot."""

    written: bool = False
    """Whether a byte of the request may have left."""
    slot: Slot | None = None
    observer: SendObserver | None = None

    def send(  # pyright: ignore[reportIncompatibleMethodOverride]  # aiohttp only awaits the result
        self, conn: Connection
    ) -> Coroutine[Any, Any, aiohttp.ClientResponse]:
        """Record the send before the first byte, then send. A plain function: a coroutine would cost every call.

        Raises:
            StaleConnectionError: bytes on the connection would be taken for the response to this request.
        """
        pool: Any = conn._connector  # pyright: ignore[reportPrivateUsage]  # aiohttp has no public accessor
        if not getattr(pool, "checks", False) and is_stale(conn.protocol):
            raise StaleConnectionError
        if self.observer is not None:
            self.observer.leaving()
        # before the write, not after it: a cancellation in between must count as sent
        self.written = True
        if self.slot is not None:
            self.slot.wrote()
        return super().send(conn)

    async def _on_headers_request_sent(self, method: str, url: URL, headers: CIMultiDict[str]) -> None:
        await super()._on_headers_request_sent(method, url, _without_key(headers))


class Connector(aiohttp.TCPConnector):
    """Connection pool that never hands out a connection on which bytes arrived while it was idle.

    aiohttp checks a connection when it returns to the pool, not when it leaves it. A stray second response, or a
    response that arrived after its request was given up, would be taken for the response to the next request.
    """

    checks: bool = False
    """Whether aiohttp calls `_get`; if not, each request checks its own connection."""

    idle: int = 100
    """Connections to one host that are kept although no request uses them."""

    # a plain function: a coroutine here would cost every call
    def _get(  # pyright: ignore[reportIncompatibleMethodOverride]  # aiohttp only awaits the result
        self, key: Any, traces: Any
    ) -> Coroutine[Any, Any, Connection | None]:
        self.checks = True
        idle: Any = self._conns.get(key)
        while idle and (protocol := idle[0][0]).should_close:
            protocol.close()
            idle.popleft()
        return super()._get(key, traces)

    def reuse(self, key: Any) -> Connection | None:
        """Return an idle connection, without the coroutines of `connect`; None if that has to look for one."""
        idle: Any = self._conns.get(key)
        if not idle:
            return None
        protocol, since = idle[0]
        if is_stale(protocol) or not protocol.is_connected():
            return None
        if monotonic() - since > self._keepalive_timeout:
            return None
        idle.popleft()
        if not idle:
            del self._conns[key]
        self._acquired.add(protocol)
        return Connection(self, key, protocol, self._loop)

    def _release(self, key: Any, protocol: Any, *, should_close: bool = False) -> None:
        # a burst must not leave its connections open: they are descriptors for as long as they are kept alive
        full = len(self._conns.get(key, ())) >= self.idle
        super()._release(key, protocol, should_close=should_close or full)


def is_stale(protocol: object) -> bool:
    """Return whether a connection may not be used again: it has unread bytes, or is about to close."""
    return bool(getattr(protocol, "should_close", False))


def hide_key(request: aiohttp.ClientRequest) -> None:
    """Hide the key from the trace hooks of a borrowed session; `Request` does so for our own."""
    original: Any = getattr(request, "_on_headers_request_sent", None)
    if original is None or not getattr(request, "_traces", None):
        return

    async def masked(method: str, url: URL, headers: CIMultiDict[str]) -> None:
        await original(method, url, _without_key(headers))

    vars(request)["_on_headers_request_sent"] = masked


def _without_key(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    shown = headers.copy()
    shown.popall(AUTHORIZATION, None)
    return shown


def close_stale(session: aiohttp.ClientSession) -> None:
    """Close the stale idle connections of a borrowed session, whose own pool would hand them out."""
    idle: Any = getattr(session.connector, "_conns", {})
    for connections in idle.values():
        for connection in connections:
            if is_stale(protocol := connection[0]):
                protocol.close()


def abandon(session: aiohttp.ClientSession) -> None:
    """Drop a session without I/O, as a finaliser has to; its sockets go with its connector."""
    session._connector = None  # pyright: ignore[reportPrivateUsage]  # aiohttp has no public way
