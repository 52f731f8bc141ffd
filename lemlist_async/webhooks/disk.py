"""Thread that owns a file of events, and writes together what arrives while it is at work.

Invariants: one thread uses the file. A post is answered after its statement has returned, never before. The writer
ends only when the disk is closed, whatever an event or the file does, since each post in the queue waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from lemlist_async.webhooks.errors import StoreError
from lemlist_async.webhooks.parsing import Delivery
from lemlist_async.webhooks.store import Store

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger("lemlist_async.webhooks")
_MOST_BYTES = 64 * 2**20
"""Bytes of bodies that wait for the disk."""


class Disk:
    """A file of events for the tasks of one event loop."""

    def __init__(
        self, store: Store, *, most: int = 5_000, on_added: Callable[[], object] = lambda: None
    ) -> None:
        self.store: Store = store
        self._most = most
        self._on_added = on_added
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lemlist-webhooks")
        self._queue: list[tuple[Delivery, asyncio.Future[None]]] = []
        self._bytes = 0
        self._filled = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._closing = False
        self._failing = False

    async def open(self) -> None:
        """Open the file, and begin to write.

        Raises:
            StoreError: it cannot be opened.
        """
        try:
            await self.run(self.store.open)
        except BaseException:
            self._thread.shutdown(wait=False)
            raise
        self._writer = asyncio.create_task(self._write(), name="lemlist-webhooks-writer")

    async def close(self) -> None:
        """Write what was accepted, and close the file."""
        self._closing = True
        self._filled.set()
        if self._writer is not None:
            await asyncio.wait([self._writer])
        with contextlib.suppress(StoreError):
            await self.run(self.store.close)
        self._thread.shutdown(wait=False)

    async def run(self, work: Callable[P, T], *values: P.args, **named: P.kwargs) -> T:
        """Do some work in the thread of the file."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, functools.partial(work, *values, **named)
        )

    async def add(self, delivery: Delivery) -> None:
        """Write an event; it is on the disk when this returns.

        Raises:
            StoreError: it is not, or too many wait already.
        """
        if self._closing:
            raise StoreError("the receiver is closed")
        if len(self._queue) >= self._most or self._bytes > _MOST_BYTES:
            raise StoreError(f"{len(self._queue)} posts wait for the disk already")
        written = asyncio.get_running_loop().create_future()
        self._queue.append((delivery, written))
        self._bytes += len(delivery.text)
        self._filled.set()
        await written

    async def write(self, deliveries: Sequence[Delivery]) -> int:
        """Write many events at once, and return how many are new."""
        added = await self.run(self.store.add, deliveries, time.time()) if deliveries else 0
        if added:
            self._on_added()
        return added

    async def _write(self) -> None:
        while not self._closing or self._queue:
            await self._filled.wait()
            self._filled.clear()
            # what arrives from here on is written together when this returns: one wait for the disk for many posts
            batch, self._queue, self._bytes = self._queue, [], 0
            if batch:
                await self._commit(batch)

    async def _commit(self, batch: Sequence[tuple[Delivery, asyncio.Future[None]]]) -> None:
        deliveries = [delivery for delivery, _ in batch]
        try:
            added = await self.run(self.store.add, deliveries, time.time())
        except Exception as error:  # noqa: BLE001  # whatever it was, the posts must be answered, and with a 503
            self._refuse(batch, error)
            return
        self._failing = False
        for _, written in batch:
            if not written.done():  # its client may have left
                written.set_result(None)
        if added:
            self._on_added()

    def _refuse(self, batch: Sequence[tuple[Delivery, asyncio.Future[None]]], error: Exception) -> None:
        why = error.message if isinstance(error, StoreError) else type(error).__name__
        # once, and not for each post of an hour
        _log.log(logging.DEBUG if self._failing else logging.ERROR, "posts are answered with 503: %s", why)
        self._failing = True
        for _, written in batch:
            if not written.done():
                written.set_exception(StoreError(why))
