"""Cost of a bulk job: memory at any number of rows, and time beside bare calls.

    python benchmarks/bulk.py [--rows 1000000] [--calls 4000] [--rounds 5] [--only memory]

Memory: a plan of many rows, made on the fly and then from a CSV, and the run over all of them, each in a process of
its own; what counts is the growth of its resident memory. The rows are blocked values, 10,000 a call, so that the
journal and the runner do all the work and the network almost none.

Time: rows of one call each, through the runner with a journal, with one in memory (where an fsync is free), with a
temporary one, and as bare calls of the same client by as many tasks as the runner has workers. Planning is part of it,
and shown alone too. No throttle: at lemlist's limit of 10 calls a second the runner waits nearly all the time. The
server is a process of its own. In each round every way has its turn, in another order each time; what is told is the
median of the rounds, and the median of what each round had above its own bare calls.
"""

import argparse
import asyncio
import contextlib
import gc
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
from _tables import Cell, Table, parser_of, publish

from lemlist_async import Effect, Lemlist, Throttle, ThrottleOptions
from lemlist_async.bulk import BlockValues, ImportLeads, Job
from lemlist_async.bulk.jobs.function_job import FunctionJob

BARE = "bare calls"
WORKERS = 24
"""Rows in flight of a run at lemlist's limit of 20."""

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
        started, began = time.perf_counter(), time.process_time()
        given: Any = values(rows) if source == "generated" else folder / "rows.csv"
        async with await lemlist.bulk.plan(BlockValues(), given, journal=folder / f"{source}.db") as plan:
            peak.look()
            planned, planning, used = time.perf_counter(), peak.growth, time.process_time()
            run = lemlist.bulk.run(plan)
            async for _ in run:
                pass
            report = await run.report()
        watcher.cancel()
        assert report.done == {"blocked": rows}, report
    return {
        "plan_seconds": planned - started,
        "run_seconds": time.perf_counter() - planned,
        "plan_cpu": used - began,
        "run_cpu": time.process_time() - used,
        "plan_growth": planning,
        "growth": peak.growth,
        "journal": (folder / f"{source}.db").stat().st_size / 2**20,
    }


def memory(rows: int) -> Table:
    """Return the figures of both sources."""
    table: list[list[Cell]] = []
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
            table.append([
                f"{rows:,} rows, {source}", f"{told['plan_seconds']:.0f} s", f"{told['plan_cpu']:.1f} s",
                f"{told['run_seconds']:.0f} s", f"{told['run_cpu']:.1f} s",
                f"+ {told['plan_growth']:.0f} MiB, + {told['growth']:.0f} MiB", f"{told['journal']:.0f} MiB",
            ])  # fmt: skip
    columns = ["", "plan", "CPU of it", "run", "CPU of it", "memory: plan, in all", "journal"]
    return Table("memory", columns, table)


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
    async for _ in lemlist.bulk.run_function(rows, read, effect=Effect.READ, journal=journal):
        pass


class Clock:
    """Stopwatch of wall clock, CPU of the process, and CPU of the event loop's thread."""

    def __init__(self) -> None:
        self._start = self._now()

    @staticmethod
    def _now() -> tuple[float, ...]:
        return time.perf_counter(), time.process_time(), time.thread_time()

    def per(self, rows: int) -> tuple[float, ...]:
        """Microseconds a row."""
        return tuple((now - start) / rows * 1e6 for now, start in zip(self._now(), self._start, strict=True))


async def measure_time(calls: int, rounds: int, places: dict[str, Path | None], url: str) -> Table:
    """Return microseconds per call of each way, by where its journal is."""
    rows = [{"id": f"cam_{n}"} for n in range(calls)]
    table: list[list[Cell]] = []
    names = [BARE, *places]
    seen: dict[str, list[tuple[float, ...]]] = {name: [] for name in names}
    async with client(url, limit=20) as lemlist:
        await bare(lemlist, rows[:200])
        for round_ in range(rounds):
            for name in sorted(names, key=lambda one: (names.index(one) + round_) % len(names)):
                gc.collect()
                clock = Clock()
                if name == BARE:
                    await bare(lemlist, rows)
                else:
                    place = places[name]
                    await through_the_runner(lemlist, rows, place and place / f"{round_}.db")
                seen[name].append(clock.per(calls))
    for name, times in seen.items():
        wall, cpu, _ = (statistics.median(one) for one in zip(*times, strict=True))
        more = [
            [one - base for one, base in zip(mine, bare_one, strict=True)]
            for mine, bare_one in zip(times, seen[BARE], strict=True)
        ]
        more_wall, more_cpu, more_loop = (statistics.median(one) for one in zip(*more, strict=True))
        above: list[Cell] = (
            [None] * 3 if name == BARE else [f"{one:+.0f}" for one in (more_wall, more_cpu, more_loop)]
        )
        table.append([name, round(wall), round(cpu), *above])
    columns = ["", "a row, µs", "CPU, µs", "above bare calls", "CPU above", "of it in the event loop"]
    return Table("the runner beside bare calls", columns, table)


async def measure_planning(count: int, rounds: int, url: str) -> Table:
    """Return what planning alone takes: rows of one value, and leads of five columns."""
    person = {"First Name": "Ann", "Last Name": "Lee", "company": "Acme", "colour": "red"}
    jobs: list[tuple[str, Job, list[dict[str, str]]]] = [
        ("one value", FunctionJob(each=read, effect=Effect.READ), [{"id": f"cam_{n}"} for n in range(count)]),
        (
            "leads of five columns",
            ImportLeads(campaign_id="cam_1"),
            [{"email": f"p{n}@example.com", **person} for n in range(count)],
        ),
    ]
    table: list[list[Cell]] = []
    async with client(url) as lemlist:
        for name, job, rows in jobs:
            times: list[tuple[float, ...]] = []
            for _ in range(rounds):
                clock = Clock()
                await (await lemlist.bulk.plan(job, rows)).aclose()
                times.append(clock.per(count))
            wall, cpu, loop = (statistics.median(one) for one in zip(*times, strict=True))
            table.append([name, wall, cpu, loop])
    return Table("planning", ["", "a row, µs", "CPU, µs", "of it in the event loop"], table)


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


def measure_all_times(calls: int, rounds: int) -> list[Table]:
    """Return what planning takes, and the rows of one call each by where the journal is."""
    with tempfile.TemporaryDirectory() as place, served() as url:
        fsync_cost(Path(place))
        planning = asyncio.run(measure_planning(calls, rounds, url))
        places: dict[str, Path | None] = {"temporary journal": None, "journal on disk": Path(place)}
        with contextlib.ExitStack() as stack:
            if Path("/dev/shm").is_dir():
                memory_disk = stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm"))
                places["journal in memory"] = Path(memory_disk)
            return [planning, asyncio.run(measure_time(calls, rounds, places, url))]


def main() -> None:
    """Everything, or (for itself) one measurement in a process of its own."""
    parser = parser_of(__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--calls", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["time", "memory"], help="measure one of the two")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(asyncio.run(measure_memory(given.rows, given.child, given.folder, given.url))))
        return
    tables = [] if given.only == "memory" else measure_all_times(given.calls, given.rounds)
    publish([*tables, *([] if given.only == "time" else [memory(given.rows)])], given.json)


if __name__ == "__main__":
    main()
