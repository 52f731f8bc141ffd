"""Many keys in one process: all of them at their full quota, what each costs, and whether any is refused.

    python benchmarks/keys.py [--keys 1 100 1000] [--seconds 12] [--rtt 0.05] [--json FILE]

The server is a process of its own: the least that speaks HTTP, answers after the round trip time, and counts each
key by a fixed window of its own as lemlist does (20 requests per 2 s); what is above gets a 429. Every key has as many
callers as its quota can use. Memory is the resident set of this process before and after, CPU its own. Beside the
pool, with the ledger that all processes of a host share and with one of its own process, runs what a program would
write by hand: aiohttp, orjson and an `AsyncLimiter` for each key.
"""

import asyncio
import gc
import os
import resource
import time
from argparse import SUPPRESS
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from multiprocessing import get_context
from typing import Any, ClassVar

import aiohttp
import orjson
from _server import served
from _tables import Cell, Table, parser_of, publish
from aiolimiter import AsyncLimiter

from lemlist_async import Lemlist, LemlistPool, ThrottleOptions

LIMIT, WINDOW = 20, 2.0
Call = Callable[[], Awaitable[bool]]
Calls = tuple[list[Call], Callable[[], int]]
"""A call of each key, which tells whether it was answered, and the count of refusals."""
BODY = b'{"_id":"tea_1","name":"Team"}'
HEAD = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n"
GRANTED = HEAD % (b"200 OK", len(BODY), b"") + BODY
REFUSED = HEAD % (b"429 Too Many Requests", 2, b"Retry-After: 2\r\n") + b"{}"


class Counting(asyncio.Protocol):
    """One connection of the server."""

    windows: ClassVar[dict[bytes, tuple[int, int]]] = {}
    rtt = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.data = b""

    def data_received(self, data: bytes) -> None:
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head, self.data = self.data[: end + 2], self.data[end + 4 :]
            start = head.find(b"Authorization: ") + 15
            key = head[start : head.find(b"\r\n", start)]
            asyncio.get_running_loop().call_later(self.rtt, self.answer, self.count(key))

    def count(self, key: bytes) -> bytes:
        """Count a request, and return its answer."""
        window = int(time.monotonic() / WINDOW)
        last, used = self.windows.get(key, (window, 0))
        used = used + 1 if last == window else 1
        self.windows[key] = window, used
        return GRANTED if used <= LIMIT else REFUSED

    def answer(self, data: bytes) -> None:
        """Send an answer."""
        if not self.transport.is_closing():
            self.transport.write(data)


async def serve(rtt: float) -> None:
    """Serve until killed."""
    Counting.rtt = rtt
    server = await asyncio.get_running_loop().create_server(Counting, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def resident() -> int:
    """Bytes of memory of this process."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors() -> int:
    """Open descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))


@asynccontextmanager
async def pool_of(url: str, keys: int, scope: str) -> AsyncIterator[Calls]:
    """Give a call of each key through a pool."""

    async def key_of(tenant: str) -> str:
        return f"benchmark-key-{os.getpid()}-{scope}-{tenant}"

    options = ThrottleOptions(limit=LIMIT, window=WINDOW, scope=scope)
    async with LemlistPool(key_of, base_url=url, throttle=options) as pool:
        clients = [await pool.client(str(number)) for number in range(keys)]

        def call_of(client: Lemlist) -> Call:
            async def call() -> bool:
                await client.team.get()
                return True

            return call

        def refused() -> int:
            return sum(client.throttle.stats.refusals for client in clients)

        yield [call_of(client) for client in clients], refused


@asynccontextmanager
async def by_hand(url: str, keys: int) -> AsyncIterator[Calls]:
    """Give a call of each key through one aiohttp session, with a limiter of its own for each key."""
    refusals = 0

    def call_of(number: int) -> Call:
        limiter = AsyncLimiter(LIMIT, WINDOW)
        headers = {"Authorization": aiohttp.encode_basic_auth("", f"by-hand-{os.getpid()}-{number}")}

        async def call() -> bool:
            nonlocal refusals
            async with limiter, session.get(f"{url}/team", headers=headers) as response:
                if response.status == 429:
                    refusals += 1
                    return False
                orjson.loads(await response.read())
                return True

        return call

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield [call_of(number) for number in range(keys)], lambda: refusals


WAYS: dict[str, Callable[[str, int], Any]] = {
    "aiohttp, orjson, AsyncLimiter": by_hand,
    "this library": lambda url, keys: pool_of(url, keys, "auto"),
    "this library, each process by itself": lambda url, keys: pool_of(url, keys, "process"),
}


async def measure(keys: int, seconds: float, rtt: float, way: str) -> list[Cell]:
    """Run every key at its full quota for a while, and return a row of the table."""
    with served(__file__, "--serve", str(rtt)) as url:
        async with WAYS[way](url, 1) as (calls, _):
            await calls[0]()  # what the first call of a process imports is no cost of a key
        gc.collect()
        before = resident()
        async with WAYS[way](url, keys) as (calls, refused):
            stop, done = time.monotonic() + seconds, 0

            async def run(call: Call) -> None:
                nonlocal done
                while time.monotonic() < stop:
                    answered = await call()
                    done += answered

            started, cpu = time.monotonic(), time.process_time()
            await asyncio.gather(*(run(call) for call in calls for _ in range(2)))
            wall, cpu = time.monotonic() - started, time.process_time() - cpu
            used = (resident() - before) / keys / 1e3
            await asyncio.sleep(2 * WINDOW + 6)
            rested = descriptors()
            refusals = refused()
    full = LIMIT / WINDOW
    return [
        f"{keys:,} {'key' if keys == 1 else 'keys'}, {way}",
        round(done / wall),
        f"{done / wall / keys / full:.0%}",
        refusals,
        cpu / done * 1e6,
        round(done / cpu / full),
        None if keys == 1 else f"{used:.0f} kB",
        rested,
    ]


def run(keys: int, seconds: float, rtt: float, way: str) -> list[Cell]:
    """Measure in this process."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return asyncio.run(measure(keys, seconds, rtt, way))


if __name__ == "__main__":
    parser = parser_of(__doc__)
    parser.add_argument("--keys", type=int, nargs="*", default=[1, 100, 1000])
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--rtt", type=float, default=0.05)
    parser.add_argument("--serve", type=float, help=SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        asyncio.run(serve(given.serve))
    else:
        # each in a process of its own: memory that another one left would not be counted
        with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as processes:
            found = [
                processes.submit(run, count, given.seconds, given.rtt, way).result()
                for count in given.keys
                for way in WAYS
            ]
        columns = [
            f"round trips of {given.rtt * 1e3:.0f} ms", "requests/s", "of the quota", "429s", "CPU of a request, µs",
            "keys at full quota a core", "memory a key", "descriptors at rest",
        ]  # fmt: skip
        publish([Table("keys", columns, found)], given.json)
