"""Spans and metrics through the real SDK, beside OpenTelemetry's own instrumentation of aiohttp."""

import asyncio
import gc
import json
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from lemlist_async import (
    Call,
    Effect,
    Lemlist,
    LemlistPool,
    Options,
    Retry,
    Throttle,
    ThrottleOptions,
    errors,
)
from lemlist_async.observe import CallEnd
from lemlist_async.sandbox import Sandbox
from tests.conftest import FORMS
from tests.support.clients import KEY, quick
from tests.support.fault_server import fault_server, silence
from tests.support.scripted import hangs_up, says, scripted, waits

pytest.importorskip("opentelemetry.sdk")
pytest.importorskip("opentelemetry.instrumentation.aiohttp_client")

from opentelemetry import trace
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from lemlist_async.integrations.otel import Telemetry

TEAM = says(200, {"_id": "tea_1"})
PERSON, RECORD = "ann.canary@example.com", "cam_canarycanary00000"


class Recorded:
    """SDK of one test: its spans and metrics in memory, and aiohttp instrumented by OpenTelemetry itself."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self._reader = InMemoryMetricReader()
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.telemetry = Telemetry(tracer_provider=self.tracers, meter_provider=self.meters)

    @property
    def spans(self) -> list[ReadableSpan]:
        """Return the spans that ended, in the order of their ends."""
        return list(self._spans.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        """Return the spans of a name."""
        return [span for span in self.spans if span.name == name]

    def metrics(self) -> dict[str, list[tuple[dict[str, Any], Any]]]:
        """Return the points of each metric: attributes, and value or count."""
        data = json.loads(self._reader.get_metrics_data().to_json())  # type: ignore[union-attr]
        found: dict[str, list[tuple[dict[str, Any], Any]]] = {}
        for resource in data["resource_metrics"]:
            for scope in resource["scope_metrics"]:
                for metric in scope["metrics"]:
                    points = metric["data"]["data_points"]
                    found[metric["name"]] = [
                        (point["attributes"], point.get("value", point.get("count"))) for point in points
                    ]
        return found


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    sdk = Recorded()
    AioHttpClientInstrumentor().instrument(tracer_provider=sdk.tracers, meter_provider=sdk.meters)
    yield sdk
    AioHttpClientInstrumentor().uninstrument()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(limit=None) as running:
        yield running


def seconds(span: ReadableSpan) -> float:
    """Return the duration of a span."""
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) / 1e9


async def test_a_call_is_a_span_with_a_client_span_for_each_attempt(recorded: Recorded) -> None:
    async with scripted(says(502, ""), TEAM) as server, quick(server.url) as lemlist:
        recorded.telemetry.observe(lemlist)
        with recorded.tracers.get_tracer("app").start_as_current_span("handler") as handler:
            await lemlist.team.get()
    (call,), attempts = recorded.named("team.get"), recorded.named("GET /team")
    assert [span.kind for span in attempts] == [trace.SpanKind.CLIENT] * 2
    assert call.parent is not None
    assert call.parent.span_id == handler.get_span_context().span_id
    assert {span.parent and span.parent.span_id for span in attempts} == {
        call.context and call.context.span_id
    }
    assert [dict(span.attributes or {}) for span in attempts] == [
        {
            "http.request.method": "GET",
            "url.template": "/team",
            "server.address": "127.0.0.1",
            "server.port": int(server.url.split(":")[2].split("/")[0]),
            **more,
        }
        for more in (
            {"http.response.status_code": 502, "error.type": "502"},
            {"http.response.status_code": 200, "http.request.resend_count": 1},
        )
    ]
    assert [span.status.status_code.name for span in (*attempts, call)] == ["ERROR", "UNSET", "UNSET"]
    assert [event.name for event in call.events] == ["retry"]
    # the instrumentation of aiohttp made none: call, two attempts, handler
    assert len(recorded.spans) == 4


async def test_the_wait_for_the_quota_is_a_span_beside_the_attempt(recorded: Recorded) -> None:
    throttle = Throttle(ThrottleOptions(limit=1, window=0.4, pacer=None))
    async with scripted(TEAM) as server, Lemlist(KEY, server.url, throttle=throttle) as lemlist:
        recorded.telemetry.observe(lemlist)
        await lemlist.team.get()
        await lemlist.team.get()
    (queue,) = recorded.named("lemlist queue")
    attempt, call = recorded.named("GET /team")[1], recorded.named("team.get")[1]
    assert seconds(queue) > 0.3
    assert seconds(attempt) < 0.2
    assert queue.end_time is not None
    assert attempt.start_time is not None
    assert queue.end_time <= attempt.start_time + 1_000_000
    assert (queue.attributes or {})["lemlist.queue.reason"] == "quota"
    assert call.attributes is not None
    assert isinstance(waited := call.attributes["lemlist.queue.seconds"], float)
    assert abs(waited - seconds(queue)) < 0.01


async def test_a_call_that_ends_in_the_queue_has_no_client_span(recorded: Recorded) -> None:
    throttle = Throttle(ThrottleOptions(limit=1, window=60, pacer=None))
    async with scripted(TEAM) as server, Lemlist(KEY, server.url, throttle=throttle) as lemlist:
        await lemlist.team.get()
        recorded.telemetry.observe(lemlist)
        with pytest.raises(errors.DeadlineExceededError):
            await lemlist.with_options(deadline=0.05).team.get()
        with pytest.raises(errors.WaitTooLongError):
            await lemlist.with_options(max_wait=0.05).team.get()
    # the first call was not observed, so the instrumentation of aiohttp has seen it
    assert [span.name for span in recorded.spans] == ["GET", *["lemlist queue", "team.get"] * 2]
    kinds = [dict(span.attributes or {})["error.type"] for span in recorded.named("team.get")]
    assert kinds == ["DeadlineExceededError", "WaitTooLongError"]
    assert recorded.metrics()["lemlist.refusals"] == [
        ({"lemlist.operation": "GET /team", "lemlist.refused_by": "queue"}, 1)
    ]


async def test_a_cancelled_call_ends_its_spans_without_an_error(recorded: Recorded) -> None:
    async with fault_server(silence) as server, quick(server.url) as lemlist:
        recorded.telemetry.observe(lemlist)
        task = asyncio.create_task(lemlist.team.get())
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    attempt, call = recorded.spans
    assert (call.attributes or {})["lemlist.outcome"] == "cancelled"
    assert {attempt.status.status_code.name, call.status.status_code.name} == {"UNSET"}


async def test_code_of_the_user_around_and_inside_a_call_is_instrumented_as_ever(recorded: Recorded) -> None:
    async with (
        scripted(says(200, "a,b")) as server,
        quick(server.url) as lemlist,
        aiohttp.ClientSession() as own,
    ):
        recorded.telemetry.observe(lemlist)
        async with lemlist.stream(Call("GET", "/x")) as body:
            async for _ in body:
                async with own.get(server.url + "/inside"):
                    pass
        async with own.get(server.url + "/after"):
            pass
        assert trace.get_current_span().get_span_context().span_id == 0
    assert [span.name for span in recorded.spans] == ["GET", "GET /x", "GET /x", "GET"]


@pytest.mark.parametrize("faulty", [False, True])
async def test_no_span_and_no_metric_holds_a_key_an_address_or_an_id(
    recorded: Recorded, faulty: bool
) -> None:
    echo = f"no {KEY} for {PERSON} in {RECORD}"
    answers = [
        says(404, echo),
        says(500, echo),
        says(200, {"_id": RECORD}),
        hangs_up(),
        says(429, echo),
        TEAM,
    ]
    async with scripted(*(answers if faulty else [says(200, {"_id": RECORD, "email": PERSON})])) as server:
        lemlist = quick(server.url, retry=Retry(attempts=2, base=0, cap=0))
        recorded.telemetry.observe(lemlist)
        calls = [
            lambda: lemlist.campaigns.get(RECORD),
            lambda: lemlist.leads.get(email=PERSON),
            lambda: lemlist.leads.create(RECORD, email=PERSON),
            lambda: lemlist.request("GET", f"/leads/{PERSON}", effect=Effect.READ, query={"email": PERSON}),
            lambda: lemlist.request("GET", f"/new/{RECORD}", effect=Effect.READ),
            lambda: lemlist.request("PUT", "/new/{id}", RECORD, effect=Effect.IDEMPOTENT, json=PERSON),
        ]
        for number in range(500):
            await asyncio.gather(calls[number % len(calls)](), return_exceptions=True)
        await lemlist.aclose()
    told = "\n".join(span.to_json() for span in recorded.spans) + json.dumps(recorded.metrics())
    assert len(recorded.spans) >= 1_000
    assert not [text for text in (*FORMS, PERSON, "canary") if text in told]
    assert "/leads/{value}" in told


async def test_metrics_tell_the_quota_the_queue_and_how_calls_end(recorded: Recorded) -> None:
    throttle = Throttle(ThrottleOptions(limit=2, window=60, pacer=None))
    options = Options(retry=Retry(attempts=2, base=0.01))
    async with (
        scripted(says(200, {}), hangs_up()) as server,
        Lemlist(KEY, server.url, throttle=throttle, options=options) as lemlist,
    ):
        stop = recorded.telemetry.observe(lemlist)
        await lemlist.request("GET", "/x", effect=Effect.READ)
        with pytest.raises(errors.AmbiguousError):
            await lemlist.request("POST", "/x", effect=Effect.UNSAFE)
        bulk = lemlist.with_options(lane="bulk")
        waiting = [asyncio.create_task(bulk.team.get()) for _ in range(3)]
        await asyncio.sleep(0.05)
        seen = recorded.metrics()
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        stop()
        after = recorded.metrics()
    assert (seen["lemlist.quota.used"], seen["lemlist.quota.limit"]) == ([({}, 2)], [({}, 2)])
    assert {point[0]["lemlist.lane"]: point[1] for point in seen["lemlist.queue.length"]} == {
        "interactive": 0,
        "bulk": 3,
    }
    assert seen["lemlist.ambiguous"] == [({"lemlist.operation": "POST /x", "error.type": "reset"}, 1)]
    assert {point[0]["http.request.method"] for point in seen["http.client.request.duration"]} == {
        "GET",
        "POST",
    }
    assert after["lemlist.quota.used"] == [({}, 0)]


async def test_a_429_is_a_refusal_and_a_retry(recorded: Recorded) -> None:
    limited = says(429, "no", Retry_After="0")
    async with scripted(limited, TEAM) as server, quick(server.url) as lemlist:
        recorded.telemetry.observe(lemlist)
        await lemlist.team.get()
    seen = recorded.metrics()
    assert seen["lemlist.refusals"] == [
        ({"lemlist.operation": "GET /team", "lemlist.refused_by": "lemlist"}, 1)
    ]
    assert seen["lemlist.retries"] == [({"lemlist.operation": "GET /team", "error.type": "429"}, 1)]


async def test_rows_of_a_bulk_job_are_counted_by_their_outcome(recorded: Recorded, sandbox: Sandbox) -> None:
    async with Lemlist(sandbox.key, sandbox.url) as lemlist:
        recorded.telemetry.observe(lemlist)
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        sandbox.team().add_lead(campaign, "lead1@example.com")
        rows = [{"email": f"lead{number}@example.com"} for number in range(5)]
        async with await lemlist.bulk.plan_leads(campaign, rows) as plan:
            await lemlist.bulk.run(plan).finish()
    counted = {
        (point["lemlist.row.state"], point["lemlist.row.what"]): value
        for point, value in recorded.metrics()["lemlist.bulk.rows"]
    }
    assert counted == {("done", "created"): 4, ("done", "duplicate"): 1}


async def test_clients_are_observed_by_one_telemetry_and_each_until_its_stop(recorded: Recorded) -> None:
    async with scripted(waits(0.1, TEAM)) as server, quick(server.url) as one, quick(server.url) as other:
        stop, _ = recorded.telemetry.observe(one), recorded.telemetry.observe(other)
        going = asyncio.create_task(one.team.get())
        await asyncio.sleep(0.05)
        stop()
        assert [span.name for span in recorded.spans] == ["GET /team", "team.get"]
        await going
        await one.team.get()
        assert len(recorded.named("team.get")) == 1
        await other.team.get()
        assert len(recorded.named("team.get")) == 2


async def test_a_pool_is_observed_like_a_client_and_its_limits_are_summed(recorded: Recorded) -> None:
    async def key_of(tenant: str) -> str:
        return f"{KEY}-{tenant}"

    async with (
        scripted(TEAM) as server,
        LemlistPool(key_of, base_url=server.url, throttle=ThrottleOptions(limit=7, scope="process")) as pool,
    ):
        recorded.telemetry.observe(pool)
        for tenant in ("a", "b"):
            await (await pool.client(tenant)).team.get()
        seen = recorded.metrics()
    assert len(recorded.named("team.get")) == 2
    assert seen["lemlist.quota.limit"] == [({}, 14)]
    assert seen["lemlist.quota.used"] == [({}, 2)]


async def test_a_client_that_is_dropped_is_not_kept_by_its_observer(recorded: Recorded) -> None:
    async with scripted(TEAM) as server:
        lemlist = quick(server.url)
        recorded.telemetry.observe(lemlist)
        await lemlist.team.get()
        await lemlist.aclose()
        gone = weakref.ref(lemlist)
        del lemlist
        gc.collect()
        assert gone() is None
        assert recorded.metrics()["lemlist.quota.limit"] == [({}, 0)]


async def test_without_an_sdk_nothing_is_recorded_and_nothing_fails() -> None:
    async with scripted(TEAM) as server, quick(server.url) as lemlist:
        ends: list[CallEnd] = []
        Telemetry().observe(lemlist)
        lemlist.on(CallEnd, ends.append)
        await lemlist.team.get()
    assert [end.outcome for end in ends] == ["success"]
