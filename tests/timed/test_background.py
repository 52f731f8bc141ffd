"""Background tasks of an application: their deadline, their errors, their end."""

import asyncio
import logging

import pytest

from lemlist_async.deadlines import deadline, time_left
from lemlist_async.errors import ConfigurationError
from lemlist_async.integrations.background import Background


async def test_work_that_goes_on_has_no_deadline_of_the_request_that_started_it() -> None:
    background = Background()

    async def work() -> float | None:
        return time_left()

    with deadline(5):
        assert await background.spawn(work()) is None
        assert time_left() is not None


async def test_tasks_end_with_the_application_and_none_begins_after_it() -> None:
    background, ended = Background(), list[str]()

    async def work(name: str) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(name)

    running = background.spawn(work("running"))
    await asyncio.sleep(0)
    await background.aclose()
    late = background.spawn(work("late"))
    await asyncio.gather(late, return_exceptions=True)
    assert (running.cancelled(), late.cancelled(), ended) == (True, True, ["running"])


async def test_an_error_is_logged_by_its_class(caplog: pytest.LogCaptureFixture) -> None:
    background = Background()

    async def fails() -> None:
        raise LookupError("ann@example.com")

    await asyncio.gather(background.spawn(fails()), return_exceptions=True)
    await asyncio.sleep(0)
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]
    assert lines == ["a background task ended with LookupError"]


def test_the_earliest_deadline_counts_and_none_lifts_it() -> None:
    assert time_left() is None
    with deadline(10):
        with deadline(20):
            assert (time_left() or 0) <= 10
        with deadline(5):
            assert (time_left() or 0) <= 5
        with deadline(None):
            assert time_left() is None
        assert (time_left() or 0) > 5
    assert time_left() is None


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_a_deadline_that_is_no_duration_is_refused(seconds: float) -> None:
    with pytest.raises(ConfigurationError), deadline(seconds):
        pass
