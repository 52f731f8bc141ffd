"""Another program uses the same key."""

from __future__ import annotations

import asyncio

import pytest

from lemlist_async.testing.virtual_time import run
from lemlist_async.throttle import ThrottleOptions
from tests.support.throttle_sim import NETWORKS, WINDOW, Server, Throttled, saturate


async def beside(server: Server, per_second: float, requests: int) -> Throttled:
    visitor = asyncio.create_task(server.visits(per_second))
    client = Throttled(ThrottleOptions())
    await saturate(client, server, requests)
    visitor.cancel()
    return client


@pytest.mark.parametrize("policy", ["fixed-first", "sliding-log", "token-bucket"])
def test_refusals_are_few_and_the_rest_of_the_quota_is_used(policy: str) -> None:
    server = Server(policy, NETWORKS["jitter 119 ms"], 3)
    client = run(beside(server, 2.0, 1000))
    assert 0 < server.per_thousand < 25
    assert client.throttle.stats.refusals == len(server.refused)
    per_second = len(server.accepted) / (server.accepted[-1] - server.accepted[0])
    assert per_second > 0.65 * 8
    assert len(server.foreign) / (server.accepted[-1] - server.accepted[0]) > 1.6


def test_the_quota_is_whole_again_after_the_other_fell_silent() -> None:
    server = Server("fixed-first", NETWORKS["calm 20 ms"], 3)

    async def main() -> tuple[int, int]:
        client = await beside(server, 5.0, 300)
        limited = client.throttle.limit
        await asyncio.sleep(10 * WINDOW)
        return limited, client.throttle.limit

    limited, whole = run(main())
    assert limited < whole == 20
