"""From a Call to its result: deadline, tries, pauses, hooks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
import attrs
import backoff
from yarl import URL

from lemlist_async.clock import FROZEN, stands_still, steady
from lemlist_async.core import retry as schedule
from lemlist_async.core.ambiguity import final_error
from lemlist_async.core.classify import (
    BODY_READ,
    announces_html,
    is_html,
    left_packed,
    refusal_inside,
    unlike_the_api,
    unreadable,
    without_id,
)
from lemlist_async.core.json import read
from lemlist_async.core.payload import to_json
from lemlist_async.core.wire import Call, Effect, NoIdError, Response, ShapeError, UnexpectedTypes, Upload
from lemlist_async.credentials import ApiKey, BaseURL
from lemlist_async.errors import (
    APIStatusError,
    Attempt,
    AuthenticationError,
    ConfigurationError,
    DecodeError,
    LemlistError,
    RateLimitError,
    TransportError,
)
from lemlist_async.hooks import ErrorEvent, Hooks, RequestEvent, ResponseEvent, RetryEvent, WaitEvent
from lemlist_async.options import Options
from lemlist_async.throttle import Throttle
from lemlist_async.transport.address import Addresses
from lemlist_async.transport.auth_breaker import AuthCircuit
from lemlist_async.transport.faults import CAUGHT, ended, fault, maybe_done
from lemlist_async.transport.middleware import AttemptState, read_capped
from lemlist_async.transport.session import Session, piecemeal
from lemlist_async.transport.timeouts import SharedTimer, TimeLimit

_log = logging.getLogger("lemlist_async")
T = TypeVar("T")

_BOM = b"\xef\xbb\xbf"


@attrs.define
class _Journey:
    """One call on its way: what was tried, and until when it may go on."""

    call: Call[Any]
    url: URL
    key: ApiKey | None
    """None where the address is another's, who must not see it."""
    options: Options
    deadline: float | None
    """On the clock of the event loop."""
    probe: bool = False
    """Whether the call is the one that tries an API key which was refused before."""
    tries: list[Attempt] = attrs.field(factory=list[Attempt])
    gave_up: str | None = None
    """Why there is no further try."""
    doubt: LemlistError | None = None
    """How the last try ended that may have taken effect."""

    def conclude(self, last: LemlistError) -> LemlistError:
        """The error that the call ends with, after its last try ended with `last`."""
        found = last if self.doubt is None else final_error(last, self.doubt, self.call)
        if self.gave_up is not None:
            found.gave_up = self.gave_up
            found.add_note(f"not tried again: {self.gave_up}")
        return found

    def left(self, now: float) -> float | None:
        return None if self.deadline is None else self.deadline - now

    @property
    def number(self) -> int:
        return len(self.tries) + 1


class Pipeline:
    """Sends calls for all views of one client."""

    def __init__(
        self, session: Session, throttle: Throttle, key: ApiKey, base: BaseURL, options: Options
    ) -> None:
        self._session = session
        self.throttle = throttle
        self._key = key
        self.redact: Callable[[str], str] = key.redact
        self._addresses = Addresses(base)
        self.auth_circuit: AuthCircuit = AuthCircuit(options.auth_breaker)
        self.hooks: Hooks = Hooks()
        self.unexpected_types: UnexpectedTypes = {}
        self._budget = schedule.Budget(options.retry.budget, options.retry.budget_floor)
        self._timer = SharedTimer()
        self._resting: set[asyncio.Future[None]] = set()
        self._streams: set[aiohttp.ClientResponse] = set()

    @property
    def key_fingerprint(self) -> str:
        """A name for the key that does not give it away."""
        return self._key.fingerprint

    # The two ways to run a call -----------------------------------------------------------------------

    def run(self, call: Call[T], options: Options) -> Coroutine[Any, Any, T]:
        """Send a call until it succeeds or may not be sent again, and read its result.

        Raises:
            LemlistError: whatever ended it, with all `attempts`.
        """
        return self._repeat(call, options, streamed=False)

    @asynccontextmanager
    async def stream(self, call: Call[Any], options: Options) -> AsyncGenerator[AsyncIterator[bytes]]:
        """Send a call, and give its body piece by piece; the tries end when the body begins."""
        response = await self._repeat(call, options, streamed=True)
        self._streams.add(response)
        try:
            yield self._pieces(call, response)
        finally:
            self._streams.discard(response)
            response.close()

    async def aclose(self) -> None:
        """Close the session; calls on their way end now, with ClosedError where nothing can have happened."""
        self._session.shut()
        self.throttle.cancel_waiters(self)
        self._timer.close()
        loop = asyncio.get_running_loop()
        for woken in self._resting:
            if woken.get_loop() is loop:
                _wake(woken)
        # aiohttp would leave the readers of their bodies waiting for ever
        for response in self._streams:
            response.close()
        await self._session.close()

    # The loop over tries ------------------------------------------------------------------------------

    async def _repeat(self, call: Call[Any], options: Options, *, streamed: bool) -> Any:
        journey = self._set_out(call, options)
        try:
            while True:
                try:
                    result = await self._once(journey, streamed)
                except LemlistError as error:
                    if journey.key is not None:
                        self.auth_circuit.failed(error)
                    pause = self._after(journey, error)
                    if pause is None:
                        # with what came last as its context, where that is not the last word
                        raise self._failed(call, journey.conclude(error), journey.tries)  # noqa: B904
                else:
                    if journey.key is not None and not self.auth_circuit.calm:
                        self.auth_circuit.accepted()
                    return result
                await self._rest(pause)
        finally:
            if journey.probe:
                self.auth_circuit.probed()

    def _set_out(self, call: Call[Any], options: Options) -> _Journey:
        # what is wrong from the start is refused here, before anything waits or is sent
        url, ours = self._addresses.of(call)
        deadline = options.deadline
        if deadline is not None:
            deadline += asyncio.get_running_loop().time()
        try:
            probe = ours and not self.auth_circuit.calm and self.auth_circuit.admit(call)
        except AuthenticationError as refused:
            raise self._failed(call, refused) from None
        self._budget.earn()
        return _Journey(call, url, self._key if ours else None, options, deadline, probe)

    async def _rest(self, seconds: float) -> None:
        """The pause before a try; `aclose` ends it."""
        loop = asyncio.get_running_loop()
        woken = loop.create_future()
        self._resting.add(woken)
        timer = loop.call_later(seconds, _wake, woken)
        try:
            await woken
        finally:
            timer.cancel()
            self._resting.discard(woken)

    def _after(self, journey: _Journey, error: LemlistError) -> float | None:
        """How long to wait before the next try; None if there is none."""
        if self._session.closed or not schedule.may_repeat(error, journey.call.effect):
            return None
        if stands_still(asyncio.get_running_loop().time):
            _log.warning("not tried again: %s (%s)", error.brief, FROZEN)
            journey.gave_up = FROZEN
            return None
        retry = journey.options.retry
        decision = schedule.decide(
            retry,
            self._budget,
            tries=len(journey.tries),
            floor=schedule.floor(error),
            jitter=lambda n: backoff.full_jitter(next_ceiling(n, retry.base, retry.cap)),
            left=journey.left(asyncio.get_running_loop().time()),
            free=isinstance(error, RateLimitError),
        )
        if isinstance(decision, schedule.GiveUp):
            _log.info("not tried again: %s (%s)", error.brief, decision.why)
            journey.gave_up = decision.why
            return None
        self._announce(journey, error, decision.seconds)
        return decision.seconds

    def _announce(self, journey: _Journey, error: LemlistError, seconds: float) -> None:
        operation, number = journey.call.operation, len(journey.tries)
        _log.warning("try %d failed, the next one in %.2f s: %s", number, seconds, error.brief)
        if self.hooks.wants("retry"):
            self.hooks.emit(
                "retry", RetryEvent(operation=operation, number=number, seconds=seconds, error=error)
            )
        if self.hooks.wants("wait"):
            self.hooks.emit("wait", WaitEvent(operation=operation, reason="backoff", seconds=seconds))

    def _failed(self, call: Call[Any], error: LemlistError, tries: Sequence[Attempt] = ()) -> LemlistError:
        """Tell everybody of the error that a call ends with."""
        error.attempts = tuple(tries)
        if isinstance(error, APIStatusError):
            # what lemlist says may name a person
            _log.info("%s", error.brief)
            _log.debug("%s answered: %s", error, error.body)
        if self.hooks.wants("error"):
            self.hooks.emit("error", ErrorEvent(operation=call.operation, error=error))
        return error

    # One try ------------------------------------------------------------------------------------------

    async def _once(self, journey: _Journey, streamed: bool) -> Any:
        """One try: its time, and its line in the record."""
        limit = TimeLimit(self._timer, journey.deadline)
        attempt = AttemptState(
            journey.call, journey.key, self.throttle, journey.options, limit, self, self.redact
        )
        error: LemlistError
        try:
            # on a warm connection a request leaves before any timer could ring
            if journey.deadline is not None and journey.deadline <= asyncio.get_running_loop().time():
                limit.ended_by = "deadline"
                raise TimeoutError
            with limit:
                response = await self._send(journey, attempt, streamed)
                if attempt.granted is None:
                    raise _bypassed(response)
                result = await self._take(journey, response, streamed)
        except TimeoutError:
            error = ended(journey.call, attempt, limit.ended_by or "attempt")
        except LemlistError as failed:
            error = failed
            # the queue and the session do not know whose call they refuse
            error.operation = error.operation or journey.call.operation
        else:
            if not self.hooks.silent:
                self._succeeded(journey, attempt, response.status)
            return result
        self._note(journey, attempt, _outcome(error))
        error.scrub(self.redact)
        error.attempts = tuple(journey.tries)
        if schedule.may_have_happened(error):
            journey.doubt = error
        try:
            # the frames it came through hold what the server sent, which may echo the key
            raise error.with_traceback(None)
        finally:
            del error  # else it and its own traceback would hold one another

    def _send(
        self, journey: _Journey, attempt: AttemptState, streamed: bool
    ) -> Awaitable[aiohttp.ClientResponse]:
        call = journey.call
        if self.hooks.wants("request"):
            event = RequestEvent(operation=call.operation, number=journey.number, lane=journey.options.lane)
            self.hooks.emit("request", event)
        data: bytes | aiohttp.FormData | None = None
        if call.upload is not None:
            data = _form(call.upload)
        elif call.body is not None:
            data = to_json(call.body)
        return self._session.request(
            call.method,
            journey.url,
            data,
            attempt,
            timeouts=journey.options.timeouts,
            streamed=streamed,
        )

    async def _take(self, journey: _Journey, response: aiohttp.ClientResponse, streamed: bool) -> Any:
        """What is asked for of an answer: its result, or (`streamed`) the answer itself."""
        call, status, headers = journey.call, response.status, response.headers
        try:
            # a stream is handed on once its headers are there, unless they announce a page and no answer
            if streamed and not announces_html(reply := Response(status, headers)):
                if packed := left_packed(reply):
                    raise unreadable(call, reply, packed)
                return response
            try:
                body = await read_capped(response, journey.options.max_body)
            except CAUGHT as error:
                lost = fault(error, call, sent=True, status=status)
            else:
                if body is not None:
                    reply = Response(status, headers, body)
                    if streamed:
                        raise unlike_the_api(call, reply)
                    return self._decode(call, reply)
                why = f"the answer is larger than {journey.options.max_body} bytes"
                lost = maybe_done(call, why, kind="too_large", status=status)
            # outside of the except block: the context of an exception would show aiohttp's, and its headers
            raise lost
        except BaseException:
            response.close()
            raise

    def _decode(self, call: Call[Any], reply: Response) -> Any:
        if is_html(reply):
            raise unlike_the_api(call, reply)
        parsed = True
        try:
            found = read(reply.body, self.unexpected_types) if reply.body else None
        except ValueError:
            parsed, found = False, None
        if not parsed:
            # outside of the except block: as a context, the parser's error would show the whole body
            found = self._sentence(call, reply)
        if (refused := refusal_inside(call, reply, found)) is not None:
            raise refused
        if call.decode is None:
            return found
        try:
            return call.decode(found, self.unexpected_types)
        except NoIdError:
            raise without_id(call, reply) from None
        except ShapeError as error:
            why = f"the answer has another shape: {error}"
        raise DecodeError(why, status=reply.status, body=reply.text(BODY_READ), operation=call.operation)

    def _sentence(self, call: Call[Any], reply: Response) -> str | None:
        """What is no JSON: the sentence that confirms a write, or nothing at all."""
        if reply.body.isspace():
            return None
        # what begins like JSON and does not parse is JSON that was damaged
        damaged = reply.body.removeprefix(_BOM).lstrip().startswith((b"{", b"["))
        packed = left_packed(reply)
        if not damaged and (call.text or call.effect is not Effect.READ):
            return None if packed else reply.text()
        if packed:
            raise unreadable(call, reply, packed)
        why = "the answer is not JSON: it is damaged" if damaged else "the answer is a sentence, and not JSON"
        raise DecodeError(
            why, status=reply.status, body=reply.text(BODY_READ), damaged=damaged, operation=call.operation
        )

    async def _pieces(self, call: Call[Any], response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        began = steady()
        lost: LemlistError | None = None
        try:
            async for piece in response.content.iter_any():
                yield piece
        except CAUGHT as error:
            lost = fault(error, call, sent=True, status=response.status)
        # a body that ends with its connection is not known to be whole when it was closed from here
        if self._session.closed:
            why = "the client was closed while it was read"
            lost = maybe_done(call, why, kind="closed", status=response.status)
        if lost is not None:
            raise self._failed(call, lost, [Attempt(_outcome(lost), steady() - began)])

    # What is written down -----------------------------------------------------------------------------

    def _note(self, journey: _Journey, attempt: AttemptState, outcome: str) -> float:
        seconds = 0.0 if attempt.granted is None else steady() - attempt.granted
        if attempt.granted is not None:
            journey.tries.append(Attempt(outcome, seconds))
        slot = attempt.slot
        if slot is not None and slot.reason is not None and self.hooks.wants("wait"):
            event = WaitEvent(operation=journey.call.operation, reason=slot.reason, seconds=slot.waited)
            self.hooks.emit("wait", event)
        return seconds

    def _succeeded(self, journey: _Journey, attempt: AttemptState, status: int) -> None:
        seconds = self._note(journey, attempt, str(status))
        if self.hooks.wants("response"):
            event = ResponseEvent(
                operation=journey.call.operation,
                status=status,
                seconds=seconds,
                attempts=tuple(journey.tries),
            )
            self.hooks.emit("response", event)


def next_ceiling(number: int, base: float, cap: float) -> float:
    """Ceiling of the `number`-th random wait: ``min(cap, base * 2**(number-1))`` seconds."""
    steps = backoff.expo(base=2, factor=base, max_value=cap)
    next(steps)  # a generator of backoff begins with a None
    for _ in range(number - 1):
        next(steps)
    return float(next(steps))


def _bypassed(response: aiohttp.ClientResponse) -> ConfigurationError:
    """The error for an answer that came past the middleware: without a slot, the key, or a look at its status."""
    response.close()
    return ConfigurationError(
        "something has replaced aiohttp's ClientSession._request (vcrpy, aioresponses, …), so that this library's "
        "middleware did not run: no key was sent, no limit kept, and an error would pass for a success; "
        "test against lemlist_async.sandbox, or a server on a loopback port"
    )


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _form(part: Upload) -> aiohttp.FormData:
    # made anew for each try: a form is used up by being sent
    form = aiohttp.FormData()
    content = piecemeal(part.content)
    form.add_field(part.name, content, filename=part.filename, content_type=part.content_type)
    return form


def _outcome(error: LemlistError) -> str:
    if isinstance(error, TransportError):
        return error.kind if error.status is None else f"{error.status} {error.kind}"
    status = getattr(error, "status", None)
    return type(error).__name__ if status is None else str(status)
