"""Tests in this folder run on the virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import pytest

from lemlist_async.testing.virtual_time import VirtualClockLoop
from lemlist_async.throttle import Throttle, ThrottleOptions


@pytest.hookimpl
def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual": VirtualClockLoop}


class MakeThrottle(Protocol):
    def __call__(self, **options: Any) -> Throttle: ...


@pytest.fixture
async def make_throttle() -> MakeThrottle:
    """Throttles on the clock of the loop, for which chance always says a half."""
    clock = asyncio.get_running_loop().time

    def make(**options: Any) -> Throttle:
        return Throttle(ThrottleOptions(**options), clock=clock, random=lambda: 0.5)

    return make
