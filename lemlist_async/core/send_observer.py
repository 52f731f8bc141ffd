"""Observer of the requests that one context sends: notified before the first byte, and when nothing happened."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol


class SendObserver(Protocol):
    """Observes each attempt of a call that changes something."""

    async def sending(self) -> None:
        """Run after the throttle's grant and before the first byte. An error raised here prevents the request."""
        ...

    def leaving(self) -> None:
        """Run right before the first byte, when a connection is there. An error raised here prevents the request."""
        ...

    def not_done(self) -> None:
        """Run when the last observed attempt did not happen: it was never sent, or lemlist refused it."""
        ...


SEND_OBSERVER: ContextVar[SendObserver | None] = ContextVar("lemlist_async_send_observer", default=None)
"""Observer of the attempts of this context and of the tasks that it starts; reads are not observed."""
