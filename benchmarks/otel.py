"""CPU that observing with OpenTelemetry adds to one call, beside the SDK's own cost of the same spans.

    python benchmarks/otel.py [--rounds 60] [--calls 100]

Four clients take turns in one process against one server: one without observers; one with an observer that does
nothing; one around whose calls the benchmark itself makes the same two spans with the same attributes; and one that
`Telemetry` observes. The last two record into the SDK with a processor that drops what it gets.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable

from _server import served
from _tables import Cell, Table, parser_of, publish
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, set_span_in_context

from lemlist_async import Lemlist, Throttle, ThrottleOptions
from lemlist_async.integrations.otel import Telemetry
from lemlist_async.observe import Event

Call = Callable[[], Awaitable[object]]


def by_hand(lemlist: Lemlist, provider: TracerProvider) -> Call:
    """Make the spans of one call and of its attempt, as `Telemetry` does."""
    tracer = provider.get_tracer("by hand")

    async def call() -> object:
        span = tracer.start_span(
            "campaigns.get",
            attributes={"lemlist.operation": "GET /campaigns/{campaignId}", "lemlist.lane": "interactive"},
        )
        attempt = tracer.start_span(
            "GET /campaigns/{campaignId}",
            set_span_in_context(span),
            SpanKind.CLIENT,
            attributes={
                "http.request.method": "GET",
                "url.template": "/campaigns/{campaignId}",
                "server.address": "127.0.0.1",
                "server.port": 80,
            },
        )
        found = await lemlist.campaigns.get("cam_1")
        attempt.set_attribute("http.response.status_code", 200)
        attempt.end()
        span.set_attribute("lemlist.outcome", "success")
        span.end()
        return found

    return call


async def measure(call: Call, calls: int) -> float:
    """Microseconds of CPU for one call."""
    started = time.process_time()
    for _ in range(calls):
        await call()
    return (time.process_time() - started) / calls * 1e6


async def main(rounds: int, calls: int) -> list[list[Cell]]:
    """Measure in rounds of random order, and return medians; differences are taken within each round."""
    with served() as url:
        throttle = Throttle(ThrottleOptions(limit=1000, window=0.01))
        clients = [Lemlist("bench", url, throttle=throttle) for _ in range(4)]
        plain, observed, manual, telemetry = clients
        provider = TracerProvider()
        observed.on(Event, lambda _: None)
        Telemetry(tracer_provider=provider).observe(telemetry)
        ways: dict[str, Call] = {
            "no observer": lambda: plain.campaigns.get("cam_1"),
            "an observer of nothing": lambda: observed.campaigns.get("cam_1"),
            "the spans by hand": by_hand(manual, provider),
            "Telemetry": lambda: telemetry.campaigns.get("cam_1"),
        }
        seen: dict[str, list[float]] = {name: [] for name in ways}
        order = list(ways)
        for _ in range(rounds + 1):
            random.shuffle(order)
            for name in order:
                seen[name].append(await measure(ways[name], calls))
        for client in clients:
            await client.aclose()
    rows: list[list[Cell]] = []
    for name, times in seen.items():
        more = statistics.median(a - b for a, b in zip(times[1:], seen["no observer"][1:], strict=True))
        rows.append([name, statistics.median(times[1:]), None if name == "no observer" else more])
    return rows


if __name__ == "__main__":
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--calls", type=int, default=100)
    given = parser.parse_args()
    table = asyncio.run(main(given.rounds, given.calls))
    publish([Table("observers", ["", "CPU of a call, µs", "more than without, µs"], table)], given.json)
