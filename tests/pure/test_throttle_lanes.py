from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemlist_async.options import Lane
from lemlist_async.throttle.lanes import BULK_TURN, Lanes

arrivals = st.lists(st.sampled_from(["interactive", "bulk"]), max_size=60)


def filled(lanes: list[Lane]) -> Lanes[tuple[Lane, int]]:
    queue: Lanes[tuple[Lane, int]] = Lanes()
    for number, lane in enumerate(lanes):
        queue.push(lane, (lane, number))
    return queue


def emptied(queue: Lanes[tuple[Lane, int]]) -> list[tuple[Lane, int]]:
    return [queue.pop() for _ in range(len(queue))]


@given(arrivals)
def test_each_lane_keeps_its_order(lanes: list[Lane]) -> None:
    served = emptied(filled(lanes))
    for lane in ("interactive", "bulk"):
        numbers = [number for its, number in served if its == lane]
        assert numbers == sorted(numbers)
    assert len(served) == len(lanes)


@given(arrivals)
def test_bulk_gets_one_grant_in_ten_while_both_wait(lanes: list[Lane]) -> None:
    queue = filled(lanes)
    overtaken = 0
    while queue.size("bulk"):
        both = queue.size("interactive") > 0
        lane, _ = queue.pop()
        assert lane == "interactive" or not both or overtaken == BULK_TURN - 1
        overtaken = overtaken + 1 if lane == "interactive" else 0
        assert overtaken < BULK_TURN


def test_a_person_who_comes_later_goes_first() -> None:
    assert emptied(filled(["bulk", "bulk", "interactive"])) == [("interactive", 2), ("bulk", 0), ("bulk", 1)]


def test_whoever_leaves_is_not_served_and_may_leave_twice() -> None:
    queue = filled(["bulk", "bulk", "interactive"])
    for _ in range(2):
        queue.remove(("bulk", 0))
        queue.remove(("interactive", 2))
    assert (len(queue), queue.size("bulk"), list(queue)) == (1, 1, [("bulk", 1)])


def test_nobody_is_served_from_an_empty_queue() -> None:
    with pytest.raises(KeyError):
        filled([]).pop()


@given(arrivals, st.sampled_from(["interactive", "bulk"]), st.integers(0, 12))
def test_a_newcomer_is_served_after_as_many_as_were_said_to_be_ahead(
    lanes: list[Lane], lane: Lane, served_before: int
) -> None:
    queue = filled(lanes)
    for _ in range(min(served_before, len(queue))):
        queue.pop()
    ahead = queue.ahead_of(lane)
    queue.push(lane, (lane, -1))
    # a newcomer of the bulk lane may be sooner: its turns come among the interactive ones
    place = emptied(queue).index((lane, -1))
    assert place == ahead if lane == "interactive" else place <= ahead
