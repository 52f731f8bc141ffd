"""Route that receives webhooks, for aiohttp.web."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING

from aiohttp import web

from lemlist_async.webhooks.answer import answer

if TYPE_CHECKING:
    from lemlist_async.webhooks.receiver import WebhookReceiver


def add_route(app: web.Application, path: str, receiver: WebhookReceiver) -> None:
    """Serve a path with a receiver, which is open as long as the application is."""

    async def handle(request: web.Request) -> web.Response:
        # the stream and not `read`, since the limit is the receiver's and not the application's
        body = request.content.iter_any()
        return web.Response(status=await answer(receiver, request.method, request.query_string, body))

    async def live(_: web.Application) -> AsyncIterator[None]:
        async with receiver:
            yield

    app.router.add_route("*", path, handle)
    app.cleanup_ctx.append(live)


@contextlib.asynccontextmanager
async def serve(receiver: WebhookReceiver, port: int = 0) -> AsyncGenerator[str]:
    """Serve a receiver on every path of a loopback port, and give the address."""
    app = web.Application()
    add_route(app, "/{path:.*}", receiver)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
