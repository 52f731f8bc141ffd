"""Posts to webhooks, on this machine only."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import attrs

__all__ = ["Outbox", "Post", "is_here"]

_log = logging.getLogger("lemlist_async.sandbox")
_PATIENCE = aiohttp.ClientTimeout(total=5.0)


@attrs.frozen
class Post:
    """One delayed post. Its body is built when it is sent."""

    url: str
    body: Callable[[], Any]


def is_here(url: str) -> bool:
    """Tell whether an address lies on this machine. The sandbox posts to no other."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


class Outbox:
    """Post each item once, after `delay` seconds. lemlist does not document retries."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._going: set[asyncio.Task[None]] = set()

    def send(self, post: Post) -> None:
        """Schedule a post. One to another machine is dropped with a warning."""
        if not is_here(post.url):
            _log.warning("a webhook on another machine is not called: the sandbox stays on this one")
            return
        task = asyncio.get_running_loop().create_task(self._deliver(post))
        self._going.add(task)
        task.add_done_callback(self._going.discard)

    async def close(self) -> None:
        """Cancel the pending posts."""
        going = tuple(self._going)
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)

    async def _deliver(self, post: Post) -> None:
        await asyncio.sleep(self._delay)
        try:
            async with (
                aiohttp.ClientSession(timeout=_PATIENCE) as session,
                session.post(post.url, json=post.body()) as response,
            ):
                _log.debug("a webhook answered %d", response.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            _log.info("a webhook could not be called: %s", type(error).__name__)
