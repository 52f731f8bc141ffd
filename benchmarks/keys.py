"""Many keys in one process: all of them at their full quota, what each costs, and whether any is refused.

    python benchmarks/keys.py [--keys 1 100 1000] [--seconds 12] [--rtt 0.05]

The server is a process of its own: the least that speaks HTTP, answers after the round trip time, and counts each
key by a fixed window of its own as lemlist does (20 requests per 2 s); what is above gets a 429. Every key has as many
callers as its quota can use. Memory is the resident set of this process before and after, CPU its own.
"""

import argparse
import asyncio
import gc
import os
import resource
import time
from typing import ClassVar

from _server import served

from lemlist_async import LemlistPool, ThrottleOptions, errors

LIMIT, WINDOW = 20, 2.0
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


async def measure(keys: int, seconds: float, rtt: float) -> None:
    """Run every key at its full quota for a while."""

    async def key_of(tenant: str) -> str:
        return f"benchmark-key-{os.getpid()}-{tenant}"

    with served(__file__, "--serve", str(rtt)) as url:
        pool = LemlistPool(key_of, base_url=url, throttle=ThrottleOptions(limit=LIMIT, window=WINDOW))
        async with pool:
            # what the first call of a process imports is no cost of a key
            await (await pool.client("warm-up")).team.get()
            gc.collect()
            before = resident()
            clients = [await pool.client(str(number)) for number in range(keys)]
            each = (resident() - before) / keys / 1e3
            stop, done, most = time.monotonic() + seconds, [0, 0], 0

            async def call(number: int) -> None:
                while time.monotonic() < stop:
                    try:
                        await clients[number].team.get()
                        done[0] += 1
                    except errors.RateLimitError:
                        done[1] += 1

            started, cpu = time.monotonic(), time.process_time()
            callers = [asyncio.create_task(call(number)) for number in range(keys) for _ in range(2)]
            while time.monotonic() < stop:
                await asyncio.sleep(0.5)
                flying = sum(client.throttle.in_flight for client in clients)
                ledgers = sum(client.throttle.scope == "host" for client in clients)
                most = max(most, descriptors() - flying - ledgers)
            await asyncio.gather(*callers)
            wall, cpu = time.monotonic() - started, time.process_time() - cpu
            used = (resident() - before) / keys / 1e3
            refused = sum(client.throttle.stats.refusals for client in clients)
            await asyncio.sleep(2 * WINDOW + 6)
            rested = descriptors()
    full = keys * LIMIT / WINDOW
    per_core = done[0] / cpu / (LIMIT / WINDOW)
    print(
        f"{keys:5} keys, RTT {rtt * 1e3:.0f} ms: {done[0] / wall:6.0f} requests/s, {done[0] / wall / full:6.1%} "
        f"of the quota, {refused} × 429, {cpu / done[0] * 1e6:4.0f} µs CPU each = {per_core:4.0f} keys per core; "
        f"{each:.1f} kB per key, {used:.1f} kB after use with its calls; descriptors beside requests in flight and "
        f"ledgers: {most}, at rest {rested}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", type=int, nargs="*", default=[1, 100, 1000])
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--rtt", type=float, default=0.05)
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        asyncio.run(serve(given.serve))
    else:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        for count in given.keys:
            asyncio.run(measure(count, given.seconds, given.rtt))
