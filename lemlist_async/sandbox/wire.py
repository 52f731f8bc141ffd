"""From answers and faults to bytes on a socket: the only place that plays tricks with the transport."""

from __future__ import annotations

import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final, TypeAlias

import attrs
from aiohttp import web

from .exchange import Answer
from .faults import Cut, Damage, Drip, Garbage, Hang, Loss, Reset, Rewrite, Slow, Status

__all__ = ["Wire"]

Pause: TypeAlias = Callable[[float], Awaitable[None]]
_NO_LINGER: Final = struct.pack("ii", 1, 0)


@attrs.define
class Wire:
    """The way back of one request."""

    request: web.Request
    rate_headers: Mapping[str, str]
    pause: Pause

    def respond(self, answer: Answer) -> web.Response:
        """The answer as it should be."""
        headers = {"Content-Type": _content_type(answer), **answer.headers, **self.rate_headers}
        return web.Response(body=answer.body, status=answer.status, headers=headers)

    async def lose(self, fault: Loss) -> web.Response | None:
        """Let ``fault`` take the place of the answer; None if nothing was sent that has a status."""
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

    async def damage(self, fault: Damage, answer: Answer) -> web.Response:
        """Let ``fault`` happen to the true answer."""
        match fault:
            case Slow():
                await self.pause(fault.seconds)
            case Rewrite():
                return self.respond(_rewritten(answer, fault))
            case Drip():
                whole = self._head(answer, f"Content-Length: {len(answer.body)}") + answer.body
                size = -(-len(whole) // fault.pieces)
                pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
                await self._send(pieces, fault.seconds / len(pieces))
            case Cut():
                await self._cut(fault, answer)
            case _:
                pass  # a plain Damage does none
        return self.respond(answer)  # of a connection that is closed by now, only the status is of use

    async def _cut(self, fault: Cut, answer: Answer) -> None:
        part = answer.body[: int(len(answer.body) * fault.keep)]
        match fault.framing:
            case "length":
                sent = self._head(answer, f"Content-Length: {len(answer.body)}") + part
            case "chunked":
                sent = self._head(answer, "Transfer-Encoding: chunked") + b"%x\r\n%b\r\n" % (len(part), part)
            case "close":
                sent = self._head(answer, "Connection: close") + part
        self._write(sent)
        if fault.stall:
            await self.pause(fault.stall)
        self._close()

    def _head(self, answer: Answer, framing: str) -> bytes:
        status = HTTPStatus(answer.status)
        headers = {"Content-Type": _content_type(answer), **answer.headers, **self.rate_headers}
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


def _content_type(answer: Answer) -> str:
    return f"{answer.content_type}; charset=utf-8"


def _rewritten(answer: Answer, fault: Rewrite) -> Answer:
    body = answer.body if fault.body is None else fault.body
    return Answer(
        answer.status, body, fault.content_type or answer.content_type, {**answer.headers, **fault.headers}
    )
