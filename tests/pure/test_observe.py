"""Registration of observers, and what becomes of those that fail."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from lemlist_async.errors import ConfigurationError
from lemlist_async.observe import (
    KINDS,
    CallBegin,
    CallEnd,
    CallEvent,
    Event,
    Observers,
    RetryScheduled,
    RowsEnd,
)

EVENT = CallBegin("a-1", "GET /team", lane="interactive")


def emit(observers: Observers, event: Event) -> None:
    """Notify the observers of one event, as a call that begins now would."""
    for notify in observers.table.get(type(event), ()):
        notify(event)


def test_a_function_registered_twice_is_called_twice_and_each_off_takes_one_away() -> None:
    observers, seen = Observers(), list[object]()
    first, second = observers.on(CallBegin, seen.append), observers.on(CallBegin, seen.append)
    counts = list[int]()
    for off in (lambda: None, second, second, first, first):
        off()
        seen.clear()
        emit(observers, EVENT)
        counts.append(len(seen))
    assert counts == [2, 1, 1, 0, 0]
    assert observers.silent


def test_observers_are_called_in_the_order_of_their_registration() -> None:
    observers, seen = Observers(), list[str]()
    for who in "abc":
        observers.on(CallBegin, lambda _, who=who: seen.append(who))
    emit(observers, EVENT)
    assert seen == ["a", "b", "c"]


def test_an_observer_that_is_taken_off_is_not_called_by_calls_in_progress_either() -> None:
    observers, seen = Observers(), list[str]()

    def alone(_: object) -> None:
        seen.append("alone")
        off_self()
        off_other()

    off_self = observers.on(CallBegin, alone)
    off_other = observers.on(CallBegin, lambda _: seen.append("other"))
    emit(observers, EVENT)
    emit(observers, EVENT)
    assert seen == ["alone"]


def test_event_stands_for_every_event() -> None:
    observers = Observers()
    off = observers.on(Event, print)
    assert set(observers.table) == set(KINDS) == {*CallEvent.__subclasses__(), RowsEnd}
    assert not observers.silent
    off()
    assert observers.silent


def test_names_of_calls_differ_within_a_client_and_between_clients() -> None:
    names = [observers.new_id() for observers in (Observers(), Observers()) for _ in range(100)]
    assert len(set(names)) == 200


@pytest.mark.parametrize("kind", ["retry", int, None, EVENT])
def test_a_class_that_is_no_event_is_refused_with_those_that_are(kind: Any) -> None:
    with pytest.raises(ConfigurationError, match="RetryScheduled"):
        Observers().on(kind, print)


class _Awaited:
    async def __call__(self, _: object) -> None: ...


async def _awaited(_: object) -> None: ...


@pytest.mark.parametrize("observer", [_awaited, _Awaited(), None, 3])
def test_an_observer_that_is_no_plain_function_is_refused(observer: Any) -> None:
    with pytest.raises(ConfigurationError, match="plain function"):
        Observers().on(CallEnd, observer)


@pytest.mark.parametrize("error", [RuntimeError("broken"), asyncio.CancelledError()])
def test_an_observer_that_raises_is_logged_once_and_called_on(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    observers, calls, others = Observers(), list[object](), list[object]()

    def breaks(event: object) -> None:
        calls.append(event)
        raise error

    observers.on(CallBegin, breaks)
    observers.on(CallBegin, others.append)
    for _ in range(3):
        emit(observers, EVENT)
    assert len(calls) == len(others) == 3
    assert [(record.levelno, "CallBegin" in record.message) for record in caplog.records] == [
        (logging.ERROR, True)
    ]


def test_the_end_of_the_process_is_not_kept_from_ending_it() -> None:
    observers = Observers()

    def leaves(_: object) -> None:
        raise KeyboardInterrupt

    observers.on(CallBegin, leaves)
    with pytest.raises(KeyboardInterrupt):
        emit(observers, EVENT)


def test_what_off_takes_away_is_its_own_registration_alone() -> None:
    observers, seen = Observers(), list[Any]()
    hook: Callable[[Any], None] = seen.append
    off = observers.on(RetryScheduled, hook)
    observers.on(Event, hook)
    off()
    emit(observers, EVENT)
    assert seen == [EVENT]
    assert not observers.silent
