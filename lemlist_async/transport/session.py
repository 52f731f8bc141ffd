"""Own or borrowed ClientSession, opened in the running event loop by the first call."""

from __future__ import annotations

import asyncio
import inspect
import io
import os
import ssl as ssl_module
import warnings
from collections.abc import Awaitable
from typing import Any

import aiohttp
import attrs
from yarl import URL

from lemlist_async.credentials import ProxyURL
from lemlist_async.errors import ClosedError
from lemlist_async.options import Timeouts
from lemlist_async.transport import direct
from lemlist_async.transport.address import Address
from lemlist_async.transport.request import Connector, Request, abandon

ACCEPT = "application/json, text/*;q=0.9, */*;q=0.1"
POOL = 100
"""Connections at most: above the requests that the throttle lets fly, so that no call waits inside its slot."""
LARGE = 2**20
"""Bytes above which a body is written in pieces; aiohttp warns of larger bodies that are not."""


@attrs.frozen(kw_only=True)
class Network:
    """Network settings of our own session."""

    proxy: ProxyURL | None = None
    """Address of an HTTP proxy. Proxies from the environment and `.netrc` are never read."""
    ssl: ssl_module.SSLContext | bool = True
    """Context for a private authority or a client certificate."""
    user_agent: str = ""


class Session:
    """One ClientSession, bound to the event loop and the process of its first use."""

    def __init__(
        self,
        network: Network,
        timeouts: Timeouts,
        borrowed: aiohttp.ClientSession | None,
        *,
        connections: int = POOL,
        idle: int = POOL,
    ) -> None:
        self._network = network
        self._connections = connections
        self._idle = idle
        self._timeouts = timeouts
        self._borrowed = borrowed
        self._own: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        # our own session sends these with every request; a borrowed session needs them in each request
        self._headers = {"User-Agent": network.user_agent, "Accept": ACCEPT}
        self._each = {} if borrowed is None else self._headers
        self._each_json = {**self._each, "Content-Type": "application/json"}
        self._more = _more(network, borrowed=borrowed is not None)
        self._timeout = _client_timeout(timeouts, streamed=False)
        self._destinations: dict[str, direct.Destination] = {}
        self._pid = os.getpid()
        self._closed = False
        self._made_at = _caller()

    @property
    def closed(self) -> bool:
        """Whether the session was closed."""
        return self._closed

    def get(self) -> aiohttp.ClientSession:
        """Return the session to use in this process and event loop.

        Raises:
            ClosedError: after close, after a fork, or from another event loop than that of the first use.
        """
        if self._closed:
            raise ClosedError("this Lemlist is closed; make a new one")
        # a forked child shares the parent's sockets: both would read one another's responses
        if self._pid != os.getpid():
            raise ClosedError("this Lemlist was made before a fork; make one in each process")
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise ClosedError("this Lemlist belongs to another event loop; make one in each loop")
        if self._borrowed is None:
            self._own = self._own or self._open()
            return self._own
        if self._borrowed.closed:
            raise ClosedError("the ClientSession that was given to this Lemlist is closed")
        return self._borrowed

    def _open(self) -> aiohttp.ClientSession:
        connector = Connector(limit=self._connections, ssl=self._network.ssl, ttl_dns_cache=60)
        connector.idle = self._idle
        return aiohttp.ClientSession(
            connector=connector,
            # a cookie of the edge must not tie one key's requests to another's
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            request_class=Request,
            timeout=self._timeout,
            trust_env=False,
        )

    def direct(
        self, method: str, address: Address, body: bytes | None, timeouts: Timeouts
    ) -> direct.DirectRequest | None:
        """Return a request that is written to its connection by this library; None if it has to go by `request`.

        Raises:
            ClosedError: as `get`.
        """
        session = self.get()
        if self._borrowed is not None or self._more or not address.origin:
            return None
        if body is not None and len(body) > direct.LARGEST:
            return None
        if not direct.is_plain(session) or not direct.works():
            return None
        destination = self._destinations.get(address.origin)
        if destination is None:
            destination = direct.Destination(session, address.origin, self._network.ssl)
            self._destinations[address.origin] = destination
        timeout = self._timeout if timeouts is self._timeouts else _client_timeout(timeouts, streamed=False)
        return direct.DirectRequest(destination, method, address.target, body, timeout)

    def shut(self) -> None:
        """Refuse further requests."""
        self._closed = True

    async def close(self) -> None:
        """Close our own session; a borrowed session stays open."""
        self.shut()
        # in a forked child the session is the parent's: closing it would end the parent's TLS connections
        own, self._own = self._own, None
        self._destinations.clear()
        if own is not None and self._pid == os.getpid():
            await own.close()

    def request(
        self,
        method: str,
        url: URL,
        data: bytes | aiohttp.FormData | None,
        middleware: aiohttp.ClientMiddlewareType,
        *,
        timeouts: Timeouts,
        streamed: bool,
    ) -> Awaitable[aiohttp.ClientResponse]:
        """Send one request to `url` only: redirects are not followed, since the key must not travel."""
        body: bytes | io.BytesIO | aiohttp.FormData | None = data
        headers = self._each
        if type(data) is bytes:
            body, headers = piecemeal(data), self._each_json
        more: dict[str, Any] = self._more
        if streamed or timeouts is not self._timeouts or self._borrowed is not None:
            more = dict(more, timeout=_client_timeout(timeouts, streamed))
        return self.get().request(
            method,
            url,
            data=body,
            headers=headers,
            middlewares=(middleware,),
            allow_redirects=False,
            **more,
        )

    def __del__(self) -> None:
        own: aiohttp.ClientSession | None = getattr(self, "_own", None)
        if own is None or own.closed or self._pid != os.getpid():
            return
        warnings.warn(
            f"the Lemlist made at {self._made_at} was not closed: use `async with`, or await its aclose()",
            ResourceWarning,
            source=self,
            stacklevel=1,
        )
        abandon(own)


class SharedSession(Session):
    """One client's share of a session: closing it ends the calls of this client alone."""

    def __init__(self, session: Session) -> None:
        # without the fields of a session: a thousand clients share one
        self._shared = session
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether this share or the session was closed."""
        return self._closed or self._shared.closed

    def request(
        self,
        method: str,
        url: URL,
        data: bytes | aiohttp.FormData | None,
        middleware: aiohttp.ClientMiddlewareType,
        *,
        timeouts: Timeouts,
        streamed: bool,
    ) -> Awaitable[aiohttp.ClientResponse]:
        """Send one request over the session that is shared."""
        if self._closed:
            raise ClosedError("this Lemlist is closed; make a new one")
        return self._shared.request(method, url, data, middleware, timeouts=timeouts, streamed=streamed)

    def direct(
        self, method: str, address: Address, body: bytes | None, timeouts: Timeouts
    ) -> direct.DirectRequest | None:
        """Return a request over the session that is shared."""
        if self._closed:
            raise ClosedError("this Lemlist is closed; make a new one")
        return self._shared.direct(method, address, body, timeouts)

    async def close(self) -> None:
        """Shut this share; the session stays open for the others."""
        self.shut()


def piecemeal(content: bytes) -> bytes | io.BytesIO:
    """Return content in the form that aiohttp writes best: a large body as a file, so that other tasks run in between.

    aiohttp consumes a file by sending it: each attempt needs its own.
    """
    return content if len(content) <= LARGE else io.BytesIO(content)


def _more(network: Network, *, borrowed: bool) -> dict[str, Any]:
    """Return the settings that each request carries: the proxy, and for a borrowed session the rest too."""
    more: dict[str, Any] = {} if network.proxy is None else {"proxy": network.proxy.url}
    if borrowed:
        # the owner's settings for other servers would change the meaning of our responses
        more |= {"auto_decompress": True, "raise_for_status": False}
        if network.ssl is not True:
            more["ssl"] = network.ssl
    return more


def _client_timeout(timeouts: Timeouts, streamed: bool) -> aiohttp.ClientTimeout:
    """Return the time-outs for aiohttp.

    No total: it would include the wait in the throttle, for which attempts have limits of their own.
    """
    silence = timeouts.read if streamed else None
    return aiohttp.ClientTimeout(total=None, sock_connect=timeouts.connect, sock_read=silence)


def _caller() -> str:
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("lemlist_async."):
        frame = frame.f_back
    return "an unknown place" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
