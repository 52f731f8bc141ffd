"""An import killed again and again: every row done exactly once, and what the kills cost.

    python benchmarks/kill9.py [--rows 10000] [--kills 200]

The runner of the tests imports a file into a sandbox that loses 2 % of the answers in each of four ways, and is
killed with SIGKILL after a random time. At the end the leads that the sandbox holds are counted.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from lemlist_async import Lemlist
from lemlist_async.sandbox import Reset, Sandbox, gateway, lost_response

ROOT = Path(__file__).parents[1]
RUNNER = ROOT / "tests" / "support" / "import_runner.py"
CREATE = "POST /campaigns/{campaignId}/leads/"


async def start(args: tuple[str, ...]) -> asyncio.subprocess.Process:
    """The runner, up to where it has planned."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(RUNNER), *args, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    await process.stdout.readline()
    return process


async def kill(sandbox: Sandbox, args: tuple[str, ...], step: int, cap: float) -> None:
    """Let the runner do about `step` rows, or ask about three times as many, and kill it."""
    process = await start(args)
    until = time.monotonic() + cap
    rows, requests = len(sandbox.team().leads) + step, sandbox.counters.requests + 3 * step
    while process.returncode is None and time.monotonic() < until:
        if len(sandbox.team().leads) >= rows or sandbox.counters.requests >= requests:
            break
        await asyncio.sleep(0.005)
    if process.returncode is None:
        process.kill()
    await process.wait()


async def main(rows: int, kills: int, folder: Path) -> None:
    """Kill, finish, count."""
    chance, started = random.Random(1), time.monotonic()
    file, journal = folder / "rows.csv", folder / "job.db"
    emails = [f"p{n}@example.com" for n in range(rows)]
    file.write_text("\n".join(["email", *emails]) + "\n")
    async with Sandbox(limit=None, latency=(0.01, 0.1), seed=1) as sandbox:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        args = (sandbox.url, "import", campaign, str(file), str(journal))
        for fault in (lost_response(), gateway(502, effect=True), gateway(502), Reset()):
            sandbox.faults.add(fault, match=CREATE, times=None, probability=0.02)
        # rows are spread over the kills, so that every kill hits a job under way
        for _ in range(kills):
            await kill(sandbox, args, chance.randint(0, max(1, 2 * rows // (kills + 1))), cap=10)
        sandbox.faults.clear()
        process = await start(args)
        code = await process.wait()
        held = Counter(lead["variables"]["email"] for lead in sandbox.team().leads.values())
        creations = sandbox.counters.requests
        async with Lemlist(sandbox.key, sandbox.url) as lemlist, await lemlist.bulk.resume(journal) as plan:
            told = Counter(f"{row.state} {row.what}" for row in plan.journal.rows())
    print(f"{kills} kills, {rows:,} rows, {time.monotonic() - started:.0f} s; the last run ended with {code}")
    print(
        f"leads held: {len(held):,}; twice: {sum(n > 1 for n in held.values())}; missing: {rows - len(held)}"
    )
    print(f"requests in all: {creations:,}; the journal: {dict(told)}")
    if held != Counter(emails) or told != {"done created": rows}:
        sys.exit("NOT every row was done exactly once")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=200)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(main(given.rows, given.kills, Path(place)))
