"""Posts over HTTP, to this machine and to the hosts that were allowed."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import attrs

from lemlist_async.core.json import dumps

__all__ = ["Outbox", "is_here"]

_log = logging.getLogger("lemlist_async.sandbox")
_PATIENCE = aiohttp.ClientTimeout(total=5.0)
_AT_ONCE = 20
_HEADERS = {"Content-Type": "application/json"}


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # brackets that hold no IPv6 address
        return ""


def is_here(url: str) -> bool:
    """Tell whether an address lies on this machine."""
    host = _host_of(url)
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


@attrs.define(eq=False)
class Outbox:
    """Post bodies, twenty at a time. A redirect is not followed, since it may lead to another machine."""

    allow_hosts: Collection[str] = ()
    _going: set[asyncio.Task[None]] = attrs.field(factory=set[asyncio.Task[None]], init=False)
    _free: asyncio.Semaphore = attrs.field(factory=lambda: asyncio.Semaphore(_AT_ONCE), init=False)
    _session: aiohttp.ClientSession | None = attrs.field(default=None, init=False)

    def post(self, url: str, body: Any, answered: Callable[[int | str | None], None]) -> None:
        """Post a body at once, and report the status, the reason why there is none, or None for a forbidden host."""
        if self._may_go(url):
            self._start(self._deliver(url, body, answered))
        else:
            answered(None)

    def post_later(self, url: str, delay: float, build: Callable[[], Any]) -> None:
        """Post a body once, after so many seconds; it is built when it is sent."""
        if self._may_go(url):
            self._start(self._deliver_later(url, delay, build))

    def _may_go(self, url: str) -> bool:
        if is_here(url) or _host_of(url) in self.allow_hosts:
            return True
        _log.warning("a webhook on another machine is not called: the sandbox stays on this one")
        return False

    def _start(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._going.add(task)
        task.add_done_callback(self._going.discard)

    async def settle(self) -> None:
        """Wait until no post is under way."""
        while self._going:
            await asyncio.wait(tuple(self._going))

    async def close(self) -> None:
        """Cancel the posts that are under way."""
        going = tuple(self._going)
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _deliver_later(self, url: str, delay: float, build: Callable[[], Any]) -> None:
        await asyncio.sleep(delay)
        await self._deliver(url, build(), lambda answer: None)

    async def _deliver(self, url: str, body: Any, answered: Callable[[int | str | None], None]) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_PATIENCE)
        answer: int | str
        try:
            async with (
                self._free,
                self._session.post(
                    url, data=dumps(body), headers=_HEADERS, allow_redirects=False
                ) as response,
            ):
                answer = response.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            answer = type(error).__name__
        _log.debug("a webhook answered %s", answer)
        answered(answer)
