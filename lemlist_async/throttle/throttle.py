"""The waiting: callers stand in lanes until the account of their key permits one more request."""

from __future__ import annotations

import asyncio
import contextvars
import math
import random
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from aiolimiter import AsyncLimiter

from lemlist_async.clock import FROZEN, stands_still, steady
from lemlist_async.errors import ClosedError, ConfigurationError, QueueFullError, WaitTooLongError
from lemlist_async.options import Lane
from lemlist_async.throttle.account import Account, Stats
from lemlist_async.throttle.forecast import forecast
from lemlist_async.throttle.lanes import Lanes
from lemlist_async.throttle.ledger import Mode
from lemlist_async.throttle.options import DEFAULT, ThrottleOptions
from lemlist_async.throttle.slot import Slot, WaitReason


@attrs.define(eq=False)
class _Waiter:
    future: asyncio.Future[Slot]
    since: float
    owner: object


def _awaited(future: asyncio.Future[Any]) -> bool:
    # in a closed loop nobody wakes any more, and trying to would raise
    return not future.done() and not future.get_loop().is_closed()


def _runs_elsewhere(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return loop.is_running() and loop is not asyncio.get_running_loop()
    except RuntimeError:  # here runs none
        return True


class Throttle:
    """Lets requests of one API key go as fast as lemlist allows, and never faster.

    One throttle belongs to one key, one process and one event loop at a time; after that loop is closed the
    next one that asks takes over, and what was sent before still counts. `clock` gives seconds that never go
    back, `random` numbers from 0 to 1.
    """

    def __init__(
        self,
        options: ThrottleOptions = DEFAULT,
        *,
        clock: Callable[[], float] | None = None,
        random: Callable[[], float] = random.random,
    ) -> None:
        self.options = options
        # not loop.time(): some loops read it only once per turn
        self._clock = clock or steady
        self._account = Account(options, random)
        self._lanes: Lanes[_Waiter] = Lanes()
        self._open: set[Slot] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pacer: AsyncLimiter | None = None
        self._pump: asyncio.Task[None] | None = None
        self._alarm: asyncio.Future[None] | None = None

    async def acquire(
        self, lane: Lane = "interactive", *, max_wait: float | None = None, owner: object = None
    ) -> Slot:
        """Wait for the right to send one request.

        `max_wait` (seconds) overrides that of the options. `owner` is whoever may `drop` its waiters.

        Raises:
            QueueFullError: `max_queue` requests wait in the lane already.
            WaitTooLongError: the wait would be, or became, longer than `max_wait`.
            ClosedError: the owner was dropped, or another event loop that still runs uses this throttle.
            ConfigurationError: it would have to wait, and the clock of the event loop is frozen.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._bind(loop)
        now = self._clock()
        if not self._lanes and self._account.next_grant(now) <= now:
            if not self._pacer:
                return self._grant(now, 0.0, None)
            if self._pacer.has_capacity():
                await self._pacer.acquire()
                return self._grant(now, 0.0, None)
        max_wait = self.options.max_wait if max_wait is None else max_wait
        self._turn_away(lane, max_wait)
        return await self._wait(lane, _Waiter(loop.create_future(), now, owner), max_wait)

    def drop(self, owner: object) -> None:
        """End the waiting of all that `owner` asked for, with ClosedError; the others go on.

        Nothing happens while the event loop of the throttle runs in another thread: who waits there belongs to it.
        """
        if self._loop and _runs_elsewhere(self._loop):
            return
        for waiter in [waiter for waiter in self._lanes if waiter.owner is owner]:
            self._dismiss(
                waiter, ClosedError("closed while the request waited for its turn; it was not sent")
            )

    def eta(self, requests: int = 1, *, lane: Lane = "bulk") -> float:
        """Seconds until so many more requests of the lane could be granted, behind those that wait now."""
        return forecast(self._account, self._clock(), self._lanes.ahead_of(lane) + requests)

    @property
    def limit(self) -> int:
        """Requests per window that this process uses now."""
        return self._account.limit(self._clock())

    @property
    def window(self) -> float:
        """Seconds."""
        return self.options.window

    @property
    def in_flight(self) -> int:
        """Requests that were granted and have no answer yet."""
        return self._account.ledger.in_flight

    @property
    def queued(self) -> Mapping[Lane, int]:
        """How many wait in each lane."""
        return {"interactive": self._lanes.size("interactive"), "bulk": self._lanes.size("bulk")}

    @property
    def gate(self) -> float:
        """Seconds until the pause after a 429 ends; 0 if there is none."""
        return max(0.0, self._account.gate - self._clock())

    @property
    def mode(self) -> Mode:
        """`ledger` until the server refuses a request that this rule allowed, then `kernel`."""
        return self._account.ledger.mode

    @property
    def round_trip(self) -> float | None:
        """The smallest round trip of the last minute, in seconds; None while fewer than ten were seen."""
        return self._account.round_trips.smallest(self._clock())

    @property
    def heeds_rate(self) -> bool:
        """Whether it makes use of what a success says of the quota in its headers."""
        return self._account.heeds_foreign

    @property
    def stats(self) -> Stats:
        """Counters since the throttle was made."""
        return self._account.stats

    @property
    def idle(self) -> bool:
        """Whether nobody waits and nothing of the past counts any more."""
        return not self._lanes and self._account.idle(self._clock())

    def __repr__(self) -> str:
        now = self._clock()
        state = f"{self.mode}, in flight: {self.in_flight}, queued: {len(self._lanes)}"
        wait = self._account.next_grant(now) - now
        if math.isfinite(wait) and wait > 0:
            state += f", next grant in {wait * 1e6:.0f} \N{MICRO SIGN}s"
        return f"<Throttle(limit={self.limit}, window={self.window:g}) at {id(self):#x} [{state}]>"

    def _bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take over for another event loop, unless the last one still has to do with this throttle."""
        old = self._loop
        if old and not old.is_closed() and (old.is_running() or self._lanes or self._open):
            raise ClosedError(
                "another event loop uses the throttle of this API key; use one loop per key and process, or"
                " one process per loop, each with its part of the quota: share=1/n"
            )
        self._loop, self._pump, self._alarm, self._lanes = loop, None, None, Lanes()
        # whoever waited or flew in a closed loop is gone; what was sent may still have been counted
        for slot in tuple(self._open):
            slot.aborted()
        self._pacer = AsyncLimiter(*bucket) if (bucket := self.options.bucket) else None

    def _turn_away(self, lane: Lane, max_wait: float | None) -> None:
        full = self.options.max_queue is not None and self._lanes.size(lane) >= self.options.max_queue
        if not full and max_wait is None:
            return
        wait = self.eta(lane=lane)
        if full:
            self._account.counts["turned_away"] += 1
            raise QueueFullError(f"{self._lanes.size(lane)} requests wait in the {lane} lane", forecast=wait)
        if max_wait is not None and wait > max_wait:
            raise self._too_long(max_wait, wait)

    def _too_long(self, max_wait: float, wait: float) -> WaitTooLongError:
        self._account.counts["turned_away"] += 1
        return WaitTooLongError(
            f"its turn comes in {wait:.1f} s, later than max_wait={max_wait:g}", forecast=wait
        )

    async def _wait(self, lane: Lane, waiter: _Waiter, max_wait: float | None) -> Slot:
        loop = waiter.future.get_loop()
        if stands_still(loop.time):
            raise ConfigurationError(FROZEN)
        expiry = None if max_wait is None else loop.call_later(max_wait, self._expire, lane, waiter, max_wait)
        self._lanes.push(lane, waiter)
        if self._pump is None:
            # in a context of its own: the pump outlives the request that happened to start it
            pump = loop.create_task(self._run(self._lanes), context=contextvars.Context())
            # an eager task may be through before it is known here
            self._pump = None if pump.done() else pump
        try:
            return await waiter.future
        except BaseException:
            self._leave(waiter)
            raise
        finally:
            if expiry:
                expiry.cancel()

    def _leave(self, waiter: _Waiter) -> None:
        """A waiter was cancelled: it leaves the queue, or gives back what it was granted an instant ago."""
        self._lanes.remove(waiter)
        self._ring()
        future = waiter.future
        if future.done() and not future.cancelled() and future.exception() is None:
            future.result().give_back()

    def _expire(self, lane: Lane, waiter: _Waiter, max_wait: float) -> None:
        self._dismiss(waiter, self._too_long(max_wait, self.eta(lane=lane)))

    def _dismiss(self, waiter: _Waiter, error: Exception) -> None:
        self._lanes.remove(waiter)
        if _awaited(waiter.future):
            waiter.future.set_exception(error)
        self._ring()

    async def _run(self, lanes: Lanes[_Waiter]) -> None:
        """The pump: gives grants, one after the other, for as long as anybody waits in the lanes of this loop."""
        try:
            while lanes:
                await self._permission(lanes)
                if self._pacer:
                    # the only one who waits here: a queue in the limiter itself would not keep its order
                    await self._pacer.acquire()
                await self._permission(lanes)
                self._serve(lanes)
        except asyncio.CancelledError:
            # whoever did this, nobody may wait for a pump that is gone
            for waiter in tuple(lanes):
                self._dismiss(waiter, ClosedError("the throttle's task was cancelled; nothing was sent"))
            raise
        finally:
            if self._lanes is lanes:
                self._pump = None

    async def _permission(self, lanes: Lanes[_Waiter]) -> None:
        """Return when one more request may go, or nobody waits any more."""
        while lanes:
            now = self._clock()
            delay = self._account.next_grant(now) - now
            if delay <= 0:
                return
            await self._sleep(delay)

    async def _sleep(self, delay: float) -> None:
        """Sleep for so many seconds, or until `_ring`."""
        loop = asyncio.get_running_loop()
        self._alarm = loop.create_future()
        timer = loop.call_later(delay, self._ring) if math.isfinite(delay) else None
        try:
            await self._alarm
        finally:
            self._alarm = None
            if timer:
                timer.cancel()

    def _ring(self) -> None:
        if self._alarm and _awaited(self._alarm):
            self._alarm.set_result(None)

    def _serve(self, lanes: Lanes[_Waiter]) -> None:
        """Grant to the best waiter of this very instant."""
        while lanes:
            waiter = lanes.pop()
            if not waiter.future.done():
                now = self._clock()
                reason: WaitReason = "gate" if self._account.gate > waiter.since else "quota"
                waiter.future.set_result(self._grant(now, now - waiter.since, reason))
                return

    def _grant(self, now: float, waited: float, reason: WaitReason | None) -> Slot:
        if reason:
            self._account.counts["waits"] += 1
        slot = Slot(self._account.grant(now), self._settle, self._clock, waited, reason)
        self._open.add(slot)
        return slot

    def _settle(self, slot: Slot) -> Account:
        """A request has ended: what it tells the account may be what the pump waits for."""
        self._open.discard(slot)
        self._ring()  # which wakes it only after this step of the loop
        return self._account
