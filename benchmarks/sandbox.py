"""Cost of the sandbox: CPU of the server per request, start, memory, and the longest hold of its loop.

    python -m benchmarks.sandbox [--requests 20000] [--leads 100000]

Run from the root of the repository. The server runs in a process of its own without a limit, and only its CPU is
counted; the clients are bare sockets. `--serve` is that process.
"""

import asyncio
import contextlib
import json
import re
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator

import psutil

from benchmarks._tables import Cell, Table, parser_of, publish
from lemlist_async.sandbox import Recipients, Sandbox, serve

CONNECTIONS = 4
ROUNDS = 5
HEAD = f"Host: sandbox\r\nAuthorization: Basic {b64encode(b':sandbox-key').decode()}\r\n"


@contextlib.contextmanager
def server() -> Iterator[tuple[psutil.Process, str, int]]:
    """Run a sandbox in a process of its own, and give the process, its host and its port."""
    command = [sys.executable, "-m", "benchmarks.sandbox", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        host, _, port = process.stdout.readline().strip().partition(":")
        try:
            yield psutil.Process(process.pid), host, int(port)
        finally:
            process.terminate()


def request(method: str, path: str, body: object = None) -> bytes:
    raw = b"" if body is None else json.dumps(body).encode()
    kind = f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n" if raw else ""
    return f"{method} /api{path} HTTP/1.1\r\n{HEAD}{kind}\r\n".encode() + raw


async def send(host: str, port: int, requests: Iterator[bytes]) -> list[bytes]:
    """Send requests one after the other on one connection, and return the bodies of the responses."""
    reader, writer = await asyncio.open_connection(host, port)
    bodies = []
    for raw in requests:
        writer.write(raw)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        bodies.append(await reader.readexactly(length))
    writer.close()
    return bodies


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


async def measure(
    process: psutil.Process, host: str, port: int, make: Callable[[int], bytes], count: int
) -> tuple[float, float]:
    """Return the server's CPU per request in microseconds, and requests per second: the best of five rounds.

    Whatever else runs on the machine only adds to a round.
    """
    share, rounds = count // CONNECTIONS // ROUNDS, list[tuple[float, float]]()
    for number in range(ROUNDS):
        begun, before = time.perf_counter(), cpu(process)
        first = number * share * CONNECTIONS
        parts = [range(first + one * share, first + (one + 1) * share) for one in range(CONNECTIONS)]
        await asyncio.gather(*(send(host, port, map(make, part)) for part in parts))
        done = share * CONNECTIONS
        rounds.append(((cpu(process) - before) / done * 1e6, done / (time.perf_counter() - begun)))
    return min(used for used, _ in rounds), max(rate for _, rate in rounds)


async def of_requests(count: int) -> list[list[Cell]]:
    """Measure the start and three requests."""
    begun = time.perf_counter()
    with server() as (process, host, port):
        await send(host, port, iter([request("GET", "/team")]))
        table: list[list[Cell]] = [
            ["start to the first answer", f"{time.perf_counter() - begun:.2f} s", None]
        ]
        (made,) = await send(host, port, iter([request("POST", "/campaigns", {"name": "Spring"})]))
        path = f"/campaigns/{json.loads(made)['_id']}/leads/"
        rows: dict[str, Callable[[int], bytes]] = {
            "GET /team": lambda number: request("GET", "/team"),
            "POST lead": lambda number: request(
                "POST", path, {"email": f"p{number}@b.example", "firstName": "Ann", "companyName": "Acme"}
            ),
            "GET lead": lambda number: request("GET", f"/leads/p{number}@b.example"),
        }
        for name, make in rows.items():
            micros, per_second = await measure(process, host, port, make, count)
            table.append([name, f"{micros:.0f} µs of CPU", f"{per_second:,.0f}/s with these clients"])
    return table


async def longest_hold(work: Callable[[], Awaitable[object]]) -> float:
    """Return the longest time in seconds for which the loop could not turn during some work."""
    longest, running = 0.0, True

    async def tick() -> None:
        nonlocal longest
        while running:
            before = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - before)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    await work()
    running = False
    await ticking
    return longest


async def of_leads(count: int) -> list[list[Cell]]:
    """Measure many leads, and requests that go through all of them."""
    process = psutil.Process()
    async with Sandbox(limit=None) as sandbox:
        team = sandbox.team()
        campaign = team.add_campaign()["_id"]
        before, begun, used = process.memory_info().rss, time.perf_counter(), time.process_time()
        for number in range(count):
            team.add_lead(
                campaign, f"person{number}@example.com", firstName="Ann", lastName="Ash", companyName="Acme"
            )
        took, used = time.perf_counter() - begun, time.process_time() - used
        megabytes = (process.memory_info().rss - before) / 1e6
        made: list[Cell] = [
            f"{count:,} leads made",
            f"{took:.2f} s, {used:.2f} s of CPU",
            f"{megabytes:.0f} MB",
        ]
        return [
            made,
            *await of_paths(
                sandbox,
                f"/campaigns/{campaign}/leads/?state=all&limit=100",
                f"/contacts?limit=100&offset={count // 2}",
                "/contacts?limit=100&search=person9",
                f"/campaigns/{campaign}/export/leads?state=all",
                f"/campaigns/{campaign}/export/leads?state=all&format=json",
            ),
        ]


async def of_history(count: int) -> list[list[Cell]]:
    """Run a campaign of three e-mails for a month, and ask for its figures."""
    people = Recipients(opens=0.6, clicks=0.3, replies=0.2, bounces=0.05)
    async with Sandbox(limit=None, recipients=people) as sandbox:
        team = sandbox.team()
        campaign = team.add_campaign(autoReview=True)
        campaign["scheduleIds"] = []
        team.users[team.user_id]["mailboxes"][0]["lemlist"]["emailLimit"] = count
        steps = team.sequences[campaign["sequenceId"]]["steps"]
        steps += [{"_id": f"stp_{number}", "type": "email", "delay": 1} for number in range(3)]
        used = time.process_time()
        for number in range(count):
            team.add_lead(campaign["_id"], f"person{number}@example.com", firstName="Ann")
        sandbox.advance(days=30)
        used = time.process_time() - used
        month: list[Cell] = [
            f"a month of {count:,} leads: {len(team.activities):,} events",
            f"{used:.2f} s of CPU",
            None,
        ]
        return [
            month,
            *await of_paths(
                sandbox,
                f"/v2/campaigns/{campaign['_id']}/stats?startDate=2020-01-01&endDate=2040-01-01",
                f"/campaigns/reports?campaignIds={campaign['_id']}",
                f"/activities?campaignId={campaign['_id']}&limit=100",
                f"/inbox?limit=100&userId={team.user_id}",
            ),
        ]


async def of_paths(sandbox: Sandbox, *paths: str) -> list[list[Cell]]:
    """Return the time of each request, and for how long it held the loop."""
    host, port = "127.0.0.1", int(sandbox.url.split(":")[2].split("/")[0])
    table: list[list[Cell]] = []
    for path in paths:
        begun = time.perf_counter()
        hold = await longest_hold(lambda path=path: send(host, port, iter([request("GET", path)])))
        took = time.perf_counter() - begun
        shown = re.sub(r"(cam|usr)_\w+", r"\1_…", path)
        table.append(
            [f"GET {shown}", f"{took * 1e3:.1f} ms", f"the loop held for {hold * 1e3:.1f} ms at most"]
        )
    return table


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--serve", action="store_true")
    options = parser.parse_args()
    if options.serve:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(ready=lambda box: print(box.url.split("/")[2], flush=True), limit=None))
        return
    table = asyncio.run(of_requests(options.requests))
    table += asyncio.run(of_leads(options.leads))
    table += asyncio.run(of_history(options.leads // 5))
    publish([Table("cost", ["", "time", ""], table)], options.json)


if __name__ == "__main__":
    main()
