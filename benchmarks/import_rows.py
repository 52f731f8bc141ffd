"""The whole import at the real limit: rows into a campaign of the sandbox, under each way to count the window.

    python benchmarks/import_rows.py [--rows 2000] [--latency 0]

Each policy has a sandbox in a process of its own, and all run side by side, since they mostly wait. Printed are the
share of the quota (the time that the limit allows, of the time taken) and the refusals that the *sandbox* counted.
"""

import argparse
import asyncio
import multiprocessing
import time

from lemlist_async import Lemlist
from lemlist_async.sandbox import POLICIES, Sandbox


async def run(policy: str, rows: int, latency: float) -> str:
    """Import so many rows, and tell how it went."""
    async with (
        Sandbox(policy=policy, latency=latency) as sandbox,
        Lemlist(sandbox.key, sandbox.url) as lemlist,
    ):
        campaign = sandbox.team().add_campaign(name="Bench")["_id"]
        people = ({"email": f"p{n}@example.com", "size": n} for n in range(rows))
        started = time.process_time()
        async with await lemlist.bulk.plan_leads(campaign, people) as plan:
            job = lemlist.bulk.run(plan)
            async for _ in job:
                pass
            report = await job.report()
        cpu = (time.process_time() - started) / rows * 1e3
        share = report.seconds_at_limit / report.seconds
        return (
            f"{policy:16} {report.calls:6} calls in {report.seconds:6.1f} s   {share:6.1%} of the quota   "
            f"{sandbox.counters.refused} refused   {cpu:.2f} ms CPU a row, sandbox included"
        )


def work(policy: str, rows: int, latency: float) -> str:
    """In a process of its own."""
    return asyncio.run(run(policy, rows, latency))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--latency", type=float, default=0.0)
    given = parser.parse_args()
    with multiprocessing.get_context("spawn").Pool(len(POLICIES)) as pool:
        jobs = [pool.apply_async(work, (policy, given.rows, given.latency)) for policy in POLICIES]
        for job in jobs:
            print(job.get(), flush=True)
