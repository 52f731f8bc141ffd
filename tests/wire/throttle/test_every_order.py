"""Every order of events in a small world: two slots, members that share them, a server that may forget.

`benchmarks/every_order.py` searches larger worlds, for as long as it is let.
"""

from __future__ import annotations

import pytest

from lemlist_async.throttle.stores.redis_slots import script
from tests.support.explore import Bounds, Explorer

SLOW = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    ("members", "bounds"),
    [
        (3, Bounds(requests=3, passes=1, deaths=1, harms=0)),
        (2, Bounds(requests=3, passes=2, deaths=0, harms=0)),
    ],
    ids=str,
)
def test_no_order_of_events_leads_to_more_checks_in_a_window_than_the_limit(
    members: int, bounds: Bounds
) -> None:
    explorer = Explorer(members=members, bounds=bounds)
    assert explorer.explore() is None
    assert len(explorer.seen) > 500


@pytest.mark.parametrize(
    ("fault", "change"),
    [
        ("a window that is short", ("math.max(slot.free, now)", "math.max(slot.free - 600000, now)")),
        ("answers that free a slot at once", ("rest > 0 and now + rest or slot.free", "slot.free")),
        ("a server that does not know that it has forgotten", ("exact(now + hold + way)", "exact(now)")),
        pytest.param(
            "a lease that is ignored", ("tonumber(seen) + lease < now", "tonumber(seen) < now"), marks=SLOW
        ),
        pytest.param(
            "requests in flight that a server does not learn of",
            ("if not mine[token] then\n    local", "if false then\n    local"),
            marks=SLOW,
        ),
        pytest.param(
            "a member whose own line is taken for that of a dead one",
            ("id ~= me and tonumber", "tonumber"),
            marks=SLOW,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_of_the_script_is_found(fault: str, change: tuple[str, str]) -> None:
    assert change[0] in script(), fault
    explorer = Explorer(script().replace(*change), members=2, bounds=Bounds(requests=4, passes=3))
    assert explorer.explore() is not None, fault
