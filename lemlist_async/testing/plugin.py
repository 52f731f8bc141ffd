"""The pytest plugin: a running sandbox as a fixture.

A test takes ``lemlist_sandbox`` and sets options with the marker ``@pytest.mark.lemlist_sandbox(limit=None)`` or
with a ``lemlist_sandbox_options`` fixture of its own module.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from lemlist_async import Lemlist
    from lemlist_async.sandbox import Sandbox

MARKER: Final = "lemlist_sandbox"


def _async_fixture() -> Callable[..., Any]:
    """Choose the decorator: pytest-asyncio's strict mode runs its own fixtures alone, anyio takes plain ones."""
    try:
        from pytest_asyncio import fixture
    except ImportError:
        return pytest.fixture
    return fixture


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, so that ``--strict-markers`` accepts it."""
    config.addinivalue_line(
        "markers", f"{MARKER}(**options): options of lemlist_async.sandbox.Sandbox for one test"
    )


@pytest.fixture
def lemlist_sandbox_options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Sandbox options of this test: those of its markers. The nearest one wins."""
    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers(MARKER))):
        options |= marker.kwargs
    return options


@_async_fixture()
async def lemlist_sandbox(lemlist_sandbox_options: dict[str, Any]) -> AsyncIterator[Sandbox]:
    """Run a sandbox for this test, with ``url``, ``key``, ``team()``, ``faults`` and ``requests``."""
    from lemlist_async.sandbox import Sandbox

    async with Sandbox(**lemlist_sandbox_options) as sandbox:
        yield sandbox


@_async_fixture()
async def lemlist_client(lemlist_sandbox: Sandbox) -> AsyncIterator[Lemlist]:
    """Open a client of that sandbox with the library's default options, closed after the test."""
    from lemlist_async import Lemlist

    async with Lemlist(lemlist_sandbox.key, base_url=lemlist_sandbox.url) as client:
        yield client


@pytest.fixture
def lemlist_environment(lemlist_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Set ``LEMLIST_API_KEY`` and ``LEMLIST_BASE_URL`` to the sandbox for the test."""
    monkeypatch.setenv("LEMLIST_API_KEY", lemlist_sandbox.key)
    monkeypatch.setenv("LEMLIST_BASE_URL", lemlist_sandbox.url)
    return lemlist_sandbox
