"""Bytes on a socket for responses and faults: the only module of the sandbox that manipulates the transport."""

from __future__ import annotations

import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final, TypeAlias

import attrs
from aiohttp import web

from lemlist_async.sandbox.fault_kinds import (
    Cut,
    Damage,
    Drip,
    Garbage,
    Hang,
    Loss,
    Reset,
    Rewrite,
    Slow,
    Status,
)
from lemlist_async.sandbox.responses import RouteResponse

__all__ = ["ResponseSender"]

Pause: TypeAlias = Callable[[float], Awaitable[None]]
_NO_LINGER: Final = struct.pack("ii", 1, 0)


@attrs.define
class ResponseSender:
    """Sender of one request's response."""

    request: web.BaseRequest
    rate_headers: Mapping[str, str]
    pause: Pause

    def respond(self, response: RouteResponse) -> web.Response:
        """Return the response unharmed."""
        headers = {"Content-Type": _content_type(response), **response.headers, **self.rate_headers}
        return web.Response(body=response.body, status=response.status, headers=headers)

    async def replace_by(self, fault: Loss) -> web.Response | None:
        """Let ``fault`` replace the response; None if no status was sent."""
        match fault:
            case Status():
                return self._replaced(fault)
            case Reset():
                self._drop(hard=fault.hard)
            case Hang():
                await self.pause(fault.seconds)
                self._drop(hard=False)
            case Garbage():
                await self._send([fault.raw])
            case _:  # a plain Loss
                self._drop(hard=False)
        return None

    def _replaced(self, fault: Status) -> web.Response:
        rate_headers = self.rate_headers if fault.rate_headers else dict[str, str]()
        headers = {"Content-Type": fault.content_type, **rate_headers, **fault.headers}
        return web.Response(body=fault.body.encode(), status=fault.status, headers=headers)

    async def damage(self, fault: Damage, response: RouteResponse) -> web.Response:
        """Let ``fault`` damage the true response."""
        match fault:
            case Slow():
                await self.pause(fault.seconds)
            case Rewrite():
                return self.respond(_rewritten(response, fault))
            case Drip():
                whole = self._head(response, f"Content-Length: {len(response.body)}") + response.body
                size = -(-len(whole) // fault.pieces)
                pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
                await self._send(pieces, fault.seconds / len(pieces))
            case Cut():
                await self._cut(fault, response)
            case _:
                pass  # a plain Damage does none
        return self.respond(response)  # after a Drip or Cut the connection is closed: only the status is used

    async def _cut(self, fault: Cut, response: RouteResponse) -> None:
        part = response.body[: int(len(response.body) * fault.keep)]
        match fault.framing:
            case "length":
                sent = self._head(response, f"Content-Length: {len(response.body)}") + part
            case "chunked":
                sent = self._head(response, "Transfer-Encoding: chunked") + b"%x\r\n%b\r\n" % (
                    len(part),
                    part,
                )
            case "close":
                sent = self._head(response, "Connection: close") + part
        self._write(sent)
        if fault.stall:
            await self.pause(fault.stall)
        self._close()

    def _head(self, response: RouteResponse, framing: str) -> bytes:
        status = HTTPStatus(response.status)
        headers = {"Content-Type": _content_type(response), **response.headers, **self.rate_headers}
        lines = [
            f"HTTP/1.1 {status} {status.phrase}",
            *(f"{name}: {value}" for name, value in headers.items()),
            framing,
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    async def _send(self, pieces: list[bytes], gap: float = 0.0) -> None:
        for piece in pieces:
            if gap:
                await self.pause(gap)
            self._write(piece)
        self._close()

    def _write(self, data: bytes) -> None:
        if (transport := self.request.transport) is not None:
            transport.write(data)

    def _close(self) -> None:
        if (transport := self.request.transport) is not None:
            transport.close()

    def _drop(self, *, hard: bool) -> None:
        transport = self.request.transport
        if transport is None:  # the client went away first
            return
        if hard:  # closing with a linger of zero seconds sends RST in place of FIN
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()


def _content_type(response: RouteResponse) -> str:
    return f"{response.content_type}; charset=utf-8"


def _rewritten(response: RouteResponse, fault: Rewrite) -> RouteResponse:
    body = response.body if fault.body is None else fault.body
    return RouteResponse(
        response.status,
        body,
        fault.content_type or response.content_type,
        {**response.headers, **fault.headers},
    )
