"""The time that a try may take: a deadline to the instant, and long limits that share one timer."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Literal, Self

TICK = 0.25
"""Seconds between two looks: by so much a long limit may end late."""
LONG = 5.0
"""Seconds from which on that does not matter."""


Reason = Literal["deadline", "attempt", "closed"]
"""What ended a try: its deadline, its own limit, or the end of the client."""


class SharedTimer:
    """Ends what runs under long limits once their time is over. Belongs to one event loop.

    Most limits never end: a timer of the loop for each would cost more than all the rest of it.
    """

    def __init__(self) -> None:
        self.open: set[TimeLimit] = set()
        """All limits that something runs under."""
        self._running: dict[TimeLimit, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, limit: TimeLimit, until: float, loop: asyncio.AbstractEventLoop) -> None:
        """Look after a limit that ends at `until`, on the clock of the loop."""
        self._running[limit] = until
        if self._timer is None:
            self._timer = loop.call_later(TICK, self._tick, loop)

    def remove(self, limit: TimeLimit) -> None:
        """Forget a limit; nothing happens if it is not there."""
        self._running.pop(limit, None)

    def close(self) -> None:
        """End all that runs in this event loop."""
        loop = asyncio.get_running_loop()
        for limit in [limit for limit in self.open if limit.loop is loop]:
            limit.expire("closed")

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for limit in [limit for limit, until in self._running.items() if until <= now]:
            del self._running[limit]
            limit.expire("attempt")
        # with nothing to look after it stops, and the next limit begins it again
        self._timer = loop.call_later(TICK, self._tick, loop) if self._running else None


class TimeLimit:
    """What `asyncio.Timeout` is, but for the shared timer: TimeoutError in place of its own cancellation.

    `deadline` is on the clock of the event loop; a limit that began after it ends at the first wait.
    """

    __slots__ = ("_before", "_deadline", "_task", "_timer", "_timers", "ended_by", "loop")

    def __init__(self, timer: SharedTimer, deadline: float | None = None) -> None:
        self._timer = timer
        self._deadline = deadline
        self._timers: tuple[asyncio.TimerHandle, ...] = ()
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self.ended_by: Reason | None = None
        """Why it raised TimeoutError. The clock cannot tell afterwards: some loops ring a little early."""
        self._task: asyncio.Task[Any] | None = None
        self._before = 0

    def allow(self, seconds: float) -> None:
        """So long from now it may go on, if the deadline is not before that."""
        until = self.loop.time() + seconds
        if seconds >= LONG:
            self._timer.add(self, until, self.loop)
        else:
            self._ring_at(until, "attempt")

    def expire(self, reason: Reason) -> None:
        """Cancel the task that runs under it."""
        if self._task is not None and self.ended_by is None:
            self.ended_by = reason
            self._task.cancel()

    def _ring_at(self, until: float, reason: Reason) -> None:
        self._timers = (*self._timers, self.loop.call_at(until, self.expire, reason))

    def __enter__(self) -> Self:
        task = self._task = asyncio.current_task()
        # somebody else may have asked for an end already: that one is not ours to take back
        self._before = 0 if task is None else task.cancelling()
        if self._deadline is not None:
            self._ring_at(self._deadline, "deadline")
        self._timer.open.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.open.discard(self)
        self._timer.remove(self)
        for timer in self._timers:
            timer.cancel()
        task, self._task = self._task, None
        if self.ended_by is None or task is None:
            return
        if task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimeoutError from error
