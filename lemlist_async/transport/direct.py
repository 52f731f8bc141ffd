"""Requests written straight to the connections of aiohttp's pool, past its ClientSession and its ClientRequest.

Connector, DNS, TLS, protocol and C parser stay aiohttp's; only the bytes of the request are written here, and they
are those that aiohttp would write. `Session.direct` tells which requests go this way.

aiohttp makes no promise for the names used here. So `works` tries them before the first request, without a network;
if aiohttp has changed under them, all requests go through ClientSession.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Coroutine, Mapping
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.hdrs import CONTENT_LENGTH, CONTENT_TYPE
from aiohttp.helpers import TimerNoop
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from lemlist_async.core.send_observer import SendObserver
from lemlist_async.throttle import Slot
from lemlist_async.transport.request import Connector, Request, StaleConnectionError, is_stale

_log = logging.getLogger("lemlist_async")

LARGEST = 2**16
"""Bytes of the largest body to write at once: what a transport takes before it asks its writer to wait."""
_SWITCHING_PROTOCOLS = 101
_CLIENT = aiohttp.ClientSession.close.__code__.co_filename
"""Source of aiohttp's own methods. Not the module's `__file__`, which differs in a program that was frozen."""
_NO_TIMER = TimerNoop()
_NO_TRACES: list[Any] = []


class DirectResponse:
    """Response whose body is in `content`; its connection goes back to the pool with the last byte."""

    __slots__ = ("connection", "content", "headers", "status")

    def __init__(self, message: Any, content: aiohttp.StreamReader, connection: Any) -> None:
        self.status: int = message.code
        self.headers: Mapping[str, str] = message.headers
        self.content: aiohttp.StreamReader = content
        self.connection: Any = connection
        """None once the connection was released or closed."""
        # called at once if the body has arrived already
        content.on_eof(self._release)

    def _release(self) -> None:
        connection = self.connection
        # a connection that speaks another protocol now (101) can only be closed
        if connection is not None and not connection.protocol.upgraded:
            self.connection = None
            connection.release()

    def close(self) -> None:
        """Close the connection, unless it was released."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()


class Destination:
    """One origin that requests are written to, with the headers that all of them have."""

    def __init__(self, session: aiohttp.ClientSession, base: str, ssl: Any) -> None:
        self._session = session
        self._url = URL(base).origin()
        self._ssl = ssl
        self._heads: dict[tuple[str, bool], str] = {}
        self.connector: Any = session.connector
        self.request: Request = self._request("GET")
        """Stands for every request when a connection is made."""
        self.key: Any = self.request.connection_key

    def head(self, method: str, with_body: bool) -> str:
        """Return the headers that aiohttp would send, without the key and the length of a body."""
        head = self._heads.get((method, with_body))
        if head is None:
            head = self._heads[method, with_body] = self._make_head(method, with_body)
        return head

    def _make_head(self, method: str, with_body: bool) -> str:
        headers = self._request(method, b" " if with_body else None).headers
        if with_body:
            del headers[CONTENT_LENGTH]
            headers[CONTENT_TYPE] = "application/json"
        elif method in Request.POST_METHODS:
            # aiohttp announces a type even where nothing follows
            headers[CONTENT_TYPE] = "application/octet-stream"
        return "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    def _request(self, method: str, data: bytes | None = None) -> Request:
        session, loop = self._session, asyncio.get_running_loop()
        return Request(
            method, self._url, headers=session.headers, data=data, loop=loop, session=session, ssl=self._ssl
        )


class DirectRequest:
    """One request to a destination."""

    __slots__ = ("_body", "_destination", "_method", "_observer", "_slot", "_target", "_timeout", "written")

    def __init__(
        self,
        destination: Destination,
        method: str,
        target: str,
        body: bytes | None,
        timeout: aiohttp.ClientTimeout,
    ) -> None:
        self._destination = destination
        self._method = method
        self._target = target
        self._body = body
        self._timeout = timeout
        self._slot: Slot | None = None
        self._observer: SendObserver | None = None
        self.written: bool = False
        """Whether a byte of the request may have left."""

    def begin(self, slot: Slot, observer: SendObserver | None) -> None:
        """Take the slot and the observer that are to be told when the first byte leaves."""
        self._slot = slot
        self._observer = observer

    async def send(self, authorization: str | None) -> DirectResponse:
        """Send the request, and return its response once the headers have arrived.

        Raises:
            StaleConnectionError: bytes on the connection would be taken for the response to this request.
            aiohttp.ClientError, OSError: what aiohttp raises for the same fault.
        """
        destination = self._destination
        connection: Any = destination.connector.reuse(destination.key) or await self._connect()
        try:
            protocol = connection.protocol
            expect_response(protocol)
            self._write(protocol.transport, authorization)
            message, content = await protocol.read()
            while not is_final(message):
                message, content = await protocol.read()
            return DirectResponse(message, content, connection)
        except HttpProcessingError as error:
            connection.close()
            nothing: Any = None
            # as ClientResponse raises it
            raise aiohttp.ClientResponseError(
                nothing, (), status=error.code, message=error.message, headers=error.headers
            ) from error
        except BaseException:
            connection.close()
            raise

    async def _connect(self) -> Any:
        destination = self._destination
        try:
            connection = await destination.connector.connect(
                destination.request, traces=_NO_TRACES, timeout=self._timeout
            )
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError("no connection in time") from error
        if is_stale(connection.protocol):
            connection.close()
            raise StaleConnectionError
        return connection

    def _write(self, transport: asyncio.Transport | None, authorization: str | None) -> None:
        if transport is None or transport.is_closing():
            raise aiohttp.ClientConnectionResetError("the connection is closing")
        body, method = self._body, self._method
        head = f"{method} {self._target} HTTP/1.1\r\n{self._destination.head(method, body is not None)}"
        if body is not None:
            head += f"Content-Length: {len(body)}\r\n"
        if authorization is not None:
            head += f"Authorization: {authorization}\r\n"
        content = (head + "\r\n").encode()
        if self._observer is not None:
            self._observer.leaving()
        # before the write, not after it: a cancellation in between must count as sent
        self.written = True
        if self._slot is not None:
            self._slot.wrote()
        transport.write(content if body is None else content + body)


def expect_response(protocol: Any) -> None:
    """Prepare a connection for the response to the next request.

    aiohttp makes a parser for each response. One that has read a whole response is ready for the next one, as in its
    server; a request through ClientSession leaves a parser with other settings behind.
    """
    if protocol._parser is None or protocol._parser is not getattr(protocol, "direct_parser", None):
        protocol.set_response_params(timer=_NO_TIMER, read_until_eof=True, auto_decompress=True)
        protocol.direct_parser = protocol._parser


def is_final(message: Any) -> bool:
    """Return whether a response is more than an interim one, which another one follows."""
    code: int = message.code
    return code >= 200 or code == _SWITCHING_PROTOCOLS or code < 100


def is_plain(session: aiohttp.ClientSession) -> bool:
    """Return whether nothing watches or replaces the requests of a session.

    Tracing libraries add trace configurations to every session, and tools that record or mock requests replace a
    method of ClientSession: both must see every request.
    """
    made: Any = aiohttp.ClientSession
    try:
        original = made._request.__code__.co_filename == made.request.__code__.co_filename == _CLIENT
    except AttributeError:
        return False
    return original and not session.trace_configs


@functools.cache
def works() -> bool:
    """Return whether aiohttp's internals behave as this module needs; warns once if they do not."""
    try:
        _rehearse()
    except Exception as error:  # noqa: BLE001  # whatever has changed, the other way is open
        _log.warning(
            "requests go through aiohttp's ClientSession, which costs more CPU: aiohttp %s has changed (%s: %s)",
            aiohttp.__version__,
            type(error).__name__,
            error,
        )
        return False
    return True


def _rehearse() -> None:
    """Read two responses over a pooled connection that leads nowhere, as `DirectRequest` does."""
    inspect.signature(aiohttp.TCPConnector.connect).bind(None, None, traces=_NO_TRACES, timeout=None)
    pool: Any = Connector(resolver=aiohttp.ThreadedResolver())
    nowhere = _Nowhere()
    protocol = ResponseHandler(asyncio.get_running_loop())
    protocol.connection_made(nowhere)
    pool._acquired.add(protocol)
    pool._release(nowhere, protocol)
    pool._cleanup_handle.cancel()
    try:
        for _ in range(2):
            connection = pool.reuse(nowhere)
            try:
                found = _read_one(connection)
            finally:
                connection.close()
            if found != ((200, "b", True), (b"{}", False, None)):
                raise RuntimeError(f"a response was read as {found}")
    finally:
        pool._conns.clear()


class _Nowhere(asyncio.Transport):
    """Transport without a socket, and the key of its place in a pool."""

    is_ssl = False

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass


def _read_one(connection: Any) -> tuple[object, object]:
    """Return what there is to see of a response before and after its last byte."""
    protocol = connection.protocol
    expect_response(protocol)
    protocol.data_received(b"HTTP/1.1 100 Continue\r\n\r\n")
    protocol.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: b\r\n\r\n{")
    message, content = _result(protocol.read())
    while not is_final(message):
        message, content = _result(protocol.read())
    response = DirectResponse(message, content, connection)
    begun = response.status, response.headers["a"], is_stale(protocol)
    protocol.data_received(b"}")
    return begun, (content.read_nowait(), is_stale(protocol), response.connection)


def _result(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Return the result of a coroutine that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    coroutine.close()
    raise RuntimeError("a response that had arrived was not there to read")
