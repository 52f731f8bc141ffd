"""What a bulk job costs: memory however many rows there are, and time beside bare calls.

    python benchmarks/bulk.py [--rows 1000000] [--calls 4000] [--rounds 5]

Memory: a plan of many rows, made on the fly and then from a CSV, and the run over all of them, each in a process of
its own; what counts is the growth of its resident memory. The rows are blocked values, 10,000 a call, so that the
journal and the runner do all the work and the network almost none.

Time: rows of one call each, through the runner with a journal, with a temporary one, and as bare calls of the same
client by as many tasks as the runner has workers. No throttle: at lemlist's limit of 10 calls a second the runner
waits nearly all the time. The server is a process of its own. Rounds alternate, and medians are compared.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from _server import served

from lemlist_async import Effect, Lemlist, Throttle, ThrottleOptions
from lemlist_async.bulk import BlockValues

WORKERS = 24
"""What a run has at lemlist's limit of 20."""

BLOCKING_SERVER = """
import asyncio
from lemlist_async.sandbox import Sandbox
async def main():
    async with Sandbox(limit=None) as sandbox:
        print(sandbox.url, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


def client(url: str, limit: int = 1_000_000) -> Lemlist:
    """A client that never waits for the quota."""
    return Lemlist(
        "sandbox-key", url, throttle=Throttle(ThrottleOptions(limit=limit, window=0.001, pacer=None))
    )


# Memory -----------------------------------------------------------------------------------------------


def values(count: int) -> Iterator[dict[str, str]]:
    """Rows, one at a time."""
    for n in range(count):
        yield {"value": f"person-{n}@example.com"}


class Peak:
    """The most memory that the process held above what it began with, in MiB."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._before = self._process.memory_info().rss
        self.growth = 0.0

    async def watch(self) -> None:
        """Look ten times a second."""
        while True:
            self.look()
            await asyncio.sleep(0.1)

    def look(self) -> None:
        self.growth = max(self.growth, (self._process.memory_info().rss - self._before) / 2**20)


async def measure_memory(rows: int, source: str, folder: Path, url: str) -> dict[str, Any]:
    """Plan and run; seconds, growth of the memory, and the size of the journal."""
    async with client(url) as lemlist:
        await lemlist.unsubscribes.add("warm-up@example.com")
        peak = Peak()
        watcher = asyncio.create_task(peak.watch())
        started = time.perf_counter()
        given: Any = values(rows) if source == "generated" else folder / "rows.csv"
        async with await lemlist.bulk.plan(BlockValues(), given, journal=folder / f"{source}.db") as plan:
            peak.look()
            planned, planning = time.perf_counter(), peak.growth
            run = lemlist.bulk.run(plan)
            async for _ in run:
                pass
            report = await run.report()
        watcher.cancel()
        assert report.done == {"blocked": rows}, report
    return {
        "plan_seconds": planned - started,
        "run_seconds": time.perf_counter() - planned,
        "plan_growth": planning,
        "growth": peak.growth,
        "journal": (folder / f"{source}.db").stat().st_size / 2**20,
    }


def memory(rows: int) -> None:
    """Print the figures of both sources."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with (folder / "rows.csv").open("w") as file:
            file.write("value\n")
            file.writelines(f"{row['value']}\n" for row in values(rows))
        for source in ("generated", "csv"):
            server = subprocess.Popen(
                [sys.executable, "-c", BLOCKING_SERVER], stdout=subprocess.PIPE, text=True
            )
            assert server.stdout is not None
            command = [sys.executable, __file__, "--child", source, "--rows", str(rows), "--folder", place]
            try:
                url = server.stdout.readline().strip()
                out = subprocess.run(
                    [*command, "--url", url], capture_output=True, text=True, check=True
                ).stdout
            finally:
                server.kill()
                server.wait()
            told = json.loads(out)
            print(
                f"{rows:,} rows, {source}: plan {told['plan_seconds']:.1f} s, run {told['run_seconds']:.1f} s "
                f"({told['run_seconds'] / rows * 1e6:.0f} µs a row); memory + {told['plan_growth']:.0f} MiB for the "
                f"plan, + {told['growth']:.0f} MiB in all; journal {told['journal']:.0f} MiB"
            )


# Time -------------------------------------------------------------------------------------------------


async def read(lemlist: Lemlist, row: dict[str, Any]) -> None:
    """One small call."""
    await lemlist.campaigns.get(row["id"])


async def bare(lemlist: Lemlist, rows: list[dict[str, str]]) -> None:
    """The same calls without a runner."""
    left = iter(rows)

    async def worker() -> None:
        for row in left:
            await read(lemlist, row)

    await asyncio.gather(*(worker() for _ in range(WORKERS)))


async def through_the_runner(lemlist: Lemlist, rows: list[dict[str, str]], journal: Path | None) -> None:
    """The same calls as a job."""
    async for _ in lemlist.bulk.run(rows, each=read, effect=Effect.READ, journal=journal):
        pass


async def measure_time(calls: int, rounds: int, folder: Path, url: str) -> None:
    """Print microseconds per call of each way, wall clock and CPU of this process."""
    rows = [{"id": f"cam_{n}"} for n in range(calls)]
    seen: dict[str, list[tuple[float, float]]] = {"bare": [], "temporary": [], "journal": []}
    async with client(url, limit=20) as lemlist:
        await bare(lemlist, rows[:200])
        for round_ in range(rounds):
            for name, times in seen.items():
                wall, cpu = time.perf_counter(), time.process_time()
                if name == "bare":
                    await bare(lemlist, rows)
                else:
                    file = folder / f"{round_}.db" if name == "journal" else None
                    await through_the_runner(lemlist, rows, file)
                times.append(((time.perf_counter() - wall) / calls, (time.process_time() - cpu) / calls))
    base = [statistics.median(one) for one in zip(*seen["bare"], strict=True)]
    for name, times in seen.items():
        wall, cpu = (statistics.median(one) for one in zip(*times, strict=True))
        print(
            f"{name}: {wall * 1e6:.0f} µs a row ({wall / base[0] - 1:+.0%}), CPU {cpu * 1e6:.0f} µs "
            f"(+{(cpu - base[1]) * 1e6:.0f} µs); of the 100 ms a row has at lemlist's limit: "
            f"{(wall - base[0]) / 0.1:.2%}"
        )


def fsync_cost(folder: Path) -> None:
    """Print what the disk asks for one commit."""
    times: list[float] = []
    with (folder / "probe").open("wb") as file:
        for _ in range(200):
            file.write(b"x" * 4096)
            file.flush()
            started = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - started)
    print(f"one fsync of this disk: {statistics.median(times) * 1e6:.0f} µs")


def main() -> None:
    """Everything, or (for itself) one measurement in a process of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--calls", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(asyncio.run(measure_memory(given.rows, given.child, given.folder, given.url))))
        return
    with tempfile.TemporaryDirectory() as place, served() as url:
        fsync_cost(Path(place))
        asyncio.run(measure_time(given.calls, given.rounds, Path(place), url))
    memory(given.rows)


if __name__ == "__main__":
    main()
