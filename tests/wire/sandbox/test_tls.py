"""TLS and the forward proxy: clients that call https://api.lemlist.com end in the sandbox."""

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest
from aiohttp import encode_basic_auth

from lemlist_async.sandbox import Sandbox

pytest.importorskip("trustme")


async def fetched(sandbox: Sandbox, url: str, ca_file: Path, proxy: str | None = None) -> tuple[int, str]:
    trusted = ssl.create_default_context(cafile=ca_file)
    async with (
        aiohttp.ClientSession(headers={"Authorization": encode_basic_auth("", sandbox.key)}) as session,
        session.get(url, ssl=trusted, proxy=proxy) as response,
    ):
        return response.status, await response.text()


async def test_the_port_speaks_https_with_the_authority_that_was_written(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    async with Sandbox(tls=True, ca_file=ca_file) as sandbox:
        assert sandbox.url.startswith("https://127.0.0.1:")
        assert (await fetched(sandbox, f"{sandbox.url}/team", ca_file))[0] == 200
    assert "PRIVATE" not in ca_file.read_text()


async def test_a_client_of_the_real_host_ends_in_the_sandbox(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    async with Sandbox(proxy_port=0, ca_file=ca_file) as sandbox:
        assert sandbox.url.startswith("http://")
        status, body = await fetched(sandbox, "https://api.lemlist.com/api/team", ca_file, sandbox.proxy_url)
        assert (status, sandbox.team().id in body) == (200, True)
        with pytest.raises(aiohttp.ClientHttpProxyError) as refused:
            await fetched(sandbox, "https://other.example/", ca_file, sandbox.proxy_url)
        assert refused.value.status == 403
        sandbox.expect("GET /team").once()


@pytest.mark.parametrize(
    ("sent", "begin"),
    [
        (b"GET http://api.lemlist.com/api/team HTTP/1.1\r\n\r\n", b"HTTP/1.1 501"),
        (b"CONNECT evil-lemlist.com:443 HTTP/1.1\r\n\r\n", b"HTTP/1.1 403"),
        (b"CONNECT \r\n\r\n", b"HTTP/1.1 403"),
        (b"x" * 40_000, b""),
    ],
)
async def test_the_proxy_leads_nowhere_else(sent: bytes, begin: bytes) -> None:
    async with Sandbox(proxy_port=0) as sandbox:
        host, _, port = sandbox.proxy_url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(sent)
        try:
            answer = await reader.read()
        except ConnectionResetError:
            answer = b""
        assert answer.startswith(begin)
        writer.close()


async def test_a_tunnel_that_is_open_does_not_keep_the_sandbox(tmp_path: Path) -> None:
    async with Sandbox(proxy_port=0) as sandbox:
        host, _, port = sandbox.proxy_url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"CONNECT api.lemlist.com:443 HTTP/1.1\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    await reader.read()
    writer.close()


async def test_a_proxy_without_a_port_and_a_file_without_an_authority_are_told(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        with pytest.raises(RuntimeError, match="no proxy"):
            _ = sandbox.proxy_url
        taken = int(sandbox.url.split(":")[2].split("/")[0])
        with pytest.raises(OSError, match="address"):
            async with Sandbox(proxy_port=taken):
                pass
    with pytest.raises(ValueError, match="ca_file"):
        Sandbox(ca_file=tmp_path / "x")


async def test_a_sandbox_on_all_addresses_is_called_on_this_one() -> None:
    async with Sandbox(host="0.0.0.0") as sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:")
