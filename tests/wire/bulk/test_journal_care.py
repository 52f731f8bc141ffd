"""Journals over time: damaged ones, those of an older version, large ones, and those whose personal data go."""

import asyncio
import random
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lemlist_async import Effect, Lemlist, errors
from lemlist_async.bulk import BlockValues, JobStoppedError, Journal, JournalError, Outcome, State
from lemlist_async.bulk.jobs.function_job import FunctionJob
from lemlist_async.bulk.journal import tables
from lemlist_async.bulk.journal.report import report_lines
from lemlist_async.bulk.journal.sqlite_file import SqliteFile
from lemlist_async.bulk.journal.storage import FIRST_PAGE, PAGE_BYTES, NewRow
from lemlist_async.sandbox import Sandbox
from tests.support.clients import KEY, quick

NOWHERE = "http://127.0.0.1:9/api"
FULL = 2
"""SQLite's number of the level at which each commit waits for the disk."""
Row = dict[str, Any]

# The schema of version 1, as the first version of the library wrote it.
VERSION_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE rows (
    n INTEGER PRIMARY KEY, line INTEGER NOT NULL, key BLOB, payload TEXT NOT NULL, state TEXT NOT NULL,
    what TEXT NOT NULL DEFAULT '', reason TEXT, id TEXT, result TEXT, tries INTEGER NOT NULL DEFAULT 0,
    credits INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX rows_by_key ON rows (key) WHERE key IS NOT NULL;
CREATE INDEX rows_open ON rows (state, n) WHERE state IN ('pending', 'unknown', 'failed');
PRAGMA user_version=1;
"""


def write_version_1(path: Path, campaign: str) -> None:
    """An import of eight people in every state that there was."""
    options = f'{{"campaign_id":"{campaign}","columns":{{}},"deduplicate":false,"find_email":false,"find_phone":false,'
    options += '"linkedin_enrichment":false,"on_duplicate":"skip","verify_email":false}'
    meta = {
        "kind": "leads.import", "options": options, "identity": options, "source": "list", "digest": "",
        "planned": "1",
    }  # fmt: skip
    lost = "not done after 3 tries: POST /campaigns/{campaignId}/leads/: the answer was lost"
    rows = [
        ("done", "created", None, "lea_1", 1),
        ("new", "", None, None, 0),
        ("sent", "", None, None, 1),
        ("failed", "failed", lost, None, 3),
        ("failed", "failed", "400: no", None, 1),
        ("unknown", "unknown", "why", None, 1),
        ("refused", "refused", "not valid", None, 0),
        ("refused", "repeated", "the same as line 1", None, 0),
    ]
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"PRAGMA journal_mode=WAL; {VERSION_1}")
        db.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        for n, (state, what, reason, id_, tries) in enumerate(rows, 1):
            payload = f'{{"fields":{{"email":"p{n}@example.com"}},"variables":{{}}}}'
            key = None if state == "refused" else bytes([n])
            values = (n, n, key, payload, state, what, reason, id_, None, tries, 0)
            db.execute("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        db.commit()


async def run_own(journal: Path, calls: Counter[int], count: int = 200) -> int:
    """An own job of so many rows, to its end: how many rows were given."""

    async def each(_lemlist: Lemlist, row: Row) -> Row:
        calls[row["n"]] += 1
        return {"x": row["n"]}

    async with quick(NOWHERE) as lemlist:
        rows = [{"n": n, "pad": "x" * 50} for n in range(count)]
        run = lemlist.bulk.run_function(rows, each, effect=Effect.UNSAFE, name="t", journal=journal)
        return len([row async for row in run])


# An older version ------------------------------------------------------------------------------------------


async def test_a_journal_of_version_1_is_read_as_it_is(tmp_path: Path) -> None:
    write_version_1(tmp_path / "j", "cam_00000000000000001")
    journal = await Journal.look(tmp_path / "j")
    assert sum((await journal.counts()).values()) == 8
    await journal.close()
    with closing(sqlite3.connect(tmp_path / "j")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)


async def test_a_journal_of_version_1_goes_on_in_this_one(tmp_path: Path) -> None:
    async with Sandbox(limit=None) as sandbox, quick(sandbox.url, key=sandbox.key) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        write_version_1(tmp_path / "j", campaign)
        for n in (1, 4, 6):  # the fourth was reported as failed, and is there
            sandbox.team().add_lead(campaign, f"p{n}@example.com")
        async with await lemlist.bulk.resume(tmp_path / "j") as plan:
            assert (plan.forecast.to_send, plan.forecast.ambiguous, plan.forecast.finished) == (1, 3, 2)
            report = await lemlist.bulk.run(plan, look_up_after=0.01).finish()
        assert (report.created, report.failed, report.repeated, report.refused, report.unknown) == (
            5,
            1,
            1,
            1,
            0,
        )
        held = Counter(lead["variables"]["email"] for lead in sandbox.team().leads.values())
        assert held == Counter(f"p{n}@example.com" for n in (1, 2, 3, 4, 6))
        journal = await Journal.look(tmp_path / "j")
        meta = await journal.meta()
        await journal.close()
        assert (meta["rows"], meta["host"]) == ("8", sandbox.url)
    with closing(sqlite3.connect(tmp_path / "j")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (tables.VERSION,)


async def test_rows_for_a_journal_of_version_1_must_be_as_many_as_it_has(tmp_path: Path) -> None:
    write_version_1(tmp_path / "j", "cam_00000000000000001")
    async with quick(NOWHERE) as lemlist:
        with pytest.raises(errors.ConfigurationError, match="other rows than the 1"):
            await lemlist.bulk.plan_leads(
                "cam_00000000000000001", [{"email": "p1@example.com"}], journal=tmp_path / "j"
            )


async def test_an_sqlite_that_is_too_old_says_so_on_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    for opened in (Journal.open(tmp_path / "j"), Journal.open(None), Journal.look(tmp_path / "j")):
        with pytest.raises(JournalError, match=r"need SQLite 3\.35, and this Python has"):
            await opened


# Damage ----------------------------------------------------------------------------------------------------


def damaged(content: bytes, chance: random.Random) -> bytes:
    """A file with flipped bits, cut off, with a page of zeros, or with states that there are not."""
    data = bytearray(content)
    kind = chance.choice(["flip", "cut", "zero", "text"])
    if kind == "flip":
        for _ in range(chance.randint(1, 30)):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif kind == "cut":
        del data[chance.randrange(len(data)) :]
    elif kind == "zero":
        start = chance.randrange(len(data))
        data[start : start + 4096] = bytes(len(data[start : start + 4096]))
    else:
        for word in (b"done", b"new"):
            if (at := data.find(word, chance.randrange(len(data)))) > 0:
                data[at : at + len(word)] = b"?" * len(word)
    return bytes(data)


@pytest.fixture
async def half_done(tmp_path: Path) -> tuple[bytes, frozenset[int]]:
    """A journal of 200 rows of which half are done, and which those are."""
    calls: Counter[int] = Counter()

    async def each(_lemlist: Lemlist, row: Row) -> Row:
        calls[row["n"]] += 1
        return {"x": row["n"]}

    async with quick(NOWHERE) as lemlist:
        rows = [{"n": n, "pad": "x" * 50} for n in range(200)]
        run = lemlist.bulk.run_function(
            rows, each, effect=Effect.UNSAFE, name="t", journal=tmp_path / "whole"
        )
        async for _ in run:
            if len(calls) > 100:
                run.stop()
    return (tmp_path / "whole").read_bytes(), frozenset(calls)  # a fixture


@pytest.mark.parametrize("seed", range(60))
async def test_damage_is_told_and_no_row_is_done_again_or_vanishes(
    tmp_path: Path, half_done: tuple[bytes, frozenset[int]], seed: int
) -> None:
    content, done = half_done
    journal, calls = tmp_path / "j", Counter[int]()
    journal.write_bytes(damaged(content, random.Random(seed)))
    ended = (await asyncio.gather(run_own(journal, calls), return_exceptions=True))[0]
    if isinstance(ended, int):  # what was hit is not used, or is a cell that may hold anything
        assert len(calls) + len(done) == 200
    else:
        cause = ended.__cause__ if isinstance(ended, JobStoppedError) else ended
        assert isinstance(cause, JournalError | errors.ConfigurationError)
    assert not calls.keys() & done


EDITS = {
    "an unknown state": "UPDATE rows SET state='bogus' WHERE n=1",
    "a state in capitals": "UPDATE rows SET state='NEW' WHERE n=1",
    "a payload that is no JSON": "UPDATE rows SET payload='{bad' WHERE n=1",
    "a payload that is a list": "UPDATE rows SET payload='[1]' WHERE n=1",
    "a payload that is null": "UPDATE rows SET payload='null' WHERE n=1",
    "a result that is no JSON": "UPDATE rows SET result='{' WHERE n=1",
    "a row that is gone": "DELETE FROM rows WHERE n=2",
    "no table": "DROP TABLE rows",
    "no index": "DROP INDEX rows_open",
    "version 0": "PRAGMA user_version=0",
    "version 9": "PRAGMA user_version=9",
    "a negative version": "PRAGMA user_version=-1",
    "a description of bytes": "UPDATE meta SET value=x'ff00' WHERE key='kind'",
    "options that are no JSON": "UPDATE meta SET value='{' WHERE key='options'",
    "options of another job": "UPDATE meta SET value='{\"a\":1}' WHERE key='options'",
    "no options": "DELETE FROM meta WHERE key='options'",
}


@pytest.mark.parametrize("sql", EDITS.values(), ids=EDITS.keys())
async def test_a_journal_that_was_changed_by_others_is_refused_in_one_sentence(
    tmp_path: Path, sql: str
) -> None:
    async with Sandbox(limit=None) as sandbox, quick(sandbox.url, key=sandbox.key) as lemlist:
        values = ["a@x.example", "b@x.example"]
        await (await lemlist.bulk.plan(BlockValues(), values, journal=tmp_path / "j")).aclose()
        with closing(sqlite3.connect(tmp_path / "j")) as db:
            db.execute(sql)
            db.commit()
        with pytest.raises((JournalError, JobStoppedError)) as caught:
            async with await lemlist.bulk.resume(tmp_path / "j") as plan:
                await lemlist.bulk.run(plan).finish()
        assert isinstance(caught.value, JournalError) or isinstance(caught.value.__cause__, JournalError)
        assert sandbox.team().unsubscribes == {}


async def test_a_journal_that_lost_its_description_is_not_planned_anew_over_rows_that_were_sent(
    tmp_path: Path,
) -> None:
    calls: Counter[int] = Counter()
    await run_own(tmp_path / "j", calls, 5)
    with closing(sqlite3.connect(tmp_path / "j")) as db:
        db.execute("DELETE FROM meta")
        db.commit()
    with pytest.raises(JournalError, match="5 rows of it were sent"):
        await run_own(tmp_path / "j", calls, 5)
    assert set(calls.values()) == {1}


# Large rows ------------------------------------------------------------------------------------------------


async def test_pages_are_bounded_by_bytes_and_small_rows_come_in_large_ones(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "j")
    large = '{"x":"' + "a" * 1_000_000 + '"}'
    await journal.add([NewRow(n, n, bytes([n]), large) for n in range(1, 21)])
    await journal.add([NewRow(n, n, str(n).encode(), "{}") for n in range(21, 1000)])
    taken, after = [], 0
    while page := await journal.take(State.NEW, after):
        taken.append(len(page))
        assert sum(row.size for row in page) <= PAGE_BYTES
        after = page[-1].n
    assert sum(taken) == 999
    assert max(taken[:5]) == 4
    assert max(taken) == 500
    await journal.write([(1, Outcome(State.DONE, "made", result="r" * (PAGE_BYTES + 1)))])
    rows = await journal.in_thread(lambda: [row.n for row in journal.rows()])
    assert rows == list(range(1, 1000))
    await journal.close()


@pytest.mark.parametrize("temporary", [True, False])
async def test_rows_on_their_way_are_bounded_by_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temporary: bool
) -> None:
    monkeypatch.setattr("lemlist_async.bulk.run.dispatcher._MAX_BYTES", 1_000_000)
    monkeypatch.setattr("lemlist_async.bulk.run.dispatcher.PAGE_BYTES", 200_000)
    monkeypatch.setattr("lemlist_async.bulk.journal.tables.PAGE_BYTES", 200_000)
    flying = most = 0

    async def each(_lemlist: Lemlist, row: Row) -> Row:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.001)
        flying -= 1
        return row

    async with quick(NOWHERE) as lemlist:
        rows = ({"n": n, "x": "a" * 100_000} for n in range(100))
        run = lemlist.bulk.run_function(
            rows, each, effect=Effect.READ, journal=None if temporary else tmp_path / "j"
        )
        assert len([row async for row in run]) == 100
    assert most <= 11


async def test_a_batch_of_large_rows_is_split_and_a_row_larger_than_all_bounds_goes_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bound in ("run.dispatcher._MAX_BYTES", "run.dispatcher.PAGE_BYTES", "journal.tables.PAGE_BYTES"):
        monkeypatch.setattr(f"lemlist_async.bulk.{bound}", 2_000)
    async with Sandbox(limit=None) as sandbox, quick(sandbox.url, key=sandbox.key) as lemlist:
        values = [f"p{n}@{'x' * 50}.example" for n in range(100)] + [f"{'y' * 60}@{'z' * 60}.example"]
        async with await lemlist.bulk.plan(BlockValues(), values, journal=tmp_path / "j") as plan:
            report = await lemlist.bulk.run(plan).finish()
        assert report.done == {"blocked": 101}
        assert 2 <= report.calls <= 30


async def test_planning_holds_few_large_rows_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added: list[int] = []
    add = Journal.add

    def counted(self: Journal, rows: Any) -> Any:
        added.append(len(rows))
        return add(self, rows)

    monkeypatch.setattr(Journal, "add", counted)
    async with quick(NOWHERE) as lemlist:
        job = FunctionJob(each=lambda *_: asyncio.sleep(0), effect=Effect.READ, name="t")
        rows = ({"n": n, "nested": {"x": ["a" * 500_000]}} for n in range(40))
        async with await lemlist.bulk.plan(job, rows, journal=tmp_path / "j") as plan:
            assert plan.forecast.to_send == 40
    assert max(added) <= 9
    assert FIRST_PAGE >= 9


# Personal data ---------------------------------------------------------------------------------------------


async def test_the_personal_data_of_a_finished_journal_are_erased_and_its_counts_stay(tmp_path: Path) -> None:
    journal = tmp_path / "j"
    async with Sandbox(limit=None) as sandbox, quick(sandbox.url, key=sandbox.key) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        people = [{"email": f"secret{n}@person.example", "note": "private"} for n in range(300)]
        rows = [*people, {"email": "secret-broken"}, people[0]]
        async with await lemlist.bulk.plan_leads(campaign, rows, journal=journal) as plan:
            with pytest.raises(JournalError, match="in use"):
                await lemlist.bulk.erase(journal)
            await plan.aclose()
        with pytest.raises(JournalError, match="not finished"):
            await lemlist.bulk.erase(journal)
        async with await lemlist.bulk.resume(journal) as plan:
            await lemlist.bulk.run(plan).finish()
        await lemlist.bulk.erase(journal)
        for word in (b"secret", b"person.example", b"private", campaign.encode(), b"lea_"):
            assert not [file.name for file in tmp_path.iterdir() if word in file.read_bytes()], word  # noqa: ASYNC240  # a test
        looked = await Journal.look(journal)
        assert await looked.counts() == {
            ("done", "created"): 300, ("refused", "refused"): 1, ("refused", "repeated"): 1,
        }  # fmt: skip
        text = await looked.in_thread(lambda: list(report_lines(looked.rows, "csv")))
        assert len(text) == 303
        await looked.close()
        for again in (
            lemlist.bulk.resume(journal),
            lemlist.bulk.plan_leads(campaign, rows, journal=journal),
        ):
            with pytest.raises(JournalError, match="were erased"):
                await again
        await lemlist.bulk.erase(journal)


async def test_a_journal_holds_a_fingerprint_of_the_key_and_not_the_key(tmp_path: Path) -> None:
    async with quick(NOWHERE) as lemlist:
        await (await lemlist.bulk.plan(BlockValues(), ["a@x.example"], journal=tmp_path / "j")).aclose()
        journal = await Journal.look(tmp_path / "j")
        meta = await journal.meta()
        await journal.close()
        assert meta["key"] == lemlist.key_fingerprint
    assert len(meta["key"]) == 16
    assert KEY not in str(meta)


async def test_a_plan_waits_for_the_disk_once_and_each_state_of_a_run_does(tmp_path: Path) -> None:
    async def waits(journal: Journal) -> bool:
        storage = journal.storage
        assert isinstance(storage, SqliteFile)
        (level,) = await journal.in_thread(lambda: storage.db.execute("PRAGMA synchronous").fetchone())
        return int(level) == FULL

    journal = await Journal.open(tmp_path / "rows.db")
    assert await waits(journal)
    await journal.begin_plan()
    await journal.add([NewRow(1, 1, b"1", "{}")])
    assert not await waits(journal)
    await journal.complete_plan(rows=1, digest="")
    assert await waits(journal)
    await journal.close()


async def test_a_plan_that_ended_early_is_made_again_from_the_beginning(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "rows.db")
    await journal.begin_plan()
    await journal.add([NewRow(n, n, bytes([n]), '{"value":"left@example.com"}') for n in range(1, 9)])
    await journal.close()
    async with (
        quick(NOWHERE) as lemlist,
        await lemlist.bulk.plan(
            BlockValues(), [{"value": "ann@example.com"}], journal=tmp_path / "rows.db"
        ) as plan,
    ):
        assert plan.forecast.rows == 1
