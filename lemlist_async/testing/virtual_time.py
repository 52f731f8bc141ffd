"""An event loop whose clock jumps to the next timer, so that hours of waiting are tested in milliseconds.

Coroutines that only wait for each other and for timers run as they would, in the same order. Real sockets and
threads take real time, which this clock does not know: keep them out of such tests.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

import attrs

T = TypeVar("T")

TICK = 1e-6
"""Seconds that each turn takes at least: a wait too short to move the clock would spin for ever."""
PATIENCE = 5.0
"""Real seconds to wait for a thread when no timer is left; after that it is a deadlock."""


@attrs.define
class _Clock:
    # above zero: an instant that is false would be a surprise
    now: float = 1000.0


class _Selector(selectors.DefaultSelector):
    """Passes the time instead of waiting for it."""

    def __init__(self, clock: _Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            if events := super().select(PATIENCE):
                return events
            raise RuntimeError("deadlock: every task waits, and no timer is set that could wake one")
        events = super().select(0)
        self._clock.now += TICK if events else max(timeout, TICK)
        return events


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits: `time()` moves on by itself when there is nothing left to run.

    A wait that nothing can ever end raises RuntimeError out of the loop, in place of hanging.
    """

    def __init__(self) -> None:
        self._virtual = _Clock()
        super().__init__(_Selector(self._virtual))

    def time(self) -> float:
        """The virtual instant, in seconds."""
        return self._virtual.now

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for the threads without a time limit: as a timer (Python 3.12 and later) it would ring at once."""
        await super().shutdown_default_executor()


def run(main: Coroutine[Any, Any, T]) -> T:
    """Like `asyncio.run`, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(main)
