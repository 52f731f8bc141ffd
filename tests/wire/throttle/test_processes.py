"""Real processes that use one key: killed, stopped, started again, their file deleted or cut short."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lemlist_async.sandbox import Sandbox
from lemlist_async.throttle.sharing import can_share
from tests.support.slots_member import CHECK, LIMIT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not can_share(), reason="the locks that this needs are Linux's"),
]

ROOT = Path(__file__).parents[3]
WINDOW = 0.05


def start(name: str, log: Path, seed: int) -> subprocess.Popen[bytes]:
    """Start a member that sends as much as it may."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.slots_member", name, str(WINDOW), str(log), str(seed)], cwd=ROOT
    )


@pytest.mark.parametrize("harms", [[], ["kill", "stop"], ["kill", "stop", "delete", "truncate"]], ids=len)
def test_no_window_holds_more_checks_than_the_limit_whatever_becomes_of_the_processes(
    tmp_path: Path, harms: list[str]
) -> None:
    from lemlist_async.throttle.stores.host_file import boot_id, place_of

    name, log, chance = f"test-{secrets.token_hex(8)}", tmp_path / "log", random.Random(len(harms))
    log.touch()
    folder = place_of(name, boot_id())
    members = [start(name, log, seed) for seed in range(4)]
    try:
        while log.stat().st_size < 200 * CHECK.size:
            time.sleep(0.01)
        for seed in range(25 if harms else 0):
            time.sleep(chance.uniform(0.03, 0.12))
            harm, which = chance.choice(harms), chance.randrange(len(members))
            if harm == "kill":
                members[which].kill()
                members[which].wait()
                members[which] = start(name, log, 100 + seed)
            elif harm == "stop":
                members[which].send_signal(signal.SIGSTOP)
                time.sleep(chance.uniform(0.01, 0.2))
                members[which].send_signal(signal.SIGCONT)
            elif (folder / "slots").exists():
                os.truncate(folder / "slots", 100) if harm == "truncate" else (folder / "slots").unlink()
        more = log.stat().st_size + 400 * CHECK.size
        while log.stat().st_size < more:  # they go on after all that
            assert all(member.poll() is None for member in members)
            time.sleep(0.01)
    finally:
        for member in members:
            member.kill()
            member.wait()
        shutil.rmtree(folder, ignore_errors=True)
    checks = sorted(at for (at,) in CHECK.iter_unpack(log.read_bytes()))
    assert [after - before < WINDOW for before, after in zip(checks, checks[LIMIT:], strict=False)].count(
        True
    ) == 0


CALLS = """
import asyncio, sys
from lemlist_async import Lemlist
from lemlist_async.errors import RateLimitError

async def main(url, calls):
    refused = 0
    async with Lemlist("shared-key", base_url=url) as lemlist:
        async def one():
            nonlocal refused
            try:
                await lemlist.with_options(lane="bulk").team.get()
            except RateLimitError:
                refused += 1
        await asyncio.gather(*(one() for _ in range(calls)))
        print(lemlist.throttle.scope, lemlist.throttle.stats.refusals, flush=True)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def call(url: str, calls: int) -> list[str]:
    """Make so many calls in a process of their own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CALLS, url, str(calls), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    out, _ = await process.communicate()
    return out.decode().split()


@pytest.mark.parametrize("policy", ["fixed-first", "sliding-log"])
async def test_four_processes_without_any_configuration_meet_no_429_and_use_the_quota(policy: str) -> None:
    async with Sandbox(keys=("shared-key",), policy=policy, latency=(0.01, 0.03)) as sandbox:
        begun = time.monotonic()
        told = await asyncio.gather(*(call(sandbox.url, 20) for _ in range(4)))
        seconds = time.monotonic() - begun
        assert [request.status for request in sandbox.requests].count(429) == 0
        assert len(sandbox.requests) == 80
    assert told == [["host", "0"]] * 4
    # 80 calls take 6 s at the limit; without a ledger each process would take the whole quota for itself
    assert seconds < 20


async def test_a_process_that_is_killed_and_started_again_at_once_is_not_refused() -> None:
    async with Sandbox(keys=("shared-key",), policy="sliding-log") as sandbox:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CALLS, sandbox.url, "200", cwd=ROOT
        )
        while len(sandbox.requests) < 15:  # noqa: ASYNC110  # a sandbox has no event for it
            await asyncio.sleep(0.005)
        process.kill()
        await process.wait()
        await call(sandbox.url, 15)
        assert [request.status for request in sandbox.requests].count(429) == 0
