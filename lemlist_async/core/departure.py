"""Requests that leave in a context: noted before their first byte, and counted while they may have happened."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol


class Departures(Protocol):
    """Told of each try of a call that changes something."""

    async def leaving(self) -> None:
        """The throttle has let a try go: no byte of it has left. An error raised here keeps it from leaving."""
        ...

    def undone(self) -> None:
        """The last try that was told of did not happen: it never left, or lemlist said no."""
        ...


DEPARTURES: ContextVar[Departures | None] = ContextVar("lemlist_async_departures", default=None)
"""Told of the tries that this context and the tasks it starts make; reads are left out."""
