"""Processes that share one key through a real PostgreSQL server, which is restarted, crashes and is emptied."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lemlist_async import Lemlist
from lemlist_async.errors import ConfigurationError, LimitStoreError
from lemlist_async.sandbox import Sandbox
from lemlist_async.throttle import Throttle, ThrottleOptions
from lemlist_async.throttle.stores import postgres_server, servers
from tests.support.limits_seen import most_in_a_window
from tests.support.postgres import new_database, restart, start
from tests.support.project import ROOT
from tests.wire.throttle.test_valkey import CALLS

pytestmark = pytest.mark.slow

KEY = "shared-valkey-key"


@pytest.fixture
def own_server() -> Iterator[Any]:
    """A server of this test, which is restarted."""
    with tempfile.TemporaryDirectory(prefix="lemlist-postgres-", ignore_cleanup_errors=True) as folder:
        server = start(Path(folder) / "data")
        yield server
        server.cleanup()


def begin(url: str, database: str, seconds: float) -> subprocess.Popen[bytes]:
    """Start a process that calls as often as it may."""
    return subprocess.Popen(
        [sys.executable, "-c", CALLS, url, database, str(seconds)], cwd=ROOT, stdout=subprocess.PIPE
    )


@pytest.mark.parametrize("harm", ["none", "empty", "kill a process", "restart fast", "restart immediate"])
async def test_three_processes_are_not_refused_whatever_becomes_of_the_server(
    own_server: Any, harm: str
) -> None:
    database = new_database(own_server)
    async with Sandbox(keys=(KEY,), policy="sliding-log", latency=(0.02, 0.04)) as sandbox:
        crowd = [begin(sandbox.url, database, 16) for _ in range(3)]
        await asyncio.sleep(8)
        if harm == "empty":
            with psycopg.connect(database) as connection:
                connection.execute("DELETE FROM lemlist_slots_v2")
        elif harm == "kill a process":
            crowd[0].kill()
        elif harm.startswith("restart"):
            await asyncio.to_thread(restart, own_server, harm.split()[1])
        told = [await asyncio.to_thread(process.communicate) for process in crowd]
        lines = [out.decode().split() for out, _ in told if out]
        statuses = [request.status for request in sandbox.requests]
        checks = [request.at for request in sandbox.requests]
    assert statuses.count(429) == 0
    assert most_in_a_window(checks, 2.0) <= 20
    assert len(statuses) > 60
    assert lines == [["postgres", "0"]] * (2 if harm == "kill a process" else 3)


async def test_the_server_learns_neither_the_key_nor_the_host(own_database: str) -> None:
    async with (
        Sandbox(keys=(KEY,)) as sandbox,
        Lemlist(KEY, base_url=sandbox.url, throttle=ThrottleOptions(scope=own_database)) as lemlist,
    ):
        await lemlist.team.get()
        assert lemlist.throttle.scope == "postgres"
    with psycopg.connect(own_database) as connection:
        stored = connection.execute("SELECT t::text FROM lemlist_slots_v2 AS t").fetchall()
    assert len(stored) == 1
    assert KEY not in str(stored)
    assert "127.0.0.1" not in str(stored)


async def test_a_server_that_cannot_be_used_is_told_without_its_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    options = ThrottleOptions(scope="postgresql://me:sesame@127.0.0.1:1/x", on_outage="fail")
    throttle = Throttle(options, name="test")
    begun = time.monotonic()
    with pytest.raises(LimitStoreError) as caught:
        await throttle.acquire()
    assert time.monotonic() - begun < 2
    assert "sesame" not in f"{caught.value!r} {throttle!r} {throttle.trouble} {caplog.text}"


def test_a_missing_package_or_a_wrong_url_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="not a URL that libpq understands"):
        servers.check("postgresql://host/x?nonsense=1")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'lemlist_async\[fleet\]'"):
        postgres_server.check("postgresql://server/x")
