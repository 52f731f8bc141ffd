"""The throttle over real sockets, against servers that count in different ways over different networks."""

import asyncio

import pytest

from lemlist_async import Lemlist, ThrottleOptions, errors
from lemlist_async.observe import RetryScheduled, SlotGranted
from lemlist_async.sandbox import Sandbox, rate_limited

pytestmark = pytest.mark.slow

NETWORKS = {
    "near": ("fixed-first", (0.001, 0.01)),
    "usual": ("sliding-log", (0.05, 0.2)),
    "far and uneven": ("token-bucket", (0.1, 0.6)),
}


async def saturate(policy: str, latency: tuple[float, float], calls: int) -> int:
    """So many calls as fast as the throttle lets them; the refusals that the server counted."""
    async with (
        Sandbox(policy=policy, latency=latency, seed=3) as sandbox,
        Lemlist(sandbox.key, sandbox.url) as lemlist,
    ):
        await asyncio.gather(*(lemlist.team.get_credits() for _ in range(calls)))
        return sandbox.counters.refused


async def test_no_call_is_refused_over_three_networks() -> None:
    refused = await asyncio.gather(*(saturate(*network, 70) for network in NETWORKS.values()))
    assert dict(zip(NETWORKS, refused, strict=True)) == dict.fromkeys(NETWORKS, 0)


async def test_strict_is_not_refused_by_a_sliding_counter_either() -> None:
    async with Sandbox(policy="sliding-counter") as sandbox:
        async with Lemlist(sandbox.key, sandbox.url, throttle=ThrottleOptions(strict=True)) as lemlist:
            await asyncio.gather(*(lemlist.team.get_credits() for _ in range(60)))
        assert sandbox.counters.refused == 0


async def test_a_person_does_not_wait_behind_a_batch() -> None:
    async with Sandbox() as sandbox, Lemlist(sandbox.key, sandbox.url) as lemlist:
        bulk = lemlist.with_options(lane="bulk")
        batch = [asyncio.create_task(bulk.team.get_credits()) for _ in range(100)]
        await asyncio.sleep(1)
        started = asyncio.get_running_loop().time()
        await lemlist.team.get_credits()
        assert asyncio.get_running_loop().time() - started < 2
        assert sum(task.done() for task in batch) < 60
        for task in batch:
            task.cancel()
        await asyncio.gather(*batch, return_exceptions=True)
        assert sum(lemlist.throttle.queued.values()) == 0
        assert sandbox.counters.refused == 0


async def test_one_429_stops_every_caller_of_the_key_until_it_is_over() -> None:
    async with Sandbox(limit=None) as sandbox:
        sandbox.faults.add(rate_limited(1), match="GET /team")
        one, other = Lemlist(sandbox.key, sandbox.url), Lemlist(sandbox.key, sandbox.url)
        assert one.throttle is other.throttle
        waits: list[str | None] = []
        other.on(SlotGranted, lambda event: waits.append(event.reason))
        refused = asyncio.Event()
        one.on(RetryScheduled, lambda _event: refused.set())
        first = asyncio.create_task(one.team.get())
        await refused.wait()
        started = asyncio.get_running_loop().time()
        await other.team.get_credits()
        assert asyncio.get_running_loop().time() - started > 0.8
        await first
        assert waits == ["pause"]
        assert one.throttle.stats.refusals == 1
        await one.aclose()
        await other.aclose()


async def test_a_call_that_would_wait_too_long_is_refused_before_it_is_sent() -> None:
    async with Sandbox() as sandbox, Lemlist(sandbox.key, sandbox.url) as lemlist:
        bulk = lemlist.with_options(lane="bulk")
        batch = [asyncio.create_task(bulk.team.get_credits()) for _ in range(60)]
        await asyncio.sleep(0.1)
        seen = len(sandbox.requests)
        with pytest.raises(errors.WaitTooLongError) as caught:
            await bulk.with_options(max_wait=0.5).team.get()
        assert caught.value.forecast > 2
        assert all(request.template != "/team" for request in list(sandbox.requests)[seen:])
        for task in batch:
            task.cancel()
        await asyncio.gather(*batch, return_exceptions=True)
