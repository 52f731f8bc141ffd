"""A fleet of processes under harm: no row is lost, and none is done twice."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lemlist_async.sandbox import Sandbox
from tests.support.fleet_chaos import Fleet, enrichment, imports, lose_answers
from tests.support.postgres import new_database, start

pytestmark = pytest.mark.slow

KEYS = ("key-a", "key-b")


@pytest.fixture
def own_server() -> Iterator[Any]:
    """A server of this test, which is restarted."""
    with tempfile.TemporaryDirectory(prefix="lemlist-postgres-", ignore_cleanup_errors=True) as folder:
        server = start(Path(folder) / "data")
        yield server
        server.cleanup()


@pytest.mark.timeout(300)
async def test_rows_are_done_once_though_workers_die_and_stand_still_and_the_server_restarts(
    own_server: Any,
) -> None:
    chance = random.Random(7)
    async with (
        Sandbox(keys=KEYS, limit=None, latency=(0.01, 0.1), seed=7, polls=1) as sandbox,
        Fleet.run(own_server, new_database(own_server), sandbox, workers=3, lease=2.0, limit=4) as fleet,
    ):
        lose_answers(sandbox, 0.02)
        made = await imports(fleet, KEYS, 4, 40)
        pages = await enrichment(fleet, KEYS[0], 20, "people")
        harms = [
            fleet.kill,
            fleet.cut,
            fleet.stop,
            fleet.restart,
            fleet.kill,
            fleet.cut,
            fleet.stop,
            fleet.kill,
        ]
        for harm in harms:
            await harm(chance)
        assert any(job.left for job in await fleet.jobs())
        sandbox.faults.clear()
        jobs = await fleet.finish(180)
        asked = Counter(one["input"]["linkedinUrl"] for one in sandbox.team(KEYS[0]).enrichments.values())
        held = [one.held(sandbox) for one in made]
    assert {job.phase for job in jobs} == {"finished"}
    assert held == [Counter(one.emails) for one in made]
    # each doubt is looked up, and where it cannot be, it is named
    told = sum((Counter(job.counts) for job in jobs), Counter[tuple[str, str]]())
    assert told["done", "created"] == 160
    assert told["done", "found"] + told["unknown", "unknown"] == len(pages)
    assert max(asked.values()) == 1
    assert fleet.harm["SIGKILL"] == 3
    assert fleet.harm["cut"] + fleet.harm["SIGSTOP"] == 4
