"""Events of calls, attempts and jobs, and the observers that receive them; events hold no secrets and no query.

CallBegin                  a call begins, before anything is checked
├─ AttemptBegin            an attempt enters the queue
│   ├─ SlotGranted         the throttle lets it go; missing if the attempt ended in the queue
│   └─ AttemptEnd          its response was read, it failed, or it was cancelled
├─ RetryScheduled          another attempt follows after a pause
└─ CallEnd                 the call succeeded, failed or was cancelled

Every call has one begin and one end with the same `call_id`, and so has every attempt of it: also one that is refused
before it is sent, that is cancelled in any phase, or that streams its response.

RowsEnd                    rows of a bulk job got their final outcome
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

import attrs

from lemlist_async.errors import Attempt, ConfigurationError, LemlistError
from lemlist_async.options import Lane

_log = logging.getLogger("lemlist_async.observe")

Outcome = Literal["success", "error", "cancelled"]
"""End of a call or an attempt. A stream that is left before its last byte is ``cancelled``."""


@attrs.frozen
class Event:
    """Any event: what an observer of everything registers for."""


@attrs.frozen
class CallEvent(Event):
    """An event of one call."""

    call_id: str
    """Name of the call, the same in all of its events and in those of no other call of this process."""
    operation: str
    """Verb and path template, such as ``GET /campaigns/{campaignId}``."""


@attrs.frozen
class CallBegin(CallEvent):
    """A call begins."""

    lane: Lane


@attrs.frozen
class AttemptBegin(CallEvent):
    """An attempt is about to wait for a slot and be sent."""

    number: int
    """Number of the attempt, from 1."""
    host: str
    """Host that the request goes to: lemlist's, or that of a file which lemlist named."""
    port: int | None


@attrs.frozen
class SlotGranted(CallEvent):
    """The throttle granted a slot: the attempt is sent now."""

    number: int
    waited: float
    """Seconds in the queue; 0 if the attempt did not have to wait."""
    reason: Literal["quota", "pause"] | None
    """Reason for the wait: the quota was used, or a 429 had paused the key. None without a wait."""


@attrs.frozen
class AttemptEnd(CallEvent):
    """An attempt ended."""

    number: int
    outcome: Outcome
    granted: bool
    """Whether the throttle had granted a slot. If not, the attempt ended in the queue."""
    sent: bool
    """Whether a byte of the request may have left."""
    status: int | None
    """Status of the response, where one had begun."""
    seconds: float
    """Seconds from the grant to the last byte, or in the queue for an attempt without a slot."""
    error: BaseException | None
    """Error of a failed attempt: a `LemlistError`, or an exception of code that this library called."""


@attrs.frozen
class RetryScheduled(CallEvent):
    """An attempt failed, and another one follows after `seconds`."""

    number: int
    """Number of the failed attempt."""
    seconds: float
    error: LemlistError


@attrs.frozen
class CallEnd(CallEvent):
    """A call ended."""

    outcome: Outcome
    seconds: float
    """Seconds from the begin, queue and pauses included."""
    attempts: tuple[Attempt, ...]
    """Attempts that got a slot and were finished, in order."""
    error: BaseException | None
    """Error of a failed call: a `LemlistError`, or an exception of code that this library called."""


@attrs.frozen
class RowsEnd(Event):
    """Rows of a bulk job got their final outcome, and the journal holds it."""

    job: str
    """Kind of the job, such as ``leads.create``."""
    state: str
    """State of the rows: ``done``, ``failed`` or ``unknown``."""
    what: str
    """Outcome in one word: ``created``, ``duplicate``, …"""
    count: int


E = TypeVar("E", bound=Event)
Notify = Callable[[Event], None]
Table = Mapping[type[Event], tuple[Notify, ...]]
"""Notifiers by class of event. A table is never changed: a call keeps the one that it began with."""

KINDS: tuple[type[Event], ...] = (
    CallBegin, AttemptBegin, SlotGranted, AttemptEnd, RetryScheduled, CallEnd, RowsEnd
)  # fmt: skip


@attrs.define(eq=False)
class Registration:
    """One observer, for as long as it is registered."""

    observer: Callable[[Any], object]
    active: bool = True
    failed: bool = False

    def notify(self, event: Event) -> None:
        """Call the observer; what it raises is logged the first time, and otherwise ignored."""
        if not self.active:
            return
        try:
            self.observer(event)
        # an observer is foreign code: it may raise anything, such as the CancelledError of a future that it looks at
        except (Exception, asyncio.CancelledError):  # noqa: BLE001
            if not self.failed:
                self.failed = True
                _log.exception("an observer of %s failed; it is called on", type(event).__name__)


class Observers:
    """Registered observers of one client."""

    def __init__(self) -> None:
        self.table: Table = {}
        self.silent: bool = True
        """Whether there is no observer, as in most clients. No event is created then."""
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    def on(self, kind: type[E], observer: Callable[[E], object]) -> Callable[[], None]:
        """Register an observer for a class of events, and return a function that removes this registration.

        Raises:
            ConfigurationError: the class is no event, or the observer is not a plain function.
        """
        chosen = [each for each in KINDS if kind in {each, *each.__bases__, Event}]
        if not chosen:
            names = ", ".join(each.__name__ for each in KINDS)
            raise ConfigurationError(f"no event {kind!r}; there are {names}, and Event for all of them")
        if not callable(observer) or _must_be_awaited(observer):
            raise ConfigurationError(f"an observer is a plain function, not {observer!r}")
        mine = Registration(observer)
        notify = mine.notify  # one bound method, which `off` finds again
        self._set({each: (*self.table.get(each, ()), notify) for each in chosen})

        def off() -> None:
            # at once, also for the calls in progress, which keep their table
            mine.active = False
            self._set({each: tuple(one for one in self.table[each] if one is not notify) for each in chosen})

        return off

    def emit(self, event: Event) -> None:
        """Notify the observers of an event that belongs to no call."""
        for notify in self.table.get(type(event), ()):
            notify(event)

    def new_id(self) -> str:
        """Return a name for a call that no other call of this process has."""
        return f"{self._prefix}-{next(self._numbers)}"

    def _set(self, changed: Table) -> None:
        self.table = {**self.table, **changed}
        self.silent = not any(self.table.values())


def _must_be_awaited(observer: object) -> bool:
    return inspect.iscoroutinefunction(observer) or inspect.iscoroutinefunction(
        getattr(observer, "__call__", None)  # noqa: B004  # an object with an async __call__ must be awaited too
    )
