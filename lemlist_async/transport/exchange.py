"""One attempt from its time limit to its result, and its entry in the record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import aiohttp
import attrs

from lemlist_async.clock import steady
from lemlist_async.core.ambiguity import final_error
from lemlist_async.core.payload import to_json
from lemlist_async.core.retry import may_have_happened
from lemlist_async.core.wire import Call, Response, Upload
from lemlist_async.credentials import Credential
from lemlist_async.errors import Attempt, ConfigurationError, LemlistError, TransportError
from lemlist_async.options import Options
from lemlist_async.throttle import Throttle
from lemlist_async.transport.address import Address
from lemlist_async.transport.attempt import AttemptState
from lemlist_async.transport.faults import ended
from lemlist_async.transport.response import Received, ResponseReader
from lemlist_async.transport.session import Session, piecemeal
from lemlist_async.transport.timeouts import SharedTimer, TimeLimit
from lemlist_async.transport.watch import CallWatch, outcome_of


@attrs.define
class CallState:
    """One call while it is in progress: its attempts so far, and until when it may go on."""

    call: Call[Any]
    address: Address
    key: Credential | None
    """None where the address is on another host, which must not see the key."""
    options: Options
    deadline: float | None
    """On the clock of the event loop."""
    watch: CallWatch | None
    """None while the client has no observer."""
    probe: bool = False
    """Whether the call is the probe of a half-open auth circuit."""
    key_version: int = 0
    """Version of the token that the last attempt sent."""
    renewed: bool = False
    """Whether a token was renewed for the call."""
    attempts: list[Attempt] = attrs.field(factory=list[Attempt])
    gave_up: str | None = None
    """Reason why there is no further attempt."""
    ambiguous: LemlistError | None = None
    """Error of the last attempt that may have taken effect."""

    def conclude(self, last: LemlistError) -> LemlistError:
        """Return the error that the call ends with, after `last` ended its last attempt."""
        found = last if self.ambiguous is None else final_error(last, self.ambiguous, self.call)
        if self.gave_up is not None:
            found.gave_up = self.gave_up
            found.add_note(f"not tried again: {self.gave_up}")
        return found

    def remaining(self, now: float) -> float | None:
        """Return the seconds until the deadline; None without one."""
        return None if self.deadline is None else self.deadline - now


class Exchange:
    """Runs single attempts for the pipeline of one client."""

    def __init__(self, session: Session, throttle: Throttle, redact: Callable[[str], str]) -> None:
        self._session = session
        self._throttle = throttle
        self._redact = redact
        self._timer = SharedTimer()
        self.reader: ResponseReader = ResponseReader()

    def close(self) -> None:
        """End the attempts that are in progress: those in the queue, and those under way in this event loop."""
        self._throttle.cancel_waiters(self)
        self._timer.close()

    def run(self, state: CallState, streamed: bool) -> Coroutine[Any, Any, Any]:
        """Make one attempt, and record it.

        Raises:
            LemlistError: the attempt failed; the error holds nothing of aiohttp's, and no key.
        """
        limit, watch = TimeLimit(self._timer, state.deadline), state.watch
        attempt = AttemptState(
            state.call, state.key, self._throttle, state.options, limit, self, self._redact, watch
        )
        # a plain function: a client without observers does not pay for one more coroutine
        if watch is None:
            return self._run(state, attempt, limit, streamed)
        return self._observed(state, attempt, limit, streamed, watch)

    async def _observed(
        self, state: CallState, attempt: AttemptState, limit: TimeLimit, streamed: bool, watch: CallWatch
    ) -> Any:
        """Run an attempt between its begin and its end; the attempt of a stream stays open on success."""
        watch.attempt_begin(len(state.attempts) + 1, state.address.url)
        try:
            result = await self._run(state, attempt, limit, streamed)
        except BaseException as error:
            watch.attempt_end(attempt, error, outcome_of(error))
            raise
        if streamed:
            watch.keep_open(attempt)
        else:
            watch.attempt_end(attempt, None, "success")
        return result

    async def _run(self, state: CallState, attempt: AttemptState, limit: TimeLimit, streamed: bool) -> Any:
        error: LemlistError
        try:
            # on a warm connection a request leaves before any timer could fire
            if state.deadline is not None and state.deadline <= asyncio.get_running_loop().time():
                limit.ended_by = "deadline"
                raise TimeoutError
            with limit:
                received = await self._send(state, attempt, streamed)
                if attempt.granted is None:
                    raise _bypassed(received)
                result = await self.reader.take(
                    state.call, received, state.options.max_body, streamed=streamed
                )
        except TimeoutError:
            head = attempt.received
            error = ended(
                state.call,
                limit.ended_by or "attempt",
                granted=attempt.granted is not None,
                sent=attempt.sent,
                response=None if head is None else Response(head.status, head.headers),
            )
        except LemlistError as failed:
            error = failed
            # the queue and the session do not know which call they refuse
            error.operation = error.operation or state.call.operation
        else:
            if state.watch is not None:
                _record(state, attempt, str(received.status))
            return result
        state.key_version = attempt.key_version
        _record(state, attempt, outcome(error))
        error.scrub(self._redact)
        error.attempts = tuple(state.attempts)
        if may_have_happened(error):
            state.ambiguous = error
        try:
            # the frames of the traceback hold what the server sent, which may echo the key
            raise error.with_traceback(None)
        finally:
            del error  # otherwise the error and its own traceback would form a reference cycle

    def _send(self, state: CallState, attempt: AttemptState, streamed: bool) -> Awaitable[Received]:
        call, address, timeouts = state.call, state.address, state.options.timeouts
        body = None if call.body is None else to_json(call.body)
        if call.upload is None and not streamed:
            direct = self._session.direct(call.method, address, body, timeouts)
            if direct is not None:
                return attempt.run(direct)
        data = body if call.upload is None else _form(call.upload)
        return self._session.request(
            call.method, address.url, data, attempt, timeouts=timeouts, streamed=streamed
        )


def _record(state: CallState, attempt: AttemptState, result: str) -> None:
    """Add an attempt to the record unless it never left the queue."""
    if attempt.granted is not None:
        state.attempts.append(Attempt(result, steady() - attempt.granted))


def outcome(error: LemlistError) -> str:
    """Return the outcome of a failed attempt in a few words: its status, its kind, or the class of the error."""
    if isinstance(error, TransportError):
        return error.kind if error.status is None else f"{error.status} {error.kind}"
    status = getattr(error, "status", None)
    return type(error).__name__ if status is None else str(status)


def _bypassed(received: Received) -> ConfigurationError:
    """Return the error for a response that bypassed the middleware: no slot, no key, no check of its status."""
    received.close()
    return ConfigurationError(
        "something has replaced aiohttp's ClientSession._request (vcrpy, aioresponses, …), so that this library's "
        "middleware did not run: no key was sent, no limit kept, and an error would pass for a success; "
        "test against lemlist_async.sandbox, or a server on a loopback port"
    )


def _form(part: Upload) -> aiohttp.FormData:
    # aiohttp consumes a form by sending it: each attempt needs its own
    form = aiohttp.FormData()
    content = piecemeal(part.content)
    form.add_field(part.name, content, filename=part.filename, content_type=part.content_type)
    return form
