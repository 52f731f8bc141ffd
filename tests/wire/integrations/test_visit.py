"""Visitors who leave at any step of a call, and cancellations by others in the same turn."""

import asyncio

import pytest

from lemlist_async import Throttle, ThrottleOptions
from lemlist_async.client import Lemlist
from lemlist_async.integrations._visit import Visit
from lemlist_async.integrations.web_errors import VisitorGoneError
from tests.support.clients import KEY, quick
from tests.support.scripted import says, scripted

ANSWER = says(200, {"_id": "lea_1"})


async def call(visit: Visit, lemlist: Lemlist, write: bool) -> None:
    async with visit:
        if write:
            await lemlist.leads.create("cam_1", email="ann@example.com")
        else:
            await lemlist.team.get()


@pytest.mark.parametrize("write", [False, True])
async def test_a_visitor_may_leave_at_any_step_and_no_write_is_given_up_that_was_sent(write: bool) -> None:
    ends = set[str]()
    async with scripted(ANSWER) as server, quick(server.url) as lemlist:
        for steps in range(400):
            visit, before = Visit(), len(server.seen)
            task = asyncio.create_task(call(visit, lemlist, write))
            for _ in range(steps):
                await asyncio.sleep(0)
            over = task.done()
            visit.leave()
            (end,) = await asyncio.gather(task, return_exceptions=True)
            assert end is None or isinstance(end, VisitorGoneError)
            assert end is None or not write or len(server.seen) == before
            ends.add(type(end).__name__)
            if over:
                break
        assert over
        assert lemlist.throttle.in_flight == 0
    assert ends == {"NoneType", "VisitorGoneError"}


async def test_a_write_that_waits_for_the_quota_is_given_up() -> None:
    throttle = Throttle(ThrottleOptions(limit=1, window=60, pacer=None))
    async with scripted(ANSWER) as server, Lemlist(KEY, server.url, throttle=throttle) as lemlist:
        await lemlist.team.get()
        visit = Visit()
        task = asyncio.create_task(call(visit, lemlist, write=True))
        await asyncio.sleep(0.01)
        visit.leave()
        with pytest.raises(VisitorGoneError):
            await task
        assert len(server.seen) == 1


@pytest.mark.parametrize("leaves_first", [False, True])
async def test_a_cancellation_by_others_stays_one(leaves_first: bool) -> None:
    async def work(visit: Visit) -> None:
        await call(visit, lemlist, write=False)
        await asyncio.sleep(3600)

    async with scripted(ANSWER) as server, quick(server.url) as lemlist:
        for steps in range(100):
            visit = Visit()
            task = asyncio.create_task(work(visit))
            for _ in range(steps):
                await asyncio.sleep(0)
            if leaves_first:
                visit.leave()
                task.cancel()
            else:
                task.cancel()
                visit.leave()
            (end,) = await asyncio.gather(task, return_exceptions=True)
            assert isinstance(end, asyncio.CancelledError)
