"""A job killed with SIGKILL at any instant resumes, and ends with every row done exactly once."""

import asyncio
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

from lemlist_async import Lemlist
from lemlist_async.bulk import State
from lemlist_async.sandbox import Reset, Sandbox, gateway, lost_answer

RUNNER = Path(__file__).parents[1] / "support" / "import_runner.py"
CREATE = "POST /campaigns/{campaignId}/leads/"
ROWS, KILLS = 300, 20


async def start(*args: str) -> asyncio.subprocess.Process:
    """The runner, up to where it has read its rows."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(RUNNER), *args, stdout=asyncio.subprocess.PIPE, cwd=RUNNER.parents[2]
    )
    assert process.stdout is not None
    await process.stdout.readline()
    return process


@pytest.mark.timeout(180)
async def test_a_job_killed_twenty_times_does_every_row_exactly_once(tmp_path: Path) -> None:
    chance = random.Random(9)
    file, journal = tmp_path / "rows.csv", tmp_path / "job.db"
    emails = [f"p{n}@example.com" for n in range(ROWS)]
    _ = file.write_text("\n".join(["email", *emails, "broken", emails[7].upper()]) + "\n")
    async with Sandbox(limit=None, latency=(0.01, 0.2), seed=9) as sandbox:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        for fault in (lost_answer(), gateway(502, effect=True), gateway(502), Reset()):
            sandbox.faults.add(fault, match=CREATE, times=None, probability=0.02)
        killed = in_the_middle = 0
        while killed < KILLS:
            process = await start(sandbox.url, campaign, str(file), str(journal))
            await asyncio.sleep(chance.uniform(0.05, 0.5))
            if process.returncode is None:
                process.kill()
                killed += 1
                in_the_middle += 0 < len(sandbox.team().leads) < ROWS
            await process.wait()
        sandbox.faults.clear()
        process = await start(sandbox.url, campaign, str(file), str(journal))
        assert await process.wait() == 0

        held = Counter(lead["variables"]["email"] for lead in sandbox.team().leads.values())
        async with Lemlist(sandbox.key, sandbox.url) as lemlist, await lemlist.bulk.resume(journal) as plan:
            told = Counter((row.state, row.what) for row in plan.journal.rows())
    assert in_the_middle >= KILLS // 2
    assert held == Counter(emails)
    assert told[State.DONE, "created"] == ROWS
    assert told[State.REFUSED, "refused"] == told[State.REFUSED, "repeated"] == 1
    assert sum(told.values()) == ROWS + 2
