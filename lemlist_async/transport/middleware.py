"""aiohttp client middlewares of one try: auth outermost, then classify, then throttle next to the wire."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
from yarl import URL

from lemlist_async.core.classify import by_limiter, is_plan_limit, refusal
from lemlist_async.core.headers import read_quota, read_rate
from lemlist_async.core.wire import Call, Reply
from lemlist_async.credentials import ApiKey
from lemlist_async.errors import LemlistError
from lemlist_async.options import Options
from lemlist_async.throttle import RateState, Slot, Throttle
from lemlist_async.transport.faults import CAUGHT, fault
from lemlist_async.transport.request import Request
from lemlist_async.transport.watch import Limit

_ERROR_BODY = 64 * 1024
"""Bytes of an error's body that are read; more closes the connection instead."""
Handler = aiohttp.ClientHandlerType


class Try:
    """One try of a call, as three middlewares that share what happened.

    Because `classify` turns aiohttp's exceptions into ours inside aiohttp's own loop, aiohttp never sends a
    request again by itself: each repeat is a decision of the pipeline.
    """

    def __init__(
        self,
        call: Call[Any],
        key: ApiKey,
        origin: URL,
        throttle: Throttle,
        options: Options,
        limit: asyncio.Timeout | Limit,
        owner: object,
    ) -> None:
        self._call = call
        self._key = key
        self._origin = origin
        self._throttle = throttle
        self._options = options
        self._owner = owner
        self._limit = limit
        self.sent: bool = False
        self.granted: float | None = None
        self.slot: Slot | None = None

    @property
    def middlewares(self) -> tuple[aiohttp.ClientMiddlewareType, ...]:
        """Outermost first."""
        return self.authenticate, self.classify, self.throttle

    async def authenticate(self, request: aiohttp.ClientRequest, handler: Handler) -> aiohttp.ClientResponse:
        """Add the key, for our own origin only: files of exports may lie elsewhere."""
        if request.url.origin() == self._origin:
            request.headers["Authorization"] = self._key.authorization
        return await handler(request)

    async def classify(self, request: aiohttp.ClientRequest, handler: Handler) -> aiohttp.ClientResponse:
        """Raise our error for a status that is no success, and in place of each of aiohttp's exceptions."""
        try:
            response = await handler(request)
            if response.status < 300:
                return response
            failed = await self._refusal(response)
        except CAUGHT as error:
            failed = fault(error, self._call, sent=self.sent)
        # outside of the except block: aiohttp's exception, as a context, would carry the request's headers
        raise failed

    async def _refusal(self, response: aiohttp.ClientResponse) -> LemlistError:
        status = response.status
        try:
            body = await read_capped(response, _ERROR_BODY)
        except BaseException as error:
            response.close()
            if not isinstance(error, CAUGHT):
                raise
            # the status alone says enough: a gateway's page that was cut must not hide its 502
            body = b""
        return refusal(self._call, Reply(status, response.headers, body or b""))

    async def throttle(self, request: aiohttp.ClientRequest, handler: Handler) -> aiohttp.ClientResponse:
        """Wait for a slot, send, and hold the slot until a window after the answer."""
        slot = self.slot = await self._throttle.acquire(
            self._options.lane, max_wait=self._options.max_wait, owner=self._owner
        )
        self._start()
        if isinstance(request, Request):
            request.slot = slot
        else:
            slot.untimed()
        try:
            response = await handler(request)
        except BaseException:
            # a request of a borrowed session does not tell whether it was written: it counts as sent
            self.sent = not isinstance(request, Request) or request.written
            if self.sent:
                slot.aborted()
            else:
                slot.give_back()
            raise
        self.sent = True
        self._settle(slot, response)
        return response

    def _start(self) -> None:
        """The time of the try runs from here: what went before was the queue."""
        self.granted = time.monotonic()
        seconds = self._options.timeouts.attempt
        if seconds is not None:
            until = asyncio.get_running_loop().time() + seconds
            deadline = self._limit.when()
            self._limit.reschedule(until if deadline is None else min(until, deadline))

    def _settle(self, slot: Slot, response: aiohttp.ClientResponse) -> None:
        headers = response.headers
        state = RateState(*read_quota(headers)) if "X-RateLimit-Limit" in headers else None
        if response.status == 429:
            rate = read_rate(headers)
            if not is_plan_limit(self._call, rate):
                slot.refused(rate.retry_after, by_limiter=by_limiter(Reply(429, headers)), rate=state)
                return
        slot.answered(state)


async def read_capped(response: aiohttp.ClientResponse, cap: int) -> bytes | None:
    """The whole body; None if it is larger than `cap` bytes, in which case the connection is closed."""
    content = response.content
    pieces = [await content.readany()]
    size = len(pieces[0])
    while size <= cap:
        if content.at_eof():  # the usual answer is there in one piece
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.append(await content.readany())
        size += len(pieces[-1])
    response.close()
    return None
