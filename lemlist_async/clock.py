"""Clock that keeps running while a test freezes time."""

from __future__ import annotations

import functools
import time
import types
from collections.abc import Callable

Clock = Callable[[], float]


def _clock() -> Clock:
    # freezegun and similar tools replace every reference to time.monotonic that they find, and a throttle with a
    # frozen clock waits for ever; they do not find it inside a partial
    if isinstance(time.monotonic, types.BuiltinFunctionType) or not hasattr(time, "clock_gettime"):
        return functools.partial(time.monotonic)
    # imported while time is frozen: another name of the same clock, which Windows does not have
    return functools.partial(time.clock_gettime, time.CLOCK_MONOTONIC)


steady: Clock = _clock()
"""Monotonic seconds since an arbitrary moment."""

FROZEN = (
    "the clock of the event loop is frozen, so that no wait would end; "
    "with freezegun: freeze_time(…, real_asyncio=True)"
)
_LOOK = 0.0005
"""Seconds within which a running clock moves."""


def stands_still(clock: Clock) -> bool:
    """Return whether a clock is frozen; it is only examined if something has replaced `time.monotonic`."""
    if isinstance(time.monotonic, types.BuiltinFunctionType):
        return False
    before, until = clock(), steady() + _LOOK
    while steady() < until:
        pass
    return clock() == before
