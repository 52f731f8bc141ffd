"""Between journal and workers: what is on the disk when a row is sent, when it is seen, and when a run ends early."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from lemlist_async import Effect, Lemlist, Throttle, ThrottleOptions
from lemlist_async.bulk import Journal, JournalError, Outcome, Plan, State
from lemlist_async.bulk.jobs.function_job import Each, FunctionJob
from lemlist_async.bulk.journal.storage import NewRow
from tests.support.clients import KEY

NOWHERE = "http://127.0.0.1:9/api"


def client(limit: int = 20) -> Lemlist:
    """A client whose limit sets the number of workers, for rows that make no call."""
    return Lemlist(KEY, NOWHERE, throttle=Throttle(ThrottleOptions(limit=limit, pacer=None)))


@asynccontextmanager
async def planned(
    each: Each, effect: Effect, count: int, journal: Path | None = None, limit: int = 20
) -> AsyncIterator[tuple[Lemlist, Plan]]:
    """A plan of so many rows."""
    async with client(limit) as lemlist:
        job, rows = FunctionJob(each=each, effect=effect), [{"n": n} for n in range(count)]
        async with await lemlist.bulk.plan(job, rows, journal=journal) as plan:
            yield lemlist, plan


def on_disk(journal: Path) -> Counter[str]:
    """Count the rows in each state, as another process sees them."""
    with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as db:
        return Counter(dict(db.execute("SELECT state, count(*) FROM rows GROUP BY state")))


@pytest.mark.parametrize("effect", [Effect.READ, Effect.UNSAFE])
async def test_a_row_is_sent_on_the_disk_before_it_is_done_and_done_before_it_is_seen(
    tmp_path: Path, effect: Effect
) -> None:
    journal, wrong = tmp_path / "j", []

    def state_of(n: int) -> str:
        with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as db:
            found: str = db.execute("SELECT state FROM rows WHERE n = ?", (n + 1,)).fetchone()[0]
            return found

    async def each(_: Lemlist, row: dict[str, Any]) -> None:
        if state_of(row["n"]) != "sent":
            wrong.append(row)
        await asyncio.sleep(0)

    async with planned(each, effect, 300, journal) as (lemlist, plan):
        seen = [state_of(row.payload["n"]) async for row in lemlist.bulk.run(plan)]
    assert not wrong
    assert seen == ["done"] * 300


@pytest.mark.parametrize(
    ("effect", "ahead"), [(Effect.UNSAFE, False), (Effect.DEDUPABLE, False), (Effect.READ, True)]
)
async def test_only_rows_that_may_be_sent_again_are_marked_before_a_worker_waits_for_them(
    tmp_path: Path, effect: Effect, ahead: bool
) -> None:
    journal, marked = tmp_path / "j", [0]

    async def each(_: Lemlist, row: dict[str, Any]) -> None:
        if row["n"] % 50 == 0:
            marked.append(on_disk(journal)["sent"])
        await asyncio.sleep(0.001)

    async with planned(each, effect, 3000, journal) as (lemlist, plan):
        assert len([row async for row in lemlist.bulk.run(plan)]) == 3000
    # those whose outcome is on its way to the disk are among them, one for each of the 24 workers at most
    assert (max(marked) > 48) is ahead


async def test_a_slow_job_marks_no_row_that_is_not_about_to_be_sent(tmp_path: Path) -> None:
    journal, marked = tmp_path / "j", []

    async def each(_: Lemlist, row: dict[str, Any]) -> None:
        await asyncio.sleep(0.15)
        marked.append(on_disk(journal)["sent"])

    async with planned(each, Effect.READ, 20, journal, limit=1) as (lemlist, plan):
        assert len([row async for row in lemlist.bulk.run(plan)]) == 20
    assert (
        max(marked) <= 2 * 5 + 4
    )  # five workers at 33 rows a second: in flight, on the way to the disk, ahead


@pytest.mark.parametrize("effect", [Effect.READ, Effect.UNSAFE])
async def test_a_stopped_run_puts_back_what_it_marked_and_never_sent(tmp_path: Path, effect: Effect) -> None:
    done: list[int] = []

    async def each(_: Lemlist, row: dict[str, Any]) -> None:
        await asyncio.sleep(0.001)
        done.append(row["n"])

    async with planned(each, effect, 5000, tmp_path / "j") as (lemlist, plan):
        run = lemlist.bulk.run(plan)
        async for _ in run:
            if len(done) > 2000:
                run.stop()
        counts = await plan.journal.counts()
        assert counts == {("done", "done"): len(done), ("new", ""): 5000 - len(done)}
        rest = lemlist.bulk.run(plan)
        assert len([row async for row in rest]) == 5000 - counts["done", "done"]
        assert {row.tries for row in plan.journal.rows()} == {1}
    assert sorted(done) == list(range(5000))


@pytest.mark.parametrize("temporary", [True, False])
async def test_a_loop_left_early_keeps_what_was_done_and_only_what_was_in_flight_is_in_doubt(
    tmp_path: Path, temporary: bool
) -> None:
    begun: Counter[int] = Counter()
    ended: Counter[int] = Counter()

    async def each(_: Lemlist, row: dict[str, Any]) -> None:
        begun[row["n"]] += 1
        await asyncio.sleep(0.001)
        ended[row["n"]] += 1

    journal = None if temporary else tmp_path / "j"
    async with planned(each, Effect.UNSAFE, 2000, journal) as (lemlist, plan):
        async with aclosing(aiter(lemlist.bulk.run(plan))) as rows:
            async for _ in rows:
                if len(ended) > 700:
                    break
        counts = await plan.journal.counts()
        assert counts["done", "done"] == len(ended)
        assert counts["sent", ""] == len(begun) - len(ended) <= 24
        # another run of the same plan never begins what may have happened; it may report such rows as unknown
        states = Counter([row.outcome.state async for row in lemlist.bulk.run(plan)])
        assert states[State.DONE] == counts["new", ""]
        assert states.keys() <= {State.DONE, State.UNKNOWN}
    assert set(begun.values()) == {1}


async def test_rows_are_not_done_long_before_anybody_looks_at_them(tmp_path: Path) -> None:
    done: list[int] = []

    async def each(_: Lemlist, row: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        done.append(row["n"])

    async with (
        planned(each, Effect.READ, 20_000, tmp_path / "j") as (lemlist, plan),
        aclosing(aiter(lemlist.bulk.run(plan))) as rows,
    ):
        await anext(rows)
        await asyncio.sleep(0.3)
        held = len(done)
        await asyncio.sleep(0.1)
        assert len(done) == held < 1200


async def test_a_quick_job_takes_few_transactions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    write = Journal.write

    async def counted(self: Journal, finished: Any = (), **more: Any) -> None:
        written.append(len(finished))
        await write(self, finished, **more)

    async def each(_: Lemlist, row: dict[str, Any]) -> None:
        await asyncio.sleep(0.001)

    monkeypatch.setattr(Journal, "write", counted)
    async with planned(each, Effect.READ, 4000, tmp_path / "j") as (lemlist, plan):
        assert len([row async for row in lemlist.bulk.run(plan)]) == 4000
    assert sum(written) == 4000
    assert len(written) < 4000 / 10


# A temporary journal -----------------------------------------------------------------------------------


async def test_a_temporary_journal_tells_what_it_has_not_written_yet() -> None:
    journal = await Journal.open(None)
    await journal.add([NewRow(n, n, bytes([n]), "{}") for n in range(1, 6)])
    await journal.write(sent=[1, 2, 3])
    await journal.write([(1, Outcome(State.DONE, "made"))], sent=[4])
    assert [row.state for row in journal.rows()] == ["done", "sent", "sent", "sent", "new"]
    await journal.write([(2, Outcome(State.FAILED, "failed", "why"))], back=[3])
    assert await journal.counts() == {
        ("done", "made"): 1,
        ("failed", "failed"): 1,
        ("sent", ""): 1,
        ("new", ""): 2,
    }
    await journal.close()


async def test_a_temporary_journal_on_a_full_disk_forgets_nothing() -> None:
    journal = await Journal.open(None)
    await journal.add([NewRow(n, n, str(n).encode(), "{}") for n in range(1, 1000)])
    pages = journal.storage.db.execute("PRAGMA page_count").fetchone()[0]
    journal.storage.db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JournalError, match="disk is full"):
        await journal.write([(n, Outcome(State.DONE, "made", "a long story " * 50)) for n in range(1, 1000)])
    with pytest.raises(JournalError, match="disk is full"):
        await journal.counts()
    journal.storage.db.execute("PRAGMA max_page_count = 100000")
    assert await journal.counts() == {("done", "made"): 999}
    await journal.close()
