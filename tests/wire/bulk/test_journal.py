"""The journal beside its jobs: read while it is written, in folders that may not be written, under odd clocks."""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from lemlist_async import errors
from lemlist_async.bulk import BlockValues, Journal, JournalError, Outcome, State, UnblockValues
from lemlist_async.bulk.journal.storage import NewRow
from lemlist_async.sandbox import Sandbox
from tests.support.clients import KEY, quick


def rows(count: int) -> list[NewRow]:
    """As many rows."""
    return [NewRow(n, n, bytes([n]), f'{{"value":{n}}}') for n in range(1, count + 1)]


async def test_a_journal_is_read_while_a_runner_writes_it(tmp_path: Path) -> None:
    writer = await Journal.open(tmp_path / "j")
    await writer.add(rows(3))
    reader = await Journal.look(tmp_path / "j")
    try:
        assert await reader.counts() == {("new", ""): 3}
        await writer.write([(1, Outcome(State.DONE, "made", id="x", result={"a": 1}))])
        assert await reader.counts() == {("new", ""): 2, ("done", "made"): 1}
        (first, *_) = await reader.in_thread(lambda: list(reader.rows()))
        assert first.outcome == Outcome(State.DONE, "made", None, "x", {"a": 1})
        with pytest.raises(JournalError, match="readonly"):
            await reader.describe(kind="mine")
    finally:
        await reader.close()
        await writer.close()


async def test_what_cannot_be_looked_at_is_told_apart(tmp_path: Path) -> None:
    newer, other = tmp_path / "newer", tmp_path / "other"
    with closing(sqlite3.connect(newer)) as db:
        db.execute("PRAGMA user_version = 99")
    with closing(sqlite3.connect(other)) as db:
        db.execute("CREATE TABLE mine (x)")
    for path, said in ((newer, "newer lemlist_async"), (other, "not a journal")):
        with pytest.raises(JournalError, match=said):
            await Journal.look(path)
    with pytest.raises(errors.ConfigurationError, match="no journal"):
        await Journal.look(tmp_path / "none")


async def test_a_folder_that_may_not_be_written_is_a_clear_error() -> None:
    # a folder of the system's, since the superuser may write in any other
    with pytest.raises(JournalError, match="cannot be written"):
        await Journal.open("/proc/journal.db")


async def test_a_finished_journal_needs_no_file_beside_it_to_be_read(tmp_path: Path) -> None:
    writer = await Journal.open(tmp_path / "j")
    await writer.add(rows(2))
    await writer.close()
    before = sorted(os.listdir(tmp_path))
    reader = await Journal.look(tmp_path / "j")
    assert sum((await reader.counts()).values()) == 2
    assert sorted(os.listdir(tmp_path)) == before
    await reader.close()


async def test_rows_are_taken_in_order_in_every_state(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "j")
    await journal.add(rows(9))
    states = {2: State.PENDING, 4: State.UNKNOWN, 6: State.PENDING, 8: State.FAILED}
    await journal.write([(n, Outcome(state, "x")) for n, state in states.items()], sent=[9])
    taken = {
        state: [row.n for row in await journal.take(state, 0)]
        for state in (State.NEW, State.PENDING, State.UNKNOWN)
    }
    assert taken == {State.NEW: [1, 3, 5, 7], State.PENDING: [2, 6], State.UNKNOWN: [4]}
    assert [row.n for row in await journal.take(State.PENDING, 2)] == [6]
    await journal.recover(repeatable=False, retry_failed=True)
    assert [row.n for row in await journal.take(State.UNKNOWN, 0)] == [4, 9]
    assert [row.n for row in await journal.take(State.NEW, 5)] == [7, 8]
    await journal.recover(repeatable=True, retry_failed=False)
    assert len(await journal.take(State.NEW, 0)) == 7
    await journal.close()


async def test_another_kind_of_job_is_refused_the_journal(tmp_path: Path) -> None:
    async with quick("http://127.0.0.1:9/api") as lemlist:
        await (await lemlist.bulk.plan(BlockValues(), ["a@x.com"], journal=tmp_path / "j")).aclose()
        with pytest.raises(errors.ConfigurationError, match=r"another job \(kind unsubscribes.add\)"):
            await lemlist.bulk.plan(UnblockValues(), ["a@x.com"], journal=tmp_path / "j")
        async with await lemlist.bulk.resume(tmp_path / "j") as plan:
            assert plan.job == BlockValues()
            with pytest.raises(JournalError, match="in use"):
                await lemlist.bulk.resume(tmp_path / "j")


async def test_a_clock_that_is_set_back_does_not_disturb_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    async with (
        Sandbox(limit=None, keys=(KEY,)) as sandbox,
        quick(sandbox.url) as lemlist,
        await lemlist.bulk.plan(BlockValues(), [f"p{n}@x.com" for n in range(50)]) as plan,
    ):
        monkeypatch.setattr(time, "time", lambda: real() - 86_400)
        run = lemlist.bulk.run(plan)
        assert len([row async for row in run]) == 50
        assert 0 <= run.progress.seconds < 60
        assert (await run.report()).complete
