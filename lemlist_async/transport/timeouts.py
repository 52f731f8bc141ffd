"""Time limits of attempts: deadlines end to the instant, long limits share one timer."""

from __future__ import annotations

import asyncio
import math
from types import TracebackType
from typing import Any, Literal, Self

TICK = 0.25
"""Seconds between two checks of the shared timer, and so the most by which a long limit may end late."""
LONG = 5.0
"""Seconds from which a limit is long enough to share the timer."""

Reason = Literal["deadline", "attempt", "closed"]
"""Cause of the end of an attempt: the deadline of its call, its own limit, or the end of the client."""


class SharedTimer:
    """Ends attempts whose long limit is over, with one timer per event loop.

    Nearly all limits are lifted before they end: a timer of the event loop for each attempt would cost more than
    the rest of the limit.
    """

    def __init__(self) -> None:
        self.open: dict[TimeLimit, float] = {}
        """Every limit that an attempt runs under, with the instant at which this timer ends it, or infinity."""
        self._handle: asyncio.TimerHandle | None = None

    def add(self, limit: TimeLimit, until: float, loop: asyncio.AbstractEventLoop) -> None:
        """Expire a limit at `until`, on the clock of the event loop."""
        self.open[limit] = until
        if self._handle is None:
            self._handle = loop.call_later(TICK, self._tick, loop)

    def close(self) -> None:
        """Expire every limit of the running event loop."""
        # tasks of another loop may only be cancelled from a thread that runs that loop
        loop = asyncio.get_running_loop()
        for limit in [limit for limit in self.open if limit.loop is loop]:
            limit.expire("closed")

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for limit in [limit for limit, until in self.open.items() if until <= now]:
            self.open[limit] = math.inf
            limit.expire("attempt")
        # an idle client must leave no timer behind; the next limit starts it again
        runs = any(until < math.inf for until in self.open.values())
        self._handle = loop.call_later(TICK, self._tick, loop) if runs else None


class TimeLimit:
    """Context manager like `asyncio.Timeout`, on the shared timer: turns its own cancellation into TimeoutError.

    `deadline` is on the clock of the event loop. A limit that is entered after its deadline ends at the first wait.
    """

    __slots__ = ("_before", "_deadline", "_handles", "_shared", "_task", "ended_by", "loop")

    def __init__(self, shared: SharedTimer, deadline: float | None = None) -> None:
        self._shared = shared
        self._deadline = deadline
        self._handles: tuple[asyncio.TimerHandle, ...] = ()
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self.ended_by: Reason | None = None
        """Reason of the TimeoutError. The clock cannot tell afterwards: some loops fire timers a little early."""
        self._task: asyncio.Task[Any] | None = None
        self._before = 0

    def allow(self, seconds: float) -> None:
        """End the block `seconds` from now, unless the deadline is earlier."""
        until = self.loop.time() + seconds
        if seconds >= LONG:
            self._shared.add(self, until, self.loop)
        else:
            self._expire_at(until, "attempt")

    def expire(self, reason: Reason) -> None:
        """Cancel the task that runs under this limit."""
        # a second cancellation would not be taken back by the one `uncancel` in `__exit__`
        if self._task is not None and self.ended_by is None:
            self.ended_by = reason
            self._task.cancel()

    def _expire_at(self, until: float, reason: Reason) -> None:
        self._handles = (*self._handles, self.loop.call_at(until, self.expire, reason))

    def __enter__(self) -> Self:
        task = self._task = asyncio.current_task()
        # the task may be cancelled by others already: that cancellation is not ours to take back
        self._before = 0 if task is None else task.cancelling()
        if self._deadline is not None:
            self._expire_at(self._deadline, "deadline")
        self._shared.open[self] = math.inf
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # before anything can raise: a timer left behind would cancel the task in the middle of other work
        self._shared.open.pop(self, None)
        for handle in self._handles:
            handle.cancel()
        task, self._task = self._task, None
        if self.ended_by is None or task is None:
            return
        # a cancellation by others that came in the same turn wins: it must not become a TimeoutError
        if task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimeoutError from error
