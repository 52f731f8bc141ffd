"""ASGI frameworks (FastAPI, Starlette, Litestar, or none): lifespan, errors, visitors who leave, deadlines.

No framework is imported.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from lemlist_async.client import Lemlist
from lemlist_async.core.json import dumps
from lemlist_async.deadlines import deadline
from lemlist_async.errors import ConfigurationError, LemlistError
from lemlist_async.integrations._visit import Visit
from lemlist_async.integrations.background import Background
from lemlist_async.integrations.web_errors import ErrorResponse, response_to

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class ASGIRequest(Protocol):
    """Request of a framework, as far as it is needed here."""

    @property
    def receive(self) -> Callable[[], Awaitable[Any]]: ...


def lifespan(
    make: Callable[[], Lemlist] = Lemlist,
) -> Callable[[Any], AbstractAsyncContextManager[dict[str, Lemlist]]]:
    """Return a lifespan that opens one client with the application, and closes it with it.

    The client is ``app.state.lemlist``, and ``request.state.lemlist`` in Starlette and FastAPI. Beside it stands
    ``app.state.background``, whose tasks end before the client does.
    """

    @contextlib.asynccontextmanager
    async def run(app: Any) -> AsyncGenerator[dict[str, Lemlist]]:
        async with make() as lemlist, contextlib.aclosing(Background()) as background:
            app.state.lemlist, app.state.background = lemlist, background
            yield {"lemlist": lemlist}

    return run


@contextlib.asynccontextmanager
async def until_gone(request: ASGIRequest) -> AsyncGenerator[None]:
    """Give up the calls of the block when the visitor leaves.

    A call that waits for the quota leaves the queue, and a read is dropped. Once a request that changes something has
    left, the block runs to its end, since its outcome would be unknown. Read the body of the request before.

    Raises:
        VisitorGoneError: the visitor has left.
        ConfigurationError: the body of the request was not read before.
    """
    visit = Visit()
    listener = asyncio.create_task(_listen(request.receive, visit))
    try:
        async with visit:
            yield
    finally:
        # nothing may receive beside the framework once the handler goes on
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)


async def _listen(receive: Callable[[], Awaitable[Any]], visit: Visit) -> None:
    while (message := await receive())["type"] != "http.disconnect":
        if message.get("body") or message.get("more_body"):
            visit.leave(ConfigurationError("read the body of the request before until_gone"))
            return
    visit.leave()


class WithClient:
    """ASGI application around one without a lifespan of its own, such as Django's: opens and closes the client.

    The client is ``scope["state"]["lemlist"]``, which Django shows as ``request.scope``.
    """

    def __init__(self, app: ASGIApp, make: Callable[[], Lemlist] = Lemlist) -> None:
        self._app = app
        self._make = make

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the lifespan, and pass everything else on."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        await receive()
        try:
            scope["state"]["lemlist"] = lemlist = self._make()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": type(error).__name__})
            raise
        async with lemlist:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


class RequestDeadline:
    """ASGI middleware that gives every request a deadline, which its calls inherit."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application under the deadline; other protocols than HTTP have none."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with deadline(self._seconds):
            await self._app(scope, receive, send)


class JSONErrorResponse:
    """ASGI application that sends one response; frameworks take it for a response of their own."""

    def __init__(self, response: ErrorResponse) -> None:
        self.status_code: int = response.status
        self._response = response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        body = dumps(self._response.body)
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **self._response.headers,
        }
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status_code, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    def to_asgi_response(self, *_args: Any, **_more: Any) -> JSONErrorResponse:
        """Return the response itself, which Litestar asks for."""
        return self


def error_response(_request: Any, error: Any) -> Any:
    """Return the response to a `LemlistError`: an exception handler of Litestar."""
    return JSONErrorResponse(response_to(error))


async def handle_error(_request: Any, error: Any) -> Any:
    """Return the response to a `LemlistError`: an exception handler of Starlette and FastAPI."""
    return JSONErrorResponse(response_to(error))


EXCEPTION_HANDLERS: dict[Any, Any] = {LemlistError: handle_error}
"""For Starlette and FastAPI: ``FastAPI(exception_handlers=EXCEPTION_HANDLERS)``."""
LITESTAR_EXCEPTION_HANDLERS: dict[Any, Any] = {LemlistError: error_response}
"""For Litestar: ``Litestar(exception_handlers=LITESTAR_EXCEPTION_HANDLERS)``."""
