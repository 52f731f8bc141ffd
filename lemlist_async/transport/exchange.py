"""One attempt from its time limit to its result, and its entry in the record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import attrs
from yarl import URL

from lemlist_async.clock import steady
from lemlist_async.core.ambiguity import final_error
from lemlist_async.core.payload import to_json
from lemlist_async.core.retry import may_have_happened
from lemlist_async.core.wire import Call, Response, Upload
from lemlist_async.credentials import Credential
from lemlist_async.errors import Attempt, ConfigurationError, LemlistError, TransportError
from lemlist_async.hooks import Hooks, RequestEvent, ResponseEvent, WaitEvent
from lemlist_async.options import Options
from lemlist_async.throttle import Throttle
from lemlist_async.transport.attempt import AttemptState
from lemlist_async.transport.faults import ended
from lemlist_async.transport.response import ResponseReader
from lemlist_async.transport.session import Session, piecemeal
from lemlist_async.transport.timeouts import SharedTimer, TimeLimit


@attrs.define
class CallState:
    """One call while it is in progress: its attempts so far, and until when it may go on."""

    call: Call[Any]
    url: URL
    key: Credential | None
    """None where the address is on another host, which must not see the key."""
    options: Options
    deadline: float | None
    """On the clock of the event loop."""
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

    def __init__(
        self, session: Session, throttle: Throttle, hooks: Hooks, redact: Callable[[str], str]
    ) -> None:
        self._session = session
        self._throttle = throttle
        self._hooks = hooks
        self._redact = redact
        self._timer = SharedTimer()
        self.reader: ResponseReader = ResponseReader()

    def close(self) -> None:
        """End the attempts that are in progress: those in the queue, and those under way in this event loop."""
        self._throttle.cancel_waiters(self)
        self._timer.close()

    async def run(self, state: CallState, streamed: bool) -> Any:
        """Make one attempt, and record it.

        Raises:
            LemlistError: the attempt failed; the error holds nothing of aiohttp's, and no key.
        """
        limit = TimeLimit(self._timer, state.deadline)
        attempt = AttemptState(
            state.call, state.key, self._throttle, state.options, limit, self, self._redact
        )
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
            if not self._hooks.silent:
                self._announce_success(state, attempt, received.status)
            return result
        state.key_version = attempt.key_version
        self._record(state, attempt, outcome(error))
        error.scrub(self._redact)
        error.attempts = tuple(state.attempts)
        if may_have_happened(error):
            state.ambiguous = error
        try:
            # the frames of the traceback hold what the server sent, which may echo the key
            raise error.with_traceback(None)
        finally:
            del error  # otherwise the error and its own traceback would form a reference cycle

    def _send(
        self, state: CallState, attempt: AttemptState, streamed: bool
    ) -> Awaitable[aiohttp.ClientResponse]:
        call = state.call
        if self._hooks.wants("request"):
            number = len(state.attempts) + 1
            event = RequestEvent(operation=call.operation, number=number, lane=state.options.lane)
            self._hooks.emit("request", event)
        data: bytes | aiohttp.FormData | None = None
        if call.upload is not None:
            data = _form(call.upload)
        elif call.body is not None:
            data = to_json(call.body)
        return self._session.request(
            call.method, state.url, data, attempt, timeouts=state.options.timeouts, streamed=streamed
        )

    def _record(self, state: CallState, attempt: AttemptState, result: str) -> float:
        """Add an attempt to the record unless it never left the queue, and return its seconds."""
        seconds = 0.0 if attempt.granted is None else steady() - attempt.granted
        if attempt.granted is not None:
            state.attempts.append(Attempt(result, seconds))
        slot = attempt.slot
        if slot is not None and slot.reason is not None and self._hooks.wants("wait"):
            event = WaitEvent(operation=state.call.operation, reason=slot.reason, seconds=slot.waited)
            self._hooks.emit("wait", event)
        return seconds

    def _announce_success(self, state: CallState, attempt: AttemptState, status: int) -> None:
        seconds = self._record(state, attempt, str(status))
        if self._hooks.wants("response"):
            event = ResponseEvent(
                operation=state.call.operation,
                status=status,
                seconds=seconds,
                attempts=tuple(state.attempts),
            )
            self._hooks.emit("response", event)


def outcome(error: LemlistError) -> str:
    """Return the outcome of a failed attempt in a few words: its status, its kind, or the class of the error."""
    if isinstance(error, TransportError):
        return error.kind if error.status is None else f"{error.status} {error.kind}"
    status = getattr(error, "status", None)
    return type(error).__name__ if status is None else str(status)


def _bypassed(received: aiohttp.ClientResponse) -> ConfigurationError:
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
