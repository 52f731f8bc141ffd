"""Processes of one host share the slots of a key in a file: never more than the limit, whatever happens to it."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import stat
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from lemlist_async.errors import WaitTooLongError
from lemlist_async.throttle.options import ThrottleOptions
from lemlist_async.throttle.sharing import Sharing, can_share, name_of
from lemlist_async.throttle.slot import Slot
from lemlist_async.throttle.stores.shared import WAY, InUseError, UnusableError
from lemlist_async.throttle.throttle import Throttle
from tests.support.slot_stores import HostStore, worlds
from tests.support.slots_machine import Machine
from tests.support.slots_model import World

pytestmark = pytest.mark.skipif(not can_share(), reason="the locks that this needs are Linux's")

if sys.platform == "linux":
    import fcntl

    from lemlist_async.throttle.stores.host import HostSlots
    from lemlist_async.throttle.stores.host_file import boot_id, place_of

LIMIT, WINDOW, BEGIN = 3, 1.0, 1000.0


@pytest.fixture
def name() -> Iterator[str]:
    """A key that no other test uses."""
    name = f"test-{secrets.token_hex(8)}"
    yield name
    shutil.rmtree(folder_of(name), ignore_errors=True)


def folder_of(name: str) -> Path:
    """The folder of a key."""
    return place_of(name, boot_id())


def join(name: str, now: float = BEGIN, *, limit: int = LIMIT, pace: float = 0.0) -> HostSlots:
    """Become a member."""
    return HostSlots(name, limit=limit, window=WINDOW, margin=0.0, pace=pace, now=now)


def take(slots: HostSlots, now: float, *, urgent: bool = False) -> int:
    """Take a slot that is free now."""
    assert slots.next_grant(now, urgent=urgent) <= now
    return slots.grant(now)


def test_the_first_use_of_a_key_waits_for_nothing_and_the_limit_holds_over_all_members(name: str) -> None:
    members = [join(name), join(name)]
    tokens = [take(members[number % 2], BEGIN) for number in range(LIMIT)]
    assert all(member.next_grant(BEGIN, urgent=True) > BEGIN for member in members)
    members[0].end(tokens[0], BEGIN + 0.1, BEGIN + 0.1 + WINDOW)
    # a full ledger hands out the slot that frees next, with its time
    assert members[1].next_grant(BEGIN + 0.2, urgent=True) == pytest.approx(BEGIN + 1.1)
    assert members[1].members == 2


def test_a_reservation_that_was_moved_away_is_freed_where_it_stands(name: str) -> None:
    bulk, person = join(name, limit=2), join(name, limit=2)
    for at in (BEGIN, BEGIN + 0.3):
        bulk.end(take(bulk, at), at, at + WINDOW)
    bulk.next_grant(BEGIN + 0.6, urgent=False)
    take_at = person.next_grant(BEGIN + 0.7, urgent=True)
    bulk.withdraw()
    take(person, take_at, urgent=True)
    assert person.next_grant(BEGIN + 1.3, urgent=True) <= BEGIN + 1.3


def test_the_slots_of_a_dead_member_are_free_one_window_after_it_was_noticed(name: str) -> None:
    dead, alive = join(name), join(name)
    for _ in range(LIMIT):
        take(dead, BEGIN)
    dead.close()
    assert alive.next_grant(BEGIN + 1, urgent=True) > BEGIN + 1
    assert alive.next_grant(BEGIN + 1.9 + WAY, urgent=True) > BEGIN + 1.9 + WAY
    assert alive.next_grant(BEGIN + 2.1 + WAY, urgent=True) <= BEGIN + 2.1 + WAY


@pytest.mark.parametrize("harm", ["delete", "truncate", "empty", "garbage", "header", "record"])
def test_a_damaged_file_stops_no_member_and_lifts_no_limit(name: str, harm: str) -> None:
    one, other = join(name), join(name)
    tokens = [take(one, BEGIN) for _ in range(LIMIT)]
    path = folder_of(name) / "slots"
    if harm == "delete":
        path.unlink()
    elif harm == "truncate":
        os.truncate(path, 100)
    elif harm == "empty":
        os.truncate(path, 0)
    else:
        place = {"garbage": 0, "header": 40, "record": 256}[harm]
        with path.open("r+b") as file:
            file.seek(place)
            file.write(b"\xff" * (700 if harm == "garbage" else 20))
    # what was in flight may be counted until a window after its answer
    for member in (other, one, join(name, BEGIN + 0.5)):
        assert member.next_grant(BEGIN + 0.5, urgent=True) > BEGIN + 0.5
    for token in tokens:
        one.end(token, BEGIN + 0.6, BEGIN + 0.6 + WINDOW)
    assert not [now for now in (BEGIN + 0.8, BEGIN + 1.5) if other.next_grant(now, urgent=True) <= now]
    assert other.next_grant(BEGIN + 5, urgent=True) <= BEGIN + 5


def test_the_folder_and_the_file_are_for_this_user_alone_and_tell_no_key(name: str) -> None:
    join(name)
    path = folder_of(name) / "slots"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (
        stat.S_IMODE(path.parent.stat().st_mode) == stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    )
    assert "secret" not in name_of("secret", "api.lemlist.com")


@pytest.mark.parametrize("part", ["folder", "file"])
def test_a_link_in_its_place_is_not_followed(name: str, part: str, tmp_path: Path) -> None:
    folder = folder_of(name)
    if part == "folder":
        folder.symlink_to(tmp_path)
    else:
        folder.mkdir(0o700)
        (folder / "slots").symlink_to(tmp_path / "elsewhere")
    try:
        with pytest.raises(UnusableError):
            join(name)
        assert not list(tmp_path.iterdir())
    finally:
        if part == "folder":
            folder.unlink()


def test_a_folder_that_others_may_write_to_is_refused(name: str) -> None:
    folder_of(name).mkdir(0o777)
    folder_of(name).chmod(0o777)
    with pytest.raises(UnusableError, match="not a folder of this user alone"):
        join(name)


def test_another_limit_that_is_alive_is_left_alone_and_one_that_is_not_gives_way(name: str) -> None:
    first = join(name)
    with pytest.raises(InUseError, match="another version or limit"):
        join(name, limit=LIMIT + 1)
    assert first.next_grant(BEGIN, urgent=True) <= BEGIN
    first.close()
    assert join(name, limit=LIMIT + 1).next_grant(BEGIN, urgent=True) > BEGIN


@contextmanager
def set_up_by_another(name: str) -> Iterator[None]:
    """Hold the lock under which a member sets the file up."""
    with (folder_of(name) / "slots").open("r+b") as file:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 1 << 19, 1, 0))
        yield


def sharing_of(name: str) -> Sharing:
    """The ledger of a throttle."""
    return Sharing(name, ThrottleOptions(limit=LIMIT, window=WINDOW), lambda: BEGIN, lambda update: None)


def test_many_that_start_at_once_do_not_get_in_one_anothers_way(name: str) -> None:
    first = join(name)
    with set_up_by_another(name):
        others = [sharing_of(name) for _ in range(LIMIT)]
        for other in others:
            assert other.next_grant(BEGIN, urgent=True, waiting=1) <= BEGIN
            other.grant(BEGIN)
        assert first.next_grant(BEGIN, urgent=True) > BEGIN


def test_no_request_goes_beside_a_file_that_another_process_sets_up(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    join(name).close()
    (folder_of(name) / "slots").write_bytes(b"damaged")
    sharing = sharing_of(name)
    with set_up_by_another(name):
        for after in (0.0, 0.5, 1.0):
            assert sharing.next_grant(BEGIN + after, urgent=True, waiting=1) > BEGIN + after
        assert not caplog.records
        # a process that was stopped in the middle of it stops no other one
        assert sharing.next_grant(BEGIN + 1.1, urgent=True, waiting=1) <= BEGIN + 1.1
        assert "has stopped" in (sharing.trouble or "")
    assert (
        sharing.next_grant(BEGIN + 7, urgent=True, waiting=1) > BEGIN + 7
    )  # of its own requests the file knows nothing
    assert sharing.scope == "host"


def test_a_file_that_cannot_be_used_after_all_stops_no_request(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    join(name).close()
    (folder_of(name) / "slots").write_bytes(b"damaged")
    sharing = sharing_of(name)
    with set_up_by_another(name):
        assert sharing.next_grant(BEGIN, urgent=True, waiting=1) > BEGIN

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert sharing.next_grant(BEGIN + 0.1, urgent=True, waiting=1) <= BEGIN + 0.1
    assert sharing.next_grant(BEGIN + 6, urgent=True, waiting=1) <= BEGIN + 6


def test_a_member_waits_for_another_one_that_replaces_a_damaged_file(name: str) -> None:
    one = join(name)
    tokens = [take(one, BEGIN) for _ in range(2)]
    (folder_of(name) / "slots").write_bytes(b"damaged")
    with set_up_by_another(name):
        assert one.next_grant(BEGIN + 1, urgent=True) > BEGIN + 1
        one.end(tokens[0], BEGIN + 1, BEGIN + 1 + WINDOW)
    assert one.next_grant(BEGIN + 1, urgent=True) > BEGIN + 1
    one.end(tokens[1], BEGIN + 1.1, BEGIN + 1.1 + WINDOW)
    assert one.next_grant(BEGIN + 2.1, urgent=True) > BEGIN + 2.1


def test_a_file_of_another_limit_that_was_not_used_for_long_costs_no_wait(name: str) -> None:
    join(name).close()
    for path in (folder_of(name), folder_of(name) / "slots"):
        os.utime(path, (time.time() - 700, time.time() - 700))
    assert join(name, limit=LIMIT + 1).next_grant(BEGIN, urgent=True) <= BEGIN


def test_a_throttle_beside_another_version_keeps_to_half_of_the_quota_and_says_so(name: str) -> None:
    _other = join(name, limit=7)
    throttle = Throttle(ThrottleOptions(limit=4, window=WINDOW), name=name, clock=lambda: BEGIN)

    async def granted() -> int:
        asked = (throttle.acquire(max_wait=0.0) for _ in range(4))
        results = await asyncio.gather(*asked, return_exceptions=True)
        return sum(isinstance(result, Slot) for result in results)

    assert asyncio.run(granted()) == 2
    assert throttle.scope == "process"
    assert "another version or limit" in (throttle.trouble or "")


def test_trouble_with_the_file_never_stops_a_request(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sharing = Sharing(name, ThrottleOptions(limit=LIMIT, window=WINDOW), lambda: BEGIN, lambda update: None)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert sharing.next_grant(BEGIN, urgent=True, waiting=1) <= BEGIN
    assert sharing.grant(BEGIN) is None
    assert (sharing.scope, sharing.members) == ("process", 1)
    assert sharing.next_grant(BEGIN + 1, urgent=True, waiting=1) <= BEGIN + 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    monkeypatch.undo()
    # when it works again, nothing goes for a window: this process has sent what the file does not know
    assert sharing.next_grant(BEGIN + 6, urgent=True, waiting=1) > BEGIN + 6
    assert (sharing.scope, sharing.trouble) == ("host", None)


class FileMachine(Machine):
    """Anything in any order, to any member, and to the file."""

    name = "host"

    @rule(harm=st.sampled_from(["delete", "truncate"]))
    def harm(self, harm: str) -> None:
        assert isinstance(self.world.store, HostStore)
        path = folder_of(self.world.store.name) / "slots"
        if path.exists():
            # members look at the file five times a window, and hold their slots of the old one until then
            path.unlink() if harm == "delete" else os.truncate(path, 100)
            for member in self.world.members:
                member.slots.next_grant(self.world.now, urgent=True)
                member.slots.withdraw()


FileMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
TestHostSlots = FileMachine.TestCase


def test_a_file_of_another_boot_is_made_anew(name: str) -> None:
    join(name).close()
    path = folder_of(name) / "slots"
    with path.open("r+b") as file:
        file.seek(struct.calcsize("<8sIIQ"))
        file.write(b"another boot....")
    slots = join(name, BEGIN)
    assert slots.next_grant(BEGIN, urgent=True) > BEGIN
    assert slots.next_grant(BEGIN + 3, urgent=True) <= BEGIN + 3


def test_a_forecast_knows_of_the_slots_that_other_processes_hold(name: str) -> None:
    other = join(name)
    for _ in range(LIMIT):
        other.end(take(other, BEGIN), BEGIN, BEGIN + WINDOW)
    options = ThrottleOptions(limit=LIMIT, window=WINDOW, margin=0.0)
    throttle = Throttle(options, name=name, clock=lambda: BEGIN + 0.4)

    async def ask() -> float:
        with pytest.raises(WaitTooLongError) as caught:
            await throttle.acquire(max_wait=0.5)
        return caught.value.forecast

    assert asyncio.run(ask()) == pytest.approx(0.6)
    # the other process goes on as it does, so one slot is left
    assert throttle.eta(2) == pytest.approx(1.6)


def test_forty_members_keep_to_the_limit_together_and_each_gets_its_turn() -> None:
    (world,) = [world for world in worlds("host", limit=20) if grow(world, 40)]
    assert world.most <= 20
    # forty windows of twenty slots, less what the way to the answer costs
    assert len(world.checks) > 0.85 * 20 * 40


def grow(world: World, members: int) -> bool:
    """Let so many members send as much as they may for forty windows; tell whether each of them sent."""
    while len(world.members) < members:
        world.add()
    sent = [0] * members
    for step in range(800):
        for number in range(members):
            place = (number + 7 * step) % members
            member = world.members[place]
            sent[place] += world.send(member)
        world.pass_time(0.05)
        for member in world.members:
            while member.flights:
                world.answer(member, 0)
    return min(sent) > 0
