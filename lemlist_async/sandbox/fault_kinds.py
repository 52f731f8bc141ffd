"""Faults that the sandbox can inject, as values.

``effect`` tells whether the request is handled before the fault. With it a response is lost, without it a request,
and the client cannot tell one from the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Literal, TypeAlias

import attrs

__all__ = [
    "BAD_CHUNK",
    "Cut",
    "Damage",
    "Drip",
    "Fault",
    "Garbage",
    "Hang",
    "Loss",
    "Reset",
    "Rewrite",
    "Slow",
    "Status",
    "gateway",
    "html",
    "lost_response",
    "rate_limited",
    "retyped",
]

BAD_CHUNK: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"
)
"""Raw response whose first chunk has no readable size."""
_PAGE: Final = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
_REASONS: Final = {
    429: "429 Too Many Requests",
    502: "502 Bad Gateway",
    503: "503 Service Unavailable",
    504: "504 Gateway Time-out",
}


@attrs.frozen(kw_only=True)
class Loss:
    """Replacement of the true response."""

    effect: bool = False
    """Whether the request is still handled."""


@attrs.frozen(kw_only=True)
class Damage:
    """Damage to the true response of a handled request."""

    effect: ClassVar[bool] = True


Fault: TypeAlias = Loss | Damage


@attrs.frozen(kw_only=True)
class Status(Loss):
    """Another response in place of the true one: any status, body and headers."""

    status: int
    body: str = ""
    content_type: str = "text/plain"
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    rate_headers: bool = True
    """False for a response from an edge, which does not know the quota."""


@attrs.frozen(kw_only=True)
class Reset(Loss):
    """End of the connection without a byte: by a TCP reset, or in order if ``hard`` is False."""

    hard: bool = True


@attrs.frozen(kw_only=True)
class Hang(Loss):
    """Silence for ``seconds``, then the end of the connection."""

    seconds: float


@attrs.frozen(kw_only=True)
class Slow(Damage):
    """The true response after ``seconds``."""

    seconds: float


@attrs.frozen(kw_only=True)
class Drip(Damage):
    """The true response, headers included, in equal pieces spread over ``seconds``."""

    seconds: float
    pieces: int = attrs.field(default=10, validator=attrs.validators.ge(1))


@attrs.frozen(kw_only=True)
class Cut(Damage):
    """The true status and the beginning of the true body, then the end after ``stall`` seconds of silence.

    ``framing`` sets how the length was announced. A body cut under ``"close"`` looks complete.
    """

    keep: float = attrs.field(
        default=0.5, validator=attrs.validators.and_(attrs.validators.ge(0), attrs.validators.lt(1))
    )
    framing: Literal["length", "chunked", "close"] = "length"
    stall: float = 0.0


@attrs.frozen(kw_only=True)
class Garbage(Loss):
    """Bytes that are not HTTP, such as the default or ``BAD_CHUNK``, then the end."""

    raw: bytes = b"\x00\xff this is not HTTP\r\n\r\n"


@attrs.frozen(kw_only=True)
class Rewrite(Damage):
    """The true response with another content type, body or headers: wrong labels, bad gzip, half a text."""

    content_type: str | None = None
    body: bytes | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])


def gateway(status: int = 502, *, effect: bool = False) -> Status:
    """Build the HTML page of a gateway: 502, 503 or 504, without rate headers."""
    page = _PAGE.format(_REASONS.get(status, str(status)))
    return Status(status=status, body=page, content_type="text/html", rate_headers=False, effect=effect)


def rate_limited(retry_after: int | None = 2) -> Status:
    """Build the limiter's 429, or with None an edge's: HTML without rate headers."""
    if retry_after is None:
        return gateway(429)
    headers = {"Retry-After": str(retry_after), "X-RateLimit-Remaining": "0"}
    return Status(status=429, body="Too many requests", headers=headers)


def lost_response(*, hard: bool = True) -> Reset:
    """Handle the request and lose the response."""
    return Reset(hard=hard, effect=True)


def html(status: int = 200) -> Status:
    """Return a web page in place of the API's response. The request is not handled."""
    return Status(status=status, body=_PAGE.format("lemlist"), content_type="text/html", rate_headers=False)


def retyped(content_type: str) -> Rewrite:
    """Return the true response under a wrong content type."""
    return Rewrite(content_type=content_type)
