"""A request that tells when its first byte leaves."""

from __future__ import annotations

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection

from lemlist_async.throttle import Slot


class Request(ClientRequest):
    """What the own session sends; requests of a borrowed session cannot tell."""

    written: bool = False
    """Whether a byte of it may have left."""
    slot: Slot | None = None

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Note it before the first byte, then send."""
        self.written = True
        if self.slot is not None:
            self.slot.wrote()
        return await super().send(conn)
