"""An event loop whose clock jumps to the next timer, so that hours of waiting are tested in milliseconds.

Coroutines that wait only for each other and for timers run in their usual order. Real sockets and threads take
real time, which this clock does not see: keep them out of such tests.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

import attrs

__all__ = ["PATIENCE", "TICK", "VirtualClockLoop", "run"]

T = TypeVar("T")

TICK = 1e-6
"""Least seconds per turn of the loop: a wait too short to move the clock would spin for ever."""
PATIENCE = 5.0
"""Real seconds to wait for a thread when no timer is left, before a deadlock is reported."""


@attrs.define
class _Clock:
    # above zero: an instant must not be falsy
    now: float = 1000.0


class _Selector(selectors.DefaultSelector):
    """Selector that advances the clock instead of waiting."""

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
    """Event loop that never waits: `time()` advances when there is nothing left to run.

    A wait that can never end raises RuntimeError out of the loop instead of hanging.
    """

    def __init__(self) -> None:
        self._virtual = _Clock()
        super().__init__(_Selector(self._virtual))

    def time(self) -> float:
        """Return the virtual instant, in seconds."""
        return self._virtual.now

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for the threads without a time limit: Python 3.12 and later set a timer, which would expire at once."""
        await super().shutdown_default_executor()


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine like `asyncio.run`, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(main)
