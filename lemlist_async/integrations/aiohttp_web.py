"""aiohttp.web: one client per application, errors, visitors who leave, deadlines."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from lemlist_async.client import Lemlist
from lemlist_async.deadlines import deadline
from lemlist_async.errors import LemlistError
from lemlist_async.integrations._visit import Visit
from lemlist_async.integrations.background import Background
from lemlist_async.integrations.web_errors import response_to

LEMLIST = web.AppKey("lemlist", Lemlist)
"""Key of the client in the application: ``request.app[LEMLIST]``."""
BACKGROUND = web.AppKey("background", Background)
"""Key of the background tasks in the application."""
LOOK = 0.2
"""Seconds between two looks whether a visitor is there; aiohttp.web has no event for it."""


def setup(app: web.Application, make: Callable[[], Lemlist] = Lemlist) -> None:
    """Open one client with the application, as ``app[LEMLIST]``, and close it with it.

    ``app[BACKGROUND]`` takes work that goes on after a response. It ends when the server begins to stop: aiohttp waits
    for every task, for `shutdown_timeout`, before it closes anything.
    """

    async def run(app: web.Application) -> AsyncIterator[None]:
        async with make() as lemlist:
            app[LEMLIST], app[BACKGROUND] = lemlist, Background()
            yield

    app.cleanup_ctx.append(run)
    app.on_shutdown.append(_end_background)


async def _end_background(app: web.Application) -> None:
    await app[BACKGROUND].aclose()


@web.middleware
async def error_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn a `LemlistError` into a response that names its class and nothing else."""
    try:
        return await handler(request)
    except LemlistError as error:
        response = response_to(error)
    return web.json_response(response.body, status=response.status, headers=response.headers)


def deadline_middleware(seconds: float) -> Middleware:
    """Return a middleware that gives every request a deadline, which its calls inherit."""

    @web.middleware
    async def run(request: web.Request, handler: Handler) -> web.StreamResponse:
        with deadline(seconds):
            return await handler(request)

    return run


@contextlib.asynccontextmanager
async def until_gone(request: web.Request) -> AsyncGenerator[None]:
    """Give up the calls of the block when the visitor leaves, at the latest `LOOK` seconds later.

    A call that waits for the quota leaves the queue, and a read is dropped. Once a request that changes something has
    left, the block runs to its end. The server's own `handler_cancellation` would end that request too: leave it off.

    Raises:
        VisitorGoneError: the visitor has left.
    """
    visit = Visit()
    watcher = asyncio.create_task(_watch(request, visit))
    try:
        async with visit:
            yield
    finally:
        watcher.cancel()


async def _watch(request: web.Request, visit: Visit) -> None:
    while (transport := request.transport) is not None and not transport.is_closing():  # noqa: ASYNC110  # no event
        await asyncio.sleep(LOOK)
    visit.leave()
