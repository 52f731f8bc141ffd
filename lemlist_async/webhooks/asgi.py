"""ASGI application that receives webhooks, for FastAPI, Starlette, Litestar and any other ASGI framework or server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from lemlist_async.webhooks.answer import answer
from lemlist_async.webhooks.errors import WebhookError

if TYPE_CHECKING:
    from lemlist_async.webhooks.receiver import WebhookReceiver

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class _GoneError(Exception):
    """The client has left before its body was complete."""


class ASGIReceiver:
    """Application to mount under any path. As the whole application it opens the receiver in its lifespan."""

    def __init__(self, receiver: WebhookReceiver) -> None:
        self._receiver = receiver

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        query = bytes(scope.get("query_string", b"")).decode("latin-1")
        try:
            status = await answer(self._receiver, scope["method"], query, _pieces(receive))
        except _GoneError:
            return
        headers = [(b"content-length", b"0"), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._receiver.open()
        except WebhookError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        try:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        finally:
            await self._receiver.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return
