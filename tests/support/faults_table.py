"""Table of faults and their results, for the tests and for docs/faults.md."""

import asyncio
from typing import Any

import attrs

from lemlist_async import Effect, errors
from tests.support.fault_server import OK, Behaviour, answer, bomb, sends, silence

PAGE = b"<!doctype html><html><h1>502 Bad Gateway</h1></html>"
LIMITED = ("X-RateLimit-Limit: 20", "X-RateLimit-Remaining: 0", "Retry-After: 0")
TRIES = 3
"""Attempts that the tests allow."""


@attrs.frozen(kw_only=True)
class Fault:
    """One fault, and its required result."""

    name: str
    behaviour: Behaviour
    read: bool = True
    again: bool
    """Whether repeatable operations are repeated."""
    always_again: bool = False
    """Whether every operation is repeated, since nothing happened."""
    error: type[errors.LemlistError]
    """Error for repeatable operations."""
    other: type[errors.LemlistError]
    """Error for all others."""
    typed_only: bool = False
    """Whether it concerns only operations that promise a shape."""

    def attempts(self, effect: Effect) -> int:
        """Return the number of requests that the server sees."""
        return TRIES if self.always_again or (self.again and effect.repeatable) else 1

    def error_for(self, effect: Effect) -> type[errors.LemlistError]:
        """Return the type of the error that the caller gets."""
        return self.error if effect.repeatable or self.always_again else self.other


def lost(name: str, behaviour: Behaviour, **more: Any) -> Fault:
    """Describe a lost response."""
    return Fault(name=name, behaviour=behaviour, again=True, error=errors.TransportError,
                 other=errors.LostResponseError, **more)  # fmt: skip


def status(name: str, text: str, kind: str, body: bytes, *headers: str) -> Fault:
    """Describe a 5xx."""
    return Fault(name=name, behaviour=sends(answer(body, text, kind, *headers)), again=True,
                 error=errors.ServerError, other=errors.AmbiguousServerError)  # fmt: skip


def said(name: str, error: type[errors.LemlistError], behaviour: Behaviour, **more: Any) -> Fault:
    """Describe a response that means the same for every effect."""
    return Fault(name=name, behaviour=behaviour, error=error, other=error, **{"again": False, **more})


def head(*headers: str) -> bytes:
    """Build the beginning of a 200."""
    return "\r\n".join(["HTTP/1.1 200 OK", "Content-Type: application/json", *headers]).encode() + b"\r\n\r\n"


async def _late_reset(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.02)
    writer.transport.abort()


FAULTS = [
    lost("reset before the request is read", sends(then="reset"), read=False),
    lost("reset after the request is read", sends(then="reset")),
    lost("closed without an answer", sends(then="close")),
    lost("reset before the response", _late_reset),
    lost("silence", silence),
    lost("headers that drip", sends(*(bytes([byte]) for byte in head()), pause=0.05)),
    lost("a body that drips", sends(head("Content-Length: 28"), *(bytes([byte]) for byte in OK), pause=0.05)),
    lost("a body cut short of its Content-Length", sends(head("Content-Length: 500") + OK, then="close")),
    lost("a chunked body cut", sends(head("Transfer-Encoding: chunked") + b"1c\r\n" + OK + b"\r\n", then="close")),
    said("a close-delimited body cut", errors.DecodeError, sends(head("Connection: close") + OK[:9], then="close"),
         again=True),
    lost("gzip that is none", sends(answer(b"not gzip", "200 OK", "application/json", "Content-Encoding: gzip"))),
    lost("a gzip bomb", sends(bomb())),
    lost("a body above the cap", sends(answer(b'"' + b"x" * 2_000_000 + b'"'))),
    lost("a header above the cap", sends(head(f"X-Large: {'x' * 20_000}", "Content-Length: 2") + b"{}")),
    lost("a status line that is none", sends(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", then="close")),
    lost("a chunk size that is none", sends(head("Transfer-Encoding: chunked") + b"zz\r\n{}\r\n", then="close")),
    lost("Content-Length beside chunked", sends(head("Content-Length: 2", "Transfer-Encoding: chunked") + b"{}")),
    status("502 from a gateway", "502 Bad Gateway", "text/html", PAGE),
    status("503 with Retry-After", "503 Service Unavailable", "text/html", PAGE, "Retry-After: 0"),
    status("504 from a gateway", "504 Gateway Timeout", "text/html", PAGE),
    status("500 in plain text", "500 Internal Server Error", "text/plain", b"Something went wrong"),
    Fault(name="a 502 whose page is cut",
          behaviour=sends(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 500\r\n\r\n" + PAGE, then="close"),
          again=True, error=errors.ServerError, other=errors.AmbiguousServerError),
    status("status 999", "999 Request Denied", "text/plain", b"denied"),
    Fault(name="429 from the limiter", behaviour=sends(answer(b"slow", "429 Too Many", "text/plain", *LIMITED)),
          again=True, always_again=True, error=errors.RateLimitError, other=errors.RateLimitError),
    Fault(name="408", behaviour=sends(answer(b"", "408 Request Timeout", "text/plain")), again=True, always_again=True,
          error=errors.UnexpectedStatusError, other=errors.UnexpectedStatusError),
    said("500 for a duplicate", errors.LeadAlreadyExistsError,
         sends(answer(b"Lead already in other campaign", "500 Internal Server Error", "text/plain"))),
    said("500 for an unsubscribed lead", errors.LeadInGraveyardError,
         sends(answer(b"Lead in graveyard", "500 Internal Server Error", "text/plain"))),
    said("401", errors.AuthenticationError, sends(answer(b"", "401 Unauthorized", "text/plain"))),
    said("403 from the edge", errors.PermissionDeniedError, sends(answer(PAGE, "403 Forbidden", "text/html"))),
    said("404", errors.NotFoundError, sends(answer(b"Campaign not found", "404 Not Found", "text/plain"))),
    said("a redirect to another host", errors.RedirectError,
         sends(answer(b"", "302 Found", "text/plain", "Location: https://example.com/"))),
    said("a redirect to another scheme", errors.RedirectError,
         sends(answer(b"", "301 Moved", "text/plain", "Location: ftp://127.0.0.1/"))),
    said("HTML with 200", errors.DecodeError, sends(answer(PAGE, "200 OK", "text/html"))),
    said("HTML under a JSON type", errors.DecodeError, sends(answer(PAGE))),
    said("JSON that was cut", errors.DecodeError, sends(answer(b'{"_id": "cam_1", "name')), again=True),
    said("what only looks like JSON", errors.DecodeError, sends(answer(b'{"_id": undefined}')), again=True),
    said("another shape", errors.DecodeError, sends(answer(b"[]")), typed_only=True),
]  # fmt: skip

FINE = {
    "JSON with a field nested 2,000 deep": sends(answer(OK[:-1] + b',"x":' + b"[" * 2_000 + b"]" * 2_000 + b"}")),
    "JSON with NaN": sends(answer(OK[:-1] + b',"x":NaN}')),
    "JSON with bytes that are not UTF-8": sends(answer(OK[:-1] + b',"x":"\xff\xfe"}')),
    "JSON with half a surrogate pair": sends(answer(OK[:-1] + b',"x":"\\ud83d"}')),
    "an unknown charset": sends(answer(OK, "200 OK", "application/json; charset=klingon")),
    "interim answers before the answer": sends(
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + answer()
    ),
    "an answer in single bytes": sends(*(bytes([byte]) for byte in answer())),
    "a BOM-less answer without a type": sends(answer(OK, "200 OK", "")),
    "the connection closed after each answer": sends(answer(OK, "200 OK", "application/json", "Connection: close"),
                                                     then="close"),
}  # fmt: skip
