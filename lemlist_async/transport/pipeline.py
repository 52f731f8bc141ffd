"""Retry loop: repeats a call until it succeeds, may not be repeated, or runs out of time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import Any, TypeVar

import aiohttp
import backoff

from lemlist_async.clock import FROZEN, stands_still
from lemlist_async.core import retry as schedule
from lemlist_async.core.wire import Call, UnexpectedTypes
from lemlist_async.credentials import BaseURL, Credential, Token
from lemlist_async.deadlines import time_left
from lemlist_async.errors import APIStatusError, Attempt, AuthenticationError, LemlistError, RateLimitError
from lemlist_async.observe import Observers
from lemlist_async.options import Options
from lemlist_async.throttle import Throttle
from lemlist_async.transport.address import Addresses
from lemlist_async.transport.auth_breaker import AuthCircuit
from lemlist_async.transport.exchange import CallState, Exchange, outcome
from lemlist_async.transport.response import stream_body
from lemlist_async.transport.session import Session
from lemlist_async.transport.watch import CallWatch

_log = logging.getLogger("lemlist_async")
T = TypeVar("T")


class Pipeline:
    """Sends the calls of one client, for all of its views."""

    def __init__(
        self,
        session: Session,
        throttle: Throttle,
        key: Credential,
        base: BaseURL,
        options: Options,
        observers: Observers | None = None,
    ) -> None:
        self._session = session
        self.throttle = throttle
        self._key = key
        self._token = key if isinstance(key, Token) else None
        self.redact: Callable[[str], str] = key.redact
        self._addresses = Addresses(base)
        self.auth_circuit: AuthCircuit = AuthCircuit(options.auth_breaker)
        self.observers: Observers = Observers() if observers is None else observers
        # no reference back to the pipeline: a client that is dropped must free its throttle without the collector
        self._exchange = Exchange(session, throttle, self.redact)
        self._budget = schedule.Budget(options.retry.budget, options.retry.budget_floor)
        self._resting: set[asyncio.Future[None]] = set()
        self._streams: set[aiohttp.ClientResponse] = set()

    @property
    def key_fingerprint(self) -> str:
        """Name of the key that does not reveal it."""
        return self._key.fingerprint

    @property
    def unexpected_types(self) -> UnexpectedTypes:
        """Counts of values of unexpected types, by field."""
        return self._exchange.reader.unexpected_types

    def run(self, call: Call[T], options: Options) -> Coroutine[Any, Any, T]:
        """Send a call until it succeeds or may not be sent again, and return its result.

        Raises:
            LemlistError: the error of the last attempt, with all `attempts`.
        """
        # one look per call is all that observing costs a client without observers
        if self.observers.silent:
            return self._repeat(call, options, None, streamed=False)
        return self._observed(call, options)

    async def _observed(self, call: Call[Any], options: Options) -> Any:
        with CallWatch(self.observers, call, options.lane) as watch:
            return await self._repeat(call, options, watch, streamed=False)

    @asynccontextmanager
    async def stream(self, call: Call[Any], options: Options) -> AsyncGenerator[AsyncIterator[bytes]]:
        """Send a call, and yield an iterator over its body; there are no retries once the body has begun."""
        watch = None if self.observers.silent else CallWatch(self.observers, call, options.lane)

        def ended(lost: LemlistError | None, seconds: float) -> None:
            if lost is not None:
                self._failed(lost, [Attempt(outcome(lost), seconds)])
            if watch is not None:
                watch.body_ended(lost)

        with watch or nullcontext():
            response = await self._repeat(call, options, watch, streamed=True)
            self._streams.add(response)
            try:
                yield stream_body(call, response, lambda: self._session.closed, ended)
            finally:
                self._streams.discard(response)
                response.close()

    async def aclose(self) -> None:
        """Close the session. Calls in progress end now, with ClosedError where nothing can have happened."""
        # in this order: a call that wakes up must find the session shut, and not begin another attempt
        self._session.shut()
        self._exchange.close()
        loop = asyncio.get_running_loop()
        for woken in self._resting:
            # a future may only be set in its own event loop
            if woken.get_loop() is loop:
                _wake(woken)
        # aiohttp would leave the readers of these bodies waiting for ever
        for response in self._streams:
            response.close()
        await self._session.close()

    async def _repeat(
        self, call: Call[Any], options: Options, watch: CallWatch | None, *, streamed: bool
    ) -> Any:
        state = self._begin(call, options, watch)
        try:
            if self._token is not None and state.key is not None:
                await self._token.ready()
            while True:
                try:
                    result = await self._exchange.run(state, streamed)
                except LemlistError as error:
                    if await self._renewed(state, error):
                        continue
                    if state.key is not None:
                        self.auth_circuit.failed(error)
                    pause = self._pause(state, error)
                    if pause is None:
                        # an earlier, ambiguous error may be raised instead: the last one is then its context
                        raise self._failed(state.conclude(error), state.attempts)  # noqa: B904
                else:
                    if state.key is not None and not self.auth_circuit.calm:
                        self.auth_circuit.accepted()
                    return result
                # outside of the except block: the error must not be kept alive by the pause
                await self._rest(pause)
        finally:
            # a cancelled probe has to end too, or the circuit would admit no call any more
            if state.probe:
                self.auth_circuit.probed()

    async def _renewed(self, state: CallState, error: LemlistError) -> bool:
        """Get another token after the first refusal of one; a refused call was not carried out, whatever it does."""
        if (
            self._token is None
            or state.key is None
            or state.renewed
            or not isinstance(error, AuthenticationError)
        ):
            return False
        state.renewed = True
        return await self._token.renew(state.key_version)

    def _begin(self, call: Call[Any], options: Options, watch: CallWatch | None) -> CallState:
        # arguments that cannot work are refused here, before anything waits or is sent
        address = self._addresses.of(call)
        deadline = options.deadline
        if options.lane == "interactive" and (left := time_left()) is not None:
            deadline = left if deadline is None else min(left, deadline)
        if deadline is not None:
            deadline += asyncio.get_running_loop().time()
        try:
            probe = address.ours and not self.auth_circuit.calm and self.auth_circuit.admit(call)
        except AuthenticationError as refused:
            raise self._failed(refused) from None
        # per call and not per attempt: retries must not pay for retries
        self._budget.earn()
        key = self._key if address.ours else None
        state = CallState(call, address, key, options, deadline, watch, probe)
        if watch is not None:
            watch.attempts = state.attempts
        return state

    async def _rest(self, seconds: float) -> None:
        """Pause before an attempt; `aclose` ends the pause."""
        loop = asyncio.get_running_loop()
        woken = loop.create_future()
        self._resting.add(woken)
        timer = loop.call_later(seconds, _wake, woken)
        try:
            await woken
        finally:
            # a cancelled call leaves neither a timer nor a future behind
            timer.cancel()
            self._resting.discard(woken)

    def _pause(self, state: CallState, error: LemlistError) -> float | None:
        """Return the seconds to wait before the next attempt; None if there is none."""
        if self._session.closed or not schedule.may_repeat(error, state.call.effect):
            return None
        # under freezegun the pause would never end, and the call would hang instead of failing
        if stands_still(asyncio.get_running_loop().time):
            _log.warning("not tried again: %s (%s)", error.brief, FROZEN)
            state.gave_up = FROZEN
            return None
        retry = state.options.retry
        decision = schedule.decide(
            retry,
            self._budget,
            attempts=len(state.attempts),
            floor=schedule.floor(error),
            jitter=lambda n: backoff.full_jitter(next_ceiling(n, retry.base, retry.cap)),
            left=state.remaining(asyncio.get_running_loop().time()),
            free=isinstance(error, RateLimitError),
        )
        if isinstance(decision, schedule.GiveUp):
            _log.info("not tried again: %s (%s)", error.brief, decision.why)
            state.gave_up = decision.why
            return None
        self._announce_retry(state, error, decision.seconds)
        return decision.seconds

    def _announce_retry(self, state: CallState, error: LemlistError, seconds: float) -> None:
        number = len(state.attempts)
        _log.warning("attempt %d failed, the next one follows in %.2f s: %s", number, seconds, error.brief)
        if state.watch is not None:
            state.watch.retry(number, seconds, error)

    def _failed(self, error: LemlistError, attempts: Sequence[Attempt] = ()) -> LemlistError:
        """Log the error that a call ends with, and return it with its attempts."""
        error.attempts = tuple(attempts)
        if isinstance(error, APIStatusError):
            # lemlist's text may contain personal data: above DEBUG only the brief form is logged
            _log.info("%s", error.brief)
            _log.debug("%s answered: %s", error, error.body)
        return error


def next_ceiling(number: int, base: float, cap: float) -> float:
    """Return the ceiling of the `number`-th random wait: ``min(cap, base * 2**(number-1))`` seconds."""
    steps = backoff.expo(base=2, factor=base, max_value=cap)
    next(steps)  # backoff's generators yield a None first
    for _ in range(number - 1):
        next(steps)
    return float(next(steps))


def _wake(waiter: asyncio.Future[None]) -> None:
    # the timer and `aclose` may both fire in one turn of the event loop
    if not waiter.done():
        waiter.set_result(None)
