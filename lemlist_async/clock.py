"""A clock that goes on where a test freezes time."""

from __future__ import annotations

import functools
import time
import types
from collections.abc import Callable

Clock = Callable[[], float]


def _clock() -> Clock:
    # freezegun and its like replace time.monotonic wherever they see it, and a throttle that reads a frozen clock
    # waits for ever; inside a partial they do not see it
    if isinstance(time.monotonic, types.BuiltinFunctionType) or not hasattr(time, "clock_gettime"):
        return functools.partial(time.monotonic)
    # imported while time is frozen: another name for the same clock, which Windows does not have
    return functools.partial(time.clock_gettime, time.CLOCK_MONOTONIC)


steady: Clock = _clock()
"""Seconds since some moment, which never go back."""

FROZEN = (
    "the clock of the event loop is frozen, so that no wait would end; "
    "with freezegun: freeze_time(…, real_asyncio=True)"
)
_LOOK = 0.0005
"""Seconds in which a clock that is not frozen moves."""


def stands_still(clock: Clock) -> bool:
    """Whether a clock is frozen. Looked at only where something has replaced `time.monotonic`."""
    if isinstance(time.monotonic, types.BuiltinFunctionType):
        return False
    before, until = clock(), steady() + _LOOK
    while steady() < until:
        pass
    return clock() == before
