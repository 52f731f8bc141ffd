"""Very many waiters, and people beside a batch."""

from __future__ import annotations

import asyncio
import random

import pytest

from lemlist_async.testing.virtual_time import run
from lemlist_async.throttle import ThrottleOptions
from tests.support.throttle_sim import NETWORKS, Server, Throttled, waits_beside_a_batch
from tests.timed.conftest import MakeThrottle


async def test_fifty_thousand_waiters_keep_their_order(make_throttle: MakeThrottle) -> None:
    """A queue of quadratic cost would pass the time limit of the test."""
    throttle = make_throttle(limit=100, window=0.1, pacer=None)
    order: list[int] = []

    async def one(number: int) -> None:
        slot = await throttle.acquire("bulk")
        order.append(number)
        slot.give_back()

    held = [await throttle.acquire() for _ in range(100)]
    waiting = [asyncio.create_task(one(number)) for number in range(50_000)]
    await asyncio.sleep(0)
    assert throttle.queued["bulk"] == 50_000
    for slot in held:
        slot.give_back()
    await asyncio.gather(*waiting)
    assert order == list(range(50_000))


@pytest.mark.parametrize("network", ["calm 1 ms", "jitter 24 ms", "jitter 119 ms", "jitter 356 ms"])
def test_a_person_waits_little_beside_any_batch(network: str) -> None:
    waits = waits_beside_a_batch(
        lambda: Throttled(ThrottleOptions()), Server("fixed-first", NETWORKS[network], 3), seconds=120, seed=3
    )
    assert waits[len(waits) // 2] <= 0.25
    assert waits[int(len(waits) * 0.99)] <= 0.6


def test_on_and_off_bursts_are_not_refused() -> None:
    server = Server("sliding-log", NETWORKS["jitter 119 ms"], 5)

    async def main() -> None:
        client, chance = Throttled(ThrottleOptions()), random.Random(5)
        for _ in range(30):
            await asyncio.gather(*(client(server.wire) for _ in range(chance.randint(1, 45))))
            await asyncio.sleep(chance.expovariate(0.5))

    run(main())
    assert server.accepted
    assert not server.refused
