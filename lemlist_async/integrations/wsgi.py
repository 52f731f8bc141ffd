"""WSGI servers: a client in an event loop of its own thread, called by the threads that serve requests."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

from lemlist_async.client import Lemlist
from lemlist_async.errors import ClosedError

T = TypeVar("T")


class BlockingLemlist:
    """One client for all threads of a process: ``blocking.call(lambda lemlist: lemlist.team.get())``.

    Thread, loop and client are made by the first call, in the process that makes it: servers that fork after loading
    the application get one in each child. `make` is called once per process.
    """

    def __init__(self, make: Callable[[], Lemlist] = Lemlist) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._pid = 0
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lemlist: Lemlist | None = None

    def call(self, function: Callable[[Lemlist], Awaitable[T]]) -> T:
        """Run an async function with the client, and return its result; the deadline of the caller travels along.

        Raises:
            ClosedError: the object was closed.
        """

        async def run() -> T:
            if self._lemlist is None:
                self._lemlist = self._make()
            return await function(self._lemlist)

        loop = self._running_loop()
        future = asyncio.run_coroutine_threadsafe(run(), loop)
        try:
            return future.result()
        except BaseException:
            # a thread that is interrupted takes its call out of the queue
            future.cancel()
            raise

    def close(self) -> None:
        """Close the client, and end its thread; calls in progress end with ClosedError."""
        with self._lock:
            self._closed = True
            loop, thread, self._loop = self._loop, self._thread, None
        if loop is None or thread is None or self._pid != os.getpid():
            return
        if self._lemlist is not None:
            asyncio.run_coroutine_threadsafe(self._lemlist.aclose(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                raise ClosedError("this BlockingLemlist is closed; make a new one")
            if self._loop is None or self._pid != os.getpid():
                self._pid, self._lemlist = os.getpid(), None
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_run, args=(self._loop,), name="lemlist", daemon=True)
                self._thread.start()
            return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()
