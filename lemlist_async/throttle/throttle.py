"""Waiting of requests in lanes, until the quota of their key permits one more."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import threading
import weakref
from collections.abc import Callable, Mapping

import attrs

from lemlist_async.clock import FROZEN, stands_still, steady
from lemlist_async.errors import (
    ClosedError,
    ConfigurationError,
    LimitStoreError,
    QueueFullError,
    WaitTooLongError,
)
from lemlist_async.options import Lane
from lemlist_async.throttle.forecast import forecast
from lemlist_async.throttle.lanes import Lanes
from lemlist_async.throttle.ledger import Mode
from lemlist_async.throttle.options import DEFAULT, ThrottleOptions
from lemlist_async.throttle.quota import Quota, RateState, Stats
from lemlist_async.throttle.sharing import Sharing
from lemlist_async.throttle.slot import Slot, WaitReason
from lemlist_async.throttle.stores.shared import Scope

LOOK_AGAIN = 1.0
"""Seconds after which a loop that waits for the answers of another one looks whether that loop still lives."""
EARLY = 1e-4
"""Seconds by which a timer may ring before the next grant; it is set anew then."""


@attrs.define(eq=False)
class _Loop:
    """One event loop that has waiters here, and its timer for the next grant."""

    loop: asyncio.AbstractEventLoop
    waiters: int = 0
    timer: asyncio.TimerHandle | None = None
    rings_at: float = math.inf


@attrs.define(eq=False)
class _Waiter:
    future: asyncio.Future[Slot]
    home: _Loop
    since: float
    owner: object
    slot: Slot | None = None
    """The slot it was granted, also before its loop knows."""


class Throttle:
    """Send requests of one API key as fast as lemlist allows, and never faster.

    One throttle serves all event loops and threads of a process that use the key. With a `name`, all processes of this
    user on this host whose throttles have the same name share one ledger. `clock` gives seconds that never go back; it
    must be the same for all processes then. `random` gives numbers from 0 to 1.

    Invariants. The lock guards the quota, the lanes and the timers; it is held for microseconds, and never while
    anything is awaited. A slot is granted under the lock, to the first waiter of that instant in any loop, and then
    handed over: at once in the loop of this thread, by ``call_soon_threadsafe`` in another. A waiter that is
    cancelled in between finds the slot in its own record and gives it back, so no slot is lost on the way. Each loop
    with waiters has one timer, which may ring too early and never stays away.
    """

    def __init__(
        self,
        options: ThrottleOptions = DEFAULT,
        *,
        clock: Callable[[], float] | None = None,
        random: Callable[[], float] = random.random,
        name: str | None = None,
    ) -> None:
        self.options = options
        # not loop.time(): some loops read it only once per turn
        self.now: Callable[[], float] = clock or steady
        # weak, since the thread of a server must not keep a throttle that no client has any more
        wake = weakref.WeakMethod(self._wake)
        self._sharing = Sharing(name, options, self.now, lambda update: (found := wake()) and found(update))
        self._shares = self._sharing.is_wanted
        self._quota = Quota(options, random, self._sharing.load if self._shares else None)
        self._lock = threading.Lock()
        self._lanes: Lanes[_Waiter] = Lanes()
        self._loops: dict[asyncio.AbstractEventLoop, _Loop] = {}
        """Event loops with waiters; empty if and only if the lanes are."""
        self._open: set[Slot] = set()
        self._latest_loop: asyncio.AbstractEventLoop | None = None
        self._several_loops = False
        """Whether more than one event loop was ever seen: then one may be closed with requests in flight."""

    async def acquire(
        self, lane: Lane = "interactive", *, max_wait: float | None = None, owner: object = None
    ) -> Slot:
        """Wait for the right to send one request.

        `max_wait` (seconds) overrides that of the options. `owner` may end its waiters by `cancel_waiters`.

        Raises:
            QueueFullError: `max_queue` requests wait in the lane already.
            WaitTooLongError: the wait would be, or became, longer than `max_wait`.
            ClosedError: the waiters of the owner were cancelled.
            LimitStoreError: the server that keeps the limit is away, and `on_outage` is ``fail``.
            ConfigurationError: it would have to wait, and the clock of the event loop is frozen.
        """
        loop = asyncio.get_running_loop()
        now = self.now()
        with self._lock:
            if loop is not self._latest_loop:
                self._several_loops = self._latest_loop is not None
                self._latest_loop = loop
                self._forget_closed_loops(now)
            if lane == "interactive":
                self._quota.last_interactive = now
                if self._shares:
                    self._sharing.saw_interactive(now)
            # fast path: while no waiter stands before it, a request needs no future and no timer
            if not self._loops and self._next_grant(now, lane) <= now:
                return self._grant(loop, now)
        max_wait = self.options.max_wait if max_wait is None else max_wait
        try:
            self._turn_away(lane, max_wait)
        except BaseException:
            with self._lock:
                self._serve()
            raise
        return await self._wait(lane, loop, now, owner, max_wait)

    def cancel_waiters(self, owner: object) -> None:
        """End the waiting of all that `owner` asked for, in any loop, with ClosedError; the others go on."""
        with self._lock:
            leaving = [waiter for waiter in self._lanes if waiter.owner is owner]
            for waiter in leaving:
                self._remove(waiter)
            self._serve()
        for waiter in leaving:
            _fail(waiter, ClosedError("closed while the request waited for its turn; it was not sent"))

    def eta(self, requests: int = 1, *, lane: Lane = "bulk") -> float:
        """Return the seconds until so many more requests of the lane could be granted, behind those that wait."""
        with self._lock:
            now = self.now()
            shared = self._sharing.free_instants(now) if self._shares else None
            return forecast(self._quota, now, self._lanes.ahead_of(lane) + requests, shared)

    @property
    def limit(self) -> int:
        """Requests per window that this process uses now."""
        return self._quota.limit(self.now())

    @property
    def window(self) -> float:
        """Seconds."""
        return self.options.window

    @property
    def in_flight(self) -> int:
        """Requests that were granted and have no answer yet."""
        return self._quota.ledger.in_flight

    @property
    def used(self) -> int:
        """Requests of this process that count towards the limit now."""
        with self._lock:
            return int(self._quota.ledger.load(self.now(), "ledger"))

    @property
    def queued(self) -> Mapping[Lane, int]:
        """Requests that wait in each lane."""
        return {"interactive": self._lanes.size("interactive"), "bulk": self._lanes.size("bulk")}

    @property
    def paused_for(self) -> float:
        """Seconds until the pause after a 429 ends; 0 if there is none."""
        return max(0.0, self._quota.paused_until - self.now())

    @property
    def mode(self) -> Mode:
        """`ledger` until the server refuses a request that this rule allowed, then `sliding` for a while."""
        return self._quota.ledger.mode

    @property
    def round_trip(self) -> float | None:
        """The smallest round trip of the last minute, in seconds; None while too few were seen."""
        return self._quota.round_trips.smallest(self.now())

    @property
    def reads_usage(self) -> bool:
        """Whether it makes use of what a success says of the quota in its headers."""
        return self._quota.reads_usage

    @property
    def scope(self) -> Scope:
        """Known users of the key: `redis` for all that use the server, `host` for all processes of this user on this
        host, or `process`."""
        return self._sharing.scope

    @property
    def members(self) -> int:
        """Processes that use the key now, as far as the scope reaches, this one included."""
        with self._lock:
            return self._sharing.members

    @property
    def trouble(self) -> str | None:
        """Reason why the limit cannot be shared at present as the options say; None if all is well."""
        return self._sharing.trouble

    @property
    def stats(self) -> Stats:
        """Counters since the throttle was made."""
        return self._quota.stats

    @property
    def idle(self) -> bool:
        """Whether no request waits and nothing of the past counts any more."""
        with self._lock:
            return not self._lanes and self._quota.idle(self.now())

    def rest(self) -> None:
        """Close the file that is shared with other processes, if nothing of the past counts; it opens by itself."""
        with self._lock:
            if not self._lanes and self._quota.idle(self.now()):
                self._sharing.close()

    def __repr__(self) -> str:
        with self._lock:
            now = self.now()
            state = f"{self.scope}, {self.mode}, in flight: {self.in_flight}, queued: {len(self._lanes)}"
            wait = self._quota.next_grant(now) - now
            if math.isfinite(wait) and wait > 0:
                state += f", next grant in {wait * 1e6:.0f} \N{MICRO SIGN}s"
            return f"<Throttle(limit={self.limit}, window={self.window:g}) at {id(self):#x} [{state}]>"

    # Ends of slots, called by Slot -------------------------------------------------------------------------

    def answered(self, slot: Slot, rate: RateState | None) -> None:
        """Take the answer of a request into account."""
        with self._lock:
            self._open.discard(slot)
            now = self.now()
            self._quota.answered(slot, now, rate)
            if self._shares:
                self._end_shared(slot, now, answered=True)
            if self._loops:
                self._serve()

    def refused(self, slot: Slot, pause: float | None, by_limiter: bool, rate: RateState | None) -> None:
        """Take a 429 into account."""
        with self._lock:
            self._open.discard(slot)
            now = self.now()
            self._quota.refused(slot, now, pause, by_limiter=by_limiter, rate=rate)
            if self._shares:
                self._end_shared(slot, now, answered=by_limiter)
                quota = self._quota
                self._sharing.refused(now, quota.paused_until, quota.ledger.mode, quota.sliding_until)
            self._serve()

    def aborted(self, slot: Slot) -> None:
        """Take a request without an answer into account."""
        with self._lock:
            self._open.discard(slot)
            now = self.now()
            self._quota.aborted(slot, now)
            if self._shares:
                self._end_shared(slot, max(now, slot.at + self._quota.round_trips.mean), answered=False)
            self._serve()

    def given_back(self, slot: Slot) -> None:
        """Free the slot of a request that was never sent."""
        with self._lock:
            self._open.discard(slot)
            self._quota.given_back(slot)
            if self._shares:
                self._sharing.end(slot.token, self.now(), slot.at)
            self._serve()

    def _end_shared(self, slot: Slot, at: float, *, answered: bool) -> None:
        timed = answered and slot.timed and not self.options.strict
        credit = self.options.credit * self._sharing.credit() if timed else 0.0
        free_at = max(slot.at, at - credit) + self.options.window + self.options.margin
        self._sharing.end(slot.token, at, free_at, at - slot.at if timed else None)

    # Waiting -----------------------------------------------------------------------------------------------

    def _turn_away(self, lane: Lane, max_wait: float | None) -> None:
        full = self.options.max_queue is not None and self._lanes.size(lane) >= self.options.max_queue
        if not full and max_wait is None:
            return
        wait = self.eta(lane=lane)
        if full:
            self._quota.turned_away += 1
            raise QueueFullError(f"{self._lanes.size(lane)} requests wait in the {lane} lane", forecast=wait)
        if max_wait is not None and wait > max_wait:
            raise self._too_long(max_wait, wait)

    def _too_long(self, max_wait: float, wait: float) -> WaitTooLongError:
        self._quota.turned_away += 1
        return WaitTooLongError(
            f"its turn comes in {wait:.1f} s, later than max_wait={max_wait:g}", forecast=wait
        )

    async def _wait(
        self, lane: Lane, loop: asyncio.AbstractEventLoop, now: float, owner: object, max_wait: float | None
    ) -> Slot:
        # no timer rings on a frozen clock, so the wait would never end
        if stands_still(loop.time):
            raise ConfigurationError(FROZEN)
        with self._lock:
            home = self._loops.get(loop)
            if home is None:
                home = self._loops[loop] = _Loop(loop)
            waiter = _Waiter(loop.create_future(), home, now, owner)
            home.waiters += 1
            self._lanes.push(lane, waiter)
            self._serve()
        expiry = None if max_wait is None else loop.call_later(max_wait, self._expire, lane, waiter, max_wait)
        try:
            return await waiter.future
        except BaseException:
            # Cancelled, perhaps after the grant and before this task could run: then the slot is in the record of
            # the waiter. Without a slot the next waiter may be the first now, and needs a timer.
            with self._lock:
                self._remove(waiter)
                if waiter.slot is None:
                    self._serve()
            if waiter.slot is not None:
                waiter.slot.give_back()
            raise
        finally:
            if expiry:
                expiry.cancel()

    def _expire(self, lane: Lane, waiter: _Waiter, max_wait: float) -> None:
        wait = self.eta(lane=lane)
        with self._lock:
            if waiter.slot is not None:  # granted, and on the way to the loop of the waiter
                return
            self._remove(waiter)
            self._serve()
        _fail(waiter, self._too_long(max_wait, wait))

    def _remove(self, waiter: _Waiter) -> None:
        if self._lanes.remove(waiter):
            self._left(waiter.home)

    def _left(self, home: _Loop) -> None:
        home.waiters -= 1
        if not home.waiters:
            self._loops.pop(home.loop, None)
            if home.timer is not None and not home.loop.is_closed():
                # in another thread the timer rings once for nothing: cancelling it is not safe from here
                if home.loop is _running_loop():
                    home.timer.cancel()
                home.timer = None
                home.rings_at = math.inf

    # Granting; the lock is held ----------------------------------------------------------------------------

    def _serve(self) -> None:
        """Grant to the first waiters of this instant as many requests as may go, and set the timers for the next."""
        here = _running_loop()
        while self._lanes:
            now = self.now()
            lane = self._lanes.next_lane()
            try:
                opens = self._next_grant(now, lane)
            except LimitStoreError as error:
                self._turn_all_away(error)
                return
            if opens > now:
                self._set_timers(opens, now, here)
                return
            waiter = self._lanes.pop()
            self._left(waiter.home)
            # a cancelled future stays in its lane until its task has run: it must not take a slot
            if not waiter.future.done():
                self._hand_over(waiter, now, here)
        if self._shares:
            # a reservation that no waiter needs would keep the slot from the other members
            self._sharing.withdraw(self.now())

    def _next_grant(self, now: float, lane: Lane) -> float:
        opens = self._quota.next_grant(now, lane)
        if opens > now or not self._shares:
            return opens
        # asked only if this process may send: the call reserves a slot, which other members then cannot use
        return self._sharing.next_grant(
            now, urgent=lane == "interactive", waiting=max(1, self._lanes.size(lane))
        )

    def _wake(self, update: Callable[[float], None]) -> None:
        """Let the shared ledger take an answer of its server, in whatever thread that came."""
        with self._lock:
            update(self.now())
            self._serve()

    def _turn_all_away(self, error: LimitStoreError) -> None:
        waiters = list(self._lanes)
        for waiter in waiters:
            self._remove(waiter)
            # one for each: a traceback grows with every task that raises the same error
            _fail(waiter, LimitStoreError(error.message, forecast=error.forecast))

    def _hand_over(self, waiter: _Waiter, now: float, here: asyncio.AbstractEventLoop | None) -> None:
        loop = waiter.home.loop
        # a request of a closed loop never runs, so its waiter gets no slot
        if loop.is_closed():
            return
        reason: WaitReason = "pause" if self._quota.paused_until > waiter.since else "quota"
        # recorded before the future is set: only so can a cancellation in between find the slot
        waiter.slot = slot = self._grant(loop, now, now - waiter.since, reason)
        self._quota.waits += 1
        if loop is here:
            waiter.future.set_result(slot)
            return
        try:
            loop.call_soon_threadsafe(_deliver, waiter)
        except RuntimeError:  # the loop was closed since the check above: nothing of the request was sent
            self._open.discard(slot)
            self._quota.given_back(slot)
            if self._shares:
                self._sharing.end(slot.token, now, now)

    def _grant(
        self,
        loop: asyncio.AbstractEventLoop,
        now: float,
        waited: float = 0.0,
        reason: WaitReason | None = None,
    ) -> Slot:
        slot = Slot(self, loop, waited, reason)
        self._quota.grant(slot, now)
        if self._shares:
            slot.token = self._sharing.grant(now)
        # kept until its end: only so can the slot of a loop that was closed be found
        self._open.add(slot)
        return slot

    def _set_timers(self, opens: float, now: float, here: asyncio.AbstractEventLoop | None) -> None:
        # the answer that all wait for may belong to a loop that was closed, and then never comes
        if opens == math.inf and self._several_loops:
            opens = now + LOOK_AGAIN
        for home in self._loops.values():
            # setting a timer anew costs more than one that rings a little early
            if abs(home.rings_at - opens) < EARLY or home.rings_at == opens:
                continue
            if home.loop is here:
                self._set_timer(home, opens, now)
            elif home.rings_at > opens:
                # its own thread sets the timer; one that rings too early does no harm
                home.rings_at = opens
                with contextlib.suppress(RuntimeError):  # closed; its waiters are forgotten at the next ring
                    home.loop.call_soon_threadsafe(self._ring, home)

    def _set_timer(self, home: _Loop, opens: float, now: float) -> None:
        if home.timer is not None:
            home.timer.cancel()
            home.timer = None
        home.rings_at = opens
        if opens < math.inf:
            home.timer = home.loop.call_later(opens - now, self._ring, home)

    def _ring(self, home: _Loop) -> None:
        with self._lock:
            if home.timer is not None:
                home.timer.cancel()
                home.timer = None
            home.rings_at = math.inf  # so that `_serve` sets the timer again, even for the same instant
            if self._several_loops:
                self._forget_closed_loops(self.now())
            self._serve()

    def _forget_closed_loops(self, now: float) -> None:
        """Drop the waiters and slots of closed loops. The server may still have counted their requests."""
        for slot in [slot for slot in self._open if slot.loop is not None and slot.loop.is_closed()]:
            self._open.discard(slot)
            slot.forget()
            # not given back: the request may have reached the server before its loop was closed
            self._quota.aborted(slot, now)
            if self._shares:
                self._end_shared(slot, max(now, slot.at + self._quota.round_trips.mean), answered=False)
        for waiter in [waiter for waiter in self._lanes if waiter.home.loop.is_closed()]:
            self._remove(waiter)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _deliver(waiter: _Waiter) -> None:
    # done if the waiter was cancelled on the way: it has given the slot back
    if waiter.slot is not None and not waiter.future.done():
        waiter.future.set_result(waiter.slot)


def _fail(waiter: _Waiter, error: Exception) -> None:
    loop = waiter.home.loop

    def fail() -> None:
        if not waiter.future.done():
            waiter.future.set_exception(error)

    if loop is _running_loop():
        fail()
    else:
        with contextlib.suppress(RuntimeError):  # closed: its waiters are gone
            loop.call_soon_threadsafe(fail)
