"""The task of a handler, cancelled when its visitor leaves before anything was changed."""

from __future__ import annotations

import asyncio
from contextvars import Token
from types import TracebackType
from typing import Any, Self

from lemlist_async.core.send_observer import SEND_OBSERVER, SendObserver
from lemlist_async.errors import LemlistError
from lemlist_async.integrations.web_errors import VisitorGoneError


class Visit:
    """Context manager around the calls for one visitor.

    Invariants. The task is cancelled at most once, and only while no request that changes something is under way or
    done: from its first byte on, the block runs to its end. A request that surely was not carried out counts as not
    sent, so a call that waits in the queue again can be given up again. A cancellation by others wins over ours.
    """

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = None
        self._before = 0
        self._sent = 0
        self._error: LemlistError | None = None
        """Error to end with; set once the visitor has left."""
        self._cancelled = False
        self._around: SendObserver | None = None
        self._token: Token[SendObserver | None] | None = None

    def leave(self, error: LemlistError | None = None) -> None:
        """Give up the calls of the block, unless something was changed already."""
        self._error = self._error or error or VisitorGoneError("the visitor has left")
        self._give_up()

    async def sending(self) -> None:
        """Note that a request that changes something leaves now."""
        if self._around is not None:
            await self._around.sending()
        self._sent += 1

    def leaving(self) -> None:
        """Let the observer around this one prevent the request."""
        if self._around is not None:
            self._around.leaving()

    def not_done(self) -> None:
        """Note that the request did not happen."""
        if self._around is not None:
            self._around.not_done()
        self._sent = max(0, self._sent - 1)
        self._give_up()

    def _give_up(self) -> None:
        if self._error is not None and not self._sent and not self._cancelled and self._task is not None:
            self._cancelled = True
            self._task.cancel()

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        self._before = 0 if self._task is None else self._task.cancelling()
        self._around = SEND_OBSERVER.get()
        self._token = SEND_OBSERVER.set(self)
        self._give_up()  # the visitor may have left before
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task, self._task = self._task, None
        if self._token is not None:
            SEND_OBSERVER.reset(self._token)
        if task is None or not self._cancelled:
            return
        ours = task.uncancel() <= self._before
        if kind is None:
            try:
                # the block ended in the turn of the cancellation, which is delivered at the next wait
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                if not ours:
                    raise
        elif kind is asyncio.CancelledError and ours and self._error is not None:
            raise self._error from None
