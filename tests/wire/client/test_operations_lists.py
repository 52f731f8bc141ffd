"""Lists of every kind against the sandbox: all rows once, early ends, cursors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from lemlist_async import Lemlist, Pages
from lemlist_async.sandbox import Sandbox
from tests.support.clients import Looking

ROWS = 7


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(limit=None) as running:
        fill(running)
        yield running


@pytest.fixture
async def lemlist(sandbox: Sandbox) -> AsyncIterator[Lemlist]:
    async with Looking(sandbox.key, base_url=sandbox.url) as client:
        yield client
        assert client.unexpected_types == {}


def fill(sandbox: Sandbox) -> None:
    """At least `ROWS` rows of everything that is listed by pages."""
    team = sandbox.team()
    for number in range(ROWS):
        campaign = team.add_campaign(f"Campaign {number}")
        contact = team.add_contact(f"person{number}@example.com", firstName="Ann")
        lead = team.add_lead(campaign["_id"], f"lead{number}@example.com", firstName="Bob")
        team.add_company(f"company{number}.example")
        team.add_schedule(name=f"Schedule {number}")
        team.add_activity("emailsOpened", lead)
        team.add_message(contact, "email", "emailsReplied", "Hello")
        team.block(f"blocked{number}@example.com")
    busy = team.contacts.by_email("person0@example.com")
    assert busy is not None
    for _ in range(ROWS):
        team.add_message(busy, "email", "emailsSent", "Again")


async def contact_id(lemlist: Lemlist) -> str:
    return (await lemlist.contacts.look_up(["person0@example.com"]))[0].id


async def user_id(lemlist: Lemlist) -> str:
    return ((await lemlist.team.get()).user_ids or [""])[0]


LISTS: dict[str, Callable[[Lemlist, str, str], Pages[Any]]] = {
    "campaigns": lambda client, user, contact: client.campaigns.list(page_size=3),
    "schedules": lambda client, user, contact: client.schedules.list(page_size=3),
    "contacts": lambda client, user, contact: client.contacts.list(page_size=3),
    "companies": lambda client, user, contact: client.companies.list(page_size=3),
    "activities": lambda client, user, contact: client.activities.list(page_size=3),
    "unsubscribes": lambda client, user, contact: client.unsubscribes.list(page_size=3),
    "conversations": lambda client, user, contact: client.inbox.list_conversations(user, page_size=3),
    "messages": lambda client, user, contact: client.inbox.list_messages(contact, page_size=3),
}


@pytest.mark.parametrize("name", LISTS)
async def test_all_rows_of_a_list_come_once(lemlist: Lemlist, name: str) -> None:
    pages = LISTS[name](lemlist, await user_id(lemlist), await contact_id(lemlist))
    rows = await pages.collect()
    assert len(rows) == len({row.id for row in rows}) >= ROWS
    assert all(row.id for row in rows)


@pytest.mark.parametrize("name", ["campaigns", "contacts", "activities", "messages"])
async def test_an_early_break_leaves_a_cursor_to_go_on_from(lemlist: Lemlist, name: str) -> None:
    args = await user_id(lemlist), await contact_id(lemlist)
    every = [row.id async for row in LISTS[name](lemlist, *args)]
    pages = LISTS[name](lemlist, *args)
    first = await pages
    assert first.next is not None
    rest = [row.id async for row in LISTS[name](lemlist, *args).resume(first.next)]
    assert [row.id for row in first.items] + rest == every


@pytest.mark.parametrize("shape", ["v2", "bare"])
async def test_campaigns_are_read_in_either_shape(shape: Any) -> None:
    """Quirk: the document shows a list where lemlist answers with an object."""
    async with Sandbox(limit=None, list_shape=shape) as sandbox:
        fill(sandbox)
        async with Lemlist(sandbox.key, base_url=sandbox.url) as lemlist:
            names = [campaign.name async for campaign in lemlist.campaigns.list(page_size=2)]
    assert sorted(name for name in names if name and name.startswith("Campaign")) == [
        f"Campaign {number}" for number in range(ROWS)
    ]


async def test_filters_reach_the_server_with_every_page(lemlist: Lemlist, sandbox: Sandbox) -> None:
    lead = next(iter(sandbox.team().leads.values()))
    sandbox.team().add_activity("emailsOpened", lead)
    opened = lemlist.activities.list(page_size=1, type="emailsOpened", campaign_id=lead["campaignId"])
    assert [(row.lead_id, row.type) async for row in opened] == [(lead["_id"], "emailsOpened")] * 2


async def test_people_are_searched_page_by_page_and_the_allowance_is_told(lemlist: Lemlist) -> None:
    """Quirk: a POST that reads, paged in its body, at the cost of a daily allowance."""
    pages = lemlist.database.search_people(
        filters=[{"filter_id": "country", "include": ["France"]}], page_size=1
    )
    first = await pages
    assert first.extra["limitation"] > 0
    assert (first.total or 0) >= len(first.items)
