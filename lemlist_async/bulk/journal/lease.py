"""Lease of a job on a server: the right to mark its rows, for a while."""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs

from lemlist_async.bulk.journal.errors import JournalUnavailableError

MARGIN = 1.0
"""Seconds before its end at which a lease counts as over here, against clocks that run at different speeds."""


def _clock() -> Callable[[], float]:
    # a machine that was suspended must notice: the monotonic clock of Linux stands still meanwhile
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic if boottime is None else lambda: time.clock_gettime(boottime)


now: Callable[[], float] = _clock()
"""Seconds since an arbitrary moment, time in which the machine slept included."""


@attrs.define(eq=False)
class Lease:
    """Lease of one job.

    The server's clock alone decides whether another worker may take the job over. This process only measures how long
    ago it asked for the lease. It asked before the server's time began to run, so it gives up first.
    """

    job: int
    epoch: int
    seconds: float
    asked: float
    """Time just before the last request that the server granted."""
    lost: bool = False
    """Whether another worker has taken the job over."""

    def renew(self, asked: float) -> None:
        """Note a renewal that was asked for at a time."""
        self.asked = asked

    @property
    def left(self) -> float:
        """Seconds for which the lease surely goes on; below zero once it may be over."""
        return self.asked + self.seconds - MARGIN - now()

    def check(self) -> None:
        """Check that no other worker may have the job.

        Raises:
            JournalUnavailableError: the lease is over, or may be.
        """
        if self.lost or self.left <= 0:
            raise JournalUnavailableError(
                "the lease of this worker is over: another one may carry the job on"
            )
