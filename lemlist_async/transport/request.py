"""A request that tells when its first byte leaves."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection

from lemlist_async.throttle import Slot


class Request(ClientRequest):
    """What the own session sends; requests of a borrowed session cannot tell."""

    written: bool = False
    """Whether a byte of it may have left."""
    slot: Slot | None = None

    def send(  # pyright: ignore[reportIncompatibleMethodOverride]  # to be awaited is all that is asked of it
        self, conn: Connection
    ) -> Coroutine[Any, Any, aiohttp.ClientResponse]:
        """Note it before the first byte, then send; awaited at once, so it need not be a coroutine itself."""
        self.written = True
        if self.slot is not None:
            self.slot.wrote()
        return super().send(conn)
