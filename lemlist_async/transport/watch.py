"""Long time limits that share one timer: most never ring, and a timer for each costs more than the rest of it."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

TICK = 0.25
"""Seconds between two looks: by so much a limit may end late."""
LONG = 5.0
"""Seconds from which on that does not matter."""


class Watch:
    """Ends what runs under its limits once their time is over. Belongs to one event loop."""

    def __init__(self) -> None:
        self._running: dict[Limit, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, limit: Limit, until: float) -> None:
        """Look after a limit that ends at `until`, on the clock of the event loop."""
        self._running[limit] = until
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK, self._tick, asyncio.get_running_loop())

    def remove(self, limit: Limit) -> None:
        """Forget a limit; nothing happens if it is not there."""
        self._running.pop(limit, None)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for limit in [limit for limit, until in self._running.items() if until <= now]:
            del self._running[limit]
            limit.expire()
        # with nothing to look after it stops, and the next limit begins it again
        self._timer = loop.call_later(TICK, self._tick, loop) if self._running else None


class Limit:
    """What `asyncio.Timeout` is, with the timer of a `Watch`: TimeoutError in place of its own cancellation."""

    __slots__ = ("_before", "_expired", "_task", "_until", "_watch")

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._until: float | None = None
        self._expired = False
        self._task: asyncio.Task[Any] | None = None
        self._before = 0

    def when(self) -> float | None:
        """When it ends, on the clock of the event loop; None while it has no end."""
        return self._until

    def reschedule(self, until: float) -> None:
        """Give it an end."""
        self._until = until
        self._watch.add(self, until)

    def expire(self) -> None:
        """Cancel the task that runs under it."""
        self._expired = True
        if self._task is not None:
            self._task.cancel()

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        # somebody else may have asked for an end already: that one is not ours to take back
        self._before = 0 if self._task is None else self._task.cancelling()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.remove(self)
        task, self._task = self._task, None
        if not self._expired or task is None:
            return
        if task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimeoutError from error
