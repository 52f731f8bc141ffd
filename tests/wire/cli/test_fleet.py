"""`lemlist-async worker`, `submit`, and the commands over a journal on a server, as processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from lemlist_async.sandbox import Sandbox

pytestmark = pytest.mark.slow


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox with lemlist's own limit."""
    async with Sandbox(keys=("the-key", "acme-key")) as box:
        yield box


class Command:
    """The command, with a fleet in its environment."""

    def __init__(self, sandbox: Sandbox, database: str, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "LEMLIST_API_KEY": "the-key",
            "LEMLIST_API_KEY_ACME": "acme-key",
            "LEMLIST_BASE_URL": sandbox.url,
            "LEMLIST_FLEET_URL": database,
        }

    async def start(self, *arguments: str, **more: str) -> asyncio.subprocess.Process:
        """Start the command."""
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "lemlist_async", *arguments, cwd=self.folder,
            env={**self.environment, **more}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def __call__(self, *arguments: str, code: int = 0, **more: str) -> str:
        """Run the command to its end, and return what it printed."""
        process = await self.start(*arguments, **more)
        out, err = await process.communicate()
        assert process.returncode == code, (arguments, out, err)
        return (out + err).decode()

    async def phase(self, name: str, *wanted: str) -> dict[str, Any]:
        """Wait until a job is in one of some phases."""
        async with asyncio.timeout(60):
            while True:
                jobs = json.loads(
                    await self("jobs", "--url", self.environment["LEMLIST_FLEET_URL"], "--json")
                )["jobs"]
                (job,) = [one for one in jobs if one["name"] == name]
                if job["phase"] in wanted:
                    found: dict[str, Any] = job
                    return found


@pytest.fixture
def command(sandbox: Sandbox, own_database: str, tmp_path: Path) -> Command:
    """The command in a folder with a file of leads."""
    emails = [f"p{n}@example.com" for n in range(60)]
    _ = (tmp_path / "leads.csv").write_text("\n".join(["email", *emails, "broken"]) + "\n")
    return Command(sandbox, own_database, tmp_path)


@pytest.mark.timeout(180)
async def test_a_file_is_submitted_carried_on_by_workers_and_reported_from_anywhere(
    command: Command, sandbox: Sandbox, own_database: str
) -> None:
    campaign = sandbox.team("acme-key").add_campaign(name="C")["_id"]
    job = f"{own_database}#spring"
    said = await command(
        "submit", "import", "leads.csv", "--campaign", campaign, "--name", "spring", "--tenant", "acme",
        code=3, LEMLIST_API_KEY="acme-key",
    )  # fmt: skip
    assert said.startswith("spring  leads.import from leads.csv: waiting, 60 of 61 rows left, 1 refused")
    worker = await command.start("worker")
    await command.phase("spring", "running")
    while len(sandbox.team("acme-key").leads) < 25:  # noqa: ASYNC110  # a process has no event to wait for
        await asyncio.sleep(0.05)
    # SIGTERM drains, and hands the job over
    begun = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    out, err = await worker.communicate()
    assert time.monotonic() - begun < 5
    assert worker.returncode == 0, err
    assert b"all jobs are handed over" in out
    assert json.loads(await command("status", job, "--json"))["counts"]["refused refused"] == 1
    # goes on here: with the key of the tenant, and no other
    wrong = await command("resume", job, code=2)
    assert "another API key" in wrong
    assert "the-key" not in wrong
    worker = await command.start("worker", "--keys", "lemlist_async.fleet:environment_key")
    found = await command.phase("spring", "finished")
    worker.send_signal(signal.SIGTERM)
    await worker.wait()
    assert found["counts"] == {"done created": 60, "refused refused": 1}
    assert len(sandbox.team("acme-key").leads) == 60
    assert not [one for one in sandbox.requests if one.status == 429]
    report = await command("report", job, "--format", "json")
    assert len(report.splitlines()) == 61
    assert "spring  leads.import from leads.csv: finished, 61 rows, 1 refused" in await command(
        "jobs", "--url", own_database
    )
    await command("erase", job)
    assert "p1@example.com" not in await command("report", job)


@pytest.mark.timeout(120)
async def test_a_job_on_a_server_is_resumed_by_hand_and_handed_over_again(
    command: Command, sandbox: Sandbox, own_database: str
) -> None:
    campaign = sandbox.team().add_campaign(name="C")["_id"]
    arguments = ("submit", "import", "leads.csv", "--campaign", campaign, "--name", "mine", "--json")
    assert json.loads(await command(*arguments, code=3))["job"]["phase"] == "waiting"
    said = await command("resume", f"{own_database}#mine", "--json", code=3)
    assert json.JSONDecoder().raw_decode(said)[0]["done"] == {"created": 60}
    assert (await command.phase("mine", "waiting"))["left"] == 0
    assert "mine" in await command("submit", "job", "mine")
    assert "no job other" in await command("submit", "job", "other", code=2)


async def test_what_a_fleet_lacks_is_told_in_one_line(command: Command, own_database: str) -> None:
    nowhere = "postgresql://me:sesame@127.0.0.1:1/x"
    for arguments in (
        ("worker", "--url", nowhere), ("jobs", "--url", nowhere), ("status", f"{nowhere}#a"),
        ("submit", "import", "leads.csv", "--campaign", "cam_1", "--url", nowhere),
    ):  # fmt: skip
        said = await command(*arguments, code=1)
        assert said.count("\n") == 1
        assert "sesame" not in said
    assert "name a job in it" in await command("status", nowhere, code=2)
    assert "no job none" in await command("status", f"{own_database}#none", code=2)
    assert "no function for keys" in await command("worker", "--keys", "nowhere:f", code=2)
