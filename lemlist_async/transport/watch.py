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
    Notify,
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

    def __enter__(self) -> Self:
        if notifiers := self._table.get(CallBegin):
            _notify(notifiers, CallBegin(self._call_id, self._operation, self._lane))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        outcome = outcome_of(error)
        if self._streamed:
            # an exception of the reader is not one of the call
            error, self._lost = self._lost, None
            outcome = outcome_of(error)
        if self._open is not None:
            outcome = "cancelled"
            self.attempt_end(self._open, None, outcome)
        if notifiers := self._table.get(CallEnd):
            seconds, attempts = steady() - self._began, tuple(self.attempts)
            error = None if outcome == "cancelled" else error
            _notify(notifiers, CallEnd(self._call_id, self._operation, outcome, seconds, attempts, error))

    def attempt_begin(self, number: int, url: URL) -> None:
        """Announce that an attempt enters the queue."""
        self._number, self._queued = number, steady()
        if notifiers := self._table.get(AttemptBegin):
            host = url.host or ""
            _notify(notifiers, AttemptBegin(self._call_id, self._operation, number, host, url.port))

    def granted(self, slot: Slot) -> None:
        """Announce that the attempt got a slot."""
        if notifiers := self._table.get(SlotGranted):
            _notify(
                notifiers,
                SlotGranted(self._call_id, self._operation, self._number, slot.waited, slot.reason),
            )

    def keep_open(self, attempt: ObservedAttempt) -> None:
        """Leave the attempt open, since its response is streamed."""
        self._open, self._streamed = attempt, True

    def body_ended(self, lost: LemlistError | None) -> None:
        """End the attempt of a stream with its last byte, or with the fault that ended its body."""
        attempt, self._open, self._lost = self._open, None, lost
        if attempt is not None:
            self.attempt_end(attempt, lost, outcome_of(lost))

    def retry(self, number: int, seconds: float, error: LemlistError) -> None:
        """Announce the attempt that follows a failed one."""
        if notifiers := self._table.get(RetryScheduled):
            _notify(notifiers, RetryScheduled(self._call_id, self._operation, number, seconds, error))

    def attempt_end(self, attempt: ObservedAttempt, error: BaseException | None, outcome: Outcome) -> None:
        """Announce the end of the attempt."""
        if not (notifiers := self._table.get(AttemptEnd)):
            return
        granted, received = attempt.granted, attempt.received
        _notify(
            notifiers,
            AttemptEnd(
                self._call_id,
                self._operation,
                self._number,
                outcome,
                granted is not None,
                attempt.sent,
                None if received is None else received.status,
                steady() - (self._queued if granted is None else granted),
                None if outcome == "cancelled" else error,
            ),
        )


def _notify(notifiers: tuple[Notify, ...], event: Event) -> None:
    for notify in notifiers:
        notify(event)


def outcome_of(error: BaseException | None) -> Outcome:
    """Return the end of a call or attempt that raised `error`."""
    if error is None:
        return "success"
    # CancelledError, the GeneratorExit of a coroutine that is closed, and the end of the process
    return "error" if isinstance(error, Exception) else "cancelled"
