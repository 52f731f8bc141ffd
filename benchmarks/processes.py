"""Processes of one host that use one key: share of the quota, refusals, fairness, waits of interactive calls.

    python -m benchmarks.processes [--seconds 30] [--processes 1 4 16] [--rtt 0.06] [--policies fixed-first]

Real processes with a client each, a real socket each call, the sandbox in a process of its own. The rival is one
`AsyncLimiter(20, 2)` per process around bare aiohttp.
"""

import argparse
import asyncio
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable
from multiprocessing.queues import Queue
from typing import Any

import aiohttp
from aiolimiter import AsyncLimiter

from lemlist_async import Lemlist
from lemlist_async.errors import RateLimitError
from lemlist_async.observe import SlotGranted
from lemlist_async.options import Options, Retry
from lemlist_async.sandbox import Sandbox

LIMIT, WINDOW = 20, 2.0
WARM_UP = 5.0
"""Seconds that are left out: the first burst is free, and the round trips are not known yet."""
KEY = "processes-benchmark"


def serve(out: "Queue[Any]", stop: Any, policy: str, rtt: float) -> None:
    """Serve a sandbox until told to stop; then tell when each request was checked, and which were refused."""

    async def main() -> None:
        latency = (0.8 * rtt, 1.2 * rtt)
        async with Sandbox(keys=(KEY,), policy=policy, latency=latency) as sandbox:
            out.put(sandbox.url)
            await asyncio.to_thread(stop.wait)
            out.put([(request.at, request.status) for request in sandbox.requests])

    asyncio.run(main())


async def ours(url: str, until: float, lane: Any) -> tuple[int, list[float]]:
    """Call as often as the throttle allows; interactive callers pause for a second on average."""
    waits, done = list[float](), 0
    options = Options(retry=Retry(attempts=1), lane=lane)
    async with Lemlist(KEY, base_url=url, options=options) as lemlist:
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


async def rival(url: str, until: float, lane: Any) -> tuple[int, list[float]]:
    """Bare aiohttp behind a limiter of its own."""
    limiter, done = AsyncLimiter(LIMIT, WINDOW), 0
    auth = {"Authorization": aiohttp.encode_basic_auth("", KEY)}
    async with aiohttp.ClientSession(headers=auth) as session:

        async def work() -> None:
            nonlocal done
            while time.monotonic() < until:
                async with limiter, session.get(f"{url}/team") as response:
                    await response.read()
                    done += response.status == 200

        await asyncio.gather(*(work() for _ in range(25)))
    return done, []


def worker(out: "Queue[Any]", call: Callable[..., Any], url: str, until: float, lane: str) -> None:
    """Run one process of the benchmark."""
    out.put((lane, *asyncio.run(call(url, until, lane))))


def measure(
    call: Callable[..., Any], processes: int, rtt: float, policy: str, seconds: float, lanes: list[str]
) -> dict[str, Any]:
    """Run all processes against a fresh sandbox, and count what it saw."""
    spawn = multiprocessing.get_context("spawn")
    out, told, stop = spawn.Queue(), spawn.Queue(), spawn.Event()
    server = spawn.Process(target=serve, args=(told, stop, policy, rtt))
    server.start()
    url = told.get()
    until = time.monotonic() + WARM_UP + seconds
    crowd = [spawn.Process(target=worker, args=(out, call, url, until, lane)) for lane in lanes]
    for process in crowd:
        process.start()
    results = [out.get() for _ in crowd]
    stop.set()
    seen = told.get()
    for process in (*crowd, server):
        process.join()
    first = min(at for at, _ in seen) + WARM_UP
    passed = [at for at, status in seen if status == 200 and first <= at < first + seconds - 1]
    counts = sorted(done for lane, done, _ in results if lane == "bulk")
    waits = sorted(wait for lane, _, all_waits in results if lane == "interactive" for wait in all_waits[3:])
    return {
        "processes": processes,
        "rtt_ms": 1000 * rtt,
        "policy": policy,
        "share": round(100 * len(passed) / (seconds - 1) * WINDOW / LIMIT, 1),
        "refused": sum(status == 429 for _, status in seen),
        "calls": len(seen),
        "per_process": f"{counts[0]}..{counts[-1]}" if counts else "",
        "p50": round(statistics.median(waits), 2) if waits else None,
        "p99": round(waits[int(len(waits) * 0.99)], 2) if waits else None,
    }


def main() -> None:
    """Print a line of JSON for each measurement."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--rtt", type=float, nargs="+", default=[0.06, 0.12])
    parser.add_argument("--policies", nargs="+", default=["fixed-first", "sliding-log"])
    parser.add_argument(
        "--interactive", action="store_true", help="one process of four makes interactive calls"
    )
    arguments = parser.parse_args()
    for rtt in arguments.rtt:
        for policy in arguments.policies:
            for processes in arguments.processes:
                lanes = ["bulk"] * processes
                print(
                    json.dumps(
                        {"client": "ours", **measure(ours, processes, rtt, policy, arguments.seconds, lanes)}
                    ),
                    flush=True,
                )
        if arguments.interactive:
            lanes = ["interactive", "bulk", "bulk", "bulk"]
            print(
                json.dumps(
                    {
                        "client": "ours, one interactive",
                        **measure(ours, 4, rtt, "fixed-first", 2 * arguments.seconds, lanes),
                    }
                ),
                flush=True,
            )
        print(
            json.dumps(
                {
                    "client": "AsyncLimiter per process",
                    **measure(rival, 4, rtt, "fixed-first", arguments.seconds, ["bulk"] * 4),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
