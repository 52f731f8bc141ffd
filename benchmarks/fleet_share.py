"""Share of its quota that each key gets, where many jobs of many keys run over several workers of one host.

    python benchmarks/fleet_share.py [--keys 50] [--jobs 100] [--rows 200] [--workers 4]

Real workers (`lemlist-async worker`) carry imports on over a real PostgreSQL server and a sandbox that enforces
lemlist's limit. Counted are the requests of each key in the sandbox's log (the last 10,000), without the first five
seconds and the last window, against 10 a second.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil
from _tables import Cell, Table, parser_of, publish

sys.path.insert(0, str(Path(__file__).parents[1]))

from lemlist_async import Lemlist
from lemlist_async.bulk import ImportLeads
from lemlist_async.fleet import Jobs, submit
from lemlist_async.sandbox import Sandbox
from tests.support.postgres import new_database, start

ROOT = Path(__file__).parents[1]
WARM_UP = 5.0
WINDOW, LIMIT = 2.0, 20


async def main(given: argparse.Namespace, folder: Path) -> list[Cell]:
    """Submit all jobs, start the workers, wait, count."""
    server = start(folder / "postgres", cleanup="delete")
    database = new_database(server)
    keys = [f"key-{number}" for number in range(given.keys)]
    async with Sandbox(keys=keys, latency=(0.04, 0.06)) as sandbox:
        for number in range(given.jobs):
            key = keys[number % len(keys)]
            campaign = sandbox.team(key).add_campaign(name=f"C{number}")["_id"]
            rows = [{"email": f"p{number}-{n}@example.com"} for n in range(given.rows)]
            async with Lemlist(key, sandbox.url) as lemlist:
                await submit(
                    lemlist,
                    ImportLeads(campaign_id=campaign),
                    rows,
                    to=database,
                    name=f"job-{number}",
                    tenant=key,
                )
        begun = time.monotonic()
        workers = [await worker(database, sandbox.url) for _ in range(given.workers)]
        try:
            while await left(database):  # noqa: ASYNC110  # of other processes
                await asyncio.sleep(1)
            cpu = sum(sum(psutil.Process(one.pid).cpu_times()[:2]) for one in workers)
        finally:
            for process in workers:
                process.terminate()
            await asyncio.gather(*(process.wait() for process in workers))
        seconds = time.monotonic() - begun
        return report(given, sandbox, keys, seconds, cpu)


async def worker(database: str, url: str) -> asyncio.subprocess.Process:
    """Start a worker."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lemlist_async", "worker", "--url", database, "--jobs", "50",
        "--keys", "tests.support.fleet_worker:key_of",
        cwd=ROOT, env={**os.environ, "LEMLIST_BASE_URL": url}, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


async def left(database: str) -> int:
    """Rows that are still to be sent."""
    async with Jobs.at(database) as jobs:
        return sum(job.left for job in await jobs.all())


def report(
    given: argparse.Namespace, sandbox: Sandbox, keys: list[str], seconds: float, cpu: float
) -> list[Cell]:
    """Return the shares as a row."""
    shares, made = [], 0
    for key in keys:
        team = sandbox.team(key).id
        times = sorted(request.at for request in sandbox.requests if request.team == team)
        made += len(times)
        first, last = times[0] + WARM_UP, times[-1] - WINDOW
        within = sum(first <= at < last for at in times)
        shares.append(within / ((last - first) * LIMIT / WINDOW))
    rows = given.jobs * given.rows
    done = sum(len(sandbox.team(key).leads) for key in keys)
    return [
        f"{given.jobs} jobs of {given.keys} keys, {given.workers} workers", f"{done:,} of {rows:,}", seconds,
        made, sandbox.counters.refused, f"{min(shares):.1%}", f"{statistics.median(shares):.1%}", cpu / rows * 1e3,
    ]  # fmt: skip


if __name__ == "__main__":
    parser = parser_of(__doc__)
    for name, default in (("keys", 50), ("jobs", 100), ("rows", 200), ("workers", 4)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        shares_ = asyncio.run(main(options, Path(place)))
    columns = [
        "",
        "leads",
        "seconds",
        "requests",
        "429s",
        "least share",
        "median share",
        "workers' CPU a row, ms",
    ]
    publish([Table(f"{options.keys} keys", columns, [shares_])], options.json)
