"""Handling of stored events: leased, attempted, ended.

Invariants: an event is handled under a lease, which is renewed while the handler runs. Each place handles one event at
a time, and begins the next one after the result of the one before is in the file: a killed process leaves at most as
many events to be handled twice as it has places. A result is written only while the lease holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time

from lemlist_async.webhooks.attempts import Attempts
from lemlist_async.webhooks.disk import Disk
from lemlist_async.webhooks.errors import StoreError
from lemlist_async.webhooks.handlers import Handlers
from lemlist_async.webhooks.options import ReceiverOptions
from lemlist_async.webhooks.store import Claimed, Ended

_Attempted = tuple[Claimed, Ended]
"""An event, and the result of its attempt."""

_log = logging.getLogger("lemlist_async.webhooks")
_REST = 1.0
"""Seconds until a file that failed is tried again."""


class Worker:
    """Takes due events from the file to their handlers."""

    def __init__(self, disk: Disk, handlers: Handlers, options: ReceiverOptions) -> None:
        self._disk = disk
        self._handlers = handlers
        self._options = options
        self._owner = secrets.token_hex(8)
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._asking = asyncio.Lock()
        """Held by the one place that looks for an event or waits for one."""
        self._busy = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._attempts = Attempts(handlers, options)
        self._failing = False

    def wake(self) -> None:
        """Look for events now."""
        self._woken.set()

    def start(self) -> None:
        """Begin to handle events."""
        places = [self._place() for _ in range(self._options.concurrency)]
        self._tasks = [asyncio.create_task(work) for work in (*places, self._renew())]

    async def stop(self) -> None:
        """Begin no more events, let handlers finish for `shutdown_timeout` seconds, and cancel the rest."""
        self._stopping.set()
        self._woken.set()
        *places, renewal = self._tasks
        await asyncio.wait(places, timeout=self._options.shutdown_timeout)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*places, renewal, return_exceptions=True)

    # Taking events ------------------------------------------------------------------------------------------

    async def _place(self) -> None:
        """Handle events until the worker stops, whatever happens in between."""
        while not self._stopping.is_set():
            try:
                await self._serve()
            except Exception as error:  # noqa: BLE001  # a damaged row must not end the work on all others
                _log.error("a place of the worker begins anew after %s", type(error).__name__)
                await asyncio.sleep(_REST)

    async def _serve(self) -> None:
        """Handle one event after the other."""
        ended: _Attempted | None = None
        while (event := await self._next(ended)) is not None:
            ended = event, await self._handle(event)

    async def _next(self, ended: _Attempted | None) -> Claimed | None:
        """Write the result of the event before, and take the next one; None once the worker stops."""
        if ended is not None and self._options.concurrency > 1:
            # the place that looks for events may wait for long, and a result must not
            await self._end(*ended)
            ended = None
        async with self._asking:
            while not self._stopping.is_set():
                self._woken.clear()
                event = await self._step(ended)
                ended = None
                if event is not None:
                    return event
                await self._idle()
        if ended is not None:
            await self._end(*ended)
        return None

    async def _step(self, ended: _Attempted | None) -> Claimed | None:
        """Write a result and take an event in one visit to the thread of the file."""
        if not self._handlers:
            if ended is not None:
                await self._end(*ended)
            return None
        while True:
            try:
                held, event = await self._disk.run(
                    self._disk.store.step, ended, self._owner, time.time(), self._options.lease
                )
            except StoreError as error:
                self._complain(error)
                if ended is None or self._stopping.is_set():
                    return None
                await asyncio.sleep(_REST)
                continue
            self._failing = False
            self._check(ended, held=held)
            return event

    async def _idle(self) -> None:
        """Wait until an event is received or due, or another process may have left one."""
        seconds = self._options.poll_every
        with contextlib.suppress(StoreError):
            due = await self._disk.run(self._disk.store.next_due) if self._handlers else None
            seconds = seconds if due is None else min(seconds, max(0.001, due - time.time()))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), _REST if self._failing else seconds)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._options.lease / 3)
            if self._busy:
                with contextlib.suppress(StoreError):
                    until = time.time() + self._options.lease
                    await self._disk.run(self._disk.store.renew, self._owner, until)

    def _complain(self, error: StoreError) -> None:
        _log.log(
            logging.DEBUG if self._failing else logging.ERROR, "no events are handled: %s", error.message
        )
        self._failing = True

    # Handling one -------------------------------------------------------------------------------------------

    async def _handle(self, event: Claimed) -> Ended:
        self._busy += 1
        try:
            # the receiver closes: the attempt does not count, and another process may have the event at once
            return _given_back(event) if self._stopping.is_set() else await self._attempts.make(event)
        except asyncio.CancelledError:
            await self._end(event, _given_back(event))
            raise
        finally:
            self._busy -= 1

    async def _end(self, event: Claimed, result: Ended) -> None:
        """Write a result, however long the file cannot be written: otherwise the event would be handled again."""
        while True:
            try:
                held = await self._disk.run(self._disk.store.end, event, result, time.time())
            except StoreError as error:
                self._complain(error)
                if self._stopping.is_set():
                    return
                await asyncio.sleep(_REST)
            else:
                self._check((event, result), held=held)
                return

    def _check(self, ended: _Attempted | None, *, held: bool) -> None:
        if ended is not None and not held:
            _log.warning(
                "event %d outlived its lease while it was handled, and may be handled twice", ended[0].n
            )


def _given_back(event: Claimed) -> Ended:
    return Ended(due_at=time.time(), handled=tuple(event.handled), uncounted=True)
