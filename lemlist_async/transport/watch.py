"""Begin and end of one observed call, and of its attempts."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from yarl import URL

from lemlist_async.clock import steady
from lemlist_async.core.wire import Call
from lemlist_async.errors import Attempt, LemlistError
from lemlist_async.observe import (
    AttemptBegin,
    AttemptEnd,
    CallBegin,
    CallEnd,
    Event,
    Observers,
    Outcome,
    RetryScheduled,
    SlotGranted,
)
from lemlist_async.options import Lane
from lemlist_async.throttle import Slot


class _Head(Protocol):
    @property
    def status(self) -> int: ...


class ObservedAttempt(Protocol):
    """State of an attempt, as far as its end tells of it."""

    @property
    def granted(self) -> float | None: ...
    @property
    def sent(self) -> bool: ...
    @property
    def received(self) -> _Head | None: ...


class CallWatch:
    """Context manager around one call, which emits its events to those who observed the client at its begin.

    Invariants. Each begin has one end: `attempt_begin` is followed by `attempt_end`, or by `keep_open` for a stream,
    before another attempt or the end of the call, whatever raises. A stream hands its response out while its attempt
    is open; the attempt ends with the last byte, or with the call if its reader leaves before.
    """

    __slots__ = (
        "_began", "_call_id", "_lane", "_lost", "_number", "_open", "_operation", "_queued", "_streamed", "_table",
        "attempts",
    )  # fmt: skip

    def __init__(self, observers: Observers, call: Call[Any], lane: Lane) -> None:
        self._table = observers.table
        self._call_id = observers.new_id()
        self._operation = call.operation
        self._lane: Lane = lane
        self._began = self._queued = steady()
        self._number = 0
        self._streamed = False
        self._open: ObservedAttempt | None = None
        """Attempt of a stream whose body is being read."""
        self._lost: LemlistError | None = None
        """Fault that ended the body of a stream."""
        self.attempts: Sequence[Attempt] = ()
        """Record of the call, which the exchange appends to."""

    def _emit(self, kind: type[Event], **fields: Any) -> None:
        if notifiers := self._table.get(kind):
            event = kind(call_id=self._call_id, operation=self._operation, **fields)
            for notify in notifiers:
                notify(event)

    def __enter__(self) -> Self:
        self._emit(CallBegin, lane=self._lane)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        outcome = _outcome(error)
        if self._streamed:
            # an exception of the reader is not one of the call
            error, self._lost = self._lost, None
            outcome = _outcome(error)
        if self._open is not None:
            outcome = "cancelled"
            self._end(self._open, None, outcome)
        self._emit(
            CallEnd,
            outcome=outcome,
            seconds=steady() - self._began,
            attempts=tuple(self.attempts),
            error=None if outcome == "cancelled" else error,
        )

    def attempt_begin(self, number: int, url: URL) -> None:
        """Announce that an attempt enters the queue."""
        self._number, self._queued = number, steady()
        self._emit(AttemptBegin, number=number, host=url.host or "", port=url.port)

    def granted(self, slot: Slot) -> None:
        """Announce that the attempt got a slot."""
        self._emit(SlotGranted, number=self._number, waited=slot.waited, reason=slot.reason)

    def attempt_end(self, attempt: ObservedAttempt, error: BaseException | None) -> None:
        """Announce the end of the attempt."""
        self._end(attempt, error, _outcome(error))

    def keep_open(self, attempt: ObservedAttempt) -> None:
        """Leave the attempt open, since its response is streamed."""
        self._open, self._streamed = attempt, True

    def body_ended(self, lost: LemlistError | None) -> None:
        """End the attempt of a stream with its last byte, or with the fault that ended its body."""
        attempt, self._open, self._lost = self._open, None, lost
        if attempt is not None:
            self.attempt_end(attempt, lost)

    def retry(self, number: int, seconds: float, error: LemlistError) -> None:
        """Announce the attempt that follows a failed one."""
        self._emit(RetryScheduled, number=number, seconds=seconds, error=error)

    def _end(self, attempt: ObservedAttempt, error: BaseException | None, outcome: Outcome) -> None:
        granted, received = attempt.granted, attempt.received
        self._emit(
            AttemptEnd,
            number=self._number,
            outcome=outcome,
            granted=granted is not None,
            sent=attempt.sent,
            status=None if received is None else received.status,
            seconds=steady() - (self._queued if granted is None else granted),
            error=None if outcome == "cancelled" else error,
        )


def _outcome(error: BaseException | None) -> Outcome:
    if error is None:
        return "success"
    # CancelledError, the GeneratorExit of a coroutine that is closed, and the end of the process
    return "error" if isinstance(error, Exception) else "cancelled"
