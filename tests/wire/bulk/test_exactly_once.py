"""No row twice: two runs, two names of a journal, functions of several calls, moved files, and runs left early."""

import asyncio
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from lemlist_async import Effect, Lemlist, Throttle, ThrottleOptions, errors
from lemlist_async.bulk import (
    BlockValues,
    JobStoppedError,
    Journal,
    JournalError,
    Outcome,
    Plan,
    Run,
    State,
)
from lemlist_async.bulk.jobs.function_job import FunctionJob
from lemlist_async.options import Options, Retry
from lemlist_async.sandbox import Sandbox, Slow, gateway
from tests.support.clients import quick

NOWHERE = "http://127.0.0.1:9/api"
CREATE = "POST /campaigns/{campaignId}/leads/"
Row = dict[str, Any]


class Counted:
    """A function that counts how often each row was given to it."""

    def __init__(self, seconds: float = 0.01) -> None:
        self.calls: Counter[int] = Counter()
        self.seconds = seconds

    async def __call__(self, _lemlist: Lemlist, row: Row) -> None:
        """Do a row."""
        self.calls[row["n"]] += 1
        await asyncio.sleep(self.seconds)

    @property
    def twice(self) -> int:
        """Count the rows that were done more than once."""
        return sum(count > 1 for count in self.calls.values())


def numbers(count: int) -> list[Row]:
    """As many rows."""
    return [{"n": n} for n in range(count)]


@asynccontextmanager
async def planned(each: Any, journal: Path | None, count: int = 60) -> AsyncIterator[tuple[Lemlist, Plan]]:
    """A plan of a job that may not be repeated."""
    async with quick(NOWHERE) as lemlist:
        job = FunctionJob(each=each, effect=Effect.UNSAFE, name="t")
        async with await lemlist.bulk.plan(job, numbers(count), journal=journal) as plan:
            yield lemlist, plan


def states(journal: Path) -> Counter[str]:
    """Count the rows in each state, as another process sees them."""
    with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as db:
        return Counter(dict(db.execute("SELECT state, count(*) FROM rows GROUP BY state")))


def written_in(folder: Path) -> set[bytes]:
    """Return the keys of these tests that occur in the files of a folder."""
    content = b"".join(file.read_bytes() for file in folder.iterdir())
    return {key for key in (b"key-a", b"key-b") if key in content}


# Two runs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("temporary", [True, False])
@pytest.mark.parametrize("one_run", [True, False])
async def test_a_second_run_of_a_plan_is_refused_while_the_first_goes_on(
    tmp_path: Path, temporary: bool, one_run: bool
) -> None:
    each = Counted()
    async with planned(each, None if temporary else tmp_path / "j") as (lemlist, plan):
        first = lemlist.bulk.run(plan)
        second = first if one_run else lemlist.bulk.run(plan)

        async def work(run: Run) -> int:
            return len([row async for row in run])

        done, refused = await asyncio.gather(work(first), work(second), return_exceptions=True)
    assert done == 60
    assert isinstance(refused, JournalError)
    assert one_run or "this plan is running" in str(refused)
    assert (len(each.calls), each.twice) == (60, 0)


async def test_a_run_is_iterated_once(tmp_path: Path) -> None:
    async with planned(Counted(0), tmp_path / "j", 3) as (lemlist, plan):
        run = lemlist.bulk.run(plan)
        assert (await run.finish()).complete
        with pytest.raises(JournalError, match="begun before"):
            await run.finish()
        own = lemlist.bulk.run_function(numbers(1), Counted(0), effect=Effect.READ)
        await own.finish()
        with pytest.raises(JobStoppedError, match="runs once"):
            await own.finish()


async def test_the_run_after_one_whose_loop_was_left_waits_until_that_has_ended(tmp_path: Path) -> None:
    each = Counted()
    async with planned(each, tmp_path / "j") as (lemlist, plan):
        async for _ in lemlist.bulk.run(plan):
            break
        await lemlist.bulk.run(plan).finish()
        counts = await plan.journal.counts()
    assert each.twice == 0
    assert len(each.calls) == 60
    assert sum(counts.values()) == 60
    assert counts["sent", ""] == 0


async def test_of_two_that_mark_a_row_only_one_may_send_it(tmp_path: Path) -> None:
    each = Counted(0.05)
    async with planned(each, tmp_path / "j", 300) as (lemlist, plan):
        run = lemlist.bulk.run(plan)
        async with aclosing(aiter(run)) as rows:
            await anext(rows)
            # a runner that got past every lock, such as on another machine, takes all that are left
            with closing(sqlite3.connect(tmp_path / "j")) as db:
                taken = {
                    n for (n,) in db.execute("UPDATE rows SET state='sent' WHERE state='new' RETURNING n")
                }
                db.commit()
            with pytest.raises(JobStoppedError, match="another runner works on"):
                _ = [row async for row in rows]
    assert taken
    assert not {n + 1 for n in each.calls} & taken
    with closing(sqlite3.connect(tmp_path / "j")) as db:
        # what the other has taken stays its own
        assert taken <= {n for (n,) in db.execute("SELECT n FROM rows WHERE state='sent'")}


async def test_rows_marked_by_another_are_not_sent_by_a_job_that_marks_late(tmp_path: Path) -> None:
    async with Sandbox(limit=None, latency=0.02) as sandbox, quick(sandbox.url, key=sandbox.key) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        people = [{"email": f"p{n}@example.com"} for n in range(300)]
        async with (
            await lemlist.bulk.plan_leads(campaign, people, journal=tmp_path / "j") as plan,
            aclosing(aiter(lemlist.bulk.run(plan))) as rows,
        ):
            await anext(rows)
            with closing(sqlite3.connect(tmp_path / "j")) as db:
                found = db.execute(
                    "UPDATE rows SET state='sent' WHERE state='new' RETURNING payload ->> '$.fields.email'"
                )
                taken = {email for (email,) in found}
                db.commit()
            with pytest.raises(JobStoppedError, match="another runner works on"):
                _ = [row async for row in rows]
        held = {lead["variables"]["email"] for lead in sandbox.team().leads.values()}
    assert taken
    assert not held & taken


# Names of one journal --------------------------------------------------------------------------------------


async def test_a_journal_is_locked_under_all_its_names(tmp_path: Path) -> None:
    journal, link, folder = tmp_path / "j", tmp_path / "link", tmp_path / "folder"
    folder.mkdir()
    link.symlink_to(journal)
    (tmp_path / "other").symlink_to(folder)
    first = await Journal.open(link)  # made where the link leads to
    assert journal.exists()
    for name in (journal, link, folder / ".." / "j", tmp_path / "other" / ".." / "j"):
        with pytest.raises(JournalError, match="in use"):
            await Journal.open(name)
    await first.close()
    await (await Journal.open(journal)).close()


async def test_a_journal_with_a_second_hard_link_is_refused(tmp_path: Path) -> None:
    first = await Journal.open(tmp_path / "j")
    os.link(tmp_path / "j", tmp_path / "same")
    with pytest.raises(JournalError, match="2 names"):
        await Journal.open(tmp_path / "same")
    await first.close()
    (tmp_path / "same").unlink()
    await (await Journal.open(tmp_path / "j")).close()


async def test_a_lock_file_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("x")
    (tmp_path / "j-lock").symlink_to(tmp_path / "victim")
    with pytest.raises(JournalError, match="cannot be written"):
        await Journal.open(tmp_path / "j")


# Functions of several calls --------------------------------------------------------------------------------

DOORS: list[Exception] = [
    errors.RateLimitError("x", status=429),
    errors.NotSentError("no connection", kind="refused"),
    errors.PaymentRequiredError("no credits", status=402),
    errors.AuthenticationError("wrong key", status=401),
    errors.InvalidInputError("bad e-mail"),
    errors.BadRequestError("bad", status=400),
    errors.NotFoundError("gone", status=404),
    errors.WaitTooLongError("too long", forecast=1.0),
    errors.DeadlineExceededError("late", phase="queue"),
]


@pytest.mark.parametrize("door", DOORS, ids=lambda error: type(error).__name__)
async def test_a_row_of_which_a_request_was_made_is_in_doubt_whatever_stops_the_next_one(
    tmp_path: Path, door: Exception
) -> None:
    made: Counter[str] = Counter()

    async def each(lemlist: Lemlist, row: Row) -> None:
        await lemlist.campaigns.create(name=row["name"])
        made[row["name"]] += 1
        raise door

    async with Sandbox(limit=None) as sandbox, quick(sandbox.url, key=sandbox.key) as lemlist:
        for _ in range(2):
            run = lemlist.bulk.run_function(
                [{"name": "A"}, {"name": "B"}], each, effect=Effect.UNSAFE, journal=tmp_path / "j"
            )
            try:
                found = {row.payload["name"]: row.outcome async for row in run}
            except JobStoppedError:
                found = {}
            report = await run.report()
            assert report.unknown == 2 - report.left
            assert (report.failed, report.refused) == (0, 0)
            assert all(outcome.state is State.UNKNOWN for outcome in found.values())
    assert set(made.values()) == {1}


@pytest.mark.parametrize("door", DOORS[:4], ids=lambda error: type(error).__name__)
async def test_a_row_of_which_only_reads_were_made_is_new_again(tmp_path: Path, door: Exception) -> None:
    async def each(lemlist: Lemlist, _row: Row) -> None:
        await lemlist.team.get()
        raise door

    async with Sandbox(limit=None) as sandbox, quick(sandbox.url, key=sandbox.key) as lemlist:
        run = lemlist.bulk.run_function(numbers(2), each, effect=Effect.UNSAFE, journal=tmp_path / "j")
        with pytest.raises(JobStoppedError):
            await run.finish()
        assert (await run.report()).left == 2


async def test_a_request_that_lemlist_refuses_has_not_happened(tmp_path: Path) -> None:
    async def each(lemlist: Lemlist, row: Row) -> None:
        await lemlist.campaigns.duplicate("cam_00000000000000000", name=str(row["n"]))

    async with Sandbox(limit=None) as sandbox, quick(sandbox.url, key=sandbox.key) as lemlist:
        run = lemlist.bulk.run_function(numbers(2), each, effect=Effect.UNSAFE, journal=tmp_path / "j")
        report = await run.finish()
    assert (report.failed, report.unknown) == (2, 0)


# Files that were moved -------------------------------------------------------------------------------------


async def test_a_journal_without_the_log_that_belongs_to_it_is_refused(tmp_path: Path) -> None:
    each = Counted(0)
    moved = tmp_path / "moved"
    moved.mkdir()
    async with planned(each, tmp_path / "j", 300) as (lemlist, plan):
        async with aclosing(aiter(lemlist.bulk.run(plan))) as rows:
            for _ in range(100):
                await anext(rows)
            # as after a kill: what is on the disk now, and then without the log
            shutil.copy(tmp_path / "j", moved / "alone")
            for name in ("j", "j-wal"):
                shutil.copy(tmp_path / name, moved / name)
        await plan.aclose()
        # once it is closed, it is one file
        shutil.copy(tmp_path / "j", moved / "closed")
        for open_ in (Journal.open, Journal.look):
            with pytest.raises(JournalError, match=r"newest part is in the file alone-wal"):
                await open_(moved / "alone")
        both, closed = await Journal.open(moved / "j"), await Journal.open(moved / "closed")
        assert (await both.counts())["done", "done"] >= 100
        assert (await closed.counts())["done", "done"] == len(each.calls)
        await both.close()
        await closed.close()


async def test_a_journal_is_whole_by_itself_when_it_was_planned_and_when_a_run_has_ended(
    tmp_path: Path,
) -> None:
    async with planned(Counted(0), tmp_path / "j", 300) as (lemlist, plan):
        shutil.copy(tmp_path / "j", tmp_path / "planned")
        await lemlist.bulk.run(plan).finish()
        shutil.copy(tmp_path / "j", tmp_path / "ended")
    for name, expected in (("planned", {("new", ""): 300}), ("ended", {("done", "done"): 300})):
        journal = await Journal.open(tmp_path / name)
        assert await journal.counts() == expected
        await journal.close()


async def test_a_log_stays_short_and_tells_the_file_to_wait_for_it(tmp_path: Path) -> None:
    async with planned(Counted(0), tmp_path / "j", 1) as (lemlist, _):
        job = FunctionJob(each=Counted(0), effect=Effect.UNSAFE, name="big")
        rows = [{"n": n, "x": "y" * 100_000} for n in range(200)]
        async with await lemlist.bulk.plan(job, rows, journal=tmp_path / "big") as plan:
            longest = 0
            async for _ in lemlist.bulk.run(plan):
                longest = max(longest, (tmp_path / "big-wal").stat().st_size)
    assert longest < 8 * 2**20


@pytest.mark.parametrize("content", [b"", b"\x00" * 10])
async def test_an_empty_file_is_no_new_journal(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "j").write_bytes(content)
    with pytest.raises(JournalError):
        await Journal.open(tmp_path / "j")
    assert (tmp_path / "j").read_bytes() == content


async def test_a_log_without_its_journal_is_no_new_journal(tmp_path: Path) -> None:
    (tmp_path / "j-wal").write_bytes(b"x")
    with pytest.raises(JournalError, match="without its journal"):
        await Journal.open(tmp_path / "j")


# What a journal belongs to ---------------------------------------------------------------------------------


async def test_other_rows_than_those_of_the_journal_are_refused(tmp_path: Path) -> None:
    async with Sandbox(limit=None) as sandbox, quick(sandbox.url, key=sandbox.key) as lemlist:

        async def plan(rows: list[str], **options: Any) -> Plan:
            return await lemlist.bulk.plan(BlockValues(), rows, journal=tmp_path / "j", **options)

        await (await plan(["a@x.example", "b@x.example"])).aclose()
        await (await plan(["a@x.example", "b@x.example"])).aclose()
        for other in (["c@x.example", "d@x.example"], ["a@x.example"], ["b@x.example", "a@x.example"], []):
            with pytest.raises(errors.ConfigurationError, match="other rows"):
                await plan(other)
        async with await plan(["c@x.example"], force=["rows"]) as forced:
            await lemlist.bulk.run(forced).finish()
        assert {one["value"] async for one in lemlist.bulk.export_unsubscribes()} == {
            "a@x.example",
            "b@x.example",
        }
        with pytest.raises(errors.ConfigurationError, match="force takes rows, key, host, not 'all'"):
            await plan([], force=["all"])


async def test_a_journal_goes_on_with_the_same_key_and_server_only(tmp_path: Path) -> None:
    journal = tmp_path / "j"
    async with Sandbox(limit=None, keys=("key-a", "key-b")) as sandbox, Sandbox(keys=("key-a",)) as other:
        async with Lemlist("key-a", sandbox.url) as a:
            await (await a.bulk.plan(BlockValues(), ["x@x.example"], journal=journal)).aclose()
        async with Lemlist("key-b", sandbox.url) as b:
            with pytest.raises(errors.ConfigurationError, match="another API key"):
                await b.bulk.resume(journal)
            with pytest.raises(errors.ConfigurationError, match="another API key"):
                await b.bulk.plan(BlockValues(), ["x@x.example"], journal=journal)
            await (await b.bulk.resume(journal, dry_run=True)).aclose()
        async with Lemlist("key-a", other.url) as elsewhere:
            with pytest.raises(errors.ConfigurationError, match=f"another server, {sandbox.url}"):
                await elsewhere.bulk.resume(journal)
        async with Lemlist("key-a", sandbox.url) as a:  # a dry run of another key changed nothing
            await (await a.bulk.resume(journal)).aclose()
        async with Lemlist("key-b", sandbox.url) as b:
            await (await b.bulk.resume(journal, force=["key"])).aclose()
            await (await b.bulk.resume(journal)).aclose()
    assert written_in(tmp_path) == set()


# Ends of a run ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", [Effect.UNSAFE, Effect.IDEMPOTENT])
async def test_a_function_that_ends_with_cancellederror_ends_the_run_with_an_error(effect: Effect) -> None:
    dead = asyncio.get_running_loop().create_future()
    dead.cancel()

    async def each(_lemlist: Lemlist, row: Row) -> None:
        await asyncio.sleep(0.001)
        if row["n"] == 30:
            await dead

    async with quick(NOWHERE) as lemlist:
        run = lemlist.bulk.run_function(numbers(1000), each, effect=effect)
        with pytest.raises(JobStoppedError, match="line 31: something that was awaited"):
            await run.finish()
        report = await run.report()
    assert report.left > 500
    assert report.rows == 1000 == report.left + report.done["done"] + report.unknown
    assert report.unknown == (1 if effect is Effect.UNSAFE else 0)


class OddError(BaseException):
    """An exception that is no `Exception`."""


async def test_no_exception_of_a_function_is_swallowed() -> None:
    async def each(_lemlist: Lemlist, row: Row) -> None:
        await asyncio.sleep(0)
        if row["n"] == 5:
            raise OddError

    async with quick(NOWHERE) as lemlist:
        with pytest.raises(OddError):
            await lemlist.bulk.run_function(numbers(100), each, effect=Effect.READ).finish()


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize(
    "bad",
    [10**20, {1: 2}, "\ud83d", {"a": "\udc00"}, float("nan"), b"x", object(), CIRCLE],
    ids=["long", "key", "half", "inner half", "nan", "bytes", "object", "circle"],  # alike in every process
)
@pytest.mark.parametrize("temporary", [True, False])
async def test_a_result_that_is_no_json_costs_that_result_only(
    tmp_path: Path, bad: object, temporary: bool
) -> None:
    async def each(_lemlist: Lemlist, row: Row) -> object:
        return bad if row["n"] == 5 else {"ok": row["n"]}

    async with quick(NOWHERE) as lemlist:
        run = lemlist.bulk.run_function(
            numbers(30), each, effect=Effect.UNSAFE, journal=None if temporary else tmp_path / "j"
        )
        found = {row.payload["n"]: row.outcome async for row in run}
        report = await run.report()
    assert report.done == {"done": 30}
    assert found[5].result is None
    assert "its result was not kept" in (found[5].reason or "")
    assert all(found[n].result == {"ok": n} for n in range(30) if n != 5)


async def test_words_that_utf_8_cannot_carry_do_no_harm(tmp_path: Path) -> None:
    async def each(_lemlist: Lemlist, row: Row) -> object:
        return Outcome(State.FAILED, "odd\ud83d", "half \ud83d", id="\udc00") if row["n"] == 5 else None

    async with quick(NOWHERE) as lemlist:
        report = await lemlist.bulk.run_function(
            numbers(30), each, effect=Effect.UNSAFE, journal=tmp_path / "j"
        ).finish()
    assert (report.done, report.failed) == ({"done": 29}, 1)


@pytest.mark.parametrize("temporary", [True, False])
async def test_a_plan_that_was_left_early_and_is_run_again_forgets_no_row(
    tmp_path: Path, temporary: bool
) -> None:
    async with Sandbox(limit=None, latency=0.05) as sandbox, quick(sandbox.url, key=sandbox.key) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        people = [{"email": f"p{n}@example.com"} for n in range(300)]
        journal = None if temporary else tmp_path / "j"
        async with await lemlist.bulk.plan_leads(campaign, people, journal=journal) as plan:
            async with aclosing(aiter(lemlist.bulk.run(plan))) as rows:
                for _ in range(5):
                    await anext(rows)
            report = await lemlist.bulk.run(plan, look_up_after=0.1).finish()
        held = Counter(lead["variables"]["email"] for lead in sandbox.team().leads.values())
    assert report.complete
    assert report.rows == 300
    assert held == Counter(row["email"] for row in people)


async def test_a_deadline_of_the_client_neither_stops_a_job_nor_fails_its_rows() -> None:
    options = Options(retry=Retry(base=0.01, cap=0.02), deadline=0.2, max_wait=0.1)
    throttle = Throttle(ThrottleOptions(limit=4, window=0.5, pacer=None))
    async with Sandbox(limit=None) as sandbox:
        async with Lemlist(sandbox.key, sandbox.url, options=options, throttle=throttle) as lemlist:
            campaign = sandbox.team().add_campaign(name="C")["_id"]
            sandbox.faults.add(Slow(seconds=0.4), match=CREATE, times=2)
            people = [{"email": f"p{n}@example.com"} for n in range(8)]
            async with await lemlist.bulk.plan_leads(campaign, people) as plan:
                report = await lemlist.bulk.run(plan).finish()
        assert report.done == {"created": 8}


async def test_a_run_that_was_not_iterated_reports_nothing(tmp_path: Path) -> None:
    async with planned(Counted(0), tmp_path / "j", 3) as (lemlist, plan):
        run = lemlist.bulk.run(plan)
        with pytest.raises(JobStoppedError, match=r"nothing was sent: iterate over it, or await finish\(\)"):
            await run.report()
        report = await run.finish()
        assert report == await run.report()
    assert report.done == {"done": 3}
    with pytest.raises(JournalError, match="is closed"):
        await run.report()


async def test_refused_rows_are_given_with_line_and_reason() -> None:
    async with quick(NOWHERE) as lemlist:
        rows = [
            {"email": "ok@x.com"},
            {"email": "no-at"},
            {"email": "OK@x.com"},
            {"email": "b@x.com", "n": b"x"},
        ]
        async with await lemlist.bulk.plan_leads("cam_1", rows) as plan:
            found = [(row.line, row.outcome.what, row.outcome.reason) async for row in plan.refused()]
            assert (await anext(plan.refused())).payload == {"email": "no-at"}
            run = lemlist.bulk.run(plan)
            run.stop()
            with pytest.raises(errors.NotSentError):  # there is no lemlist to ask about the campaign
                await run.finish()
            report = await run.report()
    assert [(line, what) for line, what, _ in found] == [(2, "refused"), (3, "repeated"), (4, "refused")]
    assert "not valid" in (found[0][2] or "")
    assert found[1][2] == "the same as line 1"
    assert "column 'n': it is bytes" in (found[2][2] or "")
    assert report.rows == 4 == report.refused + report.repeated + report.left


# Marked as late as can be ----------------------------------------------------------------------------------


async def test_rows_that_wait_for_the_quota_are_not_marked_and_the_forecast_counts_what_is_sent_again(
    tmp_path: Path,
) -> None:
    journal = tmp_path / "j"
    people = [{"email": f"p{n}@example.com"} for n in range(40)]
    async with Sandbox(limit=None, latency=0.3) as sandbox:
        throttle = Throttle(ThrottleOptions(limit=4, window=30.0, pacer=None))
        async with Lemlist(sandbox.key, sandbox.url, throttle=throttle) as lemlist:
            campaign = sandbox.team().add_campaign(name="C")["_id"]
            async with await lemlist.bulk.plan_leads(campaign, people, journal=journal) as plan:
                task = asyncio.ensure_future(lemlist.bulk.run(plan).finish())
                while len(sandbox.team().leads) < 3:  # noqa: ASYNC110  # the sandbox has no event to wait for
                    await asyncio.sleep(0.01)
                # three of a window of four are leads, one asked for the campaign, and five others wait
                marked = states(journal)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        assert marked["new"] == 37
        before = len(sandbox.requests)
        async with quick(sandbox.url, key=sandbox.key) as lemlist, await lemlist.bulk.resume(journal) as plan:
            assert plan.forecast.ambiguous <= 3
            forecast = plan.forecast.requests
            report = await lemlist.bulk.run(plan, look_up_after=0.01).finish()
        assert report.complete
        assert len(sandbox.requests) - before <= forecast


async def test_the_forecast_after_a_crash_is_an_upper_bound_where_everything_is_sent_again(
    tmp_path: Path,
) -> None:
    people = [{"email": f"p{n}@example.com"} for n in range(10)]
    async with Sandbox(limit=None) as sandbox, quick(sandbox.url, key=sandbox.key) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        await (await lemlist.bulk.plan_leads(campaign, people, journal=tmp_path / "j")).aclose()
        journal = await Journal.open(tmp_path / "j")
        await journal.write(sent=list(range(1, 8)))
        await journal.close()
        async with await lemlist.bulk.resume(tmp_path / "j") as plan:
            assert (plan.forecast.ambiguous, plan.forecast.to_send) == (7, 3)
            assert plan.forecast.requests == 3 + 7 * 3 + 1
            report = await lemlist.bulk.run(plan, look_up_after=0.01).finish()
        assert report.calls == plan.forecast.requests
        assert report.created == 10


async def test_the_third_lost_response_of_an_import_leaves_no_row_that_is_done_twice() -> None:
    async with Sandbox(limit=None) as sandbox, quick(sandbox.url, key=sandbox.key) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        sandbox.faults.add(gateway(502), match=CREATE, times=2)
        sandbox.faults.add(gateway(502, effect=True), match=CREATE, times=1)
        async with await lemlist.bulk.plan_leads(campaign, [{"email": "ann@x.example"}]) as plan:
            report = await lemlist.bulk.run(plan, look_up_after=0.01).finish()
        assert (report.created, report.failed, report.unknown) == (1, 0, 0)
        assert len(sandbox.team().leads) == 1
