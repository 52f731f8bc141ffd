"""The contract of every store of slots: the memory of a process, a file of the host, a server."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from lemlist_async.throttle.stores.shared import SharedSlots
from tests.support.limits_seen import worst_estimate
from tests.support.slot_stores import DATABASES, LIMIT, STORES, WINDOW, worlds
from tests.support.slots_machine import Machine
from tests.support.slots_model import World

HAIR = 1e-6
"""Seconds: stores keep whole nanoseconds or microseconds."""
SHARED = sorted(STORES.keys() - {"process"})


@pytest.fixture(autouse=True, scope="module")
def database_of_slots(database: str) -> None:
    """Give the store in PostgreSQL its database."""
    DATABASES.append(database)


@pytest.fixture(params=sorted(STORES))
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A world for each store, with one member."""
    yield from worlds(request.param)


@pytest.fixture(params=SHARED)
def crowd(request: pytest.FixtureRequest) -> Iterator[World]:
    """A world for each store that is shared, with two members."""
    for world in worlds(request.param):
        world.add()
        yield world


def take(slots: SharedSlots, now: float, *, urgent: bool = False) -> int:
    """Take a slot that is free now."""
    assert slots.next_grant(now, urgent=urgent) <= now + HAIR
    return slots.grant(now)


def members(world: World) -> tuple[SharedSlots, SharedSlots]:
    """The two members of a crowd."""
    one, other = world.members
    return one.slots, other.slots


def fill(world: World, answered: float = 0.0) -> None:
    """Use every slot, by all members in turn; each answer comes after so many seconds."""
    tokens = [
        (slots := world.members[number % len(world.members)].slots, take(slots, world.now))
        for number in range(LIMIT)
    ]
    world.pass_time(answered)
    for slots, token in tokens:
        slots.end(token, world.now, world.now + WINDOW)


def wait_of(world: World, slots: SharedSlots, *, urgent: bool = True) -> float:
    """Seconds until one more request may really go: instants at which to ask again are asked at."""
    begun = world.now
    while (at := slots.next_grant(world.now, urgent=urgent)) > world.now:
        world.pass_time(min(at - world.now, world.store.step) + HAIR)
    return world.now - begun


def test_a_full_ledger_gives_the_slot_that_frees_next(world: World) -> None:
    fill(world, answered=0.1)
    world.pass_time(0.2)
    assert wait_of(world, world.members[0].slots) == pytest.approx(0.8, abs=0.06)


def test_a_request_that_was_never_sent_leaves_its_slot_free(world: World) -> None:
    slots = world.members[0].slots
    for _ in range(3 * LIMIT):
        slots.end(take(slots, world.now), world.now, world.now)
        world.pass_time(0.3)


def test_requests_in_flight_hold_every_slot_however_long_they_take(world: World) -> None:
    slots = world.members[0].slots
    tokens = [take(slots, world.now) for _ in range(LIMIT)]
    for _ in range(40):
        world.pass_time(0.5)
        assert slots.next_grant(world.now, urgent=True) > world.now
    slots.end(tokens[0], world.now, world.now + WINDOW)
    assert wait_of(world, slots) == pytest.approx(WINDOW, abs=0.3)


def test_a_pause_holds_for_all_members_and_a_shorter_one_opens_nothing_sooner(world: World) -> None:
    first = world.members[0].slots
    begun = world.now
    first.pause(begun + 7)
    for slots in [member.slots for member in world.members]:
        assert slots.next_grant(world.now, urgent=True) == pytest.approx(begun + 7, abs=0.01)
    first.pause(begun + 3)
    assert wait_of(world, first) == pytest.approx(7, abs=0.1)


def test_the_limit_holds_over_all_members(crowd: World) -> None:
    one, other = members(crowd)
    for number in range(LIMIT):
        take((one, other)[number % 2], crowd.now)
    assert one.next_grant(crowd.now, urgent=True) > crowd.now
    assert other.next_grant(crowd.now, urgent=True) > crowd.now
    assert one.members == 2


def test_a_reservation_that_no_request_needs_any_more_goes_to_another_member(crowd: World) -> None:
    one, other = members(crowd)
    fill(crowd)
    crowd.pass_time(0.7)
    one.next_grant(crowd.now, urgent=False)
    one.withdraw()
    crowd.pass_time(0.3)
    for _ in range(LIMIT):
        take(other, crowd.now)


def test_an_interactive_request_goes_before_the_bulk_reservation_of_another_member(crowd: World) -> None:
    bulk, person = members(crowd)
    for _ in range(LIMIT):
        bulk.end(take(bulk, crowd.now), crowd.now, crowd.now + WINDOW)
        crowd.pass_time(0.2)
    bulk.next_grant(crowd.now, urgent=False)
    crowd.pass_time(0.05)
    begun = crowd.now
    assert wait_of(crowd, person) == pytest.approx(begun + 0.35 - begun, abs=0.02)
    take(person, crowd.now, urgent=True)
    # the batch finds its reservation where it was moved to
    assert wait_of(crowd, bulk, urgent=False) == pytest.approx(0.2, abs=0.06)


def test_the_slots_of_a_dead_member_are_free_in_the_end_and_not_within_a_window(crowd: World) -> None:
    dead, alive = crowd.members
    for _ in range(LIMIT):
        take(dead.slots, crowd.now)
    crowd.store.kill(dead.slots)
    assert WINDOW <= wait_of(crowd, alive.slots) <= 5 * WINDOW


def test_a_member_that_starts_again_at_once_finds_what_it_had_sent(crowd: World) -> None:
    fill(crowd)
    crowd.pass_time(0.3)
    for member in crowd.members:
        crowd.store.kill(member.slots)
    assert wait_of(crowd, crowd.add().slots) == pytest.approx(0.7, abs=0.06)


def test_a_sliding_counter_is_kept_within_its_limit_while_several_members_live(crowd: World) -> None:
    one, other = members(crowd)
    for slots in (one, other):
        slots.slide(crowd.now + 100)
    checks, slots_in_turn = list[float](), itertools.cycle((one, other))
    end = crowd.now + 20 * WINDOW
    while crowd.now < end:
        slots = next(slots_in_turn)
        while slots.next_grant(crowd.now, urgent=False) <= crowd.now:
            checks.append(crowd.now)
            slots.end(slots.grant(crowd.now), crowd.now, crowd.now + WINDOW)
        crowd.pass_time(0.01)
    assert worst_estimate(checks[:80], WINDOW) <= LIMIT + 1e-6
    # half of the slots would be kept free by a rule that knows less
    assert len(checks) > 0.6 * 20 * LIMIT


def test_round_trips_are_shared_once_enough_were_seen_over_two_seconds(crowd: World) -> None:
    one, other = members(crowd)
    for number in range(25):
        slots = (one, other)[number % 2]
        slots.end(take(slots, crowd.now), crowd.now, crowd.now, 0.05 + number / 1000)
        assert one.credit() is None or number > 18
        crowd.pass_time(0.15)
    wait_of(crowd, one)
    assert one.credit() == pytest.approx(0.05)


@pytest.mark.parametrize("name", SHARED)
def test_bulk_is_spread_for_all_members_while_interactive_requests_come(name: str) -> None:
    for world in worlds(name, pace=0.4):
        one, other = world.members[0].slots, world.add().slots
        one.saw_interactive(world.now)
        take(one, world.now)
        for _ in range(LIMIT - 1):
            other.end(take(other, world.now), world.now, world.now + WINDOW)
        world.pass_time(1.0)
        # two slots are free, and every grant takes a token of the bucket: an urgent one does not wait for it
        take(other, world.now, urgent=True)
        assert 0.2 < wait_of(world, other, urgent=False) <= 0.5


def test_the_instants_at_which_slots_are_free_are_told_for_forecasts(crowd: World) -> None:
    one, other = members(crowd)
    token = take(one, crowd.now)
    one.end(take(one, crowd.now), crowd.now, crowd.now + WINDOW)
    crowd.pass_time(0.3)
    take(other, crowd.now)
    free = sorted(other.free_instants(crowd.now) or [])
    assert free == [pytest.approx(crowd.now + 0.7, abs=0.02), float("inf"), float("inf")]
    one.end(token, crowd.now, crowd.now + WINDOW)


@pytest.mark.parametrize("name", sorted(STORES))
def test_no_window_holds_more_checks_than_the_limit_whatever_the_members_do(name: str) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        type("One", (Machine,), {"name": name}),
        settings=settings(max_examples=60, stateful_step_count=50, deadline=None),
    )
