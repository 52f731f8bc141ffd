"""Deadline of a whole piece of work, such as a request to a web backend, that every call inside of it inherits."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from contextvars import ContextVar

from lemlist_async.clock import steady
from lemlist_async.errors import ConfigurationError

_ENDS: ContextVar[float | None] = ContextVar("lemlist_async_deadline", default=None)
"""End of the work of this context and of the tasks and threads that it starts, on the clock `steady`."""


@contextlib.contextmanager
def deadline(seconds: float | None) -> Generator[None]:
    """End every interactive call of the block `seconds` from now, queue, attempts and pauses included.

    A call keeps to the earliest deadline: this one, one of a block around it, or its own `Options.deadline`. Tasks
    that the block starts inherit it; ``deadline(None)`` lifts it, for work that goes on after the response. Calls of
    the bulk lane, for which no visitor waits, are not concerned.

    Raises:
        ConfigurationError: `seconds` is not a number of at least 0, or None.
        DeadlineExceededError: raised by the calls, not by the block.
    """
    ends = None
    if seconds is not None:
        if not seconds >= 0:
            raise ConfigurationError(
                f"a deadline is a number of seconds of at least 0, or None, not {seconds!r}"
            )
        ends, around = steady() + seconds, _ENDS.get()
        ends = ends if around is None else min(ends, around)
    token = _ENDS.set(ends)
    try:
        yield
    finally:
        _ENDS.reset(token)


def time_left() -> float | None:
    """Return the seconds until the deadline of this context; None if there is none."""
    ends = _ENDS.get()
    return None if ends is None else ends - steady()
