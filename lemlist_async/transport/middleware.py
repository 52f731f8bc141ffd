"""The aiohttp client middleware of one try: the key, the throttle, and what an answer or a fault means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp.hdrs import AUTHORIZATION, COOKIE

from lemlist_async.clock import steady
from lemlist_async.core.classify import by_limiter, is_plan_limit, refusal
from lemlist_async.core.headers import read_quota, read_rate
from lemlist_async.core.retry import may_have_happened
from lemlist_async.core.send_observer import SEND_OBSERVER
from lemlist_async.core.wire import Call, Effect, Response
from lemlist_async.credentials import ApiKey
from lemlist_async.errors import LemlistError
from lemlist_async.options import Options
from lemlist_async.throttle import RateState, Slot, Throttle
from lemlist_async.transport.faults import CAUGHT, fault
from lemlist_async.transport.request import Request, close_stale, hide_key
from lemlist_async.transport.timeouts import TimeLimit

_ERROR_BODY = 64 * 1024
"""Bytes of an error's body that are read; more closes the connection instead."""


class AttemptState:
    """One try of a call: what happens between aiohttp and the wire, and what is known of it afterwards.

    Because this turns aiohttp's exceptions into ours inside aiohttp's own loop, aiohttp never sends a request
    again by itself: each repeat is a decision of the pipeline. It is one middleware and not one for the key, the
    throttle and the answers each, since aiohttp wraps every one anew for every request.
    """

    __slots__ = (
        "_call", "_key", "_limit", "_options", "_owner", "_redact", "_throttle", "granted", "response", "sent", "slot",
    )  # fmt: skip

    def __init__(
        self,
        call: Call[Any],
        key: ApiKey | None,
        throttle: Throttle,
        options: Options,
        limit: TimeLimit,
        owner: object,
        redact: Callable[[str], str],
    ) -> None:
        self._call = call
        self._redact = redact
        """Takes the key out of what a server said: trace hooks see an error before the pipeline does."""
        self._key = key
        """None for a host that is not to see it: files of exports may lie elsewhere."""
        self._throttle = throttle
        self._options = options
        self._limit = limit
        self._owner = owner
        self.sent: bool = False
        """Whether a byte of it may have left."""
        self.granted: float | None = None
        """When the throttle let it go."""
        self.slot: Slot | None = None
        self.response: aiohttp.ClientResponse | None = None
        """The answer, once its headers are there."""

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Wait for a slot, send, and raise our error for all that is no success.

        The slot is held until a window after the answer, whatever the answer was.
        """
        if self._key is None:
            # a borrowed session may have the key among its own headers
            request.headers.pop(AUTHORIZATION, None)
        else:
            request.headers[AUTHORIZATION] = self._key.authorization
        failed: LemlistError
        options = self._options
        observer = None if self._call.effect is Effect.READ else SEND_OBSERVER.get()
        slot = await self._throttle.acquire(options.lane, max_wait=options.max_wait, owner=self._owner)
        self._granted(slot, request)
        try:
            try:
                if observer is not None:
                    await observer.sending()
                response = await handler(request)
            finally:
                # the answer, which trace hooks and callers of the session see, refers to these headers
                request.headers.pop(AUTHORIZATION, None)
        except BaseException as error:
            self._end(slot, request)
            if not isinstance(error, CAUGHT):
                if observer is not None and not self.sent:
                    observer.not_done()
                raise
            failed = fault(error, self._call, sent=self.sent)
        else:
            self.sent, self.response = True, response
            self._settle(slot, response)
            if 200 <= response.status < 300:
                return response
            failed = await self._refusal(response)
        failed.scrub(self._redact)
        if observer is not None and not may_have_happened(failed):
            observer.not_done()
        # outside of the except block: aiohttp's exception, as a context, would carry the request's headers
        try:
            raise failed
        finally:
            del failed  # else it and its own traceback would hold one another

    def _granted(self, slot: Slot, request: aiohttp.ClientRequest) -> None:
        """It is our turn: the time of the try runs from here, since what went before was the queue."""
        self.slot, self.granted = slot, steady()
        if isinstance(request, Request):
            request.slot = slot
        else:
            slot.untimed()
            # the session of several clients has one jar: the cookie of one team would go with the key of another
            request.headers.popall(COOKIE, None)
            close_stale(request.session)
            hide_key(request)
        if self._options.timeouts.attempt is not None:
            self._limit.allow(self._options.timeouts.attempt)

    def _end(self, slot: Slot, request: aiohttp.ClientRequest) -> None:
        """No answer came."""
        # a request of a borrowed session does not tell whether it was written: it counts as sent
        self.sent = not isinstance(request, Request) or request.written
        if self.sent:
            slot.aborted()
        else:
            slot.give_back()

    def _settle(self, slot: Slot, response: aiohttp.ClientResponse) -> None:
        """An answer came: it may say more of the quota than that it was used."""
        headers = response.headers
        if self._key is None:
            slot.answered()  # what another host says is not about the quota of this key
        elif response.status == 429 and not is_plan_limit(self._call, rate := read_rate(headers)):
            state = RateState(rate.limit, rate.remaining)
            slot.refused(rate.retry_after, by_limiter=by_limiter(Response(429, headers)), rate=state)
        elif self._throttle.reads_usage:
            slot.answered(RateState(*read_quota(headers)))
        else:
            slot.answered()

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
        if response.connection is not None:
            # a 101 never ends by itself, and would hold its place in the pool for as long as it is referred to
            response.close()
        return refusal(self._call, Response(status, response.headers, body or b""))


async def read_capped(response: aiohttp.ClientResponse, cap: int) -> bytes | None:
    """The whole body; None if it is larger than `cap` bytes, in which case the connection is closed."""
    content = response.content
    # the usual answer came in one piece with its headers
    body = content.read_nowait() if content.is_eof() else await content.readany()
    pieces, size = [body], len(body)
    while size <= cap:
        if content.at_eof():
            return body if len(pieces) == 1 else b"".join(pieces)
        pieces.append(await content.readany())
        size += len(pieces[-1])
    response.close()
    return None
