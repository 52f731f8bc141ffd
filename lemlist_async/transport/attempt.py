"""State of one attempt, and the aiohttp middleware that carries it: key, slot, send, fault."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import aiohttp
from aiohttp.hdrs import AUTHORIZATION, COOKIE

from lemlist_async.clock import steady
from lemlist_async.core.classify import by_limiter, is_plan_limit, refusal
from lemlist_async.core.headers import read_quota, read_rate
from lemlist_async.core.retry import may_have_happened
from lemlist_async.core.send_observer import SEND_OBSERVER, SendObserver
from lemlist_async.core.wire import Call, Effect, Response
from lemlist_async.credentials import Credential
from lemlist_async.errors import LemlistError
from lemlist_async.options import Options
from lemlist_async.throttle import RateState, Slot, Throttle
from lemlist_async.transport.faults import CAUGHT, fault
from lemlist_async.transport.request import Request, close_stale, hide_key
from lemlist_async.transport.response import Received, read_capped
from lemlist_async.transport.timeouts import TimeLimit
from lemlist_async.transport.watch import CallWatch

R = TypeVar("R", bound=Received)
R_co = TypeVar("R_co", bound=Received, covariant=True)

_ERROR_BODY = 64 * 1024
"""Bytes of an error's body that are read; a larger body closes the connection instead."""


class Sendable(Protocol[R_co]):
    """Request that waits for its slot."""

    @property
    def written(self) -> bool:
        """Whether a byte of the request may have left."""
        ...

    def begin(self, slot: Slot, observer: SendObserver | None) -> None:
        """Take the slot that the request was granted, and the observer that is told right before the first byte."""
        ...

    def send(self, authorization: str | None) -> Awaitable[R_co]:
        """Send the request with this header, and return its response once the headers have arrived."""
        ...


class HandledRequest:
    """Request that aiohttp handed to its middleware."""

    __slots__ = ("_handler", "_observer", "_request")

    def __init__(self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> None:
        self._request = request
        self._handler = handler
        self._observer: SendObserver | None = None
        # a borrowed session may have the key among its own headers
        request.headers.pop(AUTHORIZATION, None)

    @property
    def written(self) -> bool:
        """Whether a byte may have left: a request of a borrowed session does not tell, and counts as sent."""
        return not isinstance(self._request, Request) or self._request.written

    def begin(self, slot: Slot, observer: SendObserver | None) -> None:
        """Take the slot and the observer, and what a borrowed session must not add."""
        request = self._request
        if isinstance(request, Request):
            request.slot, request.observer = slot, observer
        else:
            self._observer = observer
            slot.untimed()
            # clients that share a session share its cookie jar: one team's cookie would go with another team's key
            request.headers.popall(COOKIE, None)
            close_stale(request.session)
            hide_key(request)

    async def send(self, authorization: str | None) -> aiohttp.ClientResponse:
        """Send the request by aiohttp's own means."""
        headers = self._request.headers
        if self._observer is not None:
            # a borrowed session does not tell when it writes
            self._observer.leaving()
        if authorization is not None:
            headers[AUTHORIZATION] = authorization
        try:
            return await self._handler(self._request)
        finally:
            # the response, which trace hooks and users of the session see, refers to these headers
            headers.pop(AUTHORIZATION, None)


class AttemptState:
    """One attempt of a call while it is in progress, and what is known of it afterwards.

    For a request that goes through a ClientSession, the instance is its aiohttp client middleware. aiohttp silently
    resends a GET, PUT or DELETE after a ConnectionError on a kept-alive connection; because aiohttp's exceptions
    become ours in here, inside aiohttp's own loop, it never does, and every repeat is a decision of the pipeline.

    Key, throttle and refusals share one middleware, since aiohttp wraps each middleware anew for every request.
    """

    __slots__ = (
        "_call", "_key", "_limit", "_options", "_owner", "_redact", "_throttle", "_watch", "granted", "key_version",
        "received", "sent", "slot",
    )  # fmt: skip

    def __init__(
        self,
        call: Call[Any],
        key: Credential | None,
        throttle: Throttle,
        options: Options,
        limit: TimeLimit,
        owner: object,
        redact: Callable[[str], str],
        watch: CallWatch | None,
    ) -> None:
        self._call = call
        self._redact = redact
        """Removes the key from a server's text: trace hooks see an error before the pipeline does."""
        self._key = key
        """None for a host that must not see the key: files of exports may lie elsewhere."""
        self._throttle = throttle
        self._options = options
        self._limit = limit
        self._owner = owner
        self._watch = watch
        self.key_version: int = 0
        """Version of the token that was sent."""
        self.sent: bool = False
        """Whether a byte of the request may have left."""
        self.granted: float | None = None
        """Time at which the throttle granted the slot."""
        self.slot: Slot | None = None
        self.received: Received | None = None
        """Response, once its headers have arrived."""

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Run the attempt as a middleware, around the rest of aiohttp's way."""
        return await self.run(HandledRequest(request, handler))

    async def run(self, request: Sendable[R]) -> R:
        """Wait for a slot, send, and raise our error for anything but a success.

        The slot is held until one window after the response, whatever its status.
        """
        failed: LemlistError
        options = self._options
        observer = None if self._call.effect is Effect.READ else SEND_OBSERVER.get()
        # a cancellation while waiting leaves nothing behind: the throttle drops the waiter itself
        slot = await self._throttle.acquire(options.lane, max_wait=options.max_wait, owner=self._owner)
        self._begin(slot, request, observer)
        try:
            if observer is not None:
                # after the grant and before the first byte: a journal marks its rows as sent here
                await observer.sending()
            response = await request.send(self._authorization())
        except BaseException as error:
            # a cancellation too: the slot has to be returned, or the quota would shrink for good
            self._release(slot, request)
            if not isinstance(error, CAUGHT):
                if observer is not None and not self.sent:
                    observer.not_done()
                raise
            failed = fault(error, self._call, sent=self.sent)
        else:
            self.sent, self.received = True, response
            self._report(slot, response)
            if 200 <= response.status < 300:
                return response
            failed = await self._refusal(response)
        failed.scrub(self._redact)
        if observer is not None and not may_have_happened(failed):
            observer.not_done()
        # outside of the except block: aiohttp's exception, as the context, would carry the request's headers
        try:
            raise failed
        finally:
            del failed  # otherwise the error and its own traceback would form a reference cycle

    def _begin(self, slot: Slot, request: Sendable[Any], observer: SendObserver | None) -> None:
        """Start the attempt: its time limit runs from the grant, since the time before was spent in the queue."""
        self.slot, self.granted = slot, steady()
        request.begin(slot, observer)
        if self._options.timeouts.attempt is not None:
            self._limit.allow(self._options.timeouts.attempt)
        if self._watch is not None:
            self._watch.granted(slot)

    def _authorization(self) -> str | None:
        # not before the grant: a token may have been renewed while the request was in the queue
        if self._key is None:
            return None
        self.key_version = self._key.version
        return self._key.authorization

    def _release(self, slot: Slot, request: Sendable[Any]) -> None:
        """Release the slot of an attempt without a response."""
        self.sent = request.written
        if self.sent:
            slot.aborted()
        else:
            slot.give_back()

    def _report(self, slot: Slot, response: Received) -> None:
        """Report a response to the throttle, with what its headers say about the quota."""
        headers = response.headers
        if self._key is None:
            slot.answered()  # another host's headers are not about the quota of this key
        elif response.status == 429 and not is_plan_limit(self._call, rate := read_rate(headers)):
            state = RateState(rate.limit, rate.remaining)
            slot.refused(rate.retry_after, by_limiter=by_limiter(Response(429, headers)), rate=state)
        elif self._throttle.reads_usage:
            slot.answered(RateState(*read_quota(headers)))
        else:
            slot.answered()

    async def _refusal(self, received: Received) -> LemlistError:
        status = received.status
        try:
            body = await read_capped(received, _ERROR_BODY)
        except BaseException as error:
            received.close()
            if not isinstance(error, CAUGHT):
                raise
            # the status alone is enough: the truncated page of a gateway must not hide its 502
            body = b""
        if received.connection is not None:
            # a 101 never ends by itself, and would occupy its place in the pool as long as it is referenced
            received.close()
        return refusal(self._call, Response(status, received.headers, body or b""))
