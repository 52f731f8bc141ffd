"""A server with a rate limit behind a network, in virtual time: what a client gets through."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import attrs

from lemlist_async.options import Lane
from lemlist_async.sandbox.limits import Decision, Policy, make_policy
from lemlist_async.testing.virtual_time import run
from lemlist_async.throttle import RateState, Throttle, ThrottleOptions

LIMIT, WINDOW = 20, 2.0
WORKERS = 60
"""Requests under way or queued at once: more than any network here needs to keep a client busy."""

Delays = Callable[[random.Random, float], tuple[float, float]]
"""Seconds to the server and back, for a request sent so many seconds after the first one."""
Wire = Callable[[], Awaitable[Decision]]
"""Sends one request."""


class Client(Protocol):
    """Whatever brings one request through, however often it is refused."""

    async def __call__(self, wire: Wire, lane: Lane = "bulk") -> None: ...


def calm(seconds: float) -> Delays:
    """A round trip that varies by a tenth."""

    def delays(chance: random.Random, _now: float) -> tuple[float, float]:
        return seconds / 2 * chance.uniform(0.95, 1.05), seconds / 2 * chance.uniform(0.95, 1.05)

    return delays


def jitter(mean: float) -> Delays:
    """Half of the round trip is the way, the other half jitter with a long tail (log-normal, sigma 1)."""
    mu = math.log(mean / 4) - 0.5

    def one_way(chance: random.Random) -> float:
        return mean / 4 + chance.lognormvariate(mu, 1.0)

    return lambda chance, _now: (one_way(chance), one_way(chance))


def spikes(seconds: float, spike: float, every: float) -> Delays:
    """A calm network that stands still for a moment every now and then."""
    usual = calm(seconds)

    def delays(chance: random.Random, now: float) -> tuple[float, float]:
        out, back = usual(chance, now)
        return out + max(0.0, spike - now % every), back

    return delays


def step(before: float, after: float, every: float) -> Delays:
    """A round trip that changes between two values."""
    networks = calm(before), calm(after)
    return lambda chance, now: networks[int(now / every) % 2](chance, now)


NETWORKS: Mapping[str, Delays] = {
    "calm 1 ms": calm(0.001),
    "calm 20 ms": calm(0.020),
    "calm 100 ms": calm(0.100),
    "calm 450 ms": calm(0.450),
    "jitter 24 ms": jitter(0.024),
    "jitter 119 ms": jitter(0.119),
    "jitter 356 ms": jitter(0.356),
    "spikes": spikes(0.050, 0.8, 7.3),
    "step": step(0.300, 0.040, 11.0),
}


def faster(before: float, after: float, at: float = 70.0) -> Delays:
    """A calm network that becomes faster once, after so many seconds."""
    networks = calm(before), calm(after)
    return lambda chance, now: networks[now >= at](chance, now)


def stalled_at_first(stall: float, usual: float) -> Delays:
    """A cold start: nothing arrives for so many seconds, and then all of it."""
    network = calm(usual)

    def delays(chance: random.Random, now: float) -> tuple[float, float]:
        out, back = network(chance, now)
        return out + max(0.0, stall - now), back

    return delays


def bimodal(fast: float, slow: float) -> Delays:
    """A third of the answers are slow."""
    networks = calm(fast), calm(slow)
    return lambda chance, now: networks[chance.random() < 1 / 3](chance, now)


CHANGING: Mapping[str, Delays] = {
    "a stall of 3 s, then 60 ms": stalled_at_first(3.0, 0.060),
    "400 ms, then 30 ms": faster(0.400, 0.030),
    "150 ms, then 20 ms": faster(0.150, 0.020),
    "600 and 20 ms, every 90 s": step(0.600, 0.020, 90.0),
    "20 or 800 ms": bimodal(0.020, 0.800),
    "outages of 2 s": spikes(0.060, 2.0, 20.0),
}
"""Networks whose past says little of what they do next; time counts from the first request."""


@attrs.define
class Server:
    """A rate limit at the far end of a network; keeps what it saw."""

    policy_name: str
    delays: Delays
    seed: int = 0
    accepted: list[float] = attrs.field(factory=list[float])
    refused: list[float] = attrs.field(factory=list[float])
    round_trips: list[float] = attrs.field(factory=list[float])

    foreign: list[float] = attrs.field(factory=list[float])
    """Requests of another program that uses the same key, and was not refused."""
    _begun: float | None = attrs.field(default=None, init=False)
    _chance: random.Random = attrs.field(init=False)
    _phase: float = attrs.field(init=False)
    _policy: Policy = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._phase = self._chance.uniform(0, WINDOW)
        self._policy = make_policy(self.policy_name, LIMIT, WINDOW)

    async def visits(self, per_second: float) -> None:
        """Another program that uses the same key, as often as chance will have it, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._chance.expovariate(per_second))
            if self._policy.check(loop.time() + self._phase).allowed:
                self.foreign.append(loop.time())

    async def wire(self) -> Decision:
        """Carry one request there and its answer back."""
        loop = asyncio.get_running_loop()
        if self._begun is None:
            self._begun = loop.time()
        out, back = self.delays(self._chance, loop.time() - self._begun)
        await asyncio.sleep(out)
        decision = self._policy.check(loop.time() + self._phase)
        (self.accepted if decision.allowed else self.refused).append(loop.time())
        await asyncio.sleep(back)
        self.round_trips.append(out + back)
        return decision

    @property
    def share(self) -> float:
        """Accepted requests as a part of the quota, over as many whole quotas as there were.

        From one request to one a whole number of quotas later: a free burst at the start adds nothing.
        """
        quotas, first = divmod(len(self.accepted) - 1, LIMIT)
        return quotas * WINDOW / (self.accepted[-1] - self.accepted[first])

    @property
    def per_thousand(self) -> float:
        """Refusals per 1,000 accepted requests."""
        return 1000 * len(self.refused) / len(self.accepted)

    @property
    def bound(self) -> float:
        """The share that no client can pass who must never be refused, with a credit of 0.5."""
        mean = sum(self.round_trips) / len(self.round_trips)
        return WINDOW / (WINDOW + mean - 0.5 * min(self.round_trips))


class Throttled:
    """Our throttle as a client."""

    def __init__(self, options: ThrottleOptions, seed: int = 0) -> None:
        self.throttle = Throttle(
            options, clock=asyncio.get_running_loop().time, random=random.Random(seed).random
        )

    async def __call__(self, wire: Wire, lane: Lane = "bulk") -> None:
        while True:
            slot = await self.throttle.acquire(lane)
            decision = await wire()
            rate = RateState(LIMIT, decision.remaining)
            if decision.allowed:
                slot.answered(rate)
                return
            slot.refused(math.ceil(decision.retry_after), by_limiter=True, rate=rate)


async def saturate(client: Client, server: Server, requests: int) -> None:
    """Push so many requests through, as fast as the client lets them go."""
    left = iter(range(requests))

    async def work() -> None:
        for _ in left:
            await client(server.wire)

    await asyncio.gather(*(work() for _ in range(WORKERS)))


def simulate(make: Callable[[], Client], policy: str, network: str, requests: int, seed: int = 0) -> Server:
    """Run it, and give back the server with what it saw."""
    server = Server(policy, {**NETWORKS, **CHANGING}[network], seed)

    async def main() -> None:
        await saturate(make(), server, requests)

    run(main())
    return server


def waits_beside_a_batch(
    make: Callable[[], Client], server: Server, *, seconds: float, seed: int = 0
) -> list[float]:
    """The waits of people, one a second on average, while a batch keeps the client busy; in rising order.

    The first five seconds are left out: a batch that begins takes the whole quota at once.
    """
    waits: list[float] = []

    async def main() -> None:
        loop, chance, client = asyncio.get_running_loop(), random.Random(seed), make()
        begun, end = loop.time(), loop.time() + seconds

        async def row_after_row() -> None:
            while loop.time() < end:
                await client(server.wire)

        async def person() -> None:
            asked = loop.time()

            async def wire() -> Decision:
                if asked >= begun + 5:
                    waits.append(loop.time() - asked)
                return await server.wire()

            await client(wire, "interactive")

        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(row_after_row())
            while loop.time() < end:
                await asyncio.sleep(chance.expovariate(1.0))
                group.create_task(person())

    run(main())
    return sorted(waits)
