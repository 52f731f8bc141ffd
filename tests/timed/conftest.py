"""Tests in this folder run on the virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

from lemlist_async.testing.virtual_time import VirtualClockLoop


@pytest.hookimpl
def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual": VirtualClockLoop}
