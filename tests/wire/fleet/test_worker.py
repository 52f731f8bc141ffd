"""Workers of a fleet, in one process with its queue, a real server and the sandbox."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from lemlist_async import Lemlist, Options, Retry, ThrottleOptions, errors
from lemlist_async.bulk import ImportLeads, Journal, JournalError, PostgresJournal
from lemlist_async.bulk.jobs.function_job import FunctionJob
from lemlist_async.core.wire import Effect
from lemlist_async.fleet import (
    FleetJob,
    Jobs,
    Worker,
    WorkerOptions,
    block_values,
    environment_key,
    store_activities,
    submit,
)
from lemlist_async.fleet.carrier import RunOptions
from lemlist_async.fleet.engine import make_app
from lemlist_async.fleet.keys import key_source
from lemlist_async.sandbox import Sandbox
from tests.support.clients import KEY, quick

pytestmark = pytest.mark.slow

Rows = list[dict[str, str]]
_QUICK = {"sweep_every": 0.05, "stalled_after": 2.0}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox without a limit."""
    async with Sandbox(limit=None, keys=(KEY, "other-key")) as box:
        yield box


@pytest.fixture
def database(own_database: str) -> str:
    """A database of this test: workers take whatever job is in theirs."""
    return own_database


def people(count: int) -> Rows:
    """So many rows."""
    return [{"email": f"p{n}@example.com"} for n in range(count)]


def an_import(sandbox: Sandbox) -> ImportLeads:
    """An import into a new campaign."""
    return ImportLeads(campaign_id=sandbox.team().add_campaign(name="C")["_id"])


async def hand_over(sandbox: Sandbox, to: Any, job: Any, rows: Any, **more: Any) -> None:
    """Submit a job with the key of the first team."""
    async with quick(sandbox.url) as lemlist:
        await submit(lemlist, job, rows, to=to, **{"name": "a", **more})


def worker_of(
    sandbox: Sandbox, database: str, keys: dict[str, str] | None = None, *, limit: int = 10_000
) -> Worker:
    """A worker that looks often, and knows these keys."""

    async def key_of(tenant: str) -> str | None:
        return ({"default": KEY} if keys is None else keys).get(tenant)

    return Worker(
        database,
        key_of,
        base_url=sandbox.url,
        client_options=Options(retry=Retry(base=0.01, cap=0.02)),
        throttle=ThrottleOptions(limit=limit, pacer=None, scope="process"),
        options=WorkerOptions(runs=RunOptions(look_up_after=0.05), **_QUICK),
    )


@asynccontextmanager
async def working(worker: Worker) -> AsyncIterator[Worker]:
    """Run a worker for the block."""
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await task


async def job_when(database: str, due: Callable[[FleetJob], bool], name: str = "a") -> FleetJob:
    """Wait until a job is as it should be."""
    async with asyncio.timeout(30), Jobs.at(database) as jobs:
        while not due(job := await jobs.get(name)):  # noqa: ASYNC110  # the database has no event to wait for
            await asyncio.sleep(0.02)
        return job


def finished(job: FleetJob) -> bool:
    """Whether workers are through with a job."""
    return job.phase == "finished"


async def change(database: str, statement: str) -> None:
    """Change something below all."""
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute(statement.encode())


async def test_a_job_that_was_submitted_is_done_by_a_worker(sandbox: Sandbox, database: str) -> None:
    await hand_over(sandbox, database, an_import(sandbox), [*people(30), {"email": "broken"}])
    async with Jobs.at(database) as jobs:
        (waiting,) = await jobs.all()
    assert (waiting.phase, waiting.rows, waiting.left, waiting.state("refused")) == ("waiting", 31, 30, 1)
    async with working(worker_of(sandbox, database)):
        job = await job_when(database, finished)
    assert job.counts == {("done", "created"): 30, ("refused", "refused"): 1}
    assert (job.wanted, job.holder, job.trouble, job.tenant) == (False, None, None, "default")
    assert len(sandbox.team().leads) == 30


async def test_no_key_is_in_the_database(sandbox: Sandbox, database: str) -> None:
    await hand_over(sandbox, database, an_import(sandbox), people(3))
    async with working(worker_of(sandbox, database)):
        await job_when(database, finished)
    with psycopg.connect(database) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchall()
        held = "".join(
            str(connection.execute(f"SELECT t::text FROM {name} AS t".encode()).fetchall())
            for (name,) in tables
        )
    assert len(tables) > 5
    assert "p1@example.com" in held
    assert KEY not in held


async def test_a_job_without_a_key_is_given_up_with_the_reason_until_it_is_asked_for_again(
    sandbox: Sandbox, database: str
) -> None:
    keys: dict[str, str] = {}
    await hand_over(sandbox, database, an_import(sandbox), people(3), tenant="acme")
    async with working(worker_of(sandbox, database, keys)):
        job = await job_when(database, lambda job: job.phase == "stopped")
        assert job.trouble == "UnknownTenantError: there is no key for this tenant"
        keys["acme"] = "other-key"
        async with Jobs.at(database) as jobs:
            await jobs.want("a")
        job = await job_when(database, lambda job: job.phase == "stopped")
        assert job.trouble is not None
        assert "another API key" in job.trouble
        keys["acme"] = KEY
        async with Jobs.at(database) as jobs:
            await jobs.want("a")
        # the pool asks for a key again where lemlist refused it; here it is the journal that did
        job = await job_when(database, lambda job: job.phase in {"stopped", "finished"})
    async with working(worker_of(sandbox, database, keys)):
        async with Jobs.at(database) as jobs:
            await jobs.want("a")
        await job_when(database, finished)


async def test_a_worker_that_is_stopped_hands_its_job_over_within_five_seconds(
    sandbox: Sandbox, database: str
) -> None:
    await hand_over(sandbox, database, an_import(sandbox), people(200))
    async with working(worker_of(sandbox, database, limit=60)) as first:
        await job_when(database, lambda job: job.state("done") > 20)
        begun = time.monotonic()
        first.stop()
    assert time.monotonic() - begun < 5
    job = await job_when(database, lambda job: job.phase == "waiting")
    assert 0 < job.left < 200
    assert job.unknown == job.state("sent") == 0
    async with working(worker_of(sandbox, database, limit=60)):
        await job_when(database, finished)
    assert len(sandbox.team().leads) == 200
    assert sum(one.method == "POST" for one in sandbox.requests) == 200


async def test_a_job_is_picked_up_by_its_flag_alone_and_after_the_queue_forgot_it(
    sandbox: Sandbox, database: str
) -> None:
    await hand_over(sandbox, database, an_import(sandbox), people(3), start=False)
    await hand_over(sandbox, database, an_import(sandbox), people(3), name="b")
    await change(database, "DELETE FROM procrastinate_jobs")
    async with working(worker_of(sandbox, database)):
        await job_when(database, finished, "b")
        async with Jobs.at(database) as jobs:
            assert (await jobs.get("a")).phase == "planned"
        await change(database, "UPDATE lemlist_jobs SET wanted = true WHERE name = 'a'")
        await job_when(database, finished)


@pytest.mark.parametrize("waits", [False, True])
async def test_a_job_whose_worker_died_is_taken_over_also_if_it_waits_for_its_next_attempt(
    sandbox: Sandbox, database: str, waits: bool
) -> None:
    await hand_over(sandbox, database, an_import(sandbox), people(3))
    if waits:
        await change(
            database,
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, lock, queueing_lock, status) "
            "SELECT queue_name, task_name, args, lock, queueing_lock, 'doing' FROM procrastinate_jobs",
        )
    else:
        await change(database, "UPDATE procrastinate_jobs SET status = 'doing'")
    async with working(worker_of(sandbox, database)):
        await job_when(database, finished)


async def test_a_job_that_is_no_longer_wanted_ends_and_goes_on_later(sandbox: Sandbox, database: str) -> None:
    await hand_over(sandbox, database, an_import(sandbox), people(100))
    async with working(worker_of(sandbox, database, limit=20)), Jobs.at(database) as jobs:
        await job_when(database, lambda job: job.state("done") > 5)
        await jobs.want("a", wanted=False)
        stopped = await job_when(database, lambda job: job.phase == "planned")
        assert 0 < stopped.left < 100
        with pytest.raises(errors.ConfigurationError, match="no job none"):
            await jobs.want("none")


async def test_the_queue_may_hand_a_job_out_twice_and_each_row_is_done_once(
    sandbox: Sandbox, database: str
) -> None:
    await hand_over(sandbox, database, an_import(sandbox), people(100))
    async with (
        working(worker_of(sandbox, database, limit=100)),
        working(worker_of(sandbox, database, limit=100)),
    ):
        await job_when(database, lambda job: job.state("done") > 5)
        # as if each worker had been told of the job again and again
        for _ in range(5):
            await change(
                database,
                "INSERT INTO procrastinate_jobs (queue_name, task_name, args) "
                "VALUES ('lemlist', 'lemlist_async.carry_on', '{\"job\": \"a\"}')",
            )
        await job_when(database, finished)
    assert sum(one.method == "POST" for one in sandbox.requests) == 100


async def test_a_job_whose_database_connections_break_goes_on(sandbox: Sandbox, database: str) -> None:
    await hand_over(sandbox, database, an_import(sandbox), people(150))
    async with working(worker_of(sandbox, database, limit=100)):
        await job_when(database, lambda job: job.state("done") > 5)
        for _ in range(3):
            await change(
                database,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            await asyncio.sleep(0.3)
        job = await job_when(database, finished)
    assert job.counts == {("done", "created"): 150}
    assert sum(one.method == "POST" for one in sandbox.requests) == 150


# Submitting --------------------------------------------------------------------------------------------------------


async def test_a_job_exists_once_the_transaction_of_its_submission_is_committed(
    sandbox: Sandbox, database: str
) -> None:
    await hand_over(sandbox, database, an_import(sandbox), people(1), name="first")  # makes the tables
    rows = [*people(1500), *people(10), {"email": "broken"}]
    async with working(worker_of(sandbox, database)):
        await job_when(database, finished, "first")
        async with await psycopg.AsyncConnection.connect(database) as connection:
            await connection.execute("CREATE TABLE uploads (id int)")
            await hand_over(sandbox, connection, an_import(sandbox), rows, name="rolled-back")
            await connection.rollback()
            await connection.execute("CREATE TABLE uploads (id int)")
            await connection.execute("INSERT INTO uploads VALUES (7)")
            await hand_over(sandbox, connection, an_import(sandbox), rows)
            async with Jobs.at(database) as jobs:
                assert [job.name for job in await jobs.all()] == ["first"]
            await connection.commit()
            with pytest.raises(JournalError, match="there is a job a already"):
                await hand_over(sandbox, connection, an_import(sandbox), people(1))
        job = await job_when(database, finished)
    assert job.counts == {("done", "created"): 1500, ("refused", "repeated"): 10, ("refused", "refused"): 1}
    async with Jobs.at(database) as jobs:
        assert [one.name for one in await jobs.all()] == ["first", "a"]


async def test_the_same_submission_again_does_nothing_twice(sandbox: Sandbox, database: str) -> None:
    job = an_import(sandbox)
    for _ in range(2):
        await hand_over(sandbox, database, job, people(5))
    async with working(worker_of(sandbox, database)):
        await job_when(database, finished)
        await hand_over(sandbox, database, job, people(5))
        await job_when(database, finished)
    assert sum(one.method == "POST" for one in sandbox.requests) == 5
    with pytest.raises(errors.ConfigurationError, match="other rows"):
        await hand_over(sandbox, database, job, people(6))


async def test_what_workers_cannot_do_is_refused_when_it_is_submitted(
    sandbox: Sandbox, database: str
) -> None:
    async def each(_lemlist: Lemlist, _row: dict[str, Any]) -> None: ...

    with pytest.raises(errors.ConfigurationError, match="function of one program"):
        await hand_over(sandbox, database, FunctionJob(each=each, effect=Effect.UNSAFE), people(1))
    with pytest.raises(errors.ConfigurationError, match="name the job, and no journal"):
        await hand_over(sandbox, database, an_import(sandbox), people(1), journal="j")
    with pytest.raises(errors.ConfigurationError, match="name of a job"):
        await hand_over(sandbox, database, an_import(sandbox), people(1), name="")


async def test_jobs_are_removed_unless_a_worker_has_them(sandbox: Sandbox, database: str) -> None:
    await hand_over(sandbox, database, an_import(sandbox), people(3))
    held = await Journal.open(PostgresJournal(database, "a"))
    async with Jobs.at(database) as jobs:
        with pytest.raises(errors.ConfigurationError, match="that no worker has"):
            await jobs.remove("a")
        await held.close()
        await jobs.remove("a")
        assert await jobs.all() == []
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM lemlist_rows").fetchone() == (0,)


# Schedules ---------------------------------------------------------------------------------------------------------


async def test_schedules_sync_activities_and_block_values_once_for_all_workers(
    sandbox: Sandbox, database: str
) -> None:
    campaign = sandbox.team().add_campaign(name="C")["_id"]
    for n in range(5):
        lead = sandbox.team().add_lead(campaign, email=f"p{n}@example.com")
        sandbox.happen("emailsOpened", lead)
    done: list[str] = []

    async def blocked(tenant: str) -> AsyncIterator[str]:
        done.append(tenant)
        yield "@competitor.example"

    async def fails(_lemlist: Lemlist, tenant: str) -> None:
        done.append(f"fails for {tenant}")
        raise LookupError

    keys = {"default": KEY, "other": "other-key"}
    workers = [worker_of(sandbox, database, keys) for _ in range(2)]
    for worker in workers:
        worker.schedule("* * * * * */2", "activities", store_activities(database))
        worker.schedule("* * * * * */2", "block", block_values(blocked))
        worker.schedule("* * * * * */2", "fails", fails, tenants=["default", "other", "none"])
        with pytest.raises(errors.ConfigurationError, match="no cron expression"):
            worker.schedule("nonsense", "x", fails)
    async with working(workers[0]), working(workers[1]), asyncio.timeout(20):
        while len(done) < 9:  # noqa: ASYNC110  # other tasks have no event to wait for
            await asyncio.sleep(0.05)
    with psycopg.connect(database) as connection:
        statement = "SELECT count(*), count(DISTINCT id), min(tenant) FROM lemlist_activities"
        assert connection.execute(statement).fetchone() == (5, 5, "default")
    assert {"default", "fails for default", "fails for other"} == set(done)
    assert [one["value"] for one in sandbox.team().unsubscribes.values()] == ["@competitor.example"]


# Keys --------------------------------------------------------------------------------------------------------------


async def test_keys_come_from_the_environment_or_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEMLIST_API_KEY", "one")
    monkeypatch.setenv("LEMLIST_API_KEY_ACME_2", "two")
    assert [await environment_key(name) for name in ("default", "acme-2", "other")] == ["one", "two", None]
    assert await key_source("lemlist_async.fleet.keys:environment_key")("default") == "one"
    assert await key_source("os:getenv")("LEMLIST_API_KEY") == "one"
    for wrong in ("nowhere:f", "os:nothing", "os", "os:sep"):
        with pytest.raises(errors.ConfigurationError, match="function"):
            key_source(wrong)


def test_options_of_a_worker_are_checked_where_they_are_made() -> None:
    for wrong in ({"jobs": 0}, {"sweep_every": 0}, {"stalled_after": 0}):
        with pytest.raises(errors.ConfigurationError, match="at least 1 job"):
            WorkerOptions(**wrong)


def test_the_engine_shows_no_password() -> None:
    assert "sesame" not in repr(make_app("postgresql://me:sesame@nowhere/x"))
    assert "sesame" not in repr(PostgresJournal("postgresql://me:sesame@nowhere/x", "j"))
    assert "sesame" not in str(PostgresJournal("postgresql://me:sesame@nowhere/x", "j"))
