"""Lists over a real socket: servers that cap, do not page, or contradict themselves, and rows that leave meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from lemlist_async import Lemlist, Pages, Throttle, ThrottleOptions
from lemlist_async.errors import IncompleteListError
from lemlist_async.sandbox import Sandbox
from tests.support.clients import quick
from tests.support.scripted import Script, scripted

Make = Callable[[int, int, int], Any]
"""(first row, rows asked for, page) to the JSON of an answer."""


def rows(first: int, last: int) -> list[dict[str, str]]:
    return [{"_id": f"row_{number}"} for number in range(first, max(first, last))]


@asynccontextmanager
async def listing(make: Make) -> AsyncIterator[tuple[Script, Lemlist]]:
    """A server whose lists are made from what was asked for."""

    async def answer(request: web.Request) -> web.StreamResponse:
        query = request.query
        limit, page = int(query.get("limit", 100)), int(query.get("page", 1))
        return web.json_response(make(int(query.get("offset", (page - 1) * limit)), limit, page))

    async with scripted(answer) as server, quick(server.url) as lemlist:
        yield server, lemlist


async def test_500_of_1200_leads_are_not_told_as_all() -> None:
    """Quirk: the lead list of a campaign may know no offset, and caps a page at 500."""
    async with listing(lambda _first, limit, _page: rows(0, min(limit, 500))) as (server, lemlist):
        for size in (500, 1000):
            pages = lemlist.leads.list("cam_1", page_size=size)
            assert len(await pages.collect()) == 500
            assert (pages.complete, pages.cursor) == (False, None)
            with pytest.raises(IncompleteListError):
                await pages.strict().collect()
        assert len(server.seen) == 8


async def test_a_larger_page_of_leads_is_taken_where_the_host_gives_it() -> None:
    async with listing(lambda first, limit, _page: rows(first, min(1200, first + limit))) as (
        server,
        lemlist,
    ):
        pages = lemlist.leads.list("cam_1", page_size=1000)
        assert len(await pages.collect()) == 1200
        assert (pages.complete, len(server.seen)) == (True, 2)


@pytest.mark.parametrize("cap", [7, 10, 28, 34, 35])
async def test_a_host_that_caps_pages_below_the_asked_size_loses_no_row(cap: int) -> None:
    async with listing(lambda first, _limit, _page: rows(first, min(35, first + cap))) as (_, lemlist):
        for pages in (lemlist.activities.list(), lemlist.unsubscribes.list(), lemlist.leads.list("cam_1")):
            assert len(await pages.collect()) == 35
            assert pages.complete is True


@pytest.mark.parametrize("cap", [7, 10, 28, 34, 35])
async def test_a_capped_list_of_campaigns_is_read_to_its_end(cap: int) -> None:
    def make(_first: int, _limit: int, page: int) -> Any:
        found = rows((page - 1) * cap, min(35, page * cap))
        return {"campaigns": found, "pagination": {"totalRecords": 35}}

    async with listing(make) as (_, lemlist):
        assert len(await lemlist.campaigns.list().collect()) == 35


async def test_a_next_page_that_contradicts_the_number_of_pages_ends_nothing() -> None:
    def make(_first: int, limit: int, page: int) -> Any:
        found = rows((page - 1) * limit, min(35, page * limit))
        return {"schedules": found, "pagination": {"nextPage": None, "totalPage": 4, "totalRecords": 35}}

    async with listing(make) as (_, lemlist):
        assert len(await lemlist.schedules.list(page_size=10).collect()) == 35


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(limit=None) as running:
        yield running


@pytest.fixture
async def lemlist(sandbox: Sandbox) -> AsyncIterator[Lemlist]:
    throttle = Throttle(ThrottleOptions(limit=10_000, pacer=None))
    async with Lemlist(sandbox.key, sandbox.url, throttle=throttle) as client:
        yield client


async def test_tasks_that_are_completed_while_they_are_listed_are_all_completed(
    sandbox: Sandbox, lemlist: Lemlist
) -> None:
    team = sandbox.team()
    contact = team.add_contact("ann@example.com")["_id"]
    user = ((await lemlist.team.get()).user_ids or [""])[0]
    for number in range(250):
        await lemlist.tasks.create(
            record_id=contact, type="manual", assigned_to=user, due_date="2026-12-01", title=str(number)
        )
    done: set[str] = set()
    async for task in lemlist.tasks.list():
        await lemlist.tasks.update(task.id, done=True)
        done.add(task.id)
    assert len(done) == 250
    assert (await lemlist.tasks.list()).items == []


async def test_contacts_that_are_deleted_while_they_are_listed_are_all_deleted(
    sandbox: Sandbox, lemlist: Lemlist
) -> None:
    for number in range(25):
        sandbox.team().add_contact(f"person{number}@example.com")
    pages: Pages[Any] = lemlist.contacts.list(page_size=10)
    async for contact in pages:
        await lemlist.contacts.delete(contact.id)
    assert pages.complete is True
    assert (await lemlist.contacts.list()).items == []


async def test_values_that_are_unblocked_while_they_are_listed_are_all_unblocked(
    sandbox: Sandbox, lemlist: Lemlist
) -> None:
    for number in range(25):
        sandbox.team().block(f"person{number}@example.com")
    view = lemlist.with_options(lane="bulk")  # writes of another view of the client count as well
    async for value in lemlist.unsubscribes.list(page_size=10):
        await view.unsubscribes.remove(value.value or "")
    assert (await lemlist.unsubscribes.list()).items == []
