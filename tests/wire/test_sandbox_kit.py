"""What the wire tests of the sandbox share: one without a limit, and a bare session that knows its key."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession, encode_basic_auth

from lemlist_async.sandbox import Sandbox, Team

__all__ = ["Api", "api", "arrived", "connected", "sandbox", "team"]


class Api:
    """Sends one request and gives back the status with the body, decoded if it is JSON."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self.session, self.url = session, url

    async def __call__(self, operation: str, **arguments: Any) -> tuple[int, Any]:
        method, _, path = operation.partition(" ")
        async with self.session.request(method, self.url + path, **arguments) as response:
            body = await response.read()
            try:
                return response.status, orjson.loads(body)
            except orjson.JSONDecodeError:
                return response.status, body.decode()

    async def ok(self, operation: str, **arguments: Any) -> Any:
        """The body of an answer that has to be a 200."""
        status, body = await self(operation, **arguments)
        assert status == 200, (operation, status, body)
        return body

    async def headers(self, operation: str, **arguments: Any) -> tuple[int, dict[str, str]]:
        method, _, path = operation.partition(" ")
        async with self.session.request(method, self.url + path, **arguments) as response:
            await response.read()
            return response.status, dict(response.headers)


def connected(sandbox: Sandbox, key: str | None = None) -> ClientSession:
    """A session for one key, by default the sandbox's first."""
    authorization = encode_basic_auth("", sandbox.key if key is None else key)
    return ClientSession(headers={"Authorization": authorization})


async def arrived(sandbox: Sandbox) -> None:
    """Wait until the sandbox has seen a request."""
    while not sandbox.requests:  # noqa: ASYNC110 - another task fills the log, and sets no event
        await asyncio.sleep(0.005)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(limit=None) as running:
        yield running


@pytest.fixture
async def api(sandbox: Sandbox) -> AsyncIterator[Api]:
    async with connected(sandbox) as session:
        yield Api(session, sandbox.url)


@pytest.fixture
def team(sandbox: Sandbox) -> Team:
    return sandbox.team()


async def test_the_kit_reaches_the_sandbox(api: Api, sandbox: Sandbox) -> None:
    assert (await api.ok("GET /team"))["_id"] == sandbox.team().id
