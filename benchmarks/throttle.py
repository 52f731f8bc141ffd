"""Our throttle beside the usual ones, in one simulation: share of the quota, refusals, waits of people, CPU.

    python -m benchmarks.throttle [--requests 2000] [--svg docs/throttle.svg] [--json FILE]

Run from the root of the repository. The simulation is virtual time over the real classes; it is deterministic but
for the CPU figures.
"""

import asyncio
import math
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiolimiter import AsyncLimiter
from pyrate_limiter import InMemoryBucket, Limiter, Rate, SingleBucketFactory

from benchmarks._scatter import draw
from benchmarks._tables import Table, parser_of, publish
from lemlist_async.options import Lane
from lemlist_async.sandbox.limits import POLICIES
from lemlist_async.testing.virtual_time import run
from lemlist_async.throttle import Throttle, ThrottleOptions
from tests.support.throttle_sim import (
    CHANGING,
    LIMIT,
    NETWORKS,
    WINDOW,
    Client,
    Server,
    Throttled,
    Wire,
    saturate,
    simulate,
    waits_beside_a_batch,
)

HEAVY = ("jitter 24 ms", "jitter 119 ms", "jitter 356 ms")
FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 30.0


class Unthrottled:
    """No throttle: after each refusal, full jitter over a ceiling that doubles."""

    def __init__(self) -> None:
        self._chance = random.Random(0)

    async def __call__(self, wire: Wire, lane: Lane = "bulk") -> None:
        ceiling = FIRST_BACKOFF
        while not (await wire()).allowed:
            await asyncio.sleep(self._chance.uniform(0, ceiling))
            ceiling = min(LONGEST_BACKOFF, 2 * ceiling)


class Limited:
    """Any limiter in front of the wire; a refused request waits as told, and takes its turn again."""

    def __init__(self, acquire: Callable[[], Awaitable[object]]) -> None:
        self._acquire = acquire

    async def __call__(self, wire: Wire, lane: Lane = "bulk") -> None:
        while True:
            await self._acquire()
            decision = await wire()
            if decision.allowed:
                return
            await asyncio.sleep(math.ceil(decision.retry_after))


class VirtualBucket(InMemoryBucket):
    """pyrate-limiter's own bucket, on the clock of the loop."""

    def now(self) -> int:
        return int(asyncio.get_running_loop().time() * 1000)


def pyrate() -> Limiter:
    bucket = VirtualBucket([Rate(LIMIT, int(WINDOW * 1000))])
    return Limiter(SingleBucketFactory(bucket, schedule_leak=False))


CLIENTS: dict[str, Callable[[], Client]] = {
    "this throttle": lambda: Throttled(ThrottleOptions()),
    "this throttle, strict": lambda: Throttled(ThrottleOptions(strict=True)),
    "AsyncLimiter(20, 2)": lambda: Limited(AsyncLimiter(LIMIT, WINDOW).acquire),
    "AsyncLimiter(1, 0.1)": lambda: Limited(AsyncLimiter(1, WINDOW / LIMIT).acquire),
    "pyrate-limiter 20 / 2 s": lambda: Limited(pyrate().try_acquire_async),
    "full-jitter backoff": Unthrottled,
}


def goodput(requests: int, svg: Path | None) -> Table:
    """Share of the quota and refusals, the mean over the heavy-jitter networks."""
    rows, series = [], {}
    for name, make in CLIENTS.items():
        points = []
        for policy in POLICIES:
            servers = [simulate(make, policy, network, requests, seed=1) for network in HEAVY]
            points.append(
                (
                    statistics.mean(server.per_thousand for server in servers),
                    100 * statistics.mean(server.share for server in servers),
                )
            )
        series[name] = points
        rows.append(
            [name, *(f"{share:.1f} ({refused:.{0 if refused >= 100 else 1}f})" for refused, share in points)]
        )
    if svg:
        draw(svg, series, x_name="refusals per 1,000 requests", y_name="share of the quota, %")
    return Table("share of the quota in % (refusals per 1,000)", ["", *POLICIES], rows)


def networks(requests: int) -> Table:
    """Ours alone, on each network, beside the bound; refusals of a sliding counter are of one process."""
    rows = []
    for network in NETWORKS:
        windows = simulate(CLIENTS["this throttle"], "sliding-log", network, requests, seed=1)
        counter = simulate(CLIENTS["this throttle"], "sliding-counter", network, requests, seed=1)
        strict = simulate(CLIENTS["this throttle, strict"], "sliding-counter", network, requests, seed=1)
        mean = statistics.mean(windows.round_trips)
        rows.append(
            [
                network,
                f"{1000 * mean:.0f}",
                f"{100 * windows.bound:.1f}",
                f"{100 * windows.share:.1f} ({len(windows.refused)})",
                f"{100 * windows.share / windows.bound:.1f}",
                f"{100 * counter.share:.1f} ({len(counter.refused)})",
                f"{100 * strict.share:.1f} ({len(strict.refused)})",
            ]
        )
    columns = [
        "", "mean RTT, ms", "bound", "sliding log", "% of the bound", "sliding counter", "strict, counter",
    ]  # fmt: skip
    return Table("networks: share in % (refusals in all)", columns, rows)


def refusals_of_a_counter(processes: int = 20, requests: int = 300) -> Table:
    """Number of refusals until a sliding counter is recognised, over as many processes."""
    rows = []
    for network in NETWORKS:
        servers = [
            simulate(CLIENTS["this throttle"], "sliding-counter", network, requests, seed=seed)
            for seed in range(processes)
        ]
        refused = [len(server.refused) for server in servers]
        rows.append([network, f"{statistics.mean(refused):.2f}", str(max(refused))])
    return Table(
        f"refusals of a sliding counter until it is known, {processes} processes", ["", "mean", "most"], rows
    )


def people(seconds: float = 400) -> Table:
    """Waits of interactive calls beside a batch that never ends."""
    rows = []
    for name in list(CLIENTS)[:-1]:
        cells = []
        for network in ("calm 1 ms", *HEAVY):
            server = Server("token-bucket", NETWORKS[network], 3)
            waits = waits_beside_a_batch(CLIENTS[name], server, seconds=seconds, seed=3)
            cells.append(f"{waits[len(waits) // 2]:.2f} / {waits[int(len(waits) * 0.99)]:.2f}")
        rows.append([name, *cells])
    return Table("waits beside a batch, p50 / p99 in seconds", ["", "calm 1 ms", *HEAVY], rows)


def beside_others(requests: int = 1000) -> Table:
    """Another program uses the key, too, at random: what is refused to ours, and what ours still gets."""
    rows = []
    for name in ("this throttle", "AsyncLimiter(20, 2)"):
        cells = []
        for per_second in (0.5, 2.0, 5.0):
            server = Server("fixed-first", NETWORKS["jitter 119 ms"], 3)

            async def main(name: str = name, per_second: float = per_second, server: Server = server) -> None:
                visitor = asyncio.create_task(server.visits(per_second))
                await saturate(CLIENTS[name](), server, requests)
                visitor.cancel()

            run(main())
            rate = len(server.accepted) / (server.accepted[-1] - server.accepted[0])
            cells.append(f"{rate:.1f} ({server.per_thousand:.0f})")
        rows.append([name, *cells])
    columns = ["", "0.5 others/s", "2 others/s", "5 others/s"]
    return Table("beside another program, requests/s (refusals per 1,000)", columns, rows)


def best(measure: Callable[[], float], times: int) -> float:
    """The least of several runs: what else the machine does only ever adds."""
    return min(measure() for _ in range(times))


def changing(requests: int = 1500) -> Table:
    """Networks that stall or become faster: refusals of three processes, and the share of the quota."""
    rows = []
    for network in CHANGING:
        servers = [
            simulate(CLIENTS["this throttle"], policy, network, requests, seed=seed)
            for policy in ("fixed-first", "sliding-log", "fixed-aligned", "token-bucket")
            for seed in range(3)
        ]
        refused = sum(len(server.refused) for server in servers)
        rows.append(
            [network, str(refused), f"{100 * statistics.mean(server.share for server in servers):.1f}"]
        )
    return Table("networks that change", ["", "refusals", "share in %"], rows)


def bursts(rtt: float = 0.06) -> Table:
    """Seconds for so many calls at once from idle, and for a burst that comes again and again."""

    async def seconds(client: Client, requests: int) -> float:
        server = Server("token-bucket", lambda _chance, _now: (rtt / 2, rtt / 2))
        started = asyncio.get_running_loop().time()
        await asyncio.gather(*(client(server.wire) for _ in range(requests)))
        return asyncio.get_running_loop().time() - started

    async def first(make: Callable[[], Client], requests: int) -> float:
        return await seconds(make(), requests)

    async def eighth(make: Callable[[], Client], requests: int) -> float:
        client, took = make(), 0.0
        for _ in range(8):
            took = await seconds(client, requests)
            await asyncio.sleep(10)
        return took

    rows = [
        [
            name,
            *(f"{run(first(CLIENTS[name], requests)):.2f}" for requests in (10, 20, 60)),
            f"{run(eighth(CLIENTS[name], 60)):.2f}",
        ]
        for name in ("this throttle", "AsyncLimiter(20, 2)", "AsyncLimiter(1, 0.1)")
    ]
    columns = ["", "10 calls", "20 calls", "60 calls", "60 calls, the eighth time"]
    return Table(f"seconds of calls from idle, {1000 * rtt:.0f} ms", columns, rows)


RATES = (1, 4, 8, 9, 9.5)
"""Requests per second, from idle to nearly the whole quota."""


def uncontended(calls: int = 2000) -> Table:
    """CPU of a call that does not have to wait, at several rates."""

    async def ours(options: ThrottleOptions, rate: float) -> float:
        now = [0.0]
        throttle = Throttle(options, clock=lambda: now[0])
        started = time.process_time()
        for _ in range(calls):
            now[0] += 1 / rate
            (await throttle.acquire()).answered()
        return (time.process_time() - started) / calls * 1e6

    async def theirs(make: Callable[[], Callable[[], Awaitable[object]]]) -> float:
        acquire = make()
        started = time.process_time()
        for _ in range(calls):
            await acquire()
        return (time.process_time() - started) / calls * 1e6

    def unbounded_pyrate() -> Callable[[], Awaitable[object]]:
        bucket = InMemoryBucket([Rate(10**9, 1000)])
        return Limiter(SingleBucketFactory(bucket, schedule_leak=False)).try_acquire_async

    ours_at = [best(lambda rate=rate: asyncio.run(ours(ThrottleOptions(), rate)), 20) for rate in RATES]
    rows = [["this throttle", *(f"{figure:.1f}" for figure in ours_at)]]
    for name, make in (
        ("AsyncLimiter", lambda: AsyncLimiter(1e9, 1.0).acquire),
        ("pyrate-limiter", unbounded_pyrate),
    ):
        figure = best(lambda make=make: asyncio.run(theirs(make)), 20)
        rows.append([name, *[f"{figure:.1f}"] * len(RATES)])
    columns = ["", *(f"{rate:g}/s" for rate in RATES)]
    return Table("CPU of an acquire and release that does not wait, µs", columns, rows)


def saturated(requests: int = 2000) -> Table:
    """CPU of a call behind a queue, without what the simulation itself takes."""

    class Open:
        async def __call__(self, wire: Wire, lane: Lane = "bulk") -> None:
            await wire()

    def cost(make: Callable[[], Client]) -> float:
        server = Server("token-bucket", NETWORKS["jitter 119 ms"], 1)

        async def main() -> float:
            client = make()
            started = time.process_time()
            await saturate(client, server, requests)
            return (time.process_time() - started) / requests * 1e6

        return run(main())

    def least(make: Callable[[], Client]) -> float:
        return best(lambda: cost(make), 3)

    empty = least(Open)
    rows = [[name, f"{least(make) - empty:.0f}"] for name, make in list(CLIENTS.items())[:-1]]
    return Table("CPU of a request behind a queue of 40, µs", ["", "µs"], rows)


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--requests", type=int, default=2000, help="per simulation")
    parser.add_argument("--svg", type=Path, help="write the picture of share against refusals here")
    given = parser.parse_args()
    tables = [
        goodput(given.requests, given.svg),
        networks(given.requests),
        refusals_of_a_counter(),
        people(),
        changing(),
        bursts(),
        beside_others(),
        uncontended(),
        saturated(),
    ]
    publish(tables, given.json)


if __name__ == "__main__":
    main()
