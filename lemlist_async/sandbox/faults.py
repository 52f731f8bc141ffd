"""What may go wrong with an answer, as values, and the book that says which request it happens to.

``effect`` tells whether the request is carried out before things go wrong: with the effect an answer is lost,
without it a request, and the client cannot tell one from the other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from random import Random
from typing import ClassVar, Final, Literal

import attrs

__all__ = [
    "BAD_CHUNK",
    "Cut",
    "Drip",
    "Fault",
    "FaultBook",
    "Garbage",
    "Hang",
    "Reset",
    "Rewrite",
    "Slow",
    "Status",
    "gateway",
    "html",
    "lost_answer",
    "rate_limited",
    "retyped",
]

BAD_CHUNK: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"
)
"""An answer whose first chunk has no readable size."""
_PAGE: Final = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
_REASONS: Final = {
    429: "429 Too Many Requests",
    502: "502 Bad Gateway",
    503: "503 Service Unavailable",
    504: "504 Gateway Time-out",
}


@attrs.frozen(kw_only=True)
class Fault:
    """The root of the faults; a plain one does nothing."""

    effect: bool = attrs.field(default=True, init=False)
    """Whether the request is carried out first; where that may be chosen, the default is not."""


@attrs.frozen(kw_only=True)
class Status(Fault):
    """Another answer in place of the true one: any status, body and headers."""

    status: int
    body: str = ""
    content_type: str = "text/plain"
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    rate_headers: bool = True
    """False for an answer that an edge gave: it knows nothing of the quota."""
    effect: bool = False


@attrs.frozen(kw_only=True)
class Reset(Fault):
    """The connection ends without a byte of an answer: with a TCP reset, or in order if ``hard`` is False."""

    hard: bool = True
    effect: bool = False


@attrs.frozen(kw_only=True)
class Hang(Fault):
    """Silence for so many seconds; then the connection ends without an answer."""

    seconds: float
    effect: bool = False


@attrs.frozen(kw_only=True)
class Slow(Fault):
    """The true answer, so many seconds late."""

    seconds: float


@attrs.frozen(kw_only=True)
class Drip(Fault):
    """The true answer, headers and all, in equal pieces spread over so many seconds."""

    seconds: float
    pieces: int = attrs.field(default=10, validator=attrs.validators.ge(1))


@attrs.frozen(kw_only=True)
class Cut(Fault):
    """The true status and the beginning of the true body; then, after ``stall`` seconds of silence, the end.

    ``framing`` says how the client was told the length: a body cut under ``"close"`` looks complete.
    """

    keep: float = attrs.field(
        default=0.5, validator=attrs.validators.and_(attrs.validators.ge(0), attrs.validators.lt(1))
    )
    framing: Literal["length", "chunked", "close"] = "length"
    stall: float = 0.0


@attrs.frozen(kw_only=True)
class Garbage(Fault):
    """Bytes that are no HTTP answer, such as the default or ``BAD_CHUNK``; then the end."""

    raw: bytes = b"\x00\xff this is not HTTP\r\n\r\n"
    effect: bool = False


@attrs.frozen(kw_only=True)
class Rewrite(Fault):
    """The true answer with another content type, body or headers: wrong labels, bad gzip, half a text."""

    content_type: str | None = None
    body: bytes | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])


def gateway(status: int = 502, *, effect: bool = False) -> Status:
    """The HTML page of a gateway: 502, 503 or 504, without rate headers."""
    page = _PAGE.format(_REASONS.get(status, str(status)))
    return Status(status=status, body=page, content_type="text/html", rate_headers=False, effect=effect)


def rate_limited(retry_after: int | None = 2) -> Status:
    """A 429 as the limiter gives it, or, with None, as an edge does: HTML without rate headers."""
    if retry_after is None:
        return gateway(429)
    headers = {"Retry-After": str(retry_after), "X-RateLimit-Remaining": "0"}
    return Status(status=429, body="Too many requests", headers=headers)


def lost_answer(*, hard: bool = True) -> Reset:
    """The request is carried out, and nobody hears of it."""
    return Reset(hard=hard, effect=True)


def html(status: int = 200) -> Status:
    """A web page where the API should answer; the request is not carried out."""
    return Status(status=status, body=_PAGE.format("lemlist"), content_type="text/html", rate_headers=False)


def retyped(content_type: str) -> Rewrite:
    """The true answer under a wrong content type."""
    return Rewrite(content_type=content_type)


@attrs.frozen
class _Operation:
    """Which requests a rule is about; None stands for any."""

    method: str | None
    template: str | None

    def matches(self, method: str, template: str) -> bool:
        return self.method in (None, method) and self.template in (None, template)


@attrs.define
class _Rule:
    """Gives one fault to some of the requests that match."""

    operation: _Operation
    fault: Fault
    times: int | None
    after: int
    probability: float
    seen: int = 0

    def offer(self, random: Random) -> Fault | None:
        self.seen += 1
        if self.spent or self.seen <= self.after:
            return None
        if self.probability < 1.0 and random.random() >= self.probability:
            return None
        return self.fault

    def take(self) -> None:
        if self.times is not None:
            self.times -= 1

    @property
    def spent(self) -> bool:
        return self.times == 0


@attrs.define
class _Script:
    """Gives the n-th fault to the n-th request that matches."""

    operation: _Operation
    steps: deque[Fault | None]

    def offer(self, random: Random) -> Fault | None:
        return self.steps.popleft() if self.steps else None

    def take(self) -> None:
        """A step is gone once it was offered."""

    @property
    def spent(self) -> bool:
        return not self.steps


class FaultBook:
    """The faults to come; of several rules that would strike one request, the first written does."""

    HISTORY: ClassVar[int] = 1000

    def __init__(self, operations: Collection[tuple[str, str]], random: Random) -> None:
        self._known = operations
        self._random = random
        self._rules: list[_Rule | _Script] = []
        self.struck: deque[tuple[str, str, Fault]] = deque(maxlen=self.HISTORY)
        """The last faults that happened, each with its verb and template."""

    def add(
        self,
        fault: Fault,
        match: str | None = None,
        *,
        times: int | None = 1,
        after: int = 0,
        probability: float = 1.0,
    ) -> None:
        """Let ``fault`` strike requests of ``match``.

        ``match`` is verb and template as in ``"POST /campaigns/{campaignId}/leads/"``, or either alone, or
        None for any request. ``after`` lets that many matching requests through first, ``times`` (None: for
        ever) ends it, and each time it strikes with ``probability``. ValueError for an operation that the
        sandbox does not have, or numbers out of range.
        """
        if after < 0 or not 0 < probability <= 1 or (times is not None and times < 1):
            raise ValueError("after must be at least 0, times at least 1 (or None), probability in (0, 1]")
        self._rules.append(_Rule(self._operation(match), fault, times, after, probability))

    def script(self, steps: Iterable[Fault | None], match: str | None = None) -> None:
        """Let the next requests of ``match`` meet these faults one by one; None lets a request pass."""
        self._rules.append(_Script(self._operation(match), deque(steps)))

    def clear(self) -> None:
        """Forget all faults to come."""
        self._rules.clear()

    @property
    def pending(self) -> bool:
        """Whether any rule may still strike."""
        return bool(self._rules)

    def pick(self, method: str, template: str) -> Fault | None:
        """What happens to this request; every matching rule counts it, whoever strikes."""
        if not self._rules:
            return None
        chosen: Fault | None = None
        for rule in self._rules:
            if rule.operation.matches(method, template):
                offered = rule.offer(self._random)
                if offered is not None and chosen is None:
                    chosen = offered
                    rule.take()
        self._rules = [rule for rule in self._rules if not rule.spent]
        if chosen is not None:
            self.struck.append((method, template, chosen))
        return chosen

    def _operation(self, match: str | None) -> _Operation:
        if match is None:
            return _Operation(None, None)
        method, _, template = match.rpartition(" ") if "/" in match else (match, "", "")
        operation = _Operation(method or None, template or None)
        if not any(operation.matches(*known) for known in self._known):
            raise ValueError(f"the sandbox has no operation {match!r}")
        return operation
