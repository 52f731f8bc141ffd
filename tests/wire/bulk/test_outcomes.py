"""Bulk jobs against the sandbox: every row ends as what it is, whatever goes wrong on the way."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lemlist_async import Lemlist, Throttle, ThrottleOptions, errors
from lemlist_async.bulk import JobStoppedError, Journal, JournalError, Report, RowResult, Run
from lemlist_async.bulk.forecast import seconds_at_limit
from lemlist_async.bulk.journal.report import report_lines
from lemlist_async.options import Options, Retry
from lemlist_async.sandbox import POLICIES, Reset, Sandbox, Status, gateway, lost_response
from tests.support.clients import quick

CREATE = "POST /campaigns/{campaignId}/leads/"


def people(count: int, start: int = 0) -> list[dict[str, Any]]:
    """Rows of as many people."""
    return [
        {"email": f"p{n}@example.com", "First Name": f"P{n}", "size": n} for n in range(start, start + count)
    ]


def client(sandbox: Sandbox) -> Lemlist:
    """A client without a limit of its own, which hardly waits before it tries again."""
    return Lemlist(
        sandbox.key,
        sandbox.url,
        options=Options(retry=Retry(base=0.01, cap=0.02)),
        throttle=Throttle(ThrottleOptions(limit=1000, pacer=None)),
    )


def write(file: Path, emails: list[str]) -> None:
    """A CSV of addresses."""
    file.write_text("\n".join(["email", *emails]) + "\n")


async def run_all(run: Run) -> tuple[list[RowResult], Report]:
    """A run from beginning to end."""
    rows = [row async for row in run]
    return rows, await run.report()


async def test_each_row_ends_as_created_duplicate_or_refused() -> None:
    async with Sandbox(limit=None) as sandbox, client(sandbox) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        sandbox.team().add_lead(campaign, email="p3@example.com")
        rows = [*people(5), {"email": "broken"}, {"email": "P1@EXAMPLE.com"}]
        async with await lemlist.bulk.plan_leads(campaign, rows) as plan:
            assert (plan.forecast.to_send, plan.forecast.refused, plan.forecast.repeated) == (5, 1, 1)
            results, report = await run_all(lemlist.bulk.run(plan))
        leads = sandbox.team().leads
    assert (report.rows, report.created, report.duplicates, report.refused, report.unknown) == (7, 4, 2, 1, 0)
    assert {row.line: row.outcome.what for row in results}[4] == "duplicate"
    assert len(leads) == 5
    assert report.calls == 6
    assert not report.complete


async def test_lost_responses_and_gateway_errors_neither_lose_nor_double_a_row() -> None:
    async with Sandbox(limit=None) as sandbox, client(sandbox) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        for fault, after in (
            (lost_response(), 3),
            (gateway(), 6),
            (gateway(503, effect=True), 9),
            (Reset(), 12),
        ):
            sandbox.faults.add(fault, match=CREATE, after=after)
        async with await lemlist.bulk.plan_leads(campaign, people(30)) as plan:
            _, report = await run_all(lemlist.bulk.run(plan, look_up_after=0.02))
        emails = sorted(lead["variables"]["email"] for lead in sandbox.team().leads.values())
    assert report.complete
    assert emails == sorted(row["email"] for row in people(30))
    assert report.confirmed == 2
    assert report.retries == 2


async def test_ambiguous_rows_may_be_left_as_unknown_and_looked_up_by_the_next_run(tmp_path: Path) -> None:
    journal = tmp_path / "run.db"
    async with Sandbox(limit=None) as sandbox, client(sandbox) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        sandbox.faults.add(lost_response(), match=CREATE, after=2)
        sandbox.faults.add(Reset(), match=CREATE, after=4)
        async with await lemlist.bulk.plan_leads(campaign, people(8), journal=journal) as plan:
            _, report = await run_all(lemlist.bulk.run(plan, on_ambiguous="report"))
        assert (report.created, report.unknown) == (6, 2)
        async with await lemlist.bulk.resume(journal) as plan:
            assert (plan.forecast.ambiguous, plan.forecast.to_send) == (2, 0)
            results, report = await run_all(lemlist.bulk.run(plan, look_up_after=0.02))
        assert report.complete
        assert len(results) == 2
        assert len(sandbox.team().leads) == 8


@pytest.mark.parametrize(
    ("key", "kind"), [("wrong", errors.AuthenticationError), ("sandbox-key", errors.InvalidInputError)]
)
async def test_a_wrong_key_or_an_unknown_campaign_shows_before_the_first_row(
    key: str, kind: type[errors.LemlistError]
) -> None:
    async with Sandbox(limit=None) as sandbox, Lemlist(key, sandbox.url) as lemlist:
        async with await lemlist.bulk.plan_leads("cam_unknown", people(3)) as plan:
            with pytest.raises(kind):
                await run_all(lemlist.bulk.run(plan))
        assert [seen.method for seen in sandbox.requests if seen.method == "POST"] == []


async def test_a_key_that_is_refused_half_way_stops_the_job_and_keeps_the_rows(tmp_path: Path) -> None:
    refused = Status(status=401, body="The authentication you supplied is incorrect")
    async with Sandbox(limit=None) as sandbox, client(sandbox) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        sandbox.faults.add(refused, match=CREATE, after=5, times=200)
        async with await lemlist.bulk.plan_leads(campaign, people(300), journal=tmp_path / "j") as plan:
            run = lemlist.bulk.run(plan)
            with pytest.raises(JobStoppedError) as caught:
                await run_all(run)
            report = await run.report()
        assert isinstance(caught.value.__cause__, errors.AuthenticationError)
        assert report.created == len(sandbox.team().leads)
        assert report.left == 300 - report.created
        assert report.failed == report.unknown == 0


async def test_a_server_that_is_gone_stops_the_job_and_keeps_the_rows() -> None:
    async with Sandbox(limit=None) as sandbox, client(sandbox) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        async with await lemlist.bulk.plan_leads(campaign, people(200)) as plan:
            run = lemlist.bulk.run(plan)
            rows = aiter(run)
            await anext(rows)
            await sandbox.__aexit__(None, None, None)
            with pytest.raises(JobStoppedError):
                [row async for row in rows]
            report = await run.report()
    assert report.rows == report.created + report.unknown + report.left + report.failed
    assert report.left > 0


async def test_stop_finishes_what_is_in_flight_and_leaves_the_rest(tmp_path: Path) -> None:
    async with Sandbox(limit=None) as sandbox, client(sandbox) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        async with await lemlist.bulk.plan_leads(campaign, people(500), journal=tmp_path / "j") as plan:
            run = lemlist.bulk.run(plan)
            async for _ in run:
                run.stop()
            report = await run.report()
        assert report.created == len(sandbox.team().leads) < 500
        assert (report.unknown, report.left) == (0, 500 - report.created)
        async with await lemlist.bulk.resume(tmp_path / "j") as plan:
            _, report = await run_all(lemlist.bulk.run(plan))
        assert report.complete
        assert len(sandbox.team().leads) == 500


async def test_leaving_the_loop_early_cancels_and_the_next_run_looks_up_what_was_in_flight(
    tmp_path: Path,
) -> None:
    async with Sandbox(limit=None, latency=0.2) as sandbox, client(sandbox) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        async with await lemlist.bulk.plan_leads(campaign, people(300), journal=tmp_path / "j") as plan:
            rows = aiter(lemlist.bulk.run(plan))
            await anext(rows)
            before = len(sandbox.requests)
            while len(sandbox.requests) == before:  # noqa: ASYNC110  # the sandbox has no event to wait for
                await asyncio.sleep(0.001)
            # a request has just arrived, and its answer takes a while
            await rows.aclose()  # type: ignore[attr-defined]  # it is a generator
        async with await lemlist.bulk.resume(tmp_path / "j") as plan:
            assert plan.forecast.ambiguous > 0
            _, report = await run_all(lemlist.bulk.run(plan, look_up_after=0.3))
        assert report.complete
        assert len(sandbox.team().leads) == 300


async def test_a_duplicate_may_end_the_job() -> None:
    async with Sandbox(limit=None) as sandbox, client(sandbox) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        sandbox.team().add_lead(campaign, email="p0@example.com")
        async with await lemlist.bulk.plan_leads(campaign, people(1), on_duplicate="raise") as plan:
            run = lemlist.bulk.run(plan)
            with pytest.raises(JobStoppedError):
                await run_all(run)
            assert (await run.report()).failed == 1


async def test_the_same_journal_goes_on_and_another_job_is_refused(tmp_path: Path) -> None:
    journal, file = tmp_path / "j", tmp_path / "rows.csv"
    write(file, [row["email"] for row in people(10)])
    async with Sandbox(limit=None) as sandbox, client(sandbox) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        for expected in (10, 0):
            async with await lemlist.bulk.plan_leads(campaign, file, journal=journal) as plan:
                assert plan.forecast.to_send == expected
                await run_all(lemlist.bulk.run(plan))
        with pytest.raises(errors.ConfigurationError, match="another job"):
            await lemlist.bulk.plan_leads("cam_other", file, journal=journal)
        write(file, ["x@example.com"])
        with pytest.raises(errors.ConfigurationError, match="file has changed"):
            await lemlist.bulk.plan_leads(campaign, file, journal=journal)


async def test_two_runners_of_one_journal_are_kept_apart(tmp_path: Path) -> None:
    first = await Journal.open(tmp_path / "j")
    with pytest.raises(JournalError, match="in use"):
        await Journal.open(tmp_path / "j")
    await first.close()
    await (await Journal.open(tmp_path / "j")).close()


async def test_a_journal_is_for_its_owner_only_and_holds_no_key(tmp_path: Path) -> None:
    def look() -> tuple[set[int], bytes]:
        files = list(tmp_path.iterdir())
        return {file.stat().st_mode & 0o777 for file in files}, b"".join(file.read_bytes() for file in files)

    async with Sandbox(limit=None, keys=("a-secret-canary",)) as sandbox, client(sandbox) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        async with await lemlist.bulk.plan_leads(campaign, people(3), journal=tmp_path / "j") as plan:
            await run_all(lemlist.bulk.run(plan))
            modes, content = look()
    assert modes == {0o600}
    assert b"a-secret-canary" not in content


async def test_journals_that_cannot_be_used_are_told_apart(tmp_path: Path) -> None:
    newer, other, text = tmp_path / "newer", tmp_path / "other", tmp_path / "text"
    with closing(sqlite3.connect(newer)) as db:
        db.execute("PRAGMA user_version = 99")
    with closing(sqlite3.connect(other)) as db:
        db.execute("CREATE TABLE mine (x)")
    write(text, ["not a database"] * 100)
    for path, said in ((newer, "newer lemlist_async"), (other, "not a journal"), (text, "not a database")):
        with pytest.raises(JournalError, match=said):
            await Journal.open(path)
    with pytest.raises(errors.ConfigurationError, match="no journal"):
        await Journal.open(tmp_path / "none", new=False)
    with pytest.raises(JournalError, match="cannot be written"):
        await Journal.open(tmp_path / "no" / "folder")


@pytest.mark.slow
async def test_a_full_disk_stops_the_job_before_anything_more_is_sent(tmp_path: Path) -> None:
    async with Sandbox(limit=None) as sandbox, client(sandbox) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        async with await lemlist.bulk.plan_leads(campaign, people(2000), journal=tmp_path / "j") as plan:
            # SQLite's own limit of the file, which fails just as a full disk does
            pages = plan.journal.storage.db.execute("PRAGMA page_count").fetchone()[0]
            plan.journal.storage.db.execute(f"PRAGMA max_page_count = {pages}")
            with pytest.raises(JobStoppedError, match="disk is full"):
                await run_all(lemlist.bulk.run(plan))
        sent = len(sandbox.team().leads)
        assert sent < 2000
        async with await lemlist.bulk.resume(tmp_path / "j") as plan:
            _, report = await run_all(lemlist.bulk.run(plan, look_up_after=0.02))
        assert report.complete
        assert len(sandbox.team().leads) == 2000


async def test_a_report_has_a_line_for_each_row(tmp_path: Path) -> None:
    async with Sandbox(limit=None) as sandbox, client(sandbox) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        rows = [*people(2), {"email": "=cmd@x"}]
        async with await lemlist.bulk.plan_leads(campaign, rows) as plan:
            await run_all(lemlist.bulk.run(plan))
            text = list(report_lines(plan.journal.rows, "csv"))
            objects = list(report_lines(plan.journal.rows, "json"))
    assert len(text) == 4
    assert text[1].startswith("p0@example.com,P0,0,1,done,created,")
    assert '"state":"refused"' in objects[2]


async def imported_at_the_limit(policy: str) -> tuple[int, int, int]:
    """Import 60 leads; return how many were created, and the 429s that the report and the server counted."""
    async with Sandbox(policy=policy) as sandbox, Lemlist(sandbox.key, sandbox.url) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        async with await lemlist.bulk.plan_leads(campaign, people(60)) as plan:
            _, report = await run_all(lemlist.bulk.run(plan))
        return report.created, report.rate_limited, sandbox.counters.refused


@pytest.mark.slow
async def test_an_import_meets_no_429_and_uses_the_quota() -> None:
    policies = sorted(set(POLICIES) - {"sliding-counter"})
    # side by side, each against a server and a throttle of its own: the time at the limit is spent once
    ended = await asyncio.gather(*(imported_at_the_limit(policy) for policy in policies))
    assert dict(zip(policies, ended, strict=True)) == dict.fromkeys(policies, (60, 0, 0))


async def test_a_temporary_journal_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with quick("http://127.0.0.1:1/api") as lemlist:
        async with await lemlist.bulk.plan_leads("cam_1", people(3)):
            assert os.listdir(tmp_path)
        assert not os.listdir(tmp_path)


def test_the_time_at_the_limit_is_exact() -> None:
    assert [seconds_at_limit(n, 20, 2.0) for n in (0, 1, 20, 21, 40, 41)] == [0, 0, 0, 2, 2, 4]


async def test_progress_tells_rate_and_eta() -> None:
    async with Sandbox(limit=None) as sandbox, client(sandbox) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        async with await lemlist.bulk.plan_leads(campaign, people(50)) as plan:
            run = lemlist.bulk.run(plan)
            before = run.progress
            async for _ in run:
                await asyncio.sleep(0)
            after = run.progress
    assert (before.total, before.done, before.eta) == (50, 0, None)
    assert (after.done, after.eta) == (50, 0.0)
    assert 0 < after.quota <= 1
