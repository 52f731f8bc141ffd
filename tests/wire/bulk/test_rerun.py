"""Without a journal a killed import is simply run again: what lemlist has already is skipped, nothing is lost."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from lemlist_async.sandbox import Sandbox

pytestmark = pytest.mark.slow

ROWS = 40


async def start(file: Path, campaign: str, sandbox: Sandbox) -> asyncio.subprocess.Process:
    """The command, as a process of its own."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lemlist_async", "leads", "import", str(file), "--campaign", campaign, "--json",
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "LEMLIST_BASE_URL": sandbox.url, "LEMLIST_API_KEY": sandbox.key},
    )  # fmt: skip


async def test_an_import_killed_and_run_again_skips_what_is_there_and_loses_nothing(tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    _ = file.write_text("email\n" + "".join(f"p{n}@example.com\n" for n in range(ROWS)))
    async with Sandbox() as sandbox:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        process = await start(file, campaign, sandbox)
        for _ in range(600):
            if len(sandbox.team().leads) >= 7:
                break
            await asyncio.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        await process.communicate()
        held = len(sandbox.team().leads)
        await asyncio.sleep(2.1)  # the killed process can no longer tell its successor what it sent
        out, _ = await (await start(file, campaign, sandbox)).communicate()
        told = json.loads(out)
        assert 7 <= held < ROWS
        assert len(sandbox.team().leads) == ROWS
    assert (told["created"], told["duplicates"], told["refused"], told["failed"]) == (ROWS - held, held, 0, 0)
    assert told["complete"]
