"""Cost of a row in each place of a journal, without the limit and without the wire.

    python benchmarks/journals.py [--rows 20000] [--rounds 3]

A function that does nothing is run over rows, so that only the runner and its journal are measured: planning, and then
a run of rows that may be repeated (marked ahead, many in one transaction), and of rows that may not (each marked and
written by itself). The processor time is that of this process; the server's own is told apart.
"""

import argparse
import asyncio
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil

from lemlist_async import Effect, Lemlist, Throttle, ThrottleOptions
from lemlist_async.bulk.jobs.function_job import FunctionJob
from lemlist_async.bulk.journal.address import Place
from tests.support.postgres import new_database, new_job, start


def rows(count: int) -> Iterator[dict[str, Any]]:
    """Rows of a usual size."""
    for n in range(count):
        yield {
            "email": f"person{n}@example.com",
            "firstName": f"Ann {n}",
            "companyName": "Example & Co",
            "n": n,
        }


def cpu() -> float:
    """Seconds of the processor that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def server_cpu(server: Any) -> float:
    """Seconds of the processor that the processes of the server have used, those that have ended left out."""
    parent = psutil.Process(server.get_pid())
    times = [one.cpu_times() for one in [parent, *parent.children(recursive=True)]]
    return sum(one.user + one.system for one in times)


async def nothing(_lemlist: Lemlist, _row: dict[str, Any]) -> None:
    """Do nothing."""


async def measure(place: Place | None, effect: Effect, count: int, server: Any) -> list[float]:
    """Return microseconds a row: of planning, of the run, of its processor time, and of the server's."""
    job = FunctionJob(each=nothing, effect=effect, name="t")
    throttle = Throttle(ThrottleOptions(limit=10_000, pacer=None))
    async with Lemlist("k", "http://127.0.0.1:9/api", throttle=throttle) as lemlist:
        begun = time.perf_counter()
        async with await lemlist.bulk.plan(job, rows(count), journal=place) as plan:
            planned, used, theirs = time.perf_counter(), cpu(), server_cpu(server)
            report = await lemlist.bulk.run(plan).finish()
            ended = time.perf_counter()
            assert report.done == {"done": count}
            spans = (planned - begun, ended - planned, cpu() - used, server_cpu(server) - theirs)
    return [span / count * 1e6 for span in spans]


async def main(count: int, rounds: int, folder: Path) -> None:
    """Measure each place in turn, several times."""
    server = start(folder / "postgres", cleanup="delete")
    try:
        database = new_database(server)
        print(f"{count:,} rows, medians of {rounds} rounds, µs a row")
        print(f"{'':34}{'plan':>8}{'run':>8}{'CPU':>8}{'server':>8}")
        for effect in (Effect.IDEMPOTENT, Effect.UNSAFE):
            found: dict[str, list[list[float]]] = {"temporary": [], "SQLite file": [], "PostgreSQL": []}
            for number in range(rounds):
                for name, results in found.items():
                    place = {
                        "temporary": None,
                        "SQLite file": folder / f"{effect.value}-{number}.db",
                        "PostgreSQL": new_job(database),
                    }[name]
                    results.append(await measure(place, effect, count, server))
            for name, results in found.items():
                figures = [statistics.median(column) for column in zip(*results, strict=True)]
                print(f"{effect.value:12}{name:22}" + "".join(f"{figure:8.0f}" for figure in figures))
    finally:
        server.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(main(given.rows, given.rounds, Path(place)))
