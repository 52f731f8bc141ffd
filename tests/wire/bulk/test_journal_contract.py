"""The contract of every place of a journal: a file of SQLite, and a PostgreSQL server."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lemlist_async import Effect, Lemlist, errors
from lemlist_async.bulk import BlockValues, ImportLeads, Journal, JournalError, Outcome, State, UnblockValues
from lemlist_async.bulk.journal.address import Place, PostgresJournal
from lemlist_async.bulk.journal.storage import NewRow
from lemlist_async.sandbox import Reset, Sandbox, gateway, lost_response
from tests.support.clients import KEY, quick
from tests.support.postgres import new_job

NOWHERE = "http://127.0.0.1:9/api"
CREATE = "POST /campaigns/{campaignId}/leads/"
ODD = "Zoë \x00 \x1f 👩‍🚀 \ud800 'quoted' \\x00"
"""A text with what databases trip over: NUL, controls, an astral plane, a lone surrogate, quotes."""


@pytest.fixture(params=["file", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place where there is no journal yet."""
    if request.param == "file":
        return tmp_path / "j"
    return new_job(request.getfixturevalue("database"))


@pytest.fixture
async def journal(place: Place) -> AsyncIterator[Journal]:
    """A journal in a new place."""
    opened = await Journal.open(place)
    yield opened
    await opened.close()


@asynccontextmanager
async def looked_at(place: Place) -> AsyncIterator[Journal]:
    """A journal that is looked at."""
    journal = await Journal.look(place)
    try:
        yield journal
    finally:
        await journal.close()


def row(n: int, payload: str | None = None, **more: Any) -> NewRow:
    """A row to be done."""
    return NewRow(n, n + 1, bytes([n % 256]), payload or f'{{"value":{n}}}', **more)


async def states(journal: Journal) -> str:
    """The first letters of the states of all rows, in their order."""
    rows = await journal.in_thread(lambda: list(journal.rows()))
    return "".join(one.state[0] for one in rows)


async def execute(place: Place, statement: str) -> None:
    """Change the rows below the journal; `rows` is its table."""
    if isinstance(place, PostgresJournal):
        only = f"job = (SELECT id FROM lemlist_jobs WHERE name = '{place.job}')"
        statement = statement.replace("rows", "lemlist_rows").replace(" WHERE ", f" WHERE {only} AND ")
        with psycopg.connect(place.url) as connection:
            connection.execute(statement.encode())
        return
    with sqlite3.connect(place) as db:
        db.execute(statement)
    db.close()


# Describing --------------------------------------------------------------------------------------------------------


async def test_a_description_is_kept_and_changed_in_parts(place: Place) -> None:
    journal = await Journal.open(place)
    assert await journal.meta() == {}
    await journal.describe(kind="a", source="b.csv")
    await journal.describe(source="c.csv", options='{"x":"\\u0000"}')
    await journal.close()
    async with looked_at(place) as reader:
        described = {"kind": "a", "source": "c.csv", "options": '{"x":"\\u0000"}'}
        assert described.items() <= (await reader.meta()).items()


async def test_a_journal_that_there_is_not_is_not_made_by_looking_or_resuming(place: Place) -> None:
    for opened in (Journal.look(place), Journal.open(place, new=False)):
        with pytest.raises(errors.ConfigurationError, match="there is no"):
            await opened


async def test_one_runner_holds_a_journal_and_others_may_look(place: Place, journal: Journal) -> None:
    await journal.add([row(1)])
    with pytest.raises(JournalError, match="in use by another runner"):
        await Journal.open(place)
    async with looked_at(place) as reader:
        assert await reader.counts() == {("new", ""): 1}
        with pytest.raises(JournalError):
            await reader.describe(kind="mine")
    await journal.close()
    await (await Journal.open(place)).close()


async def test_a_closed_journal_says_so_and_closes_twice(journal: Journal) -> None:
    await journal.close()
    await journal.close()
    with pytest.raises(JournalError, match="is closed"):
        await journal.counts()


# Adding ------------------------------------------------------------------------------------------------------------


async def test_a_row_like_an_earlier_one_is_refused_within_a_call_and_across_calls(journal: Journal) -> None:
    await journal.add(
        [
            row(1),
            row(2),
            row(3)._replace(key=b"\x01"),
            NewRow(4, 9, None, '{"x":1}', "refused", "refused", "no"),
        ]
    )
    await journal.add([row(5)._replace(key=b"\x02", credits=5), row(6), row(7)._replace(key=b"\x06")])
    await journal.complete_plan(rows=7, digest="x")
    assert (await journal.meta()).items() >= {"rows": "7", "digest": "x", "planned": "1"}.items()
    found = await journal.in_thread(lambda: list(journal.rows(refused=True)))
    assert [(one.n, one.what, one.reason) for one in found] == [
        (3, "repeated", "the same as line 2"),
        (4, "refused", "no"),
        (5, "repeated", "the same as line 3"),
        (7, "repeated", "the same as line 7"),
    ]
    assert await journal.counts() == {("new", ""): 3, ("refused", "refused"): 1, ("refused", "repeated"): 3}
    assert await journal.credits() == 0


async def test_a_plan_that_ended_early_is_looked_at_and_made_anew(place: Place, journal: Journal) -> None:
    await journal.add([row(1), row(2), row(3)._replace(key=b"\x01")])
    await journal.close()
    async with looked_at(place) as reader:
        assert sum((await reader.counts()).values()) == 3
    again = await Journal.open(place)
    await again.begin_plan()
    await again.add([row(n) for n in range(1, 4)])
    await again.complete_plan(rows=3, digest="")
    assert await again.counts() == {("new", ""): 3}
    await again.close()


async def test_rows_come_back_as_they_were_with_every_kind_of_value(journal: Journal) -> None:
    payload = '{"a":"Zoë \\u0000 👩‍🚀","b":[1,2.5,-9007199254740993,true,{"c":""}],"ü":"\\\\x00"}'
    await journal.add([row(1, payload, credits=7)])
    (one,) = await journal.take(State.NEW, 0)
    assert one.payload == {
        "a": "Zoë \0 👩‍🚀",
        "b": [1, 2.5, -9007199254740993, True, {"c": ""}],
        "ü": "\\x00",
    }
    assert (one.line, one.tries, one.what, one.reason, one.id, one.result) == (2, 0, "", None, None, None)
    assert one.size == len(payload.encode())
    assert await journal.credits() == 7


async def test_the_rows_of_an_unfinished_plan_are_forgotten_unless_they_were_sent(journal: Journal) -> None:
    await journal.add([row(1), row(2)])
    await journal.begin_plan()
    assert await journal.counts() == {}
    await journal.add([row(1), row(2)])
    await journal.write(sent=[2])
    with pytest.raises(JournalError, match=r"is damaged: .*never planned, and 1 rows of it were sent"):
        await journal.begin_plan()


# Marking and writing -----------------------------------------------------------------------------------------------


async def test_marks_and_outcomes_go_together_and_each_has_its_place(journal: Journal) -> None:
    await journal.add([row(n) for n in range(1, 7)])
    await journal.write(sent=[1, 2, 3, 4])
    done = Outcome(State.DONE, "created", "why", "lea_1", {"a": [1, None, "x"]})
    await journal.write(
        [(1, done), (2, Outcome(State.FAILED, "failed", "400"))], sent=[5], back=[3], expected=State.NEW
    )
    assert await states(journal) == "dfnssn"
    first, second, third, *_ = await journal.in_thread(lambda: list(journal.rows()))
    assert first.outcome == done
    assert (second.outcome, second.tries) == (Outcome(State.FAILED, "failed", "400"), 1)
    assert third.tries == 0


async def test_a_row_that_another_took_fails_the_whole_write(journal: Journal) -> None:
    await journal.add([row(n) for n in range(1, 5)])
    await journal.write(sent=[2])
    with pytest.raises(JournalError, match="of 2 rows to be sent only 1 were still new"):
        await journal.write([(4, Outcome(State.DONE, "x"))], sent=[1, 2], back=[3])
    assert await states(journal) == "nsnn"


async def test_texts_that_a_database_cannot_hold_cost_no_row(journal: Journal) -> None:
    await journal.add([row(1), NewRow(2, 2, None, "{}", "refused", "refused", ODD.replace("\ud800", ""))])
    await journal.write([(1, Outcome(State.FAILED, "w", ODD, ODD, {"x": "\0", "y": "Zoë"}))])
    first, second = await journal.in_thread(lambda: list(journal.rows()))
    assert first.result == {"x": "\0", "y": "Zoë"}
    for text in (first.reason, first.id, second.reason):
        assert text
        assert text.startswith("Zoë ")
        assert text.endswith(" 'quoted' \\x00")


async def test_a_written_outcome_is_written_again_without_harm(journal: Journal) -> None:
    await journal.add([row(1)])
    for _ in range(2):
        await journal.write([(1, Outcome(State.DONE, "x"))], back=[1])
    assert await states(journal) == "d"


# Reading -----------------------------------------------------------------------------------------------------------


async def test_rows_are_taken_in_order_in_every_state(journal: Journal) -> None:
    await journal.add([row(n) for n in range(1, 10)])
    given = {2: State.PENDING, 4: State.UNKNOWN, 6: State.PENDING, 8: State.FAILED}
    await journal.write([(n, Outcome(state, "x")) for n, state in given.items()], sent=[9])
    taken = {state: [one.n for one in await journal.take(state, 0)] for state in (State.NEW, State.PENDING)}
    assert taken == {State.NEW: [1, 3, 5, 7], State.PENDING: [2, 6]}
    assert [one.n for one in await journal.take(State.PENDING, 2)] == [6]
    assert [one.n for one in await journal.take(State.NEW, 1, 2)] == [3, 5]
    assert [one.n for one in await journal.take(State.UNKNOWN, 0, what="x")] == [4]
    assert await journal.take(State.UNKNOWN, 0, what="y") == []


async def test_pages_are_bounded_by_bytes_and_have_one_row_at_least(journal: Journal) -> None:
    large = f'{{"value":"{"x" * 3_000_000}"}}'
    await journal.add([row(1), row(2, large), row(3, large), row(4), row(5)])
    pages, after = [], 0
    while page := await journal.take(State.NEW, after):
        pages.append([one.n for one in page])
        after = page[-1].n
    assert [n for page in pages for n in page] == [1, 2, 3, 4, 5]
    assert not any({2, 3} <= set(page) for page in pages)
    assert [one.n for one in await journal.in_thread(lambda: list(journal.rows()))] == [1, 2, 3, 4, 5]


async def test_pending_rows_are_found_by_their_ids(journal: Journal) -> None:
    await journal.add([row(n) for n in range(1, 5)])
    await journal.write([(n, Outcome(State.PENDING, "p", id=f"i{n}")) for n in (1, 2, 3)])
    await journal.write([(3, Outcome(State.DONE, "d", id="i3"))])
    assert [one.n for one in await journal.pending(["i2", "i3", "i9", "\0"])] == [2]
    assert await journal.pending([]) == []


async def test_unfinished_rows_are_those_that_were_not_simply_done(journal: Journal) -> None:
    await journal.add([row(n) for n in range(1, 6)])
    ends = {1: State.DONE, 2: State.PENDING, 3: State.UNKNOWN, 4: State.FAILED}
    await journal.write([(n, Outcome(state, "x")) for n, state in ends.items()])
    found = await journal.in_thread(lambda: [one.n for one in journal.rows(unfinished=True)])
    assert found == [3, 4]


# Recovering --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("repeatable", "retry_failed", "expected"),
    [
        (True, False, "nndpnnff"),
        (False, False, "nudpuuff"),
        (True, True, "nndpnnnn"),
        (False, True, "nudpuunu"),
    ],
)
async def test_rows_of_a_run_that_ended_early_are_recovered_by_one_rule(
    place: Place, repeatable: bool, retry_failed: bool, expected: str
) -> None:
    journal = await Journal.open(place)
    await journal.add([row(n) for n in range(1, 9)])
    await journal.write(sent=[2, 7, 8])
    await journal.write([(8, Outcome(State.UNKNOWN, "in doubt"))])
    await journal.write(sent=[8], expected=State.UNKNOWN)
    ends = {
        3: State.DONE,
        4: State.PENDING,
        5: State.UNKNOWN,
        6: State.UNKNOWN,
        7: State.FAILED,
        8: State.FAILED,
    }
    await journal.write([(n, Outcome(state, "x", "r")) for n, state in ends.items()])
    await journal.close()
    journal = await Journal.open(place)
    await journal.recover(repeatable=repeatable, retry_failed=retry_failed)
    assert await states(journal) == expected
    rows = await journal.in_thread(lambda: list(journal.rows()))
    if not repeatable:
        assert rows[1].reason == "an earlier run ended before the response"
    assert rows[6].tries == (0 if retry_failed else 1)
    await journal.reopen()
    doubtful = [one.n for one in await journal.take(State.UNKNOWN, 0, what="in doubt")]
    assert doubtful == [n for n, state in enumerate(expected, 1) if state == "u"]
    await journal.close()


async def test_a_journal_from_which_rows_vanished_is_refused(place: Place) -> None:
    async with quick(NOWHERE) as lemlist:
        await (await lemlist.bulk.plan(BlockValues(), ["a@x.com", "b@x.com"], journal=place)).aclose()
        await execute(place, "DELETE FROM rows WHERE n = 2")
        with pytest.raises(JournalError, match="is damaged: it holds 1 of 2 rows"):
            await lemlist.bulk.resume(place)


@pytest.mark.parametrize("statement", ["UPDATE rows SET state = 'sidewards' WHERE n = 1"])
async def test_a_state_that_there_is_not_is_damage(place: Place, statement: str) -> None:
    journal = await Journal.open(place)
    await journal.add([row(1)])
    await journal.close()
    await execute(place, statement)
    async with looked_at(place) as reader:
        for read in (reader.counts, lambda: reader.in_thread(lambda: list(reader.rows()))):
            with pytest.raises(JournalError, match="is damaged"):
                await read()


# Whole jobs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [None, lost_response(), gateway(), gateway(effect=True), Reset()], ids=str)
async def test_an_import_is_done_once_whatever_becomes_of_its_responses(place: Place, fault: Any) -> None:
    people = [{"email": f"p{n}@example.com"} for n in range(30)]
    async with Sandbox(limit=None, keys=(KEY,)) as sandbox, quick(sandbox.url) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        if fault is not None:
            for after in (3, 9, 15):
                sandbox.faults.add(fault, match=CREATE, after=after)
        async with await lemlist.bulk.plan_leads(campaign, people, journal=place) as plan:
            report = await lemlist.bulk.run(plan, look_up_after=0.01).finish()
        assert (report.rows, report.created, report.unknown, report.left) == (30, 30, 0, 0)
        assert sorted(lead["variables"]["email"] for lead in sandbox.team().leads.values()) == sorted(
            p["email"] for p in people
        )


async def test_a_job_goes_on_where_it_was_left(place: Place) -> None:
    people = [{"email": f"p{n}@example.com"} for n in range(300)]
    async with Sandbox(limit=None, keys=(KEY,)) as sandbox, quick(sandbox.url) as lemlist:
        job = ImportLeads(campaign_id=sandbox.team().add_campaign(name="C")["_id"])
        async with await lemlist.bulk.plan(job, people, journal=place) as plan:
            async for _ in lemlist.bulk.run(plan):
                break
        async with await lemlist.bulk.resume(place) as plan:
            assert 0 < plan.forecast.finished < 300
            report = await lemlist.bulk.run(plan, look_up_after=0.01).finish()
        assert (report.created, report.left) == (300, 0)
        with pytest.raises(errors.ConfigurationError, match="belongs to another job"):
            await lemlist.bulk.plan(UnblockValues(), ["a@x.com"], journal=place)
        with pytest.raises(errors.ConfigurationError, match="other rows"):
            await lemlist.bulk.plan(job, people[1:], journal=place)


async def test_the_personal_data_of_a_finished_job_go_and_its_counts_stay(place: Place) -> None:
    async def each(_lemlist: Lemlist, row: dict[str, Any]) -> dict[str, Any]:
        return {"note": f"secret of {row['email']}"}

    people = [{"email": f"p{n}@example.com"} for n in range(5)]
    async with quick(NOWHERE) as lemlist:
        async with looked_at_run(lemlist, people, each, place) as found:
            assert found == 5
        await lemlist.bulk.erase(place)
        async with looked_at(place) as journal:
            assert await journal.counts() == {("done", "done"): 5}
            rows = await journal.in_thread(lambda: list(journal.rows()))
            assert {(one.reason, one.id, one.result, len(one.payload)) for one in rows} == {
                (None, None, None, 0)
            }
            assert (await journal.meta()).keys() - {"tail"} == {"kind", "planned", "rows", "erased"}
        with pytest.raises(JournalError, match="were erased"):
            await lemlist.bulk.plan(BlockValues(), ["a@x.com"], journal=place)


@asynccontextmanager
async def looked_at_run(
    lemlist: Lemlist, people: list[dict[str, Any]], each: Any, place: Place
) -> AsyncIterator[int]:
    """Run a function over rows, and give the number of its results."""
    run = lemlist.bulk.run_function(people, each, effect=Effect.UNSAFE, name="t", journal=place)
    yield len([result async for result in run])


async def test_an_unfinished_job_keeps_its_personal_data(place: Place) -> None:
    async with quick(NOWHERE) as lemlist:
        await (await lemlist.bulk.plan(BlockValues(), ["a@x.com"], journal=place)).aclose()
        with pytest.raises(JournalError, match=r"not finished \(1 rows are left\): nothing was erased"):
            await lemlist.bulk.erase(place)
