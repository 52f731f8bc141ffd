"""A job killed with SIGKILL at any instant resumes, and ends with every row done exactly once."""

import asyncio
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

from lemlist_async import Lemlist
from lemlist_async.bulk import Journal, State
from lemlist_async.sandbox import Reset, Sandbox, gateway, lost_response
from tests.support.project import ROOT

pytestmark = pytest.mark.slow

RUNNER = ROOT / "tests" / "support" / "import_runner.py"
CREATE = "POST /campaigns/{campaignId}/leads/"
ENRICH = "POST /v2/enrichments/bulk"
BLOCK = "POST /v2/unsubscribes/variables"
ROWS, KILLS = 600, 20


async def start(*args: str) -> asyncio.subprocess.Process:
    """The runner, up to where it has read its rows."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(RUNNER), *args, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    await process.stdout.readline()
    return process


async def kill_after(seconds: float, *args: str) -> bool:
    """Start the runner and kill it; whether it was still there."""
    process = await start(*args)
    await asyncio.sleep(seconds)
    alive = process.returncode is None
    if alive:
        process.kill()
    await process.wait()
    return alive


async def kill_once_pending(journal: Path, *args: str) -> None:
    """Start the runner, and kill it when a batch of its rows waits for results."""
    process = await start(*args)
    looked = await Journal.look(journal)
    while not await looked.take(State.PENDING, 0, 1):  # noqa: ASYNC110  # another process has no event to wait for
        await asyncio.sleep(0.01)
    await looked.close()
    process.kill()
    await process.wait()


async def finish(*args: str) -> None:
    """Let the runner come to its end."""
    assert await (await start(*args)).wait() == 0


async def told(sandbox: Sandbox, journal: Path) -> Counter[tuple[str, str]]:
    """Return the states of the rows in the journal."""
    async with Lemlist(sandbox.key, sandbox.url) as lemlist, await lemlist.bulk.resume(journal) as plan:
        return Counter((row.state, row.what) for row in plan.journal.rows())


@pytest.mark.timeout(180)
async def test_a_job_killed_twenty_times_does_every_row_exactly_once(tmp_path: Path) -> None:
    chance = random.Random(9)
    file, journal = tmp_path / "rows.csv", tmp_path / "job.db"
    emails = [f"p{n}@example.com" for n in range(ROWS)]
    _ = file.write_text("\n".join(["email", *emails, "broken", emails[7].upper()]) + "\n")
    async with Sandbox(limit=None, latency=(0.01, 0.2), seed=9) as sandbox:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        args = (sandbox.url, "import", campaign, str(file), str(journal))
        for fault in (lost_response(), gateway(502, effect=True), gateway(502), Reset()):
            sandbox.faults.add(fault, match=CREATE, times=None, probability=0.02)
        killed = in_the_middle = 0
        while killed < KILLS:
            killed += await kill_after(chance.uniform(0.05, 0.5), *args)
            in_the_middle += 0 < len(sandbox.team().leads) < ROWS
        sandbox.faults.clear()
        await finish(*args)
        held = Counter(lead["variables"]["email"] for lead in sandbox.team().leads.values())
        said = await told(sandbox, journal)
    assert in_the_middle >= KILLS // 2
    assert held == Counter(emails)
    assert said[State.DONE, "created"] == ROWS
    assert said[State.REFUSED, "refused"] == said[State.REFUSED, "repeated"] == 1
    assert sum(said.values()) == ROWS + 2


@pytest.mark.timeout(180)
async def test_people_are_never_submitted_twice_however_often_the_job_is_killed(tmp_path: Path) -> None:
    chance = random.Random(3)
    file, journal = tmp_path / "rows.csv", tmp_path / "job.db"
    pages = [f"https://www.linkedin.com/in/p{n}" for n in range(1600)]
    _ = file.write_text("\n".join(["linkedin", *pages]) + "\n")
    async with Sandbox(limit=None, latency=(0.05, 0.4), seed=3, polls=1) as sandbox:
        sandbox.team().credits["paid"] = 100_000
        args = (sandbox.url, "enrich", "-", str(file), str(journal))
        sandbox.faults.add(lost_response(), match=ENRICH, after=2)
        await kill_once_pending(journal, *args)
        for _ in range(7):
            await kill_after(chance.uniform(0.05, 0.6), *args)
        await finish(*args)
        asked = Counter(job["input"]["linkedinUrl"] for job in sandbox.team().enrichments.values())
        said = await told(sandbox, journal)
    assert max(asked.values()) == 1
    # each of the four batches was taken, or its answer is lost: to a fault, or to the first kill
    assert len(asked) + said[State.UNKNOWN, "unknown"] >= len(pages)
    assert said[State.DONE, "found"] + said[State.UNKNOWN, "unknown"] == len(pages)
    assert said[State.UNKNOWN, "unknown"] >= 500  # how many more depends on the instants of the kills


@pytest.mark.timeout(180)
async def test_a_batch_that_may_be_repeated_is_sent_again_after_a_kill(tmp_path: Path) -> None:
    chance = random.Random(5)
    file, journal = tmp_path / "rows.csv", tmp_path / "job.db"
    values = [f"p{n}@example.com" for n in range(45_000)]
    _ = file.write_text("\n".join(["value", *values]) + "\n")
    async with Sandbox(limit=None, latency=(0.1, 0.4), seed=5) as sandbox:
        args = (sandbox.url, "block", "-", str(file), str(journal))
        sandbox.faults.add(lost_response(), match=BLOCK, after=1)
        killed = 0
        for _ in range(5):
            killed += await kill_after(chance.uniform(0.1, 0.5), *args)
        await finish(*args)
        assert len(sandbox.team().unsubscribes) == len(values)
        said = await told(sandbox, journal)
    assert killed >= 2
    assert said == {(State.DONE, "blocked"): len(values)}
