"""Hooks made at the start, and activities swept, on the sandbox."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lemlist_async import Lemlist
from lemlist_async.bulk import EnrichPeople
from lemlist_async.errors import AuthenticationError, ConfigurationError
from lemlist_async.resources.activities import Activity
from lemlist_async.sandbox import Sandbox, Status
from lemlist_async.webhooks import ReplyEvent
from lemlist_async.webhooks.sweep import Sweep
from tests.support.clients import KEY, quick
from tests.support.posted import SECRET
from tests.support.receivers import collect, on_aiohttp, receiver, settled, until

ADDRESS = "https://hooks.example.com/lemlist"
START = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(limit=None, keys=(KEY,)) as box:
        yield box


@pytest.fixture
async def lemlist(sandbox: Sandbox) -> AsyncIterator[Lemlist]:
    async with quick(sandbox.url) as client:
        yield client


def happen(sandbox: Sandbox, kind: str, **fields: Any) -> dict[str, Any]:
    """Let something happen to a lead a minute ago, and return the activity as a hook posts it."""
    team = sandbox.team()
    lead = next(iter(team.leads.values()), None)
    if lead is None:
        lead = team.add_lead(
            team.add_campaign(name="C")["_id"], "ann@example.com", firstName="Ann", type="Customer"
        )
    at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat(timespec="milliseconds")
    made = team.add_activity(kind, lead, createdAt=at, **fields)
    meta = {"campaignId": lead["campaignId"], "leadId": lead["_id"], "teamId": team.id, "type": kind}
    return {**lead["variables"], **made, "metaData": meta, "secret": SECRET}


def asked(sandbox: Sandbox) -> int:
    """Requests for activities."""
    return sum(one.template == "/activities" for one in sandbox.requests)


async def test_hooks_are_made_with_the_secret_once(
    sandbox: Sandbox, lemlist: Lemlist, tmp_path: Path
) -> None:
    made = receiver(tmp_path, secret=["new", SECRET])
    for _ in range(2):
        (hook,) = await made.ensure(lemlist, ADDRESS)
    assert hook.target_url == ADDRESS
    hooks = await made.ensure(lemlist, f"{ADDRESS}/2", ["emailsReplied", "interested"])
    assert len({one.id for one in hooks}) == 2
    assert [one["secret"] for one in sandbox.team().hooks.values()] == ["new"] * 3


async def test_processes_that_start_at_once_make_one_hook(sandbox: Sandbox, tmp_path: Path) -> None:
    async def start(number: int) -> list[str]:
        async with quick(sandbox.url) as client:
            made = receiver(tmp_path / str(number))
            return [one.id for one in await made.ensure(client, ADDRESS, ["emailsReplied", "interested"])]

    found = await asyncio.gather(*(start(number) for number in range(6)))
    assert len({tuple(ids) for ids in found}) == 1
    assert len(sandbox.team().hooks) == 2


async def test_a_sweep_brings_what_no_hook_posts(sandbox: Sandbox, lemlist: Lemlist, tmp_path: Path) -> None:
    made = receiver(tmp_path)
    found = collect(made, "meetingBooked", "outOfOffice")
    meeting, away = happen(sandbox, "meetingBooked"), happen(sandbox, "outOfOffice")
    happen(sandbox, "emailsOpened")
    async with made:
        assert await made.sweep(lemlist, since=START) == 2
        assert await made.sweep(lemlist) == 0
        await settled(made)
    assert {one.id for one in found} == {meeting["_id"], away["_id"]}
    assert asked(sandbox) == 8  # two sweeps of two types, each with an empty page at its end
    first = found[0]
    assert (first.lead_email, first.campaign_name, first.extra["firstName"]) == (
        "ann@example.com",
        "C",
        "Ann",
    )
    assert first.type in {"meetingBooked", "outOfOffice"}  # and not the variable of that name
    assert first.lead is not None


async def test_a_sweep_fills_the_gap_of_an_outage_and_repeats_nothing(
    sandbox: Sandbox, lemlist: Lemlist, tmp_path: Path
) -> None:
    made = receiver(tmp_path)
    found = collect(made, ReplyEvent)
    received, missed = happen(sandbox, "emailsReplied", text="1"), happen(sandbox, "emailsReplied", text="2")
    async with made:
        await made.receive(json.dumps(received).encode())
        assert await made.sweep(lemlist, since=START) == 1
        late = happen(sandbox, "emailsReplied", text="3")  # listed late, within the overlap
        assert await made.sweep(lemlist) == 1
        await made.receive(json.dumps(missed).encode())  # posted at last
        await settled(made)
    assert sorted(one.id for one in found) == sorted([received["_id"], missed["_id"], late["_id"]])


async def test_the_place_of_a_sweep_is_in_the_file(
    sandbox: Sandbox, lemlist: Lemlist, tmp_path: Path
) -> None:
    happen(sandbox, "meetingBooked")
    for expected in (1, 0):
        made = receiver(tmp_path)
        collect(made)
        async with made:
            assert await made.sweep(lemlist, since=START) == expected


async def test_a_first_sweep_begins_when_the_file_was_made(
    sandbox: Sandbox, lemlist: Lemlist, tmp_path: Path
) -> None:
    happen(sandbox, "meetingBooked")
    made = receiver(tmp_path)
    found = collect(made)
    async with made:
        await asyncio.sleep(0.01)
        assert await made.sweep(lemlist) == 0
    assert found == []


async def test_an_activity_that_cannot_be_stored_does_not_end_the_sweep(tmp_path: Path) -> None:
    made = receiver(tmp_path)
    collect(made, "meetingBooked")
    deep: Any = "x"
    for _ in range(300):
        deep = [deep]
    async with made:
        sweep = Sweep(made._open_disk(), made._handlers)
        for note, stored in (("x", True), (deep, False)):
            activity = Activity.from_dict({"_id": "act_1", "type": "meetingBooked", "note": note})
            assert (sweep._delivery(activity) is not None) is stored


async def test_other_campaigns_can_be_left_out(sandbox: Sandbox, lemlist: Lemlist, tmp_path: Path) -> None:
    activity = happen(sandbox, "meetingBooked")
    for campaigns, expected in ((["cam_other"], 0), ([activity["campaignId"]], 1)):
        (tmp_path / str(expected)).mkdir()
        made = receiver(tmp_path / str(expected))
        collect(made)
        async with made:
            assert await made.sweep(lemlist, since=START, campaigns=campaigns) == expected


async def test_a_sweep_that_fails_goes_on_where_it_ended(
    sandbox: Sandbox, lemlist: Lemlist, tmp_path: Path
) -> None:
    made = receiver(tmp_path)
    collect(made, "meetingBooked")
    happen(sandbox, "meetingBooked")
    sandbox.faults.add(Status(status=401), match="GET /activities", times=1)
    async with made:
        with pytest.raises(AuthenticationError):
            await made.sweep(lemlist, since=START)
        assert await made.sweep(lemlist, since=START) == 1


async def test_sweeps_repeat_while_the_receiver_is_open_in_one_of_its_processes(
    sandbox: Sandbox, lemlist: Lemlist, tmp_path: Path
) -> None:
    made, other = receiver(tmp_path), receiver(tmp_path)
    found = collect(made, "meetingBooked"), collect(other, "meetingBooked")
    sandbox.faults.add(Status(status=401), match="GET /activities", times=1)
    async with made, other:
        for one in (made, other):
            one.sweep_every(1, lemlist)
        await until(lambda: sandbox.requests)
        happen(sandbox, "meetingBooked")
        await until(lambda: any(found))
    assert asked(sandbox) <= 5  # one process of two, about once a second


async def test_sweeps_are_not_a_flood(lemlist: Lemlist, tmp_path: Path) -> None:
    async with receiver(tmp_path) as made:
        with pytest.raises(ConfigurationError):
            made.sweep_every(0.1, lemlist)


async def test_a_bulk_job_takes_its_results_from_the_receiver(
    sandbox: Sandbox, lemlist: Lemlist, tmp_path: Path
) -> None:
    made = receiver(tmp_path)
    people = [{"linkedin": f"https://www.linkedin.com/in/p{n}"} for n in range(5)]
    async with on_aiohttp(made) as url:
        job = EnrichPeople(find=["find_email"], webhook_url=made.results_url(url))
        async with await lemlist.bulk.plan(job, people) as plan:
            run = lemlist.bulk.run(plan, poll_every=60)
            end = made.feed(run)
            report = await run.finish()
            end()
    assert report.done == {"found": 5}
    assert not [one for one in sandbox.requests if one.template == "/enrich/{enrichId}"]
