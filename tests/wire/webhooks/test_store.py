"""The file of events: shared, full, locked, damaged, removed, cleaned up."""

import asyncio
import json
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lemlist_async.webhooks import StoreError, database
from lemlist_async.webhooks.database import Database
from lemlist_async.webhooks.disk import Disk
from lemlist_async.webhooks.store import Store
from tests.support.posted import PRIVATE, SECRET, posted
from tests.support.project import ROOT
from tests.support.receivers import collect, on_aiohttp, post, receiver, settled, until


def contents(folder: Path) -> bytes:
    """All bytes of all files of a receiver."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


def modes(folder: Path) -> set[int]:
    """Permissions of all files of a receiver."""
    return {path.stat().st_mode & 0o777 for path in folder.iterdir()}


def remove_all(folder: Path) -> None:
    """Remove all files of a receiver."""
    for path in folder.iterdir():
        path.unlink()


async def test_the_file_is_its_owners_alone_and_holds_no_secret(tmp_path: Path) -> None:
    made = receiver(tmp_path)
    async with made:
        await made.receive(posted(1))
        assert modes(tmp_path) == {0o600}
        assert PRIVATE.encode() in contents(tmp_path)
        assert SECRET.encode() not in contents(tmp_path)


async def test_several_receivers_share_the_work_of_one_file(tmp_path: Path) -> None:
    made = [receiver(tmp_path) for _ in range(4)]
    found = [collect(one) for one in made]
    for one in made:
        await one.open()
    await asyncio.gather(*(made[number % 4].receive(posted(number % 60)) for number in range(120)))
    assert await settled(made[0]) == {"waiting": 0, "done": 60, "dead": 0}
    for one in made:
        await one.close()
    assert sorted(one.id for each in found for one in each) == sorted(f"act_{number}" for number in range(60))


def test_several_processes_that_start_at_once_make_one_file(tmp_path: Path) -> None:
    errors: list[BaseException] = []
    barrier = threading.Barrier(8)

    def start() -> None:
        store = Store(tmp_path / "hooks.db")
        barrier.wait()
        try:
            store.open()
            store.close()
        except BaseException as error:  # noqa: BLE001  # whatever it is, the test has to fail
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are of POSIX")
def test_a_full_disk_refuses_posts_and_loses_nothing(tmp_path: Path) -> None:
    args = [sys.executable, "-m", "tests.support.small_disk", str(tmp_path / "hooks.db"), "300000"]
    done = subprocess.run(args, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    # the room of the log and of the file itself is used: lemlist's repeat finds the log emptied
    assert told["accepted"] * 10_000 > 200_000
    assert "503 while the disk is full" in told["refused"]
    assert told["counts"] == {"waiting": 0, "done": told["accepted"] + 1, "dead": 0}
    assert told["again"] == 0
    assert PRIVATE not in done.stderr


async def test_a_file_that_another_program_holds_refuses_posts_until_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("lemlist_async.webhooks.database.BUSY", 0.02)
    made = receiver(tmp_path)
    found = collect(made)
    async with on_aiohttp(made) as url:
        other = sqlite3.connect(tmp_path / "hooks.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert await post(url, posted(1), posted(2)) == [503, 503]
        other.execute("ROLLBACK")
        other.close()
        assert await post(url, posted(1)) == [200]
        await until(lambda: len(found) == 1)
    assert caplog.text.count("posts are answered with 503: ") <= 2  # the first at ERROR, the next at DEBUG
    assert sum(one.levelname == "ERROR" and "503" in one.message for one in caplog.records) == 1


@pytest.mark.parametrize("places", [1, 2])
async def test_a_result_that_cannot_be_written_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, places: int
) -> None:
    monkeypatch.setattr("lemlist_async.webhooks.database.BUSY", 0.02)
    monkeypatch.setattr("lemlist_async.webhooks.worker._REST", 0.02)
    made = receiver(tmp_path, concurrency=places)
    calls: list[str] = []
    other = sqlite3.connect(tmp_path / "hooks.db", isolation_level=None, check_same_thread=False)

    @made.on()
    async def handle(event: Any) -> None:
        calls.append(event.id)
        other.execute("BEGIN IMMEDIATE")
        asyncio.get_running_loop().call_later(0.2, other.execute, "ROLLBACK")

    async with made:
        await made.receive(posted(1))
        assert (await settled(made))["done"] == 1
    other.close()
    assert calls == ["act_1"]


@pytest.mark.parametrize("size", [100, 5_000, 100_000])
async def test_what_is_no_database_is_refused_and_left_alone(tmp_path: Path, size: int) -> None:
    (tmp_path / "hooks.db").write_bytes(b"x" * size)
    with pytest.raises(StoreError, match="move it away"):
        await receiver(tmp_path).open()
    assert (tmp_path / "hooks.db").read_bytes() == b"x" * size


async def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "hooks.db")
    db.execute("CREATE TABLE other (n)")
    db.close()
    with pytest.raises(StoreError, match="not one of webhooks"):
        await receiver(tmp_path).open()


async def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    async with receiver(tmp_path) as made:
        made._open_disk().store.durable.execute("PRAGMA user_version=7")
    with pytest.raises(StoreError, match="newer"):
        await receiver(tmp_path).open()


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        await receiver(tmp_path / "nowhere").open()


async def test_damage_under_way_refuses_posts_with_advice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = receiver(tmp_path)
    async with on_aiohttp(made) as url:
        assert await post(url, *(posted(number, text="x" * 3_000) for number in range(30))) == [200] * 30
        store = made._open_disk().store
        store.durable.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        with (tmp_path / "hooks.db").open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * 300_000)
        # SQLite forgets the pages that it holds in memory when another connection writes
        for db in (store.durable, store.quick):
            db.execute("PRAGMA shrink_memory")
        assert await post(url, posted(99)) == [503]
    assert "move it away with its -wal" in caplog.text


async def test_a_file_that_was_removed_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lemlist_async.webhooks.database._LOOK_EVERY", 0.0)
    made = receiver(tmp_path)
    found = collect(made)
    async with made:
        await made.receive(posted(1))
        await settled(made)
        remove_all(tmp_path)
        await made.receive(posted(2))
        await until(lambda: len(found) == 2)
    db = sqlite3.connect(tmp_path / "hooks.db")
    assert db.execute("SELECT count(*) FROM events").fetchone() == (1,)
    db.close()


async def test_more_posts_than_may_wait_for_the_disk_are_refused(tmp_path: Path) -> None:
    made = receiver(tmp_path, max_waiting=3)
    async with made:
        held, free = threading.Event(), threading.Event()
        busy = asyncio.create_task(made._open_disk().run(lambda: (held.set(), free.wait())))
        await until(held.is_set)
        waiting = [asyncio.create_task(made.receive(posted(number))) for number in range(8)]
        await until(lambda: sum(one.done() for one in waiting) >= 2)
        free.set()
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        await busy
        refused = [one for one in ends if isinstance(one, StoreError)]
        assert 2 <= len(refused) <= 5
        assert (await made.counts())["waiting"] == 8 - len(refused)


async def test_closing_answers_the_posts_that_wait(tmp_path: Path) -> None:
    made = receiver(tmp_path)
    await made.open()
    waiting = [asyncio.create_task(made.receive(posted(number))) for number in range(20)]
    await asyncio.sleep(0)
    await made.close()
    assert await asyncio.gather(*waiting) == [None] * 20
    async with made:
        assert (await made.counts())["waiting"] == 20


async def test_a_client_that_leaves_does_not_take_the_event_with_it(tmp_path: Path) -> None:
    made = receiver(tmp_path)
    async with made:
        leaving = [asyncio.create_task(made.receive(posted(number))) for number in range(5)]
        await asyncio.sleep(0)
        for task in leaving[::2]:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        await made.receive(posted(9))
        assert (await made.counts())["waiting"] == 6


async def test_bodies_are_erased_after_their_time_and_keys_are_known_for_longer(tmp_path: Path) -> None:
    made = receiver(tmp_path, keep_bodies=1000, keep_dead=2000, keep_keys=4000)
    broken = True

    @made.on("emailsBounced")
    async def fail(_: Any) -> None:
        if broken:
            raise RuntimeError

    async with made:
        await made.receive(posted("done"))
        await made.receive(posted("dead", "emailsBounced"))
        await settled(made)
        broken = False
    now = time.time()

    async def later(seconds: float) -> bool:
        """Let the upkeep run as if so much time had passed; return whether anything of the person is left."""
        db = sqlite3.connect(tmp_path / "hooks.db")
        db.execute("UPDATE events SET received_at = received_at - ?", (seconds,))
        db.execute("UPDATE work SET ended_at = ended_at - ?", (seconds,))
        db.execute("UPDATE meta SET value = '0' WHERE key = 'upkeep turn'")
        db.commit()
        db.close()
        async with made:
            turn = made._open_disk().store.quick
            await until(
                lambda: turn.execute(
                    "SELECT 1 FROM meta WHERE key = 'upkeep turn' AND value > '0'"
                ).fetchone()
            )
            await made._open_disk().run(lambda: None)
            await made.receive(posted("done"))
            assert (await made.counts())["waiting"] == 0
        return PRIVATE.encode() in contents(tmp_path)

    assert await later(500)
    assert await later(600)  # the dead letter has its body still
    async with made:
        assert [one.text is None for one in await made.dead_letters()] == [False]
    assert not await later(1000)
    async with made:
        assert [one.text for one in await made.dead_letters()] == [None]
        assert await made.requeue() == 0
    assert time.time() - now < 60


async def test_what_is_older_than_its_key_is_forgotten_and_what_waits_never_is(tmp_path: Path) -> None:
    made = receiver(tmp_path, keep_bodies=0, keep_keys=3600)
    remove = made.feed(_Run())
    async with made:
        await made.receive(posted(1))
        await settled(made)
        remove()
        await made.receive(posted(2))
        made._open_disk().store.durable.execute("UPDATE events SET received_at = 0")
        made._open_disk().store.durable.execute("UPDATE work SET ended_at = 1 WHERE ended_at IS NOT NULL")
    db = sqlite3.connect(tmp_path / "hooks.db")
    db.execute("UPDATE meta SET value = '0' WHERE key = 'upkeep turn'")
    db.commit()
    db.close()
    async with made:
        async with asyncio.timeout(20):
            while (await made.counts())["done"]:  # noqa: ASYNC110  # a file sets no event
                await asyncio.sleep(0.01)
        assert await made.counts() == {"waiting": 1, "done": 0, "dead": 0}


class _Run:
    def receive(self, body: Any) -> int:
        return len(body)


async def test_an_unexpected_error_of_the_file_refuses_the_posts_and_the_next_ones_are_taken(
    tmp_path: Path,
) -> None:
    class Broken(Store):
        broken = True

        def add(self, *values: Any) -> int:
            if self.broken:
                raise MemoryError
            return super().add(*values)

    made = receiver(tmp_path)
    disk = Disk(Broken(tmp_path / "hooks.db"))
    async with made:
        made._disk, disk_before = disk, made._open_disk()
        await disk.open()
        with pytest.raises(StoreError, match="MemoryError"):
            await made.receive(posted(1))
        Broken.broken = False
        await made.receive(posted(1))
        await disk.close()
        with pytest.raises(StoreError, match="closed"):
            await made.receive(posted(2))
        made._disk = disk_before


def test_a_file_that_is_cut_off_while_it_is_made_holds_no_half_of_its_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(database, "_SCHEMA", (*database._SCHEMA, "CREATE TABLE"))
        with pytest.raises(StoreError, match="incomplete input"):
            Database(tmp_path / "hooks.db").open()
    whole = Database(tmp_path / "hooks.db")
    whole.open()
    whole.close()


def test_a_file_that_another_process_is_setting_up_is_waited_for() -> None:
    tries = 0

    def busy() -> int:
        nonlocal tries
        tries += 1
        if tries < 3:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorname = "SQLITE_BUSY"  # type: ignore[attr-defined]
            raise error
        return tries

    assert database._until(time.monotonic() + 10, busy) == 3
    tries = 0
    with pytest.raises(sqlite3.OperationalError):
        database._until(time.monotonic() - 1, busy)


def test_an_old_sqlite_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 30, 0))
    with pytest.raises(StoreError, match=r"need SQLite 3\.35"):
        Database(tmp_path / "hooks.db").open()
