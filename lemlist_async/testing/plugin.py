"""The pytest plugin: a running sandbox as a fixture, for async tests and for plain ones.

A test takes ``lemlist_sandbox`` and sets options with the marker ``@pytest.mark.lemlist_sandbox(limit=None)`` or
with a ``lemlist_sandbox_options`` fixture of its own module.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
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


@pytest.fixture
def lemlist_sandbox(
    request: pytest.FixtureRequest, lemlist_sandbox_options: dict[str, Any]
) -> Iterator[Sandbox]:
    """Run a sandbox for this test, with ``url``, ``key``, ``team()``, ``faults`` and ``requests``.

    In an async test it lives in the loop of the test; in a plain one, whose loop turns for fixtures alone, in a
    thread.
    """
    if _is_async(request):
        yield request.getfixturevalue(_sandbox_in_the_loop.__name__)
        return
    from lemlist_async.sandbox import Sandbox

    with Sandbox(**lemlist_sandbox_options) as sandbox:
        yield sandbox


@_async_fixture()
async def _sandbox_in_the_loop(lemlist_sandbox_options: dict[str, Any]) -> AsyncIterator[Sandbox]:
    from lemlist_async.sandbox import Sandbox

    async with Sandbox(**lemlist_sandbox_options) as sandbox:
        yield sandbox


@pytest.fixture
def lemlist_client(request: pytest.FixtureRequest, lemlist_sandbox: Sandbox) -> Lemlist:
    """Open a client of that sandbox with the library's default options, for an async test."""
    if not _is_async(request):
        pytest.fail("lemlist_client is for async tests: a plain test takes lemlist_sandbox", pytrace=False)
    client: Lemlist = request.getfixturevalue(_client_in_the_loop.__name__)
    return client


@_async_fixture()
async def _client_in_the_loop(lemlist_sandbox: Sandbox) -> AsyncIterator[Lemlist]:
    from lemlist_async import Lemlist

    async with Lemlist(lemlist_sandbox.key, base_url=lemlist_sandbox.url) as client:
        yield client


@pytest.fixture
def lemlist_environment(lemlist_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Set ``LEMLIST_API_KEY`` and ``LEMLIST_BASE_URL`` to the sandbox for the test."""
    monkeypatch.setenv("LEMLIST_API_KEY", lemlist_sandbox.key)
    monkeypatch.setenv("LEMLIST_BASE_URL", lemlist_sandbox.url)
    return lemlist_sandbox


def _is_async(request: pytest.FixtureRequest) -> bool:
    return inspect.iscoroutinefunction(request.function)
