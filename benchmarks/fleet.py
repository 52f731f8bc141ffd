"""Jobs of a fleet under harm: every row done exactly once, whatever becomes of workers, server and connections.

    python benchmarks/fleet.py [--rows 2000] [--workers 4] [--kills 50] [--stops 20] [--restarts 5] [--cuts 5]

Real workers carry imports and an enrichment on over a real PostgreSQL server and a sandbox that loses 8 % of its
answers. Workers are killed, stopped for longer than their lease, the server is restarted, and connections are cut
between a statement and its answer. At the end the leads that the sandbox holds are counted, and what each journal
says.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from lemlist_async.sandbox import Sandbox
from tests.support.fleet_chaos import Fleet, enrichment, imports, lose_answers
from tests.support.postgres import new_database, start

KEYS = ("key-a", "key-b", "key-c", "key-d")


async def main(given: argparse.Namespace, folder: Path) -> None:
    """Run the fleet, harm it, count."""
    chance, begun = random.Random(given.seed), time.monotonic()
    under_way = 0
    server = start(folder / "postgres", cleanup="delete")
    database = new_database(server)
    jobs = given.jobs
    try:
        async with (
            Sandbox(keys=KEYS, limit=None, latency=(0.01, 0.1), seed=1, polls=1) as sandbox,
            Fleet.run(
                server, database, sandbox, workers=given.workers, lease=given.lease, limit=given.limit
            ) as fleet,
        ):
            lose_answers(sandbox, 0.02)
            made = await imports(fleet, KEYS, jobs, given.rows // jobs)
            pages = await enrichment(fleet, KEYS[0], given.rows // 10, "people")
            harms = (
                [fleet.kill] * given.kills + [fleet.stop] * given.stops + [fleet.restart] * given.restarts
                + [fleet.cut] * given.cuts
            )  # fmt: skip
            chance.shuffle(harms)
            for harm in harms:
                await asyncio.sleep(chance.uniform(0, given.pause))
                await harm(chance)
                under_way += any(job.left for job in await fleet.jobs())
            sandbox.faults.clear()
            try:
                found = await fleet.finish(given.timeout)
            except TimeoutError:
                found = await fleet.jobs()  # what is left shows below
            wrong = [one for one in made if one.held(sandbox) != Counter(one.emails)]
            asked = Counter(job["input"]["linkedinUrl"] for job in sandbox.team(KEYS[0]).enrichments.values())
            requests = sandbox.counters.requests
            harm_done = fleet.harm
    finally:
        server.cleanup()
    told = Counter[str]()
    for job in found:
        for (state, what), count in job.counts.items():
            told[f"{job.kind}: {state} {what}"] += count
    rows = sum(len(one.emails) for one in made)
    missing = sum((Counter(one.emails) - one.held(sandbox)).total() for one in made)
    twice = sum((one.held(sandbox) - Counter(one.emails)).total() for one in made)
    print(f"{rows:,} rows in {len(made)} imports, {len(pages)} people; {time.monotonic() - begun:.0f} s")
    print(f"harm: {dict(harm_done)}; {under_way} of {harm_done.total()} while rows were left")
    print(
        f"leads missing: {missing}; twice: {twice}; people submitted twice: {sum(n > 1 for n in asked.values())}"
    )
    print(f"requests in all: {requests:,}; the journals: {dict(told)}")
    print("phases:", dict(Counter(job.phase for job in found)))
    if wrong or max(asked.values(), default=0) > 1 or any(job.phase != "finished" for job in found):
        sys.exit(
            "NOT every row was done exactly once: "
            + "; ".join(f"{j.name} {j.phase} {j.trouble}" for j in found)
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=16)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--stops", type=int, default=20)
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--cuts", type=int, default=5)
    parser.add_argument("--lease", type=float, default=3.0)
    parser.add_argument("--limit", type=int, default=2, help="requests in 2 s for each key and worker")
    parser.add_argument("--pause", type=float, default=1.0, help="most seconds between two harms")
    parser.add_argument("--timeout", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=1)
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(main(parser.parse_args(), Path(place)))
