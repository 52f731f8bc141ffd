"""Fixtures of the sandbox's wire tests: a sandbox without a limit, and bare HTTP access to it."""

from collections.abc import AsyncIterator

import pytest

from lemlist_async.sandbox import Sandbox, Team
from tests.support.sandbox_api import Api, connected


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
