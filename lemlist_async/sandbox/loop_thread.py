"""A thread with an event loop of its own, for programs without one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

__all__ = ["LoopThread"]

T = TypeVar("T")


class LoopThread:
    """Run coroutines and functions in a loop that another thread turns, and wait for their results."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lemlist sandbox", daemon=True)
        self._thread.start()

    @property
    def elsewhere(self) -> bool:
        """Whether the caller runs in another thread than the loop."""
        return threading.current_thread() is not self._thread

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin a coroutine in the loop's thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end."""
        return self.begin(work).result()

    def call(self, function: Callable[[], T]) -> T:
        """Call a function in the loop's thread."""

        async def called() -> T:
            return function()

        return self.run(called())

    def close(self) -> None:
        """End the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
