"""Tasks that go on after the response of the request that started them, and end with the application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from lemlist_async.deadlines import deadline

_log = logging.getLogger("lemlist_async.background")
T = TypeVar("T")


class Background:
    """Tasks of one application. A bulk job that is ended by its end is resumed from its journal."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task without the deadline of the request that starts it; an error of the task is logged."""
        with deadline(None):
            task = asyncio.get_running_loop().create_task(work)
        if self._closed:
            task.cancel()
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def aclose(self) -> None:
        """Cancel the tasks, and wait for their ends."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # the class alone above DEBUG: a text may hold what a visitor or lemlist said
            _log.error("a background task ended with %s", type(error).__name__)
            _log.debug("its error", exc_info=error)
