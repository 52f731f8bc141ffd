"""Server on a loopback port with scripted responses and a log of its requests."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
from aiohttp import web

from lemlist_async.core.json import dumps

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@attrs.define
class Script:
    """Responses of the server, in order. The last one is repeated."""

    answers: list[Answer]
    url: str = ""
    seen: list[web.Request] = attrs.field(factory=list)
    bodies: list[bytes] = attrs.field(factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.seen.append(request)
        self.bodies.append(await request.read())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)

    @property
    def calls(self) -> list[str]:
        """Return verb and raw path with query of each request."""
        return [f"{request.method} {request.raw_path}" for request in self.seen]


def says(status: int, body: Any = b"", **headers: str) -> Answer:
    """Build a response: bytes as they are, text as text/plain, anything else as JSON."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        kind, content = "application/octet-stream", body
        if isinstance(body, str):
            kind, content = "text/plain", body.encode()
        elif not isinstance(body, bytes):
            kind, content = "application/json", dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=content, headers={"Content-Type": kind, **named})

    return answer


def hangs_up() -> Answer:
    """Cut the connection without a response."""

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    return answer


def waits(seconds: float, then: Answer) -> Answer:
    """Respond late."""
    import asyncio

    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await then(request)

    return answer


@asynccontextmanager
async def scripted(*answers: Answer) -> AsyncIterator[Script]:
    """Serve a script."""
    script = Script(list(answers))
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{tail:.*}", script.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    script.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api"
    try:
        yield script
    finally:
        await runner.cleanup()
