"""What this library knows of aiohttp's insides: when a request is written, and which connection it is written to.

Every name that is not public stands here. Where one of them is gone, the check that needs it is not made by the pool,
and `Request.send` still refuses the connection.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.hdrs import AUTHORIZATION
from multidict import CIMultiDict
from yarl import URL

from lemlist_async.throttle import Slot


class StaleConnectionError(aiohttp.ClientConnectionError):
    """A connection holds bytes that no request asked for; nothing was written to it."""


class Request(ClientRequest):
    """What the own session sends; requests of a borrowed session cannot tell."""

    written: bool = False
    """Whether a byte of it may have left."""
    slot: Slot | None = None

    def send(  # pyright: ignore[reportIncompatibleMethodOverride]  # to be awaited is all that is asked of it
        self, conn: Connection
    ) -> Coroutine[Any, Any, aiohttp.ClientResponse]:
        """Note it before the first byte, then send; awaited at once, so it need not be a coroutine itself.

        Raises:
            StaleConnectionError: what lies on the connection would become the answer to this request.
        """
        pool: Any = conn._connector  # pyright: ignore[reportPrivateUsage]  # no public way to ask it
        if not getattr(pool, "checks", False) and is_stale(conn.protocol):
            raise StaleConnectionError
        self.written = True
        if self.slot is not None:
            self.slot.wrote()
        return super().send(conn)

    async def _on_headers_request_sent(self, method: str, url: URL, headers: CIMultiDict[str]) -> None:
        await super()._on_headers_request_sent(method, url, _without_key(headers))


class Connector(aiohttp.TCPConnector):
    """A pool that gives out no connection on which something came while it was idle.

    aiohttp looks at that when a connection goes into its pool, and not when it comes out: a stray second answer, or
    one that came after its request had been given up, would be taken for the answer to the next request.
    """

    checks: bool = False
    """Whether aiohttp asks the method below; if not, each request looks at its connection itself."""

    # no coroutine of its own, which every call would pay for
    def _get(  # pyright: ignore[reportIncompatibleMethodOverride]  # to be awaited is all that is asked of it
        self, key: Any, traces: Any
    ) -> Coroutine[Any, Any, Connection | None]:
        self.checks = True
        idle: Any = self._conns.get(key)
        while idle and (protocol := idle[0][0]).should_close:
            protocol.close()
            idle.popleft()
        return super()._get(key, traces)


def is_stale(protocol: object) -> bool:
    """Whether a connection may carry no further request: unread bytes are on it, or it is to be closed."""
    return bool(getattr(protocol, "should_close", False))


def hide_key(request: aiohttp.ClientRequest) -> None:
    """Keep the key from trace hooks of a borrowed session; those of the own one meet `Request`."""
    told: Any = getattr(request, "_on_headers_request_sent", None)
    if told is None or not getattr(request, "_traces", None):
        return

    async def masked(method: str, url: URL, headers: CIMultiDict[str]) -> None:
        await told(method, url, _without_key(headers))

    vars(request)["_on_headers_request_sent"] = masked


def _without_key(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    shown = headers.copy()
    shown.popall(AUTHORIZATION, None)
    return shown


def close_stale(session: aiohttp.ClientSession) -> None:
    """Close idle connections of a borrowed session that may carry no further request; its pool would give them out."""
    idle: Any = getattr(session.connector, "_conns", {})
    for connections in idle.values():
        for connection in connections:
            if is_stale(protocol := connection[0]):
                protocol.close()
