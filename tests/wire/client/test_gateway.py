"""The pages of a real gateway, where one is installed: nginx in front of servers that are gone, hang, or are busy."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lemlist_async import Effect, Retry, errors
from lemlist_async.sandbox import Sandbox
from tests.support.clients import KEY, quick
from tests.support.fault_server import fault_server, silence

NGINX = shutil.which("nginx")
CONFIG = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    limit_req_zone $binary_remote_addr zone=all:1m rate=1r/m;
    limit_req_status 429;
    server {{
        listen 127.0.0.1:{port};
        location /gone/ {{ proxy_pass http://127.0.0.1:{closed}/; }}
        location /slow/ {{ proxy_pass {slow}/; proxy_read_timeout 1s; }}
        location /busy/ {{ return 503; }}
        location /edge/ {{ limit_req zone=all; proxy_pass http://127.0.0.1:{closed}/; }}
        location /api/ {{ proxy_pass {sandbox}; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    }}
}}
"""
pytestmark = [pytest.mark.slow, pytest.mark.skipif(NGINX is None, reason="no nginx is installed")]


def free_port() -> int:
    """A port without a listener."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@asynccontextmanager
async def nginx(folder: Path, sandbox: Sandbox, slow: str) -> AsyncIterator[str]:
    """A gateway; its address."""
    port = free_port()
    config = folder / "nginx.conf"
    origin = sandbox.url.removesuffix("/api")
    _ = config.write_text(
        CONFIG.format(folder=folder, port=port, closed=free_port(), slow=slow, sandbox=origin)
    )
    assert NGINX is not None
    process = await asyncio.create_subprocess_exec(
        NGINX, "-p", str(folder), "-c", str(config), stderr=asyncio.subprocess.PIPE
    )
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.communicate()


async def test_the_pages_of_a_real_gateway_are_met_by_what_the_operation_allows(tmp_path: Path) -> None:
    async with Sandbox(limit=None) as sandbox, fault_server(silence) as hanging:
        slow = hanging.url.removesuffix("/api")
        async with nginx(tmp_path, sandbox, slow) as gateway:
            for place, status in (("gone", 502), ("slow", 504), ("busy", 503)):
                async with quick(f"{gateway}/{place}", retry=Retry(attempts=2, base=0.001)) as lemlist:
                    with pytest.raises(errors.ServerError) as read:
                        await lemlist.team.get()
                    with pytest.raises(errors.AmbiguousServerError) as sent:
                        await lemlist.request("POST", "/x", effect=Effect.UNSAFE, json={})
                assert (read.value.status, len(read.value.attempts)) == (status, 2)
                assert (sent.value.status, len(sent.value.attempts)) == (status, 1)
                assert "HTML page" in str(read.value)


async def test_a_429_of_the_edge_shuts_the_gate_and_teaches_nothing(tmp_path: Path) -> None:
    async with Sandbox(limit=None) as sandbox, nginx(tmp_path, sandbox, "http://127.0.0.1:9") as gateway:
        lemlist = quick(f"{gateway}/edge", retry=Retry(attempts=1))
        with pytest.raises(errors.ServerError):
            await lemlist.team.get()
        with pytest.raises(errors.RateLimitError):
            await lemlist.team.get()
        assert lemlist.throttle.paused_for > 0
        assert lemlist.throttle.mode == "ledger"
        await lemlist.aclose()


async def test_the_whole_way_leads_through_a_real_gateway(tmp_path: Path) -> None:
    async with (
        Sandbox(limit=None, keys=(KEY,)) as sandbox,
        nginx(tmp_path, sandbox, "http://127.0.0.1:9") as gateway,
    ):
        lemlist = quick(f"{gateway}/api")
        campaign = await lemlist.campaigns.create(name="Through a gateway")
        lead = await lemlist.leads.create(campaign.id, email="a+b@example.com")
        assert [copy.id for copy in await lemlist.leads.list_by_email("a+b@example.com")] == [lead.id]
        await lemlist.aclose()
