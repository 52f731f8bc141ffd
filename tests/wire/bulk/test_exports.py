"""Exports that are complete or absent, and events that come once each."""

import csv
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lemlist_async import Lemlist, errors
from lemlist_async.bulk import BlockValues, Export
from lemlist_async.core.json import dumps, loads
from lemlist_async.sandbox import Cut, Sandbox
from tests.support.clients import KEY, quick
from tests.support.scripted import says, scripted

EXPORT = "GET /campaigns/{campaignId}/export/leads"
START = datetime(2026, 3, 1, tzinfo=UTC)


def box(**options: Any) -> Sandbox:
    """A sandbox without a limit."""
    return Sandbox(limit=None, keys=(KEY,), **options)


def table(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV."""
    with file.open(newline="") as text:
        return list(csv.DictReader(text))


def modes(folder: Path) -> set[int]:
    """The permissions of the files in a folder."""
    return {file.stat().st_mode & 0o777 for file in folder.iterdir()}


def contents(folder: Path) -> dict[str, str]:
    """The files of a folder, hidden ones included."""
    return {file.name: file.read_text() for file in folder.iterdir()}


# Exports ----------------------------------------------------------------------------------------------


async def test_an_export_has_the_same_columns_in_each_row_and_writes_csv_or_json_lines(
    tmp_path: Path,
) -> None:
    async with box() as sandbox, quick(sandbox.url) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        for n in range(1200):
            sandbox.team().add_lead(
                campaign, f"p{n}@x.com", **({"=cmd()": "=1+1"} if n == 700 else {"size": str(n)})
            )
        export = lemlist.bulk.export_leads(campaign)
        rows = [row async for row in export]
        told: list[int] = []
        assert await export.save(tmp_path / "a.csv", progress=told.append) == 1200
        assert await export.save(tmp_path / "raw.csv", guard=False) == 1200
        assert await export.save(tmp_path / "a.jsonl") == 1200
        assert await export.save(tmp_path / "b.txt", format="jsonl") == 1200
        with pytest.raises(errors.ConfigurationError, match="format"):
            await export.save(tmp_path / "b.txt")
    assert {tuple(row) for row in rows} == {tuple(rows[0])}
    assert {type(value) for row in rows for value in row.values()} == {str, type(None)}
    assert told == [500, 1000, 1200]
    assert table(tmp_path / "a.csv")[700]["'=cmd()"] == "'=1+1"
    assert table(tmp_path / "raw.csv")[700]["=cmd()"] == "=1+1"
    assert [loads(line) for line in (tmp_path / "a.jsonl").read_bytes().splitlines()] == rows
    assert modes(tmp_path) == {0o600}


async def test_contacts_of_a_list_and_blocked_values_are_exported_too() -> None:
    async with box() as sandbox, quick(sandbox.url) as lemlist:
        team = sandbox.team()
        contacts = [team.add_contact(f"p{n}@x.com") for n in range(3)]
        members = team.add_contact_list("L")
        members["contactIds"][contacts[1]["_id"]] = None
        team.block("@spam.example")
        assert len([row async for row in lemlist.bulk.export_contacts()]) == 3
        assert [row["email"] async for row in lemlist.bulk.export_contacts(members["_id"])] == ["p1@x.com"]
        assert [row["value"] async for row in lemlist.bulk.export_unsubscribes()] == ["@spam.example"]


async def test_a_stream_that_is_cut_is_an_error_and_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("old")
    async with box() as sandbox, quick(sandbox.url) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        for n in range(300):
            sandbox.team().add_lead(campaign, f"p{n}@x.com")
        sandbox.faults.add(Cut(), match=EXPORT, times=None)
        with pytest.raises(errors.LemlistError):
            await lemlist.bulk.export_leads(campaign).save(file)
    assert contents(tmp_path) == {"a.csv": "old"}


async def test_a_folder_that_is_not_there_is_told_before_anything_is_fetched(tmp_path: Path) -> None:
    async def rows() -> AsyncIterator[dict[str, str]]:
        raise AssertionError
        yield {}

    with pytest.raises(FileNotFoundError):
        await Export(rows).save(tmp_path / "no" / "a.csv")


# Activities -------------------------------------------------------------------------------------------


class World:
    """A sandbox with a clock of its own, in which things happen."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.team = sandbox.team()
        self.now = START
        self.lead = self.team.add_lead(self.team.add_campaign(name="C")["_id"], "a@x.com")
        self.ids: list[str] = []

    def happen(self, at: datetime | None = None, kind: str = "emailsSent") -> None:
        """One event, by default now."""
        stamp = (at or self.now).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        row = self.team.add_activity(kind, self.lead, createdAt=stamp)
        self.ids.append(row["_id"])
        newest_last = sorted(self.team.activities.items(), key=lambda pair: pair[1]["createdAt"])
        self.team.activities.clear()
        self.team.activities.update(newest_last)


async def test_a_second_sync_adds_nothing_and_a_third_only_what_is_new() -> None:
    async with box() as sandbox, quick(sandbox.url) as lemlist:
        world = World(sandbox)
        world.team.activities.clear()
        for minute in range(250):
            world.happen(START + timedelta(minutes=minute))
        until = START + timedelta(minutes=249)
        cursor: Any = None
        found: list[str] = []
        async for batch in lemlist.bulk.sync_activities(since=START, until=until):
            found += [item.id for item in batch.items]
            cursor = batch.cursor
        assert found == world.ids
        cursor = loads(dumps(cursor))
        assert len(cursor["seen"]) == 11
        again = [b async for b in lemlist.bulk.sync_activities(cursor, until=until + timedelta(minutes=5))]
        assert [item for batch in again for item in batch.items] == []
        world.happen(until - timedelta(minutes=3))  # it comes late, and within the overlap
        world.happen(until + timedelta(minutes=6))
        third = [
            item.id
            async for batch in lemlist.bulk.sync_activities(
                again[-1].cursor, until=until + timedelta(minutes=7)
            )
            for item in batch.items
        ]
        assert third == world.ids[-2:]


async def test_syncs_that_end_anywhere_miss_nothing_while_events_keep_arriving() -> None:
    chance = random.Random(4)
    async with box() as sandbox, quick(sandbox.url) as lemlist:
        world = World(sandbox)
        world.team.activities.clear()
        for n in range(2500):
            row = world.team.add_activity(
                "emailsSent",
                world.lead,
                createdAt=(START + timedelta(seconds=n // 2)).isoformat(timespec="milliseconds"),
            )
            world.ids.append(row["_id"])
        world.now = START + timedelta(seconds=1250)
        cursor: Any = None
        found: list[str] = []
        for _ in range(12):
            leave = chance.randint(1, 4)
            sync = lemlist.bulk.sync_activities(
                cursor, since=START, until=world.now, overlap=timedelta(seconds=30)
            )
            async for batch in sync:
                found += [item.id for item in batch.items]
                cursor = loads(dumps(batch.cursor))
                for _ in range(40):
                    world.now += timedelta(milliseconds=250)
                    world.happen()
                leave -= 1
                if not leave:
                    break
            await sync.aclose()  # type: ignore[attr-defined]  # it is a generator
        async for batch in lemlist.bulk.sync_activities(
            cursor, until=world.now, overlap=timedelta(seconds=30)
        ):
            found += [item.id for item in batch.items]
    assert sorted(found) == sorted(world.ids)


async def test_deep_windows_are_split_and_held_one_at_a_time() -> None:
    async with box() as sandbox, quick(sandbox.url) as lemlist:
        world = World(sandbox)
        world.team.activities.clear()
        for n in range(3000):
            at = START + timedelta(seconds=min(500, n), milliseconds=n % 7)
            world.team.add_activity("emailsSent", world.lead, createdAt=at.isoformat(timespec="milliseconds"))
        sizes = [
            len(batch.items)
            async for batch in lemlist.bulk.sync_activities(since=START, until=START + timedelta(hours=3))
        ]
    assert sum(sizes) == 3000
    assert max(sizes) >= 2500  # one second holds them all, so it is read as it is
    assert len(sizes) > 1


async def test_types_are_filtered_and_a_clock_that_is_set_back_skips_nothing() -> None:
    async with box() as sandbox, quick(sandbox.url) as lemlist:
        world = World(sandbox)
        world.team.activities.clear()
        kinds = ("emailsSent", "emailsOpened", "emailsReplied")
        for n in range(30):
            world.happen(START + timedelta(minutes=n), kinds[n % 3])
        until = START + timedelta(hours=1)

        async def kept(*types: str) -> list[str]:
            batches = lemlist.bulk.sync_activities(since=START, until=until, types=types or None)
            return [str(item.type) async for batch in batches for item in batch.items]

        assert set(await kept("emailsOpened")) == {"emailsOpened"}
        assert sorted(set(await kept("emailsOpened", "emailsReplied"))) == ["emailsOpened", "emailsReplied"]
        assert len(await kept()) == 30
        ahead = {"until": (START + timedelta(days=9)).isoformat(), "seen": {}}
        early = [b async for b in lemlist.bulk.sync_activities(ahead, until=START + timedelta(minutes=15))]
        world.happen(START + timedelta(minutes=40))
        later = lemlist.bulk.sync_activities(early[-1].cursor, until=until)
        assert world.ids[-1] in [item.id async for batch in later for item in batch.items]


async def test_a_sync_stops_before_events_that_a_list_leaves_out() -> None:
    rows = [
        {"_id": f"act_{n}", "type": "emailsSent", "createdAt": START.isoformat(timespec="milliseconds")}
        for n in range(100)
    ]
    # whatever the offset, the same full page: what lies behind it cannot be read
    async with scripted(says(200, rows)) as server, quick(server.url) as lemlist:
        sync = lemlist.bulk.sync_activities(since=START, until=START + timedelta(seconds=1))
        with pytest.raises(errors.IncompleteListError, match="ignores where to go on"):
            await anext(sync)


async def test_events_without_ids_are_told_apart_and_come_once() -> None:
    rows = [
        {"type": "emailsSent", "createdAt": START.isoformat(timespec="milliseconds"), "note": str(n)}
        for n in range(3)
    ]
    until = START + timedelta(minutes=1)
    async with scripted(says(200, rows)) as server, quick(server.url) as lemlist:
        [first] = [batch async for batch in lemlist.bulk.sync_activities(since=START, until=until)]
        [again] = [batch async for batch in lemlist.bulk.sync_activities(first.cursor, until=until)]
    assert [item.note for item in first.items] == ["2", "1", "0"]
    assert again.items == []


@pytest.mark.parametrize(
    "cursor", [None, {}, {"until": "x", "seen": {}}, {"until": "2026-01-01", "seen": []}]
)
async def test_what_is_no_cursor_is_refused(cursor: Any) -> None:
    async with quick("http://127.0.0.1:9/api") as lemlist:
        with pytest.raises(errors.InvalidInputError):
            await anext(lemlist.bulk.sync_activities(cursor))
        with pytest.raises(errors.InvalidInputError, match="overlap"):
            await anext(lemlist.bulk.sync_activities(since=START, overlap=timedelta(seconds=-1)))


# There and back ---------------------------------------------------------------------------------------

ODD = [
    "+33612345678",
    "=1+1",
    "'=1+1",
    "'+33612345678",
    "x;=1+1",
    "-5",
    " padded ",
    "it's",
    '"q"',
    "two\nlines",
    '="1"',
]


@pytest.mark.parametrize("guard", [True, False])
async def test_an_export_of_leads_is_imported_unchanged(tmp_path: Path, guard: bool) -> None:
    async with box() as sandbox, quick(sandbox.url) as lemlist:
        team = sandbox.team()
        old, new = (team.add_campaign(name=name)["_id"] for name in "AB")
        for n, text in enumerate(ODD):
            team.add_lead(old, f"p{n}@x.com", firstName=text, phone=text, note=text)
        await lemlist.bulk.export_leads(old).save(tmp_path / "a.csv", guard=guard)
        async with await lemlist.bulk.plan_leads(new, tmp_path / "a.csv") as plan:
            assert [row.outcome.what async for row in lemlist.bulk.run(plan)] == ["created"] * len(ODD)
        before, after = (
            {lead["variables"]["email"]: lead["variables"] for lead in team.leads_of(campaign)}
            for campaign in (old, new)
        )
    stripped = {
        email: {name: text.strip() for name, text in values.items()} for email, values in before.items()
    }
    assert after == stripped


@pytest.mark.parametrize("guard", [True, False])
async def test_an_export_of_blocked_values_blocks_the_same_values_elsewhere(
    tmp_path: Path, guard: bool
) -> None:
    values = {"@competitor.example", "+33612345678", "ann@x.com", "https://www.linkedin.com/in/ann"}
    async with box() as sandbox, box() as other, quick(sandbox.url) as lemlist, quick(other.url) as second:
        await lemlist.unsubscribes.add_many(sorted(values))
        await lemlist.bulk.export_unsubscribes().save(tmp_path / "a.csv", guard=guard)
        async with await second.bulk.plan(BlockValues(), tmp_path / "a.csv") as plan:
            assert [row.outcome.what async for row in second.bulk.run(plan)] == ["blocked"] * len(values)
        assert {row["value"] async for row in second.bulk.export_unsubscribes()} == values


async def test_an_export_becomes_a_parquet_file_of_texts_with_row_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow")
    from pyarrow import parquet

    from lemlist_async.export import parquet as ours

    async def rows() -> AsyncIterator[dict[str, str]]:
        for n in range(1_200):
            yield {"email": f"a{n}@x.io", "note": "" if n % 2 else "=1+1"}

    async def none() -> AsyncIterator[dict[str, str]]:
        for row in list[dict[str, str]]():
            yield row

    monkeypatch.setattr(ours, "_GROUP", 500)
    assert await Export(rows).save(tmp_path / "a.parquet") == 1_200
    table = parquet.read_table(tmp_path / "a.parquet")
    assert parquet.ParquetFile(tmp_path / "a.parquet").num_row_groups == 3
    assert [str(one) for one in table.schema.types] == ["string", "string"]
    assert table.to_pylist()[:2] == [
        {"email": "a0@x.io", "note": "=1+1"}, {"email": "a1@x.io", "note": None},
    ]  # fmt: skip
    assert await Export(none).save(tmp_path / "b.parquet") == 0
    assert parquet.read_table(tmp_path / "b.parquet").num_rows == 0


async def test_an_export_for_spreadsheets_begins_with_their_mark_and_comes_back(tmp_path: Path) -> None:
    async def rows() -> AsyncIterator[dict[str, str]]:
        yield {"email": "a@x.io", "Größe": "43"}

    await Export(rows).save(tmp_path / "a.csv", bom=True)
    assert (tmp_path / "a.csv").read_bytes() == "\ufeffemail,Größe\na@x.io,43\n".encode()
    async with Lemlist("key") as lemlist, await lemlist.bulk.plan_leads("cam_1", tmp_path / "a.csv") as plan:
        assert [row async for row in plan.rows()] == [
            {"email": "a@x.io", "Größe": "43", "row.line": 2, "row.state": "new", "row.what": "", "row.reason": None,
             "row.id": None}
        ]  # fmt: skip
