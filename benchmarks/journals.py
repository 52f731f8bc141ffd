"""Cost of a row in each place of a journal, without the limit and without the wire.

    python benchmarks/journals.py [--rows 20000] [--rounds 3]
    python benchmarks/journals.py --among 10000000

A function that does nothing is run over rows, so that only the runner and its journal are measured: planning, and then
a run of rows that may be repeated (marked ahead, many in one transaction), and of rows that may not (each marked and
written by itself). The processor time is that of this process; the server's own is told apart.

With `--among`, a job of 100,000 rows stands among so many rows of other jobs in PostgreSQL, and single steps of it are
timed.
"""

import asyncio
import itertools
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil
import psycopg
from _tables import Cell, Table, parser_of, publish

from lemlist_async import Effect, Lemlist, Throttle, ThrottleOptions
from lemlist_async.bulk.jobs.function_job import FunctionJob
from lemlist_async.bulk.jobs.job import Outcome, State
from lemlist_async.bulk.journal.address import Place
from lemlist_async.bulk.journal.postgres import PostgresRows
from lemlist_async.bulk.journal.storage import NewRow
from tests.support.postgres import new_database, new_job, start

KINDS = {
    Effect.IDEMPOTENT: "may be repeated",
    Effect.UNSAFE: "may not be repeated: each is marked by itself",
}


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


_OTHERS = b"""
INSERT INTO lemlist_rows (job, n, line, key, payload, state, what, tries, id)
SELECT 1000 + g / %(each)s, g %% %(each)s, g, decode(md5(g::text), 'hex'),
    json_build_object('email', 'p' || g || '@example.com', 'firstName', 'Ann', 'companyName', 'Example & Co'),
    'done', 'created', 1, 'lea_' || g FROM generate_series(0, %(rows)s - 1) AS g
"""


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


async def main(count: int, rounds: int, folder: Path) -> Table:
    """Measure each place in turn, several times."""
    server = start(folder / "postgres", cleanup="delete")
    try:
        database = new_database(server)
        table: list[list[Cell]] = []
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
                table.append([f"{KINDS[effect]}, {name}", *map(round, figures)])
        columns = ["rows and journal", "plan, µs a row", "run", "CPU of the run", "CPU of the server"]
        return Table("rows", columns, table)
    finally:
        server.cleanup()


def timed(name: str, step: Callable[[], object], times: int = 1) -> list[Cell]:
    """Return the name and the milliseconds of a step."""
    begun = time.perf_counter()
    for _ in range(times):
        step()
    return [name, (time.perf_counter() - begun) / times * 1e3]


def among(others: int, folder: Path) -> Table:
    """Time the steps of a job of 100,000 rows among those of a hundred other jobs."""
    server, count = start(folder / "postgres", cleanup="delete"), 100_000
    place = new_job(new_database(server))
    rows_ = PostgresRows(place)
    rows_.connect(new=True)
    numbers = itertools.count(1)

    def plan() -> None:
        for low in range(1, count, 1000):
            rows_.add([
                NewRow(n, n, n.to_bytes(16, "big"), f'{{"email":"x{n}@example.com","firstName":"Ann"}}')
                for n in range(low, low + 1000)
            ])  # fmt: skip

    def do() -> None:
        n = next(numbers)
        rows_.write([], sent=[n], back=[], expected=State.NEW)
        rows_.write([(n, Outcome(State.DONE, "created", id="lea"))], sent=[], back=[], expected=State.NEW)

    try:
        with psycopg.connect(place.url, autocommit=True) as connection:
            connection.execute(_OTHERS, {"rows": others, "each": max(1, others // 100)})
            connection.execute("ANALYZE lemlist_rows")
            sizes = "SELECT pg_size_pretty(pg_table_size(t)), pg_size_pretty(pg_indexes_size(t)) FROM "
            found = connection.execute(
                f"{sizes} (SELECT 'lemlist_rows'::regclass) AS one (t)".encode()
            ).fetchone()
        assert found is not None
        steps = [
            timed("add 100,000 rows", plan),
            timed("look for repeated ones", lambda: rows_.complete({"rows": str(count), "planned": "1"})),
            timed("counts of the job", rows_.counts, 3),
            timed("mark and outcome of a row, two commits", do, 500),
            timed("500 new rows", lambda: rows_.take(State.NEW, None, 500, 500), 5),
            timed("unknown rows, none", lambda: rows_.take(State.UNKNOWN, "in doubt", 0, 500), 20),
        ]
        rest = [(n, Outcome(State.DONE, "x")) for n in range(next(numbers), count - 10)]
        rows_.write(rest, sent=[], back=[], expected=State.NEW)
        steps += [
            timed("first new rows where all but ten are done", lambda: rows_.take(State.NEW, None, 0, 64), 3),
            timed("recovery", lambda: rows_.recover(repeatable=False, retry_failed=False), 3),
        ]
        title = f"a job among {others:,} rows of others, which take {found[0]} and {found[1]} of indexes, ms"
        return Table("among", ["", title], steps)
    finally:
        rows_.close()
        server.cleanup()


if __name__ == "__main__":
    parser = parser_of(__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--among", type=int, metavar="ROWS")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place_:
        if given.among:
            publish([among(given.among, Path(place_))], given.json)
        else:
            publish([asyncio.run(main(given.rows, given.rounds, Path(place_)))], given.json)
