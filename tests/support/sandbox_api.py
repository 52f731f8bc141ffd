"""Bare HTTP access to a sandbox, without the client."""

import asyncio
from typing import Any

from aiohttp import ClientSession, encode_basic_auth

from lemlist_async.core.json import loads
from lemlist_async.sandbox import Sandbox


class Api:
    """Sends one request and returns the status with the body, decoded if it is JSON."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self.session, self.url = session, url

    async def __call__(self, operation: str, **arguments: Any) -> tuple[int, Any]:
        method, _, path = operation.partition(" ")
        async with self.session.request(method, self.url + path, **arguments) as response:
            body = await response.read()
            try:
                return response.status, loads(body)
            except ValueError:
                return response.status, body.decode()

    async def ok(self, operation: str, **arguments: Any) -> Any:
        """Return the body of a response that has to be a 200."""
        status, body = await self(operation, **arguments)
        assert status == 200, (operation, status, body)
        return body

    async def headers(self, operation: str, **arguments: Any) -> tuple[int, dict[str, str]]:
        """Return the status and the headers."""
        method, _, path = operation.partition(" ")
        async with self.session.request(method, self.url + path, **arguments) as response:
            await response.read()
            return response.status, dict(response.headers)


def connected(sandbox: Sandbox, key: str | None = None) -> ClientSession:
    """Open a session for one key, by default the sandbox's first."""
    authorization = encode_basic_auth("", sandbox.key if key is None else key)
    return ClientSession(headers={"Authorization": authorization})


async def arrived(sandbox: Sandbox) -> None:
    """Wait until the sandbox has received a request."""
    while not sandbox.requests:  # noqa: ASYNC110 - another task fills the log, and sets no event
        await asyncio.sleep(0.005)
