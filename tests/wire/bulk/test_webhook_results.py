"""Results of enrichments that lemlist posts, in place of asking for each of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from lemlist_async import Lemlist
from lemlist_async.bulk import EnrichPeople, Run
from lemlist_async.bulk.run.webhook_results import MOST, WebhookResults
from lemlist_async.errors import ConfigurationError, InvalidInputError
from lemlist_async.sandbox import Sandbox
from tests.support.clients import KEY, quick

RESULT = "GET /enrich/{enrichId}"


def people(count: int, **more: str) -> list[dict[str, str]]:
    return [
        {"linkedin": f"https://www.linkedin.com/in/p{n}", "First Name": "Ann", **more} for n in range(count)
    ]


class Hook:
    """A web application that hands what is posted to the run of the moment."""

    def __init__(self) -> None:
        self.run: Run | None = None
        self.bodies: list[bytes] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        if self.run is not None:
            self.run.receive(self.bodies[-1])
        return web.Response()


@contextlib.asynccontextmanager
async def hooked(**options: Any) -> AsyncIterator[tuple[Sandbox, Lemlist, Hook]]:
    hook, app = Hook(), web.Application()
    app.router.add_post("/unguessable", hook.take)
    async with (
        TestServer(app, host="127.0.0.1") as server,
        Sandbox(limit=None, keys=(KEY,), **options) as sandbox,
        quick(sandbox.url) as lemlist,
    ):
        hook.url = str(server.make_url("/unguessable"))
        yield sandbox, lemlist, hook


def asked(sandbox: Sandbox) -> int:
    return sum(f"{seen.method} {seen.template}" == RESULT for seen in sandbox.requests)


def written_in(folder: Path) -> str:
    return "".join(file.read_bytes().decode("latin-1") for file in folder.iterdir())


async def test_results_that_are_posted_are_not_asked_for(tmp_path: Path) -> None:
    async with hooked(webhook_delay=0.2) as (sandbox, lemlist, hook):
        job = EnrichPeople(find=["find_email", "find_phone"], webhook_url=hook.url)
        async with await lemlist.bulk.plan(job, people(30), journal=tmp_path / "j.db") as plan:
            hook.run = lemlist.bulk.run(plan, poll_every=30)
            found = [row async for row in hook.run]
            report = await hook.run.report()
        before = sandbox.team().enrichments
    assert report.done == {"found": 30}
    assert {(row.outcome.result["email"], row.outcome.result["phone"]) for row in found} == {
        ("ann.last@found.example", "+33100000000")
    }
    assert asked(sandbox) == 0
    assert len(before) == len(hook.bodies) == 30


async def test_a_result_that_is_posted_before_its_submission_was_noted_is_kept() -> None:
    async with hooked(webhook_delay=0) as (sandbox, lemlist, hook):
        job = EnrichPeople(find=["find_email"], webhook_url=hook.url)
        async with await lemlist.bulk.plan(job, people(3)) as plan:
            hook.run = lemlist.bulk.run(plan, poll_every=30)
            assert [row.outcome.what async for row in hook.run] == ["found"] * 3
        assert asked(sandbox) == 0


async def test_what_is_never_posted_is_asked_for_after_all() -> None:
    async with hooked(polls=0) as (sandbox, lemlist, hook):
        job = EnrichPeople(find=["find_email"], webhook_url=hook.url)
        async with await lemlist.bulk.plan(job, people(3)) as plan:
            # the posts are not passed to the run
            assert [row.outcome.what async for row in lemlist.bulk.run(plan, poll_every=0.1)] == ["found"] * 3
        assert asked(sandbox) == 3


async def test_a_posted_miss_is_confirmed_by_asking_once() -> None:
    async with hooked() as (sandbox, lemlist, hook):
        job = EnrichPeople(find=["find_phone"], webhook_url=hook.url)
        rows = people(2) + people(1, **{"First Name": "Nobody", "our id": "x"})
        async with await lemlist.bulk.plan(job, rows[1:]) as plan:
            hook.run = lemlist.bulk.run(plan, poll_every=1.5)
            words = Counter([row.outcome.what async for row in hook.run])
        assert words == {"found": 1, "not found": 1}
        assert asked(sandbox) == 1


async def test_the_address_is_in_no_journal_and_a_resumed_run_takes_posts_too(tmp_path: Path) -> None:
    journal = tmp_path / "j.db"
    async with hooked(webhook_delay=60) as (sandbox, lemlist, hook):
        job = EnrichPeople(find=["find_email"], webhook_url=hook.url)
        assert hook.url not in repr(job)
        async with await lemlist.bulk.plan(job, people(3), journal=journal) as plan:
            run = lemlist.bulk.run(plan, poll_every=0.01, patience=0)
            assert [row async for row in run] == []
            assert (await run.report()).left == 3
        assert hook.url not in written_in(tmp_path)
        async with await lemlist.bulk.resume(journal) as plan:
            run = lemlist.bulk.run(plan, poll_every=30)
            for enrichment_id in sandbox.team().enrichments:
                data = {"find_email": {"email": "ann@found.example"}}
                assert run.receive({"data": [{"id": enrichment_id, "data": data}]}) == 1
            assert [row.outcome.result["email"] async for row in run] == ["ann@found.example"] * 3
        assert len(sandbox.team().enrichments) == 3


async def test_a_run_that_is_stopped_while_it_waits_for_posts_ends_soon() -> None:
    async with hooked(webhook_delay=60) as (_, lemlist, hook):
        job = EnrichPeople(find=["find_email"], webhook_url=hook.url)
        async with await lemlist.bulk.plan(job, people(3)) as plan:
            run = lemlist.bulk.run(plan, poll_every=60)
            asyncio.get_running_loop().call_later(0.3, run.stop)
            assert [row async for row in run] == []
            assert (await run.report()).left == 3


async def test_what_is_no_result_is_refused_and_what_belongs_to_others_does_no_harm() -> None:
    async with hooked() as (_, lemlist, hook):
        job = EnrichPeople(find=["find_email"], webhook_url=hook.url)
        async with await lemlist.bulk.plan(job, people(2)) as plan:
            hook.run = lemlist.bulk.run(plan, poll_every=30)
            with pytest.raises(InvalidInputError):
                hook.run.receive(b"{}")
            assert hook.run.receive({"data": [{"id": "enr_of_others", "data": {}}]}) == 1
            assert [row.outcome.what async for row in hook.run] == ["found"] * 2


async def test_a_job_for_which_nothing_is_posted_says_so() -> None:
    async with (
        hooked() as (_, lemlist, _hook),
        await lemlist.bulk.plan_leads("cam_00000000000000000", []) as plan,
    ):
        with pytest.raises(InvalidInputError, match="posts no results"):
            lemlist.bulk.run(plan).receive(b"{}")


def test_the_results_that_are_held_are_bounded() -> None:
    posted = WebhookResults(EnrichPeople(find=["find_email"]))
    for start in range(0, MOST + 2_000, 1_000):
        posted.add({"data": [{"id": f"enr_{n}"} for n in range(start, start + 1_000)]})
    assert len(posted._held) == MOST
    assert f"enr_{MOST + 1_999}" in posted._held


@pytest.mark.parametrize("url", ["", "hooks.example/x", "ftp://hooks.example", "https://", "https://a b"])
def test_an_address_that_cannot_be_posted_to_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="webhook_url"):
        EnrichPeople(find=["find_email"], webhook_url=url)
