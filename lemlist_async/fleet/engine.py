"""Queue of a fleet: procrastinate, in the database of the journals.

The queue only says which jobs to carry on: a task is a name and nothing else. If the queue forgets a job, repeats it
or hands it to two workers, the journal and its lease decide.
"""

from __future__ import annotations

from typing import Any

import procrastinate
from procrastinate.exceptions import AlreadyEnqueued

from lemlist_async.bulk.journal.postgres_server import KEEPALIVE

QUEUE = "lemlist"
CARRY_ON = "lemlist_async.carry_on"
"""Task that carries a job on, with the job's name as its only argument."""
_CONNECTIONS = 4


def make_app(url: str) -> procrastinate.App:
    """Return the engine of a database; open it before use, with `open_async`."""
    connector = procrastinate.PsycopgConnector(
        conninfo=url, min_size=1, max_size=_CONNECTIONS, kwargs={"prepare_threshold": None, **KEEPALIVE}
    )
    return procrastinate.App(connector=connector)


def lock_of(job: str) -> str:
    """Return the lock that keeps a job from waiting twice, and from two workers of the engine."""
    return f"lemlist:{job}"


async def enqueue(
    app: procrastinate.App, job: str, *, seconds: float = 0.0, connection: Any | None = None
) -> bool:
    """Have a worker carry a job on, after so many seconds; return whether it was not waiting already.

    With a psycopg `connection` the task is part of its transaction, and must not be waiting already.
    """
    deferrer = app.configure_task(
        CARRY_ON,
        queue=QUEUE,
        lock=lock_of(job),
        queueing_lock=lock_of(job),
        schedule_in={"seconds": seconds} if seconds else None,
        connection=connection,
    )
    try:
        await deferrer.defer_async(job=job)
    except AlreadyEnqueued:
        return False
    return True
