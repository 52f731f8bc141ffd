"""OpenTelemetry: a span per call and per attempt, and metrics of the quota, the queue and bulk rows.

No span and no metric holds a key, an id, an address, a query or a text of the server: operations are shown by their
template. Needs ``pip install 'lemlist-async[otel]'``.
"""

from __future__ import annotations

import functools
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextvars import Token
from typing import Any
from weakref import WeakSet

import attrs

from lemlist_async import __version__
from lemlist_async.client import Lemlist
from lemlist_async.core.operation_names import OPERATION_NAMES
from lemlist_async.errors import AmbiguousError, APIStatusError, LemlistError, QueueError, TransportError
from lemlist_async.observe import (
    AttemptBegin,
    AttemptEnd,
    CallBegin,
    CallEnd,
    Event,
    RetryScheduled,
    RowsEnd,
    SlotGranted,
)
from lemlist_async.pool import LemlistPool
from lemlist_async.throttle import Throttle

try:
    from opentelemetry import context, metrics, trace
    from opentelemetry.trace import SpanKind, StatusCode
except ImportError as _missing:
    raise ImportError(
        "lemlist_async.integrations.otel needs opentelemetry-api: pip install 'lemlist-async[otel]'"
    ) from _missing

_SUPPRESS = "suppress_instrumentation"
"""Key by which OpenTelemetry's own instrumentation of aiohttp passes over a request. Its spans would hold the URL, and
count the wait for the quota as time of the request."""
_INSTRUMENTATION = "opentelemetry.instrumentation.aiohttp_client"
_WORD = re.compile(r"\{\w+\}|[A-Za-z][A-Za-z_-]*")
"""Segments of a path that are no values: placeholders, and words of a route."""
Attributes = Mapping[str, Any]


@attrs.frozen
class _Names:
    """Names and attributes that all calls of an operation have."""

    call: str
    attempt: str
    of_call: Attributes
    of_attempt: Attributes


@functools.lru_cache(maxsize=512)
def _names(operation: str) -> _Names:
    method, _, path = operation.partition(" ")
    name = OPERATION_NAMES.get(operation)
    if name is None:
        # `Lemlist.request` takes any path; one with values in place of placeholders must not show them
        path = "/".join(part if not part or _WORD.fullmatch(part) else "{value}" for part in path.split("/"))
        operation = name = f"{method} {path}"
    return _Names(
        name,
        operation,
        {"lemlist.operation": operation},
        {"http.request.method": method, "url.template": path},
    )


@attrs.define(eq=False)
class _Live:
    """One call in progress."""

    span: trace.Span
    names: _Names
    lane: str
    inside: context.Context
    """Context whose current span is that of the call: parent of its attempts."""
    host: str = ""
    port: int | None = None
    suppressed: Token[context.Context] | None = None
    attempt: trace.Span | None = None
    attributes: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Attributes of the attempt."""
    waited: float = 0.0


class Telemetry:
    """Spans and metrics of the clients that it observes.

    Without providers the global ones are used; without an SDK they record nothing.
    """

    def __init__(
        self,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer("lemlist_async", __version__, tracer_provider)
        # weak: a client that is dropped without `stop` must not be kept by its observer
        self._sources: WeakSet[Lemlist | LemlistPool] = WeakSet()
        self._meters = _Meters(metrics.get_meter("lemlist_async", __version__, meter_provider), self._sources)

    def observe(self, source: Lemlist | LemlistPool) -> Callable[[], None]:
        """Record the calls of a client or a pool that begin from now on, and return a function that ends this."""
        calls = _Calls(self._tracer, self._meters)
        self._sources.add(source)
        offs = [source.on(kind, handler) for kind, handler in calls.handlers()]

        def stop() -> None:
            for off in offs:
                off()
            calls.close()
            self._sources.discard(source)

        return stop


class _Calls:
    """Observer of one client: turns its events into spans."""

    def __init__(self, tracer: trace.Tracer, meters: _Meters) -> None:
        self._tracer = tracer
        self._meters = meters
        self._live: dict[str, _Live] = {}

    def handlers(self) -> Iterable[tuple[type[Event], Callable[[Any], None]]]:
        """Return the observer of each kind of event."""
        return (
            (CallBegin, self._call_begin),
            (AttemptBegin, self._attempt_begin),
            (SlotGranted, self._granted),
            (AttemptEnd, self._attempt_end),
            (RetryScheduled, self._retry),
            (CallEnd, self._call_end),
            (RowsEnd, self._meters.rows_end),
        )

    def close(self) -> None:
        """End the spans of the calls in progress, whose ends are not seen any more."""
        for live in self._live.values():
            if live.attempt is not None:
                live.attempt.end()
            live.span.end()
        self._live.clear()

    def _call_begin(self, event: CallBegin) -> None:
        names = _names(event.operation)
        span = self._tracer.start_span(names.call, attributes={**names.of_call, "lemlist.lane": event.lane})
        self._live[event.call_id] = _Live(span, names, event.lane, trace.set_span_in_context(span))

    def _attempt_begin(self, event: AttemptBegin) -> None:
        live = self._live[event.call_id]
        live.host, live.port, live.attempt = event.host, event.port, None
        if _INSTRUMENTATION in sys.modules:
            live.suppressed = context.attach(context.set_value(_SUPPRESS, True))

    def _granted(self, event: SlotGranted) -> None:
        live = self._live[event.call_id]
        names = live.names
        self._admit(live)
        if event.reason is not None:
            self._waited(live, event.waited, event.reason)
        live.attributes = attributes = {
            **names.of_attempt, "server.address": live.host, "server.port": live.port or 0
        }  # fmt: skip
        span = self._tracer.start_span(names.attempt, live.inside, SpanKind.CLIENT, attributes)
        if event.number > 1:
            span.set_attribute("http.request.resend_count", event.number - 1)
        live.attempt = span

    def _attempt_end(self, event: AttemptEnd) -> None:
        live = self._live[event.call_id]
        self._admit(live)
        if live.attempt is None:
            self._waited(live, event.seconds, "quota")
            return
        span, kind = live.attempt, _kind(event.error)
        attributes = live.attributes
        if event.status is not None:
            attributes["http.response.status_code"] = event.status
            span.set_attribute("http.response.status_code", event.status)
        if kind is not None:
            attributes["error.type"] = kind
            span.set_attribute("error.type", kind)
            span.set_status(StatusCode.ERROR)
        span.end()
        self._meters.attempt_end(event, live)

    def _retry(self, event: RetryScheduled) -> None:
        live = self._live[event.call_id]
        kind = _kind(event.error) or ""
        live.span.add_event("retry", {"error.type": kind, "lemlist.retry.pause": event.seconds})
        self._meters.retries.add(1, {**live.names.of_call, "error.type": kind})

    def _call_end(self, event: CallEnd) -> None:
        live = self._live.pop(event.call_id)
        span, kind = live.span, _kind(event.error)
        span.set_attribute("lemlist.outcome", event.outcome)
        if live.waited:
            span.set_attribute("lemlist.queue.seconds", live.waited)
        if kind is not None:
            span.set_attribute("error.type", kind)
            # the class alone: the text of an error may hold what the server said, or what was given
            span.set_status(StatusCode.ERROR, type(event.error).__name__)
        span.end()
        self._meters.call_end(event, live, kind)

    def _admit(self, live: _Live) -> None:
        """Let other instrumentations see what runs from here on: code of the user, such as the reader of a stream."""
        if live.suppressed is not None:
            context.detach(live.suppressed)
            live.suppressed = None

    def _waited(self, live: _Live, seconds: float, reason: str) -> None:
        """Record a wait in the queue as a span of its own, beside the attempt."""
        live.waited += seconds
        now = time.time_ns()
        span = self._tracer.start_span(
            "lemlist queue",
            live.inside,
            attributes={"lemlist.queue.reason": reason},
            start_time=now - int(seconds * 1e9),
        )
        span.end(now)
        self._meters.waits.record(seconds, {"lemlist.lane": live.lane, "lemlist.queue.reason": reason})


class _Meters:
    """Instruments, made once for all clients."""

    def __init__(self, meter: metrics.Meter, sources: WeakSet[Lemlist | LemlistPool]) -> None:
        self._sources = sources
        histogram, counter = meter.create_histogram, meter.create_counter
        self._attempts = histogram(
            "http.client.request.duration", "s", "Duration of attempts, without the queue."
        )
        self._calls = histogram("lemlist.call.duration", "s", "Duration of calls, queue and pauses included.")
        self.waits = histogram("lemlist.queue.duration", "s", "Waits for the quota.")
        self.retries = counter("lemlist.retries", "{retry}", "Attempts that followed a failed one.")
        self._refusals = counter(
            "lemlist.refusals", "{request}", "429 responses, and calls that the queue refused."
        )
        self._ambiguous = counter("lemlist.ambiguous", "{call}", "Calls that may have taken effect, or not.")
        self._rows = counter("lemlist.bulk.rows", "{row}", "Rows of bulk jobs by their outcome.")
        gauge = meter.create_observable_gauge
        gauge(
            "lemlist.quota.used",
            [self._sum_of("used")],
            "{request}",
            "Requests that count towards the limit now.",
        )
        gauge("lemlist.quota.limit", [self._sum_of("limit")], "{request}", "Requests that a window permits.")
        gauge("lemlist.queue.length", [self._queued], "{request}", "Requests that wait, by lane.")

    def attempt_end(self, event: AttemptEnd, live: _Live) -> None:
        """Record an attempt that had a slot."""
        self._attempts.record(event.seconds, live.attributes)
        if event.status == 429:
            self._refusals.add(1, {**live.names.of_call, "lemlist.refused_by": "lemlist"})

    def call_end(self, event: CallEnd, live: _Live, kind: str | None) -> None:
        """Record the end of a call."""
        attributes: dict[str, Any] = {
            **live.names.of_call,
            "lemlist.lane": live.lane,
            "lemlist.outcome": event.outcome,
        }
        if kind is not None:
            attributes["error.type"] = kind
        self._calls.record(event.seconds, attributes)
        if isinstance(event.error, QueueError):
            self._refusals.add(1, {**live.names.of_call, "lemlist.refused_by": "queue"})
        if isinstance(event.error, AmbiguousError):
            self._ambiguous.add(1, {**live.names.of_call, "error.type": kind or ""})

    def rows_end(self, event: RowsEnd) -> None:
        """Count rows of a bulk job."""
        self._rows.add(
            event.count,
            {"lemlist.job": event.job, "lemlist.row.state": event.state, "lemlist.row.what": event.what},
        )

    def _throttles(self) -> set[Throttle]:
        """Return the throttles of all sources, each once: clients of one key share theirs."""
        found: set[Throttle] = set()
        for source in list(self._sources):
            found.update(source.throttles if isinstance(source, LemlistPool) else (source.throttle,))
        return found

    def _sum_of(self, name: str) -> Callable[[metrics.CallbackOptions], Iterable[metrics.Observation]]:
        def observe(_: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
            return [metrics.Observation(sum(getattr(each, name) for each in self._throttles()))]

        return observe

    def _queued(self, _: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
        waiting: Counter[str] = Counter({"interactive": 0, "bulk": 0})
        for each in self._throttles():
            waiting.update(each.queued)
        return [metrics.Observation(count, {"lemlist.lane": lane}) for lane, count in waiting.items()]


def _kind(error: BaseException | None) -> str | None:
    """Return a word for an error that names no value: a status, the kind of a fault, or a class."""
    if error is None:
        return None
    if isinstance(error, TransportError):
        return error.kind
    if isinstance(error, APIStatusError):
        return str(error.status)
    return type(error).__name__ if isinstance(error, LemlistError) else type(error).__qualname__
