"""The admin face over HTTP: orders, the files of the page, and the stream that the page listens to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qs, urlsplit

import attrs
from aiohttp import web

from lemlist_async.core.json import dumps
from lemlist_async.sandbox.admin import PREFIX, Admin
from lemlist_async.sandbox.overview import overview
from lemlist_async.sandbox.page_files import page_file
from lemlist_async.sandbox.responses import RouteResponse, respond

__all__ = ["AdminFace"]

MAX_SNAPSHOT: Final = 1024 * 1024 * 1024
BETWEEN: Final = 0.25
"""Seconds between two looks at the state while a page is open."""
BEATS: Final = 4
"""Looks after which the overview is sent whatever they saw, for what they do not look at."""
_FOREIGN: Final = respond({"error": "a page of another site can order nothing"}, 403)


@attrs.define(eq=False)
class AdminFace:
    """Answer what is below ``/_sandbox``."""

    admin: Admin
    pause: Callable[[float], Awaitable[None]]
    """Sleep, at most until the sandbox stops."""
    is_closing: Callable[[], bool]

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        path, _, query = request.raw_path.removeprefix(PREFIX).partition("?")
        path = path.rstrip("/")
        if _is_foreign(request):
            return _sent(_FOREIGN)
        if request.method == "GET" and path == "/stream":
            return await self._stream(request, parse_qs(query).get("team", ["0"])[-1])
        file = page_file(path) if request.method == "GET" else None
        if file is not None:
            return _sent(file)
        body = await request.clone(client_max_size=MAX_SNAPSHOT).read()
        return _sent(self.admin.answer(request.method, request.raw_path, body))

    async def _stream(self, request: web.BaseRequest, team: str) -> web.StreamResponse:
        """Send an overview at once when something came, and each second."""
        try:
            overview(self.admin.sandbox, {"team": team})
        except ValueError as error:
            return _sent(respond({"error": str(error)}, 400))
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        before, quiet = list[object](), 0
        while not self.is_closing():
            seen = self._changes()
            if seen != before or quiet >= BEATS:
                news = dumps(overview(self.admin.sandbox, {"team": team}))
                await response.write(b"data: " + news + b"\n\n")
                before, quiet = seen, 0
            quiet += 1
            await self.pause(BETWEEN)
        return response

    def _changes(self) -> list[object]:
        """Return what differs when a request, an event or a fault came."""
        sandbox = self.admin.sandbox
        last = sandbox.requests[-1] if sandbox.requests else None
        return [
            *(len(sandbox.requests), last and last.status, sandbox.counters.requests, sandbox.speed),
            *(sandbox.faults.pending, len(sandbox.faults.injected), len(sandbox.errors)),
            *(
                len(table)
                for team in sandbox.teams()
                for table in (team.leads, team.campaigns, team.activities)
            ),
        ]


def _is_foreign(request: web.BaseRequest) -> bool:
    """Tell whether a page of another site asks, by the header that browsers send."""
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host


def _sent(answer: RouteResponse) -> web.Response:
    headers = {
        "Content-Type": f"{answer.content_type}; charset=utf-8",
        "Cache-Control": "no-store",
        **answer.headers,
    }
    return web.Response(body=answer.body, status=answer.status, headers=headers)
