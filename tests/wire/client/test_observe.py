"""Events of calls over real sockets: one begin and one end, whatever becomes of the call."""

import asyncio
import contextlib
import gc
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from lemlist_async import (
    AuthBreaker,
    Call,
    Effect,
    Lemlist,
    Options,
    Retry,
    Throttle,
    ThrottleOptions,
    errors,
)
from lemlist_async.core.send_observer import SEND_OBSERVER
from lemlist_async.observe import (
    AttemptBegin,
    AttemptEnd,
    CallBegin,
    CallEnd,
    Event,
    RetryScheduled,
    SlotGranted,
)
from lemlist_async.sandbox import Sandbox
from tests.support.clients import KEY, quick
from tests.support.fault_server import answer, fault_server, sends, silence
from tests.support.scripted import hangs_up, says, scripted

TEAM = says(200, {"_id": "tea_1"})
STREAM = Call[Any]("GET", "/x")


class Record:
    """Events of one client, checked for the rule of one begin and one end."""

    def __init__(self, lemlist: Lemlist) -> None:
        self.events: list[Any] = []
        lemlist.on(Event, self.events.append)

    @property
    def names(self) -> list[str]:
        """Return the events by the initials of their classes and their outcomes."""
        return [
            f"{type(event).__name__}:{event.outcome}" if hasattr(event, "outcome") else type(event).__name__
            for event in self.events
        ]

    @property
    def last(self) -> Any:
        """Return the latest event."""
        return self.events[-1]

    def check(self, calls: int) -> None:
        """Assert that each call and each attempt began once, ended once, and did so in this order."""
        begun: Counter[Any] = Counter()
        ended: Counter[Any] = Counter()
        for event in self.events:
            attempt = getattr(event, "number", None)
            if isinstance(event, CallBegin | AttemptBegin):
                begun[event.call_id, attempt] += 1
            if isinstance(event, AttemptEnd | CallEnd):
                ended[event.call_id, attempt] += 1
            assert begun[event.call_id, None] == 1
            assert ended[event.call_id, None] == isinstance(event, CallEnd)
            if isinstance(event, SlotGranted | AttemptEnd):
                assert begun[event.call_id, attempt] == 1
        assert begun == ended
        assert set(begun.values()) <= {1}
        assert sum(number is None for _, number in begun) == calls


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition that a peer fulfils."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # the peer sets no event
            await asyncio.sleep(0.001)


async def test_a_call_that_succeeds_at_the_second_attempt_tells_each_step() -> None:
    async with scripted(says(502, ""), TEAM) as server, quick(server.url) as lemlist:
        record = Record(lemlist)
        await lemlist.team.get()
    assert record.names == [
        "CallBegin",
        *("AttemptBegin", "SlotGranted", "AttemptEnd:error", "RetryScheduled"),
        *("AttemptBegin", "SlotGranted", "AttemptEnd:success"),
        "CallEnd:success",
    ]
    record.check(calls=1)
    assert {event.operation for event in record.events} == {"GET /team"}
    assert record.events[0].lane == "interactive"
    assert record.events[1].host == "127.0.0.1"
    assert [event.status for event in record.events if isinstance(event, AttemptEnd)] == [502, 200]
    assert [attempt.outcome for attempt in record.last.attempts] == ["502", "200"]
    assert isinstance(record.events[4], RetryScheduled)
    assert record.last.error is None
    assert 0 < record.events[-2].seconds < record.last.seconds


async def test_a_call_that_fails_ends_with_the_error_that_is_raised() -> None:
    async with scripted(says(404, "no")) as server, quick(server.url) as lemlist:
        record = Record(lemlist)
        with pytest.raises(errors.NotFoundError) as caught:
            await lemlist.team.get()
    assert record.names[-2:] == ["AttemptEnd:error", "CallEnd:error"]
    assert record.last.error is caught.value
    record.check(calls=1)


# Refused at once --------------------------------------------------------------------------------------


async def by_the_circuit_breaker(lemlist: Lemlist) -> None:
    await lemlist.team.get()


async def by_the_end_of_the_client(lemlist: Lemlist) -> None:
    await lemlist.aclose()
    await lemlist.team.get()


async def by_validation(lemlist: Lemlist) -> None:
    await lemlist.send(Call("GET", "/x/{id}", ("..",)))


async def by_a_deadline_that_is_over(lemlist: Lemlist) -> None:
    await lemlist.with_options(deadline=0).team.get()


async def by_a_stream_that_is_refused(lemlist: Lemlist) -> None:
    async with lemlist.stream(Call("GET", "/x", url="ftp://files.example")):
        pass


@pytest.mark.parametrize(
    ("refused", "kind", "attempts"),
    [
        (by_the_circuit_breaker, errors.AuthenticationError, 0),
        (by_the_end_of_the_client, errors.ClosedError, 1),
        (by_validation, errors.InvalidInputError, 0),
        (by_a_deadline_that_is_over, errors.DeadlineExceededError, 1),
        (by_a_stream_that_is_refused, errors.InvalidInputError, 0),
    ],
)
async def test_a_call_that_is_refused_at_once_begins_and_ends(
    refused: Callable[[Lemlist], Awaitable[None]], kind: type[Exception], attempts: int
) -> None:
    options = Options(retry=Retry(attempts=1), auth_breaker=AuthBreaker(failure_threshold=1))
    async with scripted(says(401, "no")) as server, Lemlist(KEY, server.url, options=options) as lemlist:
        if refused is by_the_circuit_breaker:
            with pytest.raises(kind):
                await lemlist.team.get()
        record = Record(lemlist)
        with pytest.raises(kind) as caught:
            await refused(lemlist)
    assert record.last.outcome == "error"
    assert record.last.error is caught.value
    assert record.last.attempts == ()
    assert sum(isinstance(event, AttemptBegin) for event in record.events) == attempts
    assert all(
        not event.granted and not event.sent for event in record.events if isinstance(event, AttemptEnd)
    )
    record.check(calls=1)


@pytest.mark.parametrize(
    ("options", "kind"), [({"max_wait": 1}, errors.WaitTooLongError), ({"deadline": 0.05}, TimeoutError)]
)
async def test_an_attempt_that_ends_in_the_queue_says_so(options: Any, kind: type[Exception]) -> None:
    throttle = Throttle(ThrottleOptions(limit=1, window=60, pacer=None))
    async with scripted(TEAM) as server, Lemlist(KEY, server.url, throttle=throttle) as lemlist:
        await lemlist.team.get()
        record = Record(lemlist)
        with pytest.raises(kind):
            await lemlist.with_options(**options).team.get()
    assert record.names == ["CallBegin", "AttemptBegin", "AttemptEnd:error", "CallEnd:error"]
    end = record.events[2]
    assert (end.granted, end.sent, end.status) == (False, False, None)
    record.check(calls=1)


async def test_the_wait_for_the_quota_is_told_apart_from_the_attempt() -> None:
    throttle = Throttle(ThrottleOptions(limit=1, window=0.3, pacer=None))
    async with scripted(TEAM) as server, Lemlist(KEY, server.url, throttle=throttle) as lemlist:
        await lemlist.team.get()
        record = Record(lemlist)
        await lemlist.team.get()
    granted, end = record.events[2], record.events[3]
    assert granted.reason == "quota"
    assert granted.waited > 0.2
    assert end.seconds < 0.2 < record.last.seconds


# Cancelled --------------------------------------------------------------------------------------------


async def steps_until_done(make: Callable[[], Awaitable[object]], most: int) -> list[asyncio.Task[Any]]:
    """Cancel a call at its first step, another one at its second, and so on, until one is done before."""
    tasks: list[asyncio.Task[Any]] = []
    for steps in range(most):
        task = asyncio.ensure_future(make())
        tasks.append(task)  # type: ignore[arg-type]
        for _ in range(steps):
            if not task.done():
                await asyncio.sleep(0)
        if task.done():
            break
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return tasks


async def test_a_call_that_is_cancelled_at_any_step_has_one_end() -> None:
    async with scripted(TEAM) as server, quick(server.url) as lemlist:
        record = Record(lemlist)
        tasks = await steps_until_done(lemlist.team.get, 2_000)
        assert not tasks[-1].cancelled()
        ends = Counter(event.outcome for event in record.events if isinstance(event, CallEnd))
        # a task that is cancelled before its first step never began its call
        assert ends == {"cancelled": len(tasks) - 2, "success": 1}
        record.check(calls=len(tasks) - 1)
        assert lemlist.throttle.in_flight == 0


async def test_a_call_that_is_cancelled_in_its_pause_has_one_end() -> None:
    async with scripted(says(502, "")) as server, quick(server.url, retry=Retry(base=60)) as lemlist:
        record, paused = Record(lemlist), asyncio.Event()
        lemlist.on(RetryScheduled, lambda _: paused.set())
        task = asyncio.create_task(lemlist.team.get())
        await paused.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert record.names[-3:] == ["AttemptEnd:error", "RetryScheduled", "CallEnd:cancelled"]
    assert record.last.error is None
    record.check(calls=1)


@pytest.mark.parametrize("closed", [False, True])
async def test_a_call_that_is_ended_in_flight_was_sent(closed: bool) -> None:
    async with fault_server(silence) as server:
        lemlist = quick(server.url)
        record = Record(lemlist)
        task = asyncio.create_task(lemlist.request("POST", "/x", effect=Effect.UNSAFE))
        await until(lambda: server.requests)
        await lemlist.aclose() if closed else task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await lemlist.aclose()
    outcome = "error" if closed else "cancelled"
    assert record.names[-2:] == [f"AttemptEnd:{outcome}", f"CallEnd:{outcome}"]
    assert record.events[-2].sent
    assert record.events[-2].granted
    record.check(calls=1)


async def test_a_coroutine_that_is_closed_has_one_end() -> None:
    async with fault_server(silence) as server, quick(server.url) as lemlist:
        record = Record(lemlist)
        running = lemlist.team.get()
        running.send(None)
        running.close()
    assert record.last.outcome == "cancelled"
    record.check(calls=1)


# Streams ----------------------------------------------------------------------------------------------


BODY = [b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n", b"a,b\n", b"c,d\n"]


async def read(lemlist: Lemlist, pieces: int = 9, then: type[BaseException] | None = None) -> None:
    """Read so many pieces of a stream, and raise `then`."""
    async with lemlist.stream(STREAM) as body:
        async for _ in body:
            pieces -= 1
            if not pieces:
                break
        if then is not None:
            raise then


async def test_a_stream_ends_with_its_last_byte() -> None:
    async with fault_server(sends(*BODY, pause=0.1)) as server, quick(server.url) as lemlist:
        record = Record(lemlist)
        await read(lemlist)
    assert record.names[-2:] == ["AttemptEnd:success", "CallEnd:success"]
    assert record.events[-2].seconds > 0.15
    assert [attempt.outcome for attempt in record.last.attempts] == ["200"]
    record.check(calls=1)


async def test_a_stream_that_was_read_succeeded_whatever_its_reader_raises_then() -> None:
    async with fault_server(sends(*BODY)) as server, quick(server.url) as lemlist:
        record = Record(lemlist)
        with pytest.raises(KeyError):
            await read(lemlist, then=KeyError)
    assert record.last.outcome == "success"
    record.check(calls=1)


@pytest.mark.parametrize("then", [None, KeyError, asyncio.CancelledError])
async def test_a_stream_that_is_left_before_its_end_is_cancelled(then: type[BaseException] | None) -> None:
    async with fault_server(sends(*BODY[:2], pause=0.05)) as server, quick(server.url) as lemlist:
        record = Record(lemlist)
        (left,) = await asyncio.gather(read(lemlist, 1, then), return_exceptions=True)
    assert left is None if then is None else isinstance(left, then)
    assert record.names[-2:] == ["AttemptEnd:cancelled", "CallEnd:cancelled"]
    assert record.last.error is None
    record.check(calls=1)


@pytest.mark.parametrize("swallowed", [False, True])
async def test_a_stream_that_is_cut_ends_with_its_fault_even_if_the_reader_goes_on(swallowed: bool) -> None:
    async with fault_server(sends(*BODY[:2], then="reset")) as server, quick(server.url) as lemlist:
        record, caught = Record(lemlist), list[errors.TransportError]()
        with contextlib.suppress(errors.TransportError):
            async with lemlist.stream(STREAM) as body:
                try:
                    async for _ in body:
                        pass
                except errors.TransportError as error:
                    caught.append(error)
                    if not swallowed:
                        raise
    assert record.names[-2:] == ["AttemptEnd:error", "CallEnd:error"]
    assert [record.last.error] == caught
    record.check(calls=1)


async def test_an_export_that_is_dropped_half_way_has_one_end() -> None:
    async with Sandbox(limit=None) as sandbox, Lemlist(sandbox.key, sandbox.url) as lemlist:
        team = sandbox.team()
        campaign = team.add_campaign(name="C")["_id"]
        for number in range(3_000):
            team.add_lead(campaign, f"lead{number}@example.com", note="x" * 500)
        record = Record(lemlist)

        async def drop() -> None:
            async for _ in lemlist.campaigns.export_leads_csv(campaign):
                return

        await drop()
        gc.collect()
        await until(lambda: isinstance(record.last, CallEnd))
    assert record.names[-2:] == ["AttemptEnd:cancelled", "CallEnd:cancelled"]
    record.check(calls=1)


# Observers that fail, come and go ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [CallBegin, AttemptBegin, SlotGranted, AttemptEnd, RetryScheduled, CallEnd, Event]
)
@pytest.mark.parametrize("error", [RuntimeError, asyncio.CancelledError, errors.NotFoundError])
async def test_an_observer_that_raises_harms_no_call(
    kind: type[Event], error: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(_event: Event) -> None:
        raise error("broken", status=404) if error is errors.NotFoundError else error("broken")

    async with scripted(says(502, ""), TEAM, hangs_up(), TEAM) as server, quick(server.url) as lemlist:
        record = Record(lemlist)
        lemlist.on(kind, breaks)
        for _ in range(2):
            assert (await lemlist.team.get()).id == "tea_1"
        assert lemlist.throttle.in_flight == 0
    record.check(calls=2)
    assert sum("an observer of" in line.message for line in caplog.records) == 1


async def test_an_observer_sees_the_calls_that_begin_after_its_registration_and_none_after_its_end() -> None:
    async with (
        fault_server(sends(answer(b'{"_id":"tea_1"}'), pause=0.1)) as server,
        quick(server.url) as lemlist,
    ):
        begun = asyncio.create_task(lemlist.team.get())
        await until(lambda: server.connections)
        seen: list[Event] = []
        off = lemlist.on(Event, seen.append)
        await begun
        assert seen == []
        going = asyncio.create_task(lemlist.team.get())
        await until(lambda: seen)
        off()
        count = len(seen)
        await going
        assert len(seen) == count
        await lemlist.team.get()
        assert len(seen) == count


class Refuses:
    """Journal that cannot be written: it prevents the request."""

    async def sending(self) -> None:
        """Refuse."""
        raise OSError("disk full")

    def not_done(self) -> None:
        """Note nothing."""


async def test_an_exception_of_code_that_this_library_calls_ends_call_and_attempt() -> None:
    async with scripted(TEAM) as server, quick(server.url) as lemlist:
        record = Record(lemlist)
        token = SEND_OBSERVER.set(Refuses())
        with pytest.raises(errors.NotSentError):
            await lemlist.with_options(retry=Retry(attempts=1)).request("POST", "/x", effect=Effect.UNSAFE)
        SEND_OBSERVER.reset(token)
    assert record.names[-2:] == ["AttemptEnd:error", "CallEnd:error"]
    assert not record.events[-2].sent
    record.check(calls=1)


async def test_a_token_that_cannot_be_had_ends_the_call_before_any_attempt() -> None:
    async def token() -> str:
        raise LookupError

    async with scripted(TEAM) as server, Lemlist(token=token, limit_key="a", base_url=server.url) as lemlist:
        record = Record(lemlist)
        with pytest.raises(errors.APIKeyError):
            await lemlist.team.get()
    assert record.names == ["CallBegin", "CallEnd:error"]


async def test_an_observed_call_that_fails_leaves_nothing_to_the_garbage_collector() -> None:
    async with scripted(says(404, "no")) as server, quick(server.url) as lemlist:
        lemlist.on(Event, lambda _: None)
        for round_ in range(2):
            gc.collect()
            for _ in range(5):
                with pytest.raises(errors.NotFoundError):
                    await lemlist.team.get()
            gc.set_debug(gc.DEBUG_SAVEALL)
            try:
                gc.collect()
                left = sum(type(one).__module__.startswith("lemlist_async") for one in gc.garbage)
            finally:
                gc.set_debug(0)
                gc.garbage.clear()
            assert left == 0 or not round_
