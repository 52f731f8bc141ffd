"""Owns, or borrows, the ClientSession; made in the running loop when the first call needs it."""

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
from lemlist_async.transport.request import Connector, Request

ACCEPT = "application/json, text/*;q=0.9, */*;q=0.1"
POOL = 100
"""Connections at most: above what the throttle lets fly, so that no call waits for one inside its slot."""
LARGE = 2**20
"""Bytes above which a body is written piece by piece; aiohttp warns of larger ones that are not."""


@attrs.frozen(kw_only=True)
class Network:
    """How the own session reaches the host."""

    proxy: ProxyURL | None = None
    """Address of an HTTP proxy. Proxies from the environment and `.netrc` are never read."""
    ssl: ssl_module.SSLContext | bool = True
    """A context of your own, for a private authority or a client certificate."""
    user_agent: str = ""


class Session:
    """One ClientSession, bound to the event loop and the process of its first use."""

    def __init__(self, network: Network, timeouts: Timeouts, borrowed: aiohttp.ClientSession | None) -> None:
        self._network = network
        self._timeouts = timeouts
        self._borrowed = borrowed
        self._own: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        # the own session sends these with every request; a borrowed one has to be told each time
        self._headers = {"User-Agent": network.user_agent, "Accept": ACCEPT}
        self._each = {} if borrowed is None else self._headers
        self._each_json = {**self._each, "Content-Type": "application/json"}
        self._more = _more(network, borrowed=borrowed is not None)
        self._pid = os.getpid()
        self._closed = False
        self._made_at = _caller()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def get(self) -> aiohttp.ClientSession:
        """The session to use here and now.

        Raises:
            ClosedError: after close, after a fork, or from another event loop than that of the first use.
        """
        if self._closed:
            raise ClosedError("this Lemlist is closed; make a new one")
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
        return aiohttp.ClientSession(
            connector=Connector(limit=POOL, ssl=self._network.ssl, ttl_dns_cache=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            request_class=Request,
            timeout=_client_timeout(self._timeouts, streamed=False),
            trust_env=False,
        )

    def shut(self) -> None:
        """Begin nothing more."""
        self._closed = True

    async def close(self) -> None:
        """Close what is our own; a borrowed session stays open."""
        self.shut()
        own, self._own = self._own, None
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
        """Send one request; redirects are not followed, so it goes nowhere but to `url`."""
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
        # no I/O here: the sockets go with the connector; aiohttp's own warning would only say it again
        own._connector = None  # pyright: ignore[reportPrivateUsage]  # there is no public way to disarm it


def piecemeal(content: bytes) -> bytes | io.BytesIO:
    """Content as aiohttp wants it: as a file where it is large, so that the loop has its turns in between.

    A file is used up by being sent, so it is made for each try.
    """
    return content if len(content) <= LARGE else io.BytesIO(content)


def _more(network: Network, *, borrowed: bool) -> dict[str, Any]:
    """What a request has to say for itself: the proxy, and to a borrowed session also the rest."""
    more: dict[str, Any] = {} if network.proxy is None else {"proxy": network.proxy.url}
    if borrowed:
        # what its owner set for other servers' answers would change what ours mean
        more |= {"auto_decompress": True, "raise_for_status": False}
        if network.ssl is not True:
            more["ssl"] = network.ssl
    return more


def _client_timeout(timeouts: Timeouts, streamed: bool) -> aiohttp.ClientTimeout:
    """No total: it would count the wait in the throttle; the pipeline has a time limit of its own."""
    silence = timeouts.read if streamed else None
    return aiohttp.ClientTimeout(total=None, sock_connect=timeouts.connect, sock_read=silence)


def _caller() -> str:
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("lemlist_async."):
        frame = frame.f_back
    return "an unknown place" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
