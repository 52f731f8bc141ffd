"""Growth of costs: what one more waiter, row, page or key costs when there are many, as an exponent.

    python benchmarks/grow.py [--only waiters rows pages keys] [--json FILE]

The cost of a whole is measured at several sizes, and a line is laid through its logarithms: an exponent of 1 means
that the cost of one stays the same however many there are, 2 that it grows with their number. CPU of this process.
"""

from __future__ import annotations

import asyncio
import gc
import math
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from _server import served
from _tables import Cell, Table, parser_of, publish

from lemlist_async import Lemlist, LemlistPool, Page, Pages, Throttle, ThrottleOptions
from lemlist_async.bulk import BlockValues
from lemlist_async.pagination import Offset

Measure = Callable[[int], Awaitable[float]]


async def waiters(count: int) -> float:
    """So many requests wait in the queue at once, and all are granted."""
    throttle = Throttle(ThrottleOptions(limit=100, window=0.01, pacer=None))

    async def one() -> None:
        (await throttle.acquire("bulk")).answered()

    began = time.process_time()
    await asyncio.gather(*(one() for _ in range(count)))
    return time.process_time() - began


async def rows(count: int) -> float:
    """A job of so many rows is planned into a journal on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        async with Lemlist("a-key", "http://127.0.0.1:9") as lemlist:
            source = ({"value": f"person-{n}@example.com"} for n in range(count))
            began = time.process_time()
            async with await lemlist.bulk.plan(BlockValues(), source, journal=Path(folder) / "rows.db"):
                return time.process_time() - began


async def pages(count: int) -> float:
    """A list of so many pages of 100 rows is read to its end."""

    async def fetch(cursor: Any) -> Page[dict[str, int]]:
        start = int(cursor["offset"])
        items = [{"id": n} for n in range(start, start + 100)] if start < count * 100 else []
        return Page(items, count * 100, {"offset": start + 100} if items else None)

    scheme = Offset(100)
    began = time.process_time()
    async for _ in Pages(fetch, scheme, key=lambda row: row["id"]):
        pass
    return time.process_time() - began


async def key_of(tenant: str) -> str:
    """Return the key of a tenant."""
    return f"key-{tenant}"


async def keys(count: int) -> float:
    """So many keys of a pool make four calls each, to a server in another process."""
    with served() as url:
        async with LemlistPool(key_of, base_url=url) as pool:

            async def four(tenant: int) -> None:
                lemlist = await pool.client(str(tenant))
                for _ in range(4):
                    await lemlist.leads.get("lea_1")

            began = time.process_time()
            for start in range(0, count, 50):
                await asyncio.gather(*(four(tenant) for tenant in range(start, min(start + 50, count))))
            return time.process_time() - began


CASES: dict[str, tuple[str, Measure, tuple[int, ...]]] = {
    "waiters": ("requests that wait at once, granted and answered", waiters, (1_000, 4_000, 16_000)),
    "rows": ("rows of a plan", rows, (20_000, 80_000, 320_000)),
    "pages": ("pages of a list, 100 rows each", pages, (100, 400, 1_600)),
    "keys": ("keys of a pool, made and used for four calls", keys, (50, 200, 800)),
}


def exponent(sizes: tuple[int, ...], costs: list[float]) -> float:
    """The slope of the line through the logarithms, by least squares."""
    x, y = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    above = sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True))
    return above / sum((a - middle_x) ** 2 for a in x)


async def main(names: list[str]) -> list[list[Cell]]:
    """Return a row of the table for each case."""
    table: list[list[Cell]] = []
    for name in names:
        title, measure, sizes = CASES[name]
        costs: list[float] = []
        await measure(sizes[0])
        for size in sizes:
            gc.collect()
            costs.append(min([await measure(size) for _ in range(3)]))
        each = [cost / size * 1e6 for size, cost in zip(sizes, costs, strict=True)]
        counts = ", ".join(f"{size:,}" for size in sizes)
        table.append([title, counts, exponent(sizes, costs), ", ".join(f"{cost:,.0f}" for cost in each)])
    return table


if __name__ == "__main__":
    parser = parser_of(__doc__)
    parser.add_argument("--only", nargs="*", choices=CASES, default=list(CASES))
    given = parser.parse_args()
    columns = ["", "how many", "exponent", "CPU of one, µs"]
    publish([Table("growth", columns, asyncio.run(main(given.only)))], given.json)
