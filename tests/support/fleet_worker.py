"""Process that is one worker of a fleet. Arguments: URL of the database, URL of the API, LEASE, LIMIT."""

import asyncio
import logging
import sys

from lemlist_async import Options, Retry, ThrottleOptions
from lemlist_async.fleet import Worker, WorkerOptions
from lemlist_async.fleet.carrier import RunOptions


async def key_of(tenant: str) -> str:
    """Return the key of a tenant: in the sandbox, its own name."""
    return tenant


async def main(database: str, api: str, lease: str, limit: str) -> None:
    """Work until SIGTERM."""
    worker = Worker(
        database,
        key_of,
        base_url=api,
        client_options=Options(retry=Retry(base=0.01, cap=0.05)),
        # faster than lemlist allows, to keep the test short
        throttle=ThrottleOptions(limit=int(limit), pacer=None, scope="process"),
        options=WorkerOptions(
            sweep_every=0.5,
            stalled_after=float(lease),
            # the slowest answer of the sandboxes that are used here takes less than 0.5 s
            runs=RunOptions(lease=float(lease), look_up_after=0.5, poll_every=0.1),
        ),
    )
    with worker.stopped_by_signals():
        print("ready", flush=True)
        await worker.run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(process)d %(name)s: %(message)s")
    for noisy in ("procrastinate", "psycopg", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    asyncio.run(main(*sys.argv[1:]))
