"""What the sandbox posts to webhooks, on this machine only."""

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
    """Something to post a while later; the body is made when it goes."""

    url: str
    body: Callable[[], Any]


def is_here(url: str) -> bool:
    """Whether an address lies on this machine; the sandbox writes to no other."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


class Outbox:
    """Posts each thing once, `delay` seconds after it was put in: whether lemlist tries again is not documented."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._going: set[asyncio.Task[None]] = set()

    def send(self, post: Post) -> None:
        """Take a post on its way; one to another machine is left out."""
        if not is_here(post.url):
            _log.warning("a webhook on another machine is not called: the sandbox stays on this one")
            return
        task = asyncio.get_running_loop().create_task(self._deliver(post))
        self._going.add(task)
        task.add_done_callback(self._going.discard)

    async def close(self) -> None:
        """Give up what is on its way."""
        going = tuple(self._going)
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)

    async def _deliver(self, post: Post) -> None:
        await asyncio.sleep(self._delay)
        try:
            async with (
                aiohttp.ClientSession(timeout=_PATIENCE) as session,
                session.post(post.url, json=post.body()) as answer,
            ):
                _log.debug("a webhook answered %d", answer.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            _log.info("a webhook could not be called: %s", type(error).__name__)
