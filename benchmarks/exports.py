"""Memory and time of exports, from a sandbox in a process of its own.

    python benchmarks/exports.py [--rows 300000] [--formats csv jsonl parquet]

Each format is written in a process of its own, from a campaign of so many leads with custom variables. What counts is
the resident memory above that before the export: at a tenth of the rows, and the most until the end. Memory is
constant if the two are nearly alike.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from _tables import Cell, Table, parser_of, publish

from lemlist_async import Lemlist, Throttle, ThrottleOptions

SERVER = """
import asyncio, sys
from lemlist_async.sandbox import Sandbox
async def main():
    async with Sandbox(limit=None) as sandbox:
        team = sandbox.team()
        campaign = team.add_campaign("Export")["_id"]
        for n in range(int(sys.argv[1])):
            team.add_lead(campaign, f"p{n}@example.com", firstName="Ann", lastName=str(n), colour="red", size="7")
        print(sandbox.url, campaign, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


@contextlib.contextmanager
def served(rows: int) -> Iterator[tuple[str, str]]:
    """Run a sandbox whose campaign has so many leads; gives its address and the campaign."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(rows)], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            url, campaign = server.stdout.readline().split()
            yield url, campaign
        finally:
            server.terminate()


async def export(url: str, campaign: str, rows: int, file: Path) -> dict[str, float]:
    """Write one file; seconds, and growth of the memory in MiB."""
    process = psutil.Process()
    throttle = Throttle(ThrottleOptions(limit=1_000_000, window=0.001, pacer=None))
    async with Lemlist("sandbox-key", url, throttle=throttle) as lemlist:
        await lemlist.team.get()
        before, early, most = process.memory_info().rss, 0, 0

        def look(written: int) -> None:
            nonlocal early, most
            most = max(most, process.memory_info().rss - before)
            if written <= rows / 10:
                early = most

        began = time.perf_counter()
        written = await lemlist.bulk.export_leads(campaign).save(file, progress=look)
        assert written == rows, written
    return {"seconds": time.perf_counter() - began, "early": early / 2**20, "most": most / 2**20}


def figures(rows: int, formats: list[str]) -> Iterator[list[Cell]]:
    """Yield a row of the table for each format."""
    with served(rows) as (url, campaign), tempfile.TemporaryDirectory() as folder:
        for suffix in formats:
            file = Path(folder) / f"leads.{suffix}"
            command = [sys.executable, __file__, "--rows", str(rows), "--child", url, campaign, str(file)]
            told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            size = file.stat().st_size / 2**20
            yield [
                f"{rows:,} leads to {suffix}",
                told["seconds"] / rows * 1e6,
                told["early"],
                told["most"],
                size,
            ]


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--formats", nargs="+", choices=["csv", "jsonl", "parquet"], default=["csv", "jsonl"])
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        url, campaign, file = options.child
        print(json.dumps(asyncio.run(export(url, campaign, options.rows, Path(file)))))
        return
    columns = ["", "a row, µs", "memory at a tenth of the rows, MiB", "memory at most, MiB", "file, MiB"]
    publish([Table("exports", columns, list(figures(options.rows, options.formats)))], options.json)


if __name__ == "__main__":
    main()
