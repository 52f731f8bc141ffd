"""Many calls with faults and cancellations: nothing may grow after the first tenth.

    python benchmarks/soak.py [--calls 200000] [--tasks 50]

The sandbox runs in a process of its own, without a limit, and lets 2 % of the requests fail at random. Every
fiftieth call is cancelled on its way. Memory, tasks, sockets and file descriptors are read at each tenth.
"""

import argparse
import asyncio
import gc
import os
import random
import subprocess
import sys
import time
from collections import Counter

import attrs
import psutil

from lemlist_async import Lemlist, Options, Retry, Throttle, ThrottleOptions, errors

SERVER = """
import asyncio
from lemlist_async.sandbox import Cut, Reset, Sandbox, gateway, html
async def main():
    async with Sandbox(limit=None, seed=1) as sandbox:
        campaign = sandbox.team().add_campaign(name="Soak")["_id"]
        for fault in (Reset(), gateway(502), gateway(503), html(), Cut()):
            sandbox.faults.add(fault, times=None, probability=0.004)
        print(sandbox.url, campaign, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


@attrs.frozen
class Reading:
    """Resources that a process holds."""

    calls: int
    rss: float
    """MiB."""
    tasks: int
    sockets: int
    descriptors: int

    @classmethod
    def now(cls, calls: int) -> "Reading":
        """As it is."""
        gc.collect()
        process = psutil.Process()
        return cls(
            calls,
            process.memory_info().rss / 2**20,
            len(asyncio.all_tasks()),
            len(process.net_connections()),
            process.num_fds(),
        )


async def soak(calls: int, tasks: int, report: bool = True) -> tuple[list[Reading], Counter[str]]:
    """Run so many calls over so many tasks; the readings, and how calls ended."""
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url, campaign = process.stdout.readline().split()
    outcomes: Counter[str] = Counter()
    readings: list[Reading] = []
    chance = random.Random(1)
    throttle = Throttle(ThrottleOptions(limit=1_000_000, window=0.01, pacer=None))
    retry = Retry(attempts=3, base=0.001, cap=0.01, budget=1)
    try:
        async with Lemlist("sandbox-key", url, options=Options(retry=retry), throttle=throttle) as lemlist:

            async def worker(share: int) -> None:
                for _ in range(share):
                    outcomes[await one(lemlist, campaign, chance)] += 1

            for _ in range(10):
                async with asyncio.TaskGroup() as group:
                    for _ in range(tasks):
                        group.create_task(worker(calls // 10 // tasks))
                await asyncio.sleep(0.05)
                readings.append(Reading.now(sum(outcomes.values())))
                if report:
                    print(readings[-1], flush=True)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    return readings, outcomes


async def one(lemlist: Lemlist, campaign: str, chance: random.Random) -> str:
    """One call, and how it ended."""
    call = asyncio.ensure_future(lemlist.campaigns.get(campaign))
    if chance.random() < 0.02:
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)
        call.cancel()
    try:
        await call
    except errors.LemlistError as error:
        return type(error).__name__
    except asyncio.CancelledError:
        return "cancelled"
    return "answered"


def growth(readings: list[Reading]) -> dict[str, float]:
    """Growth of the last reading above the first tenth."""
    first, last = readings[0], readings[-1]
    return {
        name: getattr(last, name) - getattr(first, name)
        for name in ("rss", "tasks", "sockets", "descriptors")
    }


async def main(calls: int, tasks: int) -> None:
    started = time.perf_counter()
    readings, outcomes = await soak(calls, tasks)
    seconds = time.perf_counter() - started
    print(
        f"{calls:,} calls in {seconds:.0f} s ({calls / seconds:.0f}/s), pid {os.getpid()}: {dict(outcomes)}"
    )
    print(f"growth after the first tenth: {growth(readings)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--tasks", type=int, default=50)
    given = parser.parse_args()
    asyncio.run(main(given.calls, given.tasks))
