"""The HTTP side of the sandbox: one aiohttp handler for every path."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from random import Random
from urllib.parse import parse_qs

import attrs
from aiohttp import web

from .accounts import Seen
from .desk import Admission, Desk
from .exchange import Answer, Call, Refusal, Route, answer
from .fault_book import FaultBook
from .faults import Damage
from .outbox import Outbox
from .wire import Wire
from .world import World

__all__ = ["Server"]

MAX_BODY = 25 * 1024 * 1024  # lemlist takes media up to 20 MB


@attrs.define(eq=False, kw_only=True)
class Server:
    """Takes requests from admission to the last byte, faults and latency included."""

    world: World
    desk: Desk
    faults: FaultBook
    outbox: Outbox
    seen: deque[Seen]
    clock: Callable[[], float]
    latency: tuple[float, float]
    random: Random
    _closing: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _runner: web.AppRunner | None = attrs.field(default=None, init=False)

    async def start(self, host: str, port: int) -> int:
        """Listen; the port, which is a free one for 0."""
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        try:
            await self._runner.setup()
            await web.TCPSite(self._runner, host, port).start()
        except BaseException:
            await self.stop()
            raise
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """End every pause and close every connection."""
        self._closing.set()
        await self.outbox.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        now = self.clock()
        raw_path, _, raw_query = request.raw_path.partition("?")
        query = parse_qs(raw_query, keep_blank_values=True) if raw_query else {}
        ticket = self.desk.admit(request.method, raw_path, query, request.headers.get("Authorization"), now)
        seen = Seen(request.method, ticket.template, now)
        self.seen.append(seen)
        wire = Wire(request, ticket.headers, self._pause)
        response: web.Response | None
        if isinstance(ticket.outcome, Answer):
            response = wire.respond(ticket.outcome)
        else:
            response = await self._serve(request, ticket.template, ticket.outcome, query, wire)
        if response is None:
            return web.Response()  # the connection is gone; aiohttp only wants something to drop
        seen.status = response.status
        return response

    async def _serve(
        self,
        request: web.Request,
        template: str,
        admission: Admission,
        query: dict[str, list[str]],
        wire: Wire,
    ) -> web.Response | None:
        body = await request.read() if request.can_read_body else b""
        content_type = request.headers.get("Content-Type", "")
        call = Call(self.world, admission.team, admission.ids, query, body, content_type)
        fault = self.faults.pick(request.method, template)
        await self._lag()
        if fault is None:
            return wire.respond(_carry_out(admission.route, call))
        if isinstance(fault, Damage):
            return await wire.damage(fault, _carry_out(admission.route, call))
        if fault.effect:
            _carry_out(admission.route, call)
        return await wire.lose(fault)

    async def _lag(self) -> None:
        low, high = self.latency
        if high:
            await self._pause(self.random.uniform(low, high))

    async def _pause(self, seconds: float) -> None:
        """Sleep, but not past the end of the sandbox."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)


def _carry_out(route: Route, call: Call) -> Answer:
    try:
        result = route.handler(call)
    except Refusal as refusal:
        return refusal.answer
    return result if isinstance(result, Answer) else answer(result)
