"""The short version of benchmarks/soak.py: nothing grows under faults and cancellations."""

import pytest

from benchmarks.soak import growth, soak

pytestmark = pytest.mark.slow

CALLS, TASKS = 10_000, 50


async def test_nothing_grows_over_thousands_of_calls_with_faults_and_cancellations() -> None:
    readings, outcomes = await soak(CALLS, TASKS, report=False)
    assert sum(outcomes.values()) == CALLS
    assert outcomes["answered"] > 0.95 * CALLS
    assert outcomes["cancelled"] > 0
    more = growth(readings)
    assert more["tasks"] == 0
    assert more["rss"] < 4  # MiB
    assert max(reading.sockets for reading in readings) <= TASKS
    assert more["descriptors"] <= TASKS - readings[0].sockets
