"""Answer to one HTTP request, for every kind of server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Protocol

from lemlist_async.webhooks.errors import WebhookError

_log = logging.getLogger("lemlist_async.webhooks")
_READ_WITHIN = 30.0
"""Seconds for the body of a request."""
_DISCARDED = 4 * 2**20
"""Bytes of a large body that are read and thrown away, so that its sender gets to read the answer."""


class Door(Protocol):
    """Entrance for bodies."""

    def limit(self, query: str) -> int:
        """Return the bytes that a body may have."""
        ...

    async def receive(self, body: bytes, *, query: str = "") -> None:
        """Take a body."""
        ...


async def answer(door: Door, method: str, query: str, body: AsyncIterator[bytes]) -> int:
    """Return the status for a request.

    It is never 404 or 410, for which lemlist may delete the hook. A GET is answered with 200, since a sender may
    look whether the address is there.
    """
    if method != "POST":
        return 200 if method in {"GET", "HEAD", "OPTIONS"} else 405
    try:
        async with asyncio.timeout(_READ_WITHIN):
            posted = await _read(body, door.limit(query))
    except TimeoutError:
        return 408
    if posted is None:
        return 413
    try:
        await door.receive(posted, query=query)
    except WebhookError as error:
        _log.info("a post was refused: %d %s", error.status, type(error).__name__)
        return error.status
    except Exception as error:  # noqa: BLE001  # its message may hold the body, which a server would log
        _log.error("a post was not taken: %s", type(error).__name__)  # and so may a traceback
        return 500
    return 200


async def _read(body: AsyncIterator[bytes], limit: int) -> bytes | None:
    """Return a body; None if it is too large."""
    pieces: list[bytes] = []
    size = 0
    async for piece in body:
        size += len(piece)
        if size <= limit:
            pieces.append(piece)
        elif size > limit + _DISCARDED:
            return None
    return b"".join(pieces) if size <= limit else None
