"""Process that receives webhooks, to be killed. Arguments: FACE STORE OUT SOCKET_FD [SLOW].

`FACE` is ``aiohttp``, ``uvicorn``, or ``bare`` for a route that answers at once, with which to compare. It serves the
listening socket that it inherits, so that several processes share a port and none is free for others in between. Each
handled event is a line of OUT; SLOW is the time of a handler.
"""

import asyncio
import os
import socket
import sys
from pathlib import Path

from lemlist_async.webhooks import Event, ReceiverOptions, WebhookReceiver
from tests.support.posted import SECRET


def receiver(store: str, out: Path, slow: float) -> WebhookReceiver:
    """Make the receiver, whose handler writes a line."""
    made = WebhookReceiver(store, secret=SECRET, options=ReceiverOptions(lease=1.0, poll_every=0.1))
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    @made.on()
    async def handle(event: Event) -> None:
        if slow:
            await asyncio.sleep(slow)
        os.write(descriptor, f"{event.id}\n".encode())

    return made


async def aiohttp_server(made: WebhookReceiver, sock: socket.socket) -> None:
    """Serve an aiohttp route."""
    from aiohttp import web

    app = web.Application()
    made.add_to(app, "/hook")
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, sock).start()
    print("up", flush=True)
    await asyncio.Event().wait()


async def uvicorn_server(made: WebhookReceiver, sock: socket.socket) -> None:
    """Serve the ASGI application."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(made.asgi, log_level="warning", access_log=False))
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    while not server.started:  # noqa: ASYNC110  # uvicorn sets no event
        await asyncio.sleep(0.01)
    print("up", flush=True)
    await serving


async def bare_server(_: WebhookReceiver, sock: socket.socket) -> None:
    """Serve a route that reads the body and does nothing."""
    from aiohttp import web

    async def handle(request: web.Request) -> web.Response:
        await request.read()
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, sock).start()
    print("up", flush=True)
    await asyncio.Event().wait()


SERVERS = {"aiohttp": aiohttp_server, "uvicorn": uvicorn_server, "bare": bare_server}


def main(face: str, store: str, out: str, descriptor: str, slow: str = "0") -> None:
    """Serve until the process is killed."""
    made = receiver(store, Path(out), float(slow))
    sock = socket.socket(fileno=int(descriptor))
    asyncio.run(SERVERS[face](made, sock))


if __name__ == "__main__":
    main(*sys.argv[1:])
