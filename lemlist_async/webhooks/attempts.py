"""One attempt to handle an event: its handlers called one after the other, and the result by the rules of calls."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback

import backoff

from lemlist_async.core import retry as schedule
from lemlist_async.errors import LemlistError
from lemlist_async.transport.pipeline import next_ceiling
from lemlist_async.webhooks.events import KNOWN, event_of
from lemlist_async.webhooks.handlers import Handlers, Registration
from lemlist_async.webhooks.options import ReceiverOptions
from lemlist_async.webhooks.store import Claimed, Ended

_log = logging.getLogger("lemlist_async.webhooks")
_KILLED = "the process ended while it was handled"


class Attempts:
    """Makes attempts for a worker."""

    def __init__(self, handlers: Handlers, options: ReceiverOptions) -> None:
        self._handlers = handlers
        self._options = options
        # a repeat of a handler makes no outage of lemlist worse, so it takes nothing out of a budget
        self._budget = schedule.Budget(0, 0)

    async def make(self, event: Claimed) -> Ended:
        """Call the handlers that have not succeeded yet, up to the first that fails."""
        if event.attempts > self._options.retry.attempts:
            return self._failed(event, _KILLED)
        for handler in self._handlers.of(event.type):
            if handler.name in event.handled:
                continue
            if (error := await self._call(handler, event)) is not None:
                where = _place(error)
                _log.warning(
                    "%s failed on event %d (%s), attempt %d: %s\n%s", handler.name, event.n, _shown(event.type),
                    event.attempts, where, "".join(traceback.format_tb(error.__traceback__)),
                )  # fmt: skip
                return self._failed(event, where, error)
            event.handled.append(handler.name)
        return Ended(done=True)

    async def _call(self, handler: Registration, event: Claimed) -> BaseException | None:
        """Call a handler, and return its exception. The event is decoded anew: a handler may change its own."""
        try:
            async with asyncio.timeout(self._options.handler_timeout):
                await handler.call(event_of(event.type, event.data))
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return error  # of the handler's own making
        except Exception as error:  # noqa: BLE001  # a handler is foreign code: it may raise anything
            return error
        return None

    def _failed(self, event: Claimed, why: str, error: BaseException | None = None) -> Ended:
        """Return when to try again by the rules of calls: jitter, and at least the Retry-After of lemlist."""
        retry = self._options.retry
        decision = schedule.decide(
            retry,
            self._budget,
            attempts=event.attempts,
            floor=schedule.floor(error) if isinstance(error, LemlistError) else None,
            jitter=lambda n: backoff.full_jitter(next_ceiling(n, retry.base, retry.cap)),
            left=None,
            free=True,
        )
        handled = tuple(event.handled)
        if isinstance(decision, schedule.Wait):
            return Ended(due_at=time.time() + decision.seconds, handled=handled, error=why)
        _log.error("event %d (%s) is a dead letter: %s", event.n, _shown(event.type), decision.why)
        return Ended(handled=handled, error=why)


def _shown(kind: str) -> str:
    # a name that is none of lemlist's may be a text of a lead
    return kind if kind in KNOWN else "of an unknown type"


def _place(error: BaseException) -> str:
    """Return class and line of an exception. Its message may hold personal data, and is told nowhere."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
