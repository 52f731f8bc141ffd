"""The HTTP side of the sandbox: one aiohttp handler for every path."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import Callable, Generator
from contextlib import suppress
from random import Random
from typing import cast
from urllib.parse import parse_qs, unquote

import attrs
from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.web_protocol import RequestHandler

from lemlist_async.sandbox.admin import PREFIX, Admin
from lemlist_async.sandbox.admin_http import AdminFace
from lemlist_async.sandbox.admission import API, AdmissionControl, AdmittedRequest
from lemlist_async.sandbox.counters import UnhandledError
from lemlist_async.sandbox.document import Document, Violation
from lemlist_async.sandbox.fault_injector import FaultInjector
from lemlist_async.sandbox.fault_kinds import Damage
from lemlist_async.sandbox.outbox import Outbox
from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.request_log import LoggedRequest, RequestLog, without_key
from lemlist_async.sandbox.response_sender import ResponseSender
from lemlist_async.sandbox.responses import TEXT, Refusal, RouteResponse, respond
from lemlist_async.sandbox.route import Route, Work
from lemlist_async.sandbox.world import World

__all__ = ["Server"]

_log = logging.getLogger("lemlist_async.sandbox")
MAX_BODY = 25 * 1024 * 1024  # lemlist takes media up to 20 MB


@attrs.define(eq=False, kw_only=True)
class Server:
    """Server that takes a request from admission to the last byte, faults and latency included."""

    world: World
    admission_control: AdmissionControl
    faults: FaultInjector
    outbox: Outbox
    seen: RequestLog
    errors: deque[UnhandledError]
    document: Document | None
    violations: deque[Violation]
    admin: Admin
    clock: Callable[[], float]
    latency: tuple[float, float]
    random: Random
    _face: AdminFace = attrs.field(init=False)
    _closing: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _runner: web.ServerRunner | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._face = AdminFace(self.admin, self._pause, self._closing.is_set)

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen, and return the port, which is a free one for 0."""
        # the routes are the sandbox's own, so an application with its router would only cost time
        server = web.Server(self._handle, request_factory=_request, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        try:
            await self._runner.setup()
            return await self.listen(host, port, tls)
        except BaseException:
            await self.stop()
            raise

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None) -> int:
        """Listen on one more port, and return it."""
        if self._runner is None:
            raise RuntimeError("the server was not started")
        await web.TCPSite(self._runner, host, port, ssl_context=tls).start()
        return int(self._runner.addresses[-1][1])

    async def stop(self) -> None:
        """End every pause and close every connection."""
        self._closing.set()
        await self.outbox.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.raw_path.startswith(PREFIX):
            return await self._face.handle(request)
        now = self.clock()
        raw_path, _, raw_query = request.raw_path.partition("?")
        query = parse_qs(raw_query, keep_blank_values=True) if raw_query else {}
        result = self.admission_control.admit(
            request.method, raw_path, query, request.headers.get("Authorization"), now
        )
        seen = LoggedRequest(
            request.method,
            result.template,
            now,
            path=unquote(raw_path.removeprefix(API)),
            query=without_key(query),
            team=result.team_id,
        )
        self.seen.append(seen)
        sender = ResponseSender(request, result.headers, self._pause)
        response: web.Response | None
        if isinstance(result.outcome, RouteResponse):
            response = sender.respond(result.outcome)
        else:
            response = await self._serve(request, seen, result.outcome, query, sender)
        if response is None:
            return (
                web.Response()
            )  # aiohttp requires a response object, though the connection is closed by now
        seen.status = response.status
        return response

    async def _serve(
        self,
        request: web.BaseRequest,
        seen: LoggedRequest,
        admission: AdmittedRequest,
        query: dict[str, list[str]],
        sender: ResponseSender,
    ) -> web.Response | None:
        try:
            body = await request.read() if request.can_read_body else b""
        except web.HTTPRequestEntityTooLarge:
            return sender.respond(respond("Payload Too Large", 413))
        except (web.RequestPayloadError, ValueError):  # such as a body that is not the gzip it says
            refused = sender.respond(respond("Bad request", 400))
            refused.force_close()  # where the next request begins on this connection is not known
            return refused
        self.seen.keep_body(seen, body)
        content_type = request.headers.get("Content-Type", "")
        context = RequestContext(
            self.world, admission.team, admission.ids, query, body, content_type, lambda: _base_of(request)
        )
        if self.document is not None:
            self._compare(self.document, seen, context)
        fault = self.faults.pick(request.method, seen.template)
        await self._lag()
        if fault is None:
            return sender.respond(await self._handle_route(admission.route, context))
        if isinstance(fault, Damage):
            return await sender.damage(fault, await self._handle_route(admission.route, context))
        if fault.effect:
            await self._handle_route(admission.route, context)
        return await sender.replace_by(fault)

    def _compare(self, document: Document, seen: LoggedRequest, context: RequestContext) -> None:
        """Report the ways in which a request differs from the vendor's document."""
        found = document.violations(
            seen.method, seen.template, context.ids, context.query, context.body, context.content_type
        )
        for violation in found:
            self.violations.append(violation)
            _log.warning("%s %s: %s", violation.method, violation.template, violation.reason)

    async def _handle_route(self, route: Route, context: RequestContext) -> RouteResponse:
        """Call the handler of a route. Whatever it raises becomes a response: no input brings the sandbox down."""
        try:
            result = route.handler(context)
            if isinstance(result, Generator):  # long work, which lets others run wherever it yields
                result = await _in_turns(cast("Work", result))
            return result if isinstance(result, RouteResponse) else respond(result)
        except Refusal as refusal:
            return refusal.response
        except Exception as error:  # noqa: BLE001 - the one guard: a fault of ours, marked and journalled
            self.errors.append(UnhandledError.of(route.method, route.template, error))
            _log.error("the sandbox failed at %s %s: %s", route.method, route.template, type(error).__name__)
            return RouteResponse(
                500, b"Internal server error", TEXT, {"X-Sandbox-Error": type(error).__name__}
            )

    async def _lag(self) -> None:
        low, high = self.latency
        if high:
            await self._pause(self.random.uniform(low, high))

    async def _pause(self, seconds: float) -> None:
        """Sleep, at most until the sandbox stops."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY)


async def _in_turns(work: Work) -> object:
    while True:
        try:
            next(work)
        except StopIteration as end:
            return cast("object", end.value)
        await asyncio.sleep(0)


def _base_of(request: web.BaseRequest) -> str:
    return f"{request.scheme}://{request.host}{API}"
