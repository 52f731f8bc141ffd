"""A forward proxy whose tunnels to lemlist end in the sandbox."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import attrs

__all__ = ["ForwardProxy"]

_LONGEST_HEAD: Final = 16 * 1024
_PATIENCE: Final = 10.0
_PIECE: Final = 64 * 1024
_OPEN: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"


def _refusal(status: str, reason: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(reason)}\r\n"
    return f"{head}Connection: close\r\n\r\n{reason}".encode()


@attrs.define(eq=False)
class ForwardProxy:
    """Answer CONNECT for lemlist's hosts with a tunnel to a port of this machine. No other host is reached."""

    port: int
    """The port of this machine, which speaks TLS."""
    _server: asyncio.Server | None = attrs.field(default=None, init=False)
    _tunnels: set[asyncio.Task[None]] = attrs.field(factory=set[asyncio.Task[None]], init=False)

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port."""
        self._server = await asyncio.start_server(self._accept, host, port, limit=_LONGEST_HEAD)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """End all tunnels."""
        if self._server is not None:
            self._server.close()
        tunnels = tuple(self._tunnels)
        for tunnel in tunnels:
            tunnel.cancel()
        await asyncio.gather(*tunnels, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tunnels.add(task)
        task.add_done_callback(self._tunnels.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
            if refusal := _refused(head):
                writer.write(refusal)
            else:
                await self._tunnel(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away, or never spoke HTTP
        finally:
            writer.close()

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(_OPEN)
        ways = [
            asyncio.ensure_future(_copy(reader, inner_writer)),
            asyncio.ensure_future(_copy(inner_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            inner_writer.close()


def _refused(head: bytes) -> bytes:
    """Return the refusal of a request, or nothing for a tunnel that may be."""
    verb, _, rest = head.decode("latin-1").partition(" ")
    host = rest.partition(" ")[0].rpartition(":")[0].lower()
    if verb != "CONNECT":
        return _refusal("501 Not Implemented", "this proxy takes CONNECT alone: call https://api.lemlist.com")
    if host != "lemlist.com" and not host.endswith(".lemlist.com"):
        return _refusal("403 Forbidden", "this proxy leads to the sandbox alone, as lemlist.com")
    return b""


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
