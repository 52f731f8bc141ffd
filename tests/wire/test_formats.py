"""Formats on disks and servers, met by an older or a newer version; docs/versions.md has the promises."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lemlist_async.bulk import ActivityBatch, ActivityFiles, ActivityTable, JournalError
from lemlist_async.bulk.journal.postgres import VERSION, prepare
from lemlist_async.bulk.journal.postgres_server import connect
from lemlist_async.errors import InvalidInputError
from lemlist_async.resources.activities import Activity
from lemlist_async.throttle.stores import host_file, redis_slots
from lemlist_async.throttle.stores.shared import InUseError, SharedSlots
from tests.support.slot_stores import DATABASES, STORES, WINDOW, worlds
from tests.support.slots_model import World

SHARED = sorted(STORES.keys() - {"process"})
AT = datetime(2026, 3, 1, tzinfo=UTC)


# Ledgers ----------------------------------------------------------------------------------------------


@pytest.fixture(params=SHARED)
def ledger(request: pytest.FixtureRequest) -> Iterator[World]:
    """A shared ledger with a member of this version."""
    if request.param == "postgres":
        DATABASES.append(request.getfixturevalue("database"))
    yield from worlds(request.param)


def newer_member(world: World, monkeypatch: pytest.MonkeyPatch) -> SharedSlots:
    """A member of a newer version, which asks for its first slot."""
    monkeypatch.setattr(host_file, "VERSION", host_file.VERSION + 1)
    monkeypatch.setattr(redis_slots, "VERSION", redis_slots.VERSION + 1)
    slots = world.add().slots
    slots.next_grant(world.now, urgent=True)
    return slots


def test_members_of_two_versions_do_not_use_one_ledger_at_a_time(
    ledger: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    [old] = ledger.members
    assert old.slots.next_grant(ledger.now, urgent=True) <= ledger.now
    with pytest.raises(InUseError, match="another version or limit"):
        newer_member(ledger, monkeypatch).next_grant(ledger.now, urgent=True)
    assert old.slots.next_grant(ledger.now, urgent=True) <= ledger.now


def test_the_newer_version_takes_the_ledger_over_a_window_after_the_older_one_left(
    ledger: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    [old] = ledger.members
    assert ledger.send(old)
    old.slots.close()
    new = newer_member(ledger, monkeypatch)
    assert new.next_grant(ledger.now, urgent=True) > ledger.now
    begun = ledger.now
    while new.next_grant(ledger.now, urgent=True) > ledger.now:
        ledger.pass_time(0.05)
    assert ledger.now - begun >= WINDOW - 0.05


# Journals and stores ----------------------------------------------------------------------------------


def test_tables_of_a_newer_version_are_refused_and_left_alone(own_database: str) -> None:
    with connect(own_database) as connection:
        prepare(connection)
        connection.execute("UPDATE lemlist_schema SET version = %s", (VERSION + 1,))
        with pytest.raises(JournalError, match=f"newer lemlist_async .version {VERSION + 1}"):
            prepare(connection)
        found = connection.execute("SELECT version FROM lemlist_schema").fetchone()
    assert found == (VERSION + 1,)


# Syncs ------------------------------------------------------------------------------------------------


def batch(number: int) -> ActivityBatch:
    """One event, with a cursor."""
    event = Activity.from_dict({"_id": f"act_{number}", "type": "emailsSent", "createdAt": AT.isoformat()})
    return ActivityBatch([event], {"until": AT.isoformat(), "seen": {}})


def columns(path: Path) -> list[str]:
    """The columns of the table."""
    with closing(sqlite3.connect(path)) as db:
        return [name for _, name, *_ in db.execute("PRAGMA table_info(activities)")]


@pytest.mark.parametrize(
    "change",
    ["ALTER TABLE activities DROP COLUMN error_message", "ALTER TABLE activities ADD COLUMN of_later TEXT"],
    ids=["older", "newer"],
)
def test_a_table_of_activities_of_another_version_goes_on(tmp_path: Path, change: str) -> None:
    path = tmp_path / "events.db"
    with ActivityTable(path) as table:
        table.store(batch(1))
    made = columns(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute(change)
    with ActivityTable(path) as table:
        assert table.cursor == batch(1).cursor
        table.store(batch(2))
    assert set(columns(path)) >= set(made)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM activities").fetchone() == (2,)


def test_files_of_activities_of_an_earlier_version_go_on(tmp_path: Path) -> None:
    events, place = tmp_path / "events.jsonl", tmp_path / "events.jsonl.cursor"
    events.write_text('{"_id": "act_1"}\n')
    place.write_text(json.dumps({"cursor": batch(1).cursor, "size": events.stat().st_size}))
    with ActivityFiles(events) as files:
        files.store(batch(2))
    assert len(events.read_text().splitlines()) == 2


@pytest.mark.parametrize("kept", ["{}", '{"version": 2}', "[]", "no JSON"])
def test_a_cursor_that_this_version_does_not_know_is_refused_and_left_alone(
    tmp_path: Path, kept: Any
) -> None:
    place = tmp_path / "events.jsonl.cursor"
    place.write_text(kept)
    with (
        pytest.raises(InvalidInputError, match="not the cursor of a sync"),
        ActivityFiles(tmp_path / "events.jsonl"),
    ):
        pass
    assert place.read_text() == kept
