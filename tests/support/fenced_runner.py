"""Process that imports rows into a campaign from a journal on a server, and stops itself at one point.

Arguments: URL of the API, CAMPAIGN, URL of the database, JOB, LEASE, POINT. It stands still right after the first row
is marked (``mark``), or right before the first byte of its request (``write``).
"""

import asyncio
import os
import signal
import sys
from typing import Any

from lemlist_async import Lemlist, Options, Retry, Throttle, ThrottleOptions
from lemlist_async.bulk import ImportLeads, JobStoppedError, PostgresJournal
from lemlist_async.bulk.run.dispatcher import Dispatcher
from lemlist_async.bulk.run.executor import Batch


class Point:
    """Stops the process the first time that it is reached."""

    reached = False

    def stop(self) -> None:
        """Stand still until SIGCONT."""
        if not self.reached:
            self.reached = True
            os.kill(os.getpid(), signal.SIGSTOP)


def install(point: str) -> None:
    """Put the point into the way of a row."""
    once = Point()
    mark, check = Dispatcher.mark, Batch.leaving

    async def marked(self: Dispatcher, numbers: Any) -> None:
        await mark(self, numbers)
        once.stop()

    def checked(self: Batch) -> None:
        check(self)
        once.stop()

    if point == "mark":
        Dispatcher.mark = marked  # type: ignore[method-assign]
    else:
        Batch.leaving = checked  # type: ignore[method-assign]


async def main(url: str, campaign: str, database: str, job: str, lease: str) -> None:
    """Plan and run five rows."""
    people = [{"email": f"p{n}@example.com"} for n in range(5)]
    # one at a time: the row that is marked first is the row that is in doubt
    throttle = Throttle(ThrottleOptions(limit=200, pacer=None))
    place = PostgresJournal(database, job, float(lease))
    async with Lemlist(
        "sandbox-key", url, options=Options(retry=Retry(base=0.01, cap=0.05)), throttle=throttle
    ) as lemlist:
        plan = await lemlist.bulk.plan(ImportLeads(campaign_id=campaign), people, journal=place)
        async with plan:
            try:
                report = await lemlist.bulk.run(plan, look_up_after=0.1).finish()
                print("finished", report.created, flush=True)
            except JobStoppedError as stopped:
                print("stopped", stopped, flush=True)


if __name__ == "__main__":
    install(sys.argv[6])
    asyncio.run(main(*sys.argv[1:6]))
