"""Requests that leave in a context: noted before their first byte, and counted while they may have happened."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol


class SendObserver(Protocol):
    """Told of each try of a call that changes something."""

    async def sending(self) -> None:
        """The throttle has let a try go: no byte of it has left. An error raised here keeps it from leaving."""
        ...

    def not_done(self) -> None:
        """The last try that was told of did not happen: it never left, or lemlist said no."""
        ...


SEND_OBSERVER: ContextVar[SendObserver | None] = ContextVar("lemlist_async_send_observer", default=None)
"""Told of the tries that this context and the tasks it starts make; reads are left out."""
