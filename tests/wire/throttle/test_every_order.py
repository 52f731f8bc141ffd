"""Every order of events in a small world: two slots, members that share them, a server that may forget.

`benchmarks/every_order.py` searches other sizes.
"""

from __future__ import annotations

import sys
from unittest import mock

import pytest

from lemlist_async.throttle.stores.redis_slots import script
from tests.support.explore.process_world import ProcessWorld
from tests.support.explore.script_world import Bounds, ScriptWorld
from tests.support.explore.search import Search

SLOW = [pytest.mark.slow, pytest.mark.timeout(600)]
SHORT = ("math.max(slot.free, now)", "math.max(slot.free - 600000, now)")
AT_ONCE = ("rest > 0 and now + rest or slot.free", "slot.free")
FORGOTTEN = ("exact(now + hold + way)", "exact(now)")
NO_LEASE = ("tonumber(seen) + lease < now", "tonumber(seen) < now")
FAULTS = {
    "a window that is short": SHORT,
    "answers that free a slot at once": AT_ONCE,
    "a server that does not know that it has forgotten": FORGOTTEN,
    "a lease that is ignored": NO_LEASE,
    "requests in flight that a server does not learn of": (
        "if not mine[token] then\n    local",
        "if false then\n    local",
    ),
    "a member whose own line is taken for that of a dead one": ("id ~= me and tonumber", "tonumber"),
}


@pytest.mark.parametrize(
    ("members", "bounds"),
    [
        (2, Bounds(requests=4, deaths=1, harms=1)),
        pytest.param(3, Bounds(requests=4, deaths=1, harms=0), marks=SLOW),
        (3, Bounds(requests=3, deaths=1, harms=0)),
        # one harm on a way is of one kind, so these two are all ways
        pytest.param(3, Bounds(requests=4, kinds=("deaf", "away")), marks=SLOW),
        pytest.param(3, Bounds(requests=4, kinds=("forget",)), marks=SLOW),
    ],
    ids=str,
)
def test_no_order_of_events_leads_to_more_checks_in_a_window_than_the_limit(
    members: int, bounds: Bounds
) -> None:
    found = Search(ScriptWorld(members=members, bounds=bounds)).run()
    assert found.way is None
    assert found.complete
    assert found.states > 2000


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_script_is_found(fault: str) -> None:
    change = FAULTS[fault]
    assert change[0] in script()
    found = Search(ScriptWorld(script().replace(*change), members=2, bounds=Bounds(requests=4))).run()
    assert found.way is not None


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "change", [("", ""), SHORT, AT_ONCE, FORGOTTEN, NO_LEASE], ids=lambda change: change[1]
)
@pytest.mark.parametrize("bounds", [Bounds(3, 1, 0, passes=2), Bounds(3, 0, 1, passes=2)], ids=str)
def test_the_reductions_of_the_search_change_no_verdict(bounds: Bounds, change: tuple[str, str]) -> None:
    verdicts = [
        Search(
            ScriptWorld(script().replace(*change, 1), members=2, bounds=bounds, reduced=reduced),
            dominance=reduced,
        ).run()
        for reduced in (True, False)
    ]
    assert all(found.complete for found in verdicts)
    assert verdicts[0].states < verdicts[1].states
    assert (verdicts[0].way is None) == (verdicts[1].way is None)


def test_no_order_of_events_of_one_process_breaks_the_limit_or_the_pause() -> None:
    found = Search(ProcessWorld()).run()
    assert (found.way, found.complete) == (None, True)
    assert found.states > 500


def test_a_window_that_is_short_is_found_in_one_process() -> None:
    assert Search(ProcessWorld(hold=0.75)).run().way is not None


if sys.platform == "linux":
    from lemlist_async.throttle.stores import host
    from tests.support.explore import file_world
    from tests.support.explore.file_world import FileBounds, FileWorld

    @pytest.mark.parametrize(
        ("limit", "bounds"),
        [
            (1, FileBounds(requests=2, passes=2, deaths=1, stops=1)),
            pytest.param(1, FileBounds(requests=2, passes=3, deaths=1, stops=1), marks=pytest.mark.slow),
            (2, FileBounds(requests=2, passes=3, deaths=1, stops=1, full=True)),
            (1, FileBounds(requests=1, passes=5, deaths=0, deletions=1, stops=0, full=True)),
            pytest.param(
                2, FileBounds(requests=3, passes=2, deaths=0, stops=0, full=True), marks=pytest.mark.slow
            ),
        ],
        ids=str,
    )
    def test_no_order_of_file_calls_leads_to_more_checks_in_a_window_than_the_limit(
        limit: int, bounds: FileBounds
    ) -> None:
        found = Search(FileWorld(limit=limit, bounds=bounds)).run()
        assert found.way is None
        assert found.complete
        assert found.states > 100

    FILE_FAULTS = {
        "locks that exclude no other member": (
            FileBounds(requests=2, passes=0, deaths=0),
            mock.patch.object(file_world.SimulatedFile, "lock", return_value=True),
        ),
        "requests of dead members that take no time to arrive": (
            FileBounds(requests=2, passes=4, deaths=1, stops=0),
            mock.patch.object(host, "WAY", 0.0),
        ),
        "a new file that is not shut": (
            FileBounds(requests=1, passes=1, deaths=0, deletions=1, stops=0, full=True),
            mock.patch.object(file_world, "SHUT_FOR", 0.0),
        ),
        "a window that is short": (
            FileBounds(requests=2, passes=2, deaths=0, stops=0),
            mock.patch.object(file_world, "HOLD", 0.5),
        ),
    }

    @pytest.mark.parametrize("fault", FILE_FAULTS)
    def test_a_fault_of_the_file_is_found(fault: str) -> None:
        bounds, change = FILE_FAULTS[fault]
        with change:
            assert Search(FileWorld(limit=1, bounds=bounds)).run(200_000).way is not None
