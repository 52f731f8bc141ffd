"""A job on a server has one worker at a time, whatever becomes of the others."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from typing import Any

import psycopg
import pytest

from lemlist_async import Effect, Lemlist
from lemlist_async.bulk import (
    BlockValues,
    ImportLeads,
    JobStoppedError,
    Journal,
    JournalError,
    Outcome,
    PostgresJournal,
    State,
)
from lemlist_async.bulk.journal import lease as leases
from lemlist_async.bulk.journal.lease import MARGIN, Lease
from lemlist_async.bulk.journal.postgres import PostgresRows
from lemlist_async.bulk.journal.storage import NewRow
from lemlist_async.sandbox import Sandbox
from tests.support.clients import KEY, quick
from tests.support.postgres import new_job
from tests.support.project import ROOT

CREATE = "POST /campaigns/{campaignId}/leads/"
BLOCK = "POST /v2/unsubscribes/variables"


@pytest.fixture
def place(database: str) -> PostgresJournal:
    """A place where there is no journal yet."""
    return new_job(database)


def rows_of(journal: Journal) -> PostgresRows:
    """The rows below a journal."""
    assert isinstance(journal.storage, PostgresRows)
    return journal.storage


def end_lease(place: PostgresJournal) -> None:
    """Let the time of the lease pass on the server."""
    with psycopg.connect(place.url) as connection:
        connection.execute(
            "UPDATE lemlist_jobs SET lease_until = clock_timestamp() WHERE name = %s", (place.job,)
        )


def stand_still(journal: Journal, seconds: float) -> None:
    """Let this worker have stood still for so long: it has renewed nothing, and its clock has gone on."""
    rows = rows_of(journal)
    assert rows.lease is not None
    rows.server.drop(rows.lease)
    rows.lease.asked -= seconds


def row(n: int) -> NewRow:
    """A row to be done."""
    return NewRow(n, n, bytes([n]), f'{{"value":{n}}}')


def test_a_lease_counts_as_over_before_the_server_gives_it_to_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [100.0]
    monkeypatch.setattr(leases, "now", lambda: clock[0])
    lease = Lease(1, 1, 20.0, 100.0)
    clock[0] += 20 - MARGIN - 0.001
    lease.check()
    lease.renew(clock[0])
    clock[0] += 20 - MARGIN
    with pytest.raises(JournalError, match="lease of this worker is over"):
        lease.check()
    lease.renew(clock[0])
    lease.check()
    lease.lost = True
    with pytest.raises(JournalError, match="lease"):
        lease.check()


async def test_a_worker_whose_lease_is_over_marks_nothing_and_goes_on_once_it_is_renewed(
    place: PostgresJournal,
) -> None:
    journal = await Journal.open(place)
    await journal.add([row(1), row(2)])
    end_lease(place)
    with pytest.raises(JournalError, match="the lease of this worker is over"):
        await journal.write(sent=[1])
    # an outcome is still the worker's to write while no other one has the job
    await journal.write([(2, Outcome(State.DONE, "x"))])
    rows = rows_of(journal)
    assert rows.lease is not None
    await asyncio.to_thread(rows.server._renew, [rows.lease])
    await journal.write(sent=[1])
    await journal.close()


async def test_nothing_of_a_worker_that_was_replaced_reaches_the_job(place: PostgresJournal) -> None:
    old = await Journal.open(place)
    await old.add([row(n) for n in range(1, 6)])
    await old.write(sent=[1, 2])
    end_lease(place)
    new = await Journal.open(place)
    await new.recover(repeatable=False)
    before = await new.in_thread(lambda: list(new.rows()))
    done = [(1, Outcome(State.DONE, "x"))]
    attempts = [
        lambda: old.write(done), lambda: old.write(sent=[3]), lambda: old.write(back=[2]),
        lambda: old.recover(repeatable=True), lambda: old.describe(kind="mine"), lambda: old.begin_plan(),
        lambda: old.reopen(), lambda: old.add([row(9)]),
    ]  # fmt: skip
    for attempt in attempts:
        with pytest.raises(JournalError, match=r"another (worker|runner)"):
            await attempt()
    await old.close()
    assert await new.in_thread(lambda: list(new.rows())) == before
    # the late release of the old lease did not end the new one
    await new.write(sent=[3])
    await new.close()


async def test_a_worker_learns_from_its_renewal_that_it_was_replaced(place: PostgresJournal) -> None:
    old = await Journal.open(place)
    end_lease(place)
    new = await Journal.open(place)
    rows = rows_of(old)
    assert rows.lease is not None
    rows.lease.check()
    await asyncio.to_thread(rows.server._renew, [rows.lease])
    with pytest.raises(JournalError):
        rows.lease.check()
    await old.close()
    await new.close()


async def test_leases_are_renewed_while_the_event_loop_is_busy_and_end_with_their_process(
    place: PostgresJournal,
) -> None:
    short = PostgresJournal(place.url, place.job, 1.5)
    journal = await Journal.open(short)
    await asyncio.to_thread(lambda: None)
    with psycopg.connect(place.url) as connection:
        statement = "SELECT lease_until FROM lemlist_jobs WHERE name = %s"
        first: Any = connection.execute(statement, (place.job,)).fetchone()
        while connection.execute(statement, (place.job,)).fetchone() == first:  # blocks the loop, on purpose
            connection.commit()
    await journal.close()
    await (await Journal.open(short)).close()


@pytest.mark.parametrize("effect", [Effect.UNSAFE, Effect.IDEMPOTENT])
async def test_a_worker_that_stood_still_between_mark_and_request_sends_nothing(
    place: PostgresJournal, effect: Effect
) -> None:
    async with Sandbox(limit=None, keys=(KEY,)) as sandbox, quick(sandbox.url) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        journal: list[Journal] = []

        async def each(view: Lemlist, row: dict[str, Any]) -> None:
            stand_still(journal[0], 60)
            await view.leads.create(campaign, email=row["email"])

        run = lemlist.bulk.run_function(
            [{"email": "a@example.com"}], each, effect=effect, name="t", journal=place
        )
        make = run._make

        async def made() -> Any:
            plan = await make()
            journal.append(plan.journal)
            return plan

        run._make = made
        with pytest.raises(JobStoppedError, match="the lease of this worker is over"):
            await run.finish()
        assert not sandbox.team().leads
        reader = await Journal.look(place)
        assert await reader.counts() == {("sent", ""): 1}
        await reader.close()


async def test_rows_that_may_be_repeated_are_not_sent_by_a_worker_whose_lease_is_over(
    place: PostgresJournal,
) -> None:
    async with Sandbox(limit=None, keys=(KEY,)) as sandbox, quick(sandbox.url) as lemlist:
        async with await lemlist.bulk.plan(BlockValues(), ["a@x.com"], journal=place) as plan:
            stand_still(plan.journal, 60)
            with pytest.raises(JobStoppedError, match="the lease of this worker is over"):
                await lemlist.bulk.run(plan).finish()
        assert not [one for one in sandbox.requests if one.method == "POST"]


async def test_rows_under_way_at_a_takeover_are_looked_up_by_the_successor(place: PostgresJournal) -> None:
    async with Sandbox(limit=None, keys=(KEY,)) as sandbox, quick(sandbox.url) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        job = ImportLeads(campaign_id=campaign)
        people = [{"email": f"p{n}@example.com"} for n in range(4)]
        plan = await lemlist.bulk.plan(job, people, journal=place)
        await plan.journal.write(sent=[1, 2])
        # the request of the first left, and that of the second never will
        await lemlist.leads.create(campaign, email="p0@example.com")
        end_lease(place)
        async with await lemlist.bulk.resume(place) as taken:
            assert taken.forecast.ambiguous == 2
            report = await lemlist.bulk.run(taken, look_up_after=0.01).finish()
        await plan.aclose()
        assert (report.created, report.confirmed, report.unknown) == (4, 1, 0)
        assert len(sandbox.team().leads) == 4


@pytest.mark.slow
@pytest.mark.parametrize("point", ["mark", "write"])
async def test_a_worker_stopped_on_its_way_to_the_wire_does_no_row_twice(
    place: PostgresJournal, point: str
) -> None:
    async with Sandbox(limit=None) as sandbox, Lemlist(sandbox.key, sandbox.url) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(ROOT / "tests" / "support" / "fenced_runner.py"),
            sandbox.url, campaign, place.url, place.job, "3", point, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
        )  # fmt: skip
        await asyncio.to_thread(os.waitid, os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        plan = None
        while plan is None:
            try:
                plan = await lemlist.bulk.resume(place)
            except JournalError:  # as long as the lease of the stopped worker goes on
                await asyncio.sleep(0.2)
        async with plan:
            assert plan.forecast.ambiguous >= 1
            report = await lemlist.bulk.run(plan, look_up_after=0.2).finish()
        assert (report.created, report.unknown, report.left) == (5, 0, 0)
        before = len(sandbox.requests)
        process.send_signal(signal.SIGCONT)
        told, _ = await process.communicate()
        assert b"stopped" in told
        late = Counter(one.status for one in list(sandbox.requests)[before:] if one.method == "POST")
        assert sorted(lead["variables"]["email"] for lead in sandbox.team().leads.values()) == [
            f"p{n}@example.com" for n in range(5)
        ]
        # what had passed every check reaches lemlist, which refuses it; what had not never leaves
        assert set(late) <= ({400} if point == "write" else set())
        reader = await Journal.look(place)
        assert await reader.counts() == {("done", "created"): 5}
        await reader.close()
