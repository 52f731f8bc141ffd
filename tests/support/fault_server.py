"""Raw sockets with the wrong responses of servers, gateways and networks."""

import asyncio
import gzip
import socket
import ssl
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import attrs

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]
OK = b'{"_id":"cam_1","name":"One"}'


def answer(body: bytes = OK, status: str = "200 OK", kind: str = "application/json", *headers: str) -> bytes:
    """Build a whole response."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def sends(*pieces: bytes, pause: float = 0.0, then: str = "keep") -> Behaviour:
    """Write pieces, with a pause after each; then `keep` the connection, `close` it or `reset` it."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        if then == "close":
            writer.close()
        elif then == "reset":
            reset(writer)

    return behave


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with a TCP RST."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def silence(writer: asyncio.StreamWriter) -> None:
    """Stay silent for longer than any test waits."""
    await asyncio.sleep(60)


def bomb(size: int = 64 * 2**20) -> bytes:
    """Build a small gzip of a large body."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(squeeze.compress(b" " * 2**20) for _ in range(size // 2**20)) + squeeze.flush()
    return answer(packed, "200 OK", "application/json", "Content-Encoding: gzip")


def packed(body: bytes = OK) -> bytes:
    """Build a sound gzipped response."""
    return answer(gzip.compress(body), "200 OK", "application/json", "Content-Encoding: gzip")


@attrs.define
class FaultServer:
    """Server that behaves once per request. The last behaviour is repeated."""

    behaviours: list[Behaviour]
    url: str = ""
    requests: int = 0
    """Number of requests that were read whole."""
    connections: int = 0
    read: bool = True
    """Whether requests are read at all before the server behaves."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        try:
            while True:
                if self.read:
                    await self._read(reader)
                behaviour = self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]
                await behaviour(writer)
                if writer.is_closing() or not self.read:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                await reader.readexactly(int(line.partition(b":")[2]))
        self.requests += 1


@asynccontextmanager
async def fault_server(
    *behaviours: Behaviour, read: bool = True, tls: ssl.SSLContext | None = None
) -> AsyncIterator[FaultServer]:
    """Serve behaviours on a loopback port."""
    faults = FaultServer(list(behaviours), read=read)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(faults.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    scheme = "https" if tls else "http"
    faults.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/api"
    try:
        yield faults
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
