"""From what aiohttp raises to what it means: surely never sent, or maybe done."""

from __future__ import annotations

import asyncio
import errno
import re
import ssl
from typing import TYPE_CHECKING, Any

import aiohttp

from lemlist_async.core.classify import refusal
from lemlist_async.core.wire import Call, Effect, Response
from lemlist_async.errors import (
    AmbiguousDeadlineError,
    ClosedError,
    DeadlineExceededError,
    LemlistError,
    LostResponseError,
    NotSentError,
    TransportError,
)
from lemlist_async.transport.request import StaleConnectionError
from lemlist_async.transport.timeouts import Reason

if TYPE_CHECKING:
    from lemlist_async.transport.middleware import AttemptState

CAUGHT = (aiohttp.ClientError, TimeoutError, OSError, asyncio.IncompleteReadError)
"""All that aiohttp is known to raise for a failed exchange; time-outs come in two classes."""

# The order counts: aiohttp's classes inherit from one another, and from OSError.
_NEVER_SENT: tuple[tuple[type[BaseException], str, str], ...] = (
    (aiohttp.ClientConnectorCertificateError, "certificate", "the certificate of the host is not valid"),
    (aiohttp.ServerFingerprintMismatch, "certificate", "the certificate of the host is another one"),
    (aiohttp.ClientConnectorSSLError, "tls", "the TLS handshake failed"),
    (aiohttp.ClientConnectorDNSError, "dns", "the name of the host could not be resolved"),
    (aiohttp.ClientProxyConnectionError, "proxy_unreachable", "the proxy could not be reached"),
    (aiohttp.ClientHttpProxyError, "proxy", "the proxy refused the connection"),
    (aiohttp.ClientConnectorError, "refused", "no connection to the host"),
    (aiohttp.ConnectionTimeoutError, "connect_timeout", "no connection to the host in time"),
    (aiohttp.InvalidURL, "url", "the URL cannot be requested"),
    (StaleConnectionError, "stale", "the connection held an answer that no request had asked for"),
)
_FOR_NOW = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses with which a proxy answers CONNECT where another try may succeed."""
_PACKED = re.compile(r"content-encoding: ([a-z]+(?: \([a-z]+\))?)")
"""What aiohttp says of an encoding that it cannot unpack; the name comes from a list of its own."""
_MAYBE_DONE: tuple[tuple[type[BaseException], str, str], ...] = (
    (TimeoutError, "timeout", "no answer in time"),
    (aiohttp.ClientPayloadError, "cut", "the answer broke off, or could not be unpacked"),
    # a malformed answer is raised as a 400 that no server sent
    (aiohttp.ClientResponseError, "garbage", "the answer was not HTTP"),
    (aiohttp.ClientConnectionError, "reset", "the connection was closed before the answer"),
    (OSError, "reset", "the connection broke"),
)


def fault(error: BaseException, call: Call[Any], *, sent: bool, status: int | None = None) -> TransportError:
    """The error to raise in place of aiohttp's, and nothing of it: its exceptions carry request headers."""
    kind, why = _busy_proxy(error) or _read(error, _NEVER_SENT) or (None, "")
    if kind is not None:
        return NotSentError(why + _errno(error), kind=kind, operation=call.operation)
    kind, why = _encoding(error) or _read(error, _MAYBE_DONE) or ("transport", "the exchange failed")
    if not sent and status is None:
        return NotSentError(
            why + " was sent" if kind == "timeout" else why, kind=kind, operation=call.operation
        )
    return maybe_done(call, why, kind=kind, status=status)


def maybe_done(call: Call[Any], why: str, *, kind: str, status: int | None = None) -> TransportError:
    """The answer is lost: an error that is ambiguous where a repeat could do the operation twice."""
    seen = f" (status {status})" if status is not None else ""
    if call.effect.repeatable:
        return TransportError(why + seen, kind=kind, status=status, operation=call.operation)
    hint = f"; {call.verify}" if call.verify else ""
    lost = LostResponseError(
        f"{why}{seen}; it may have taken effect and was not repeated{hint}",
        kind=kind,
        status=status,
        operation=call.operation,
    )
    lost.verify = call.verify
    return lost


def ended(call: Call[Any], attempt: AttemptState, reason: Reason) -> LemlistError:
    """The error for a try whose time was over, or whose client was closed."""
    response = attempt.response
    status = None if response is None else response.status
    if response is not None and response.status >= 300:
        # the status says enough: a refusal whose body hangs is one all the same
        return refusal(call, Response(response.status, response.headers))
    if reason == "attempt":
        if attempt.sent:
            return maybe_done(call, "no whole answer in time", kind="timeout", status=status)
        why = "no connection to the host in time"
        return NotSentError(why, kind="connect_timeout", operation=call.operation)
    if reason == "closed":
        if attempt.sent and call.effect is not Effect.READ:
            return maybe_done(call, "the client was closed before the answer", kind="closed", status=status)
        return ClosedError("the client was closed before the call was done", operation=call.operation)
    return _late(call, granted=attempt.granted is not None, sent=attempt.sent)


def _late(call: Call[Any], *, granted: bool, sent: bool) -> DeadlineExceededError:
    if not granted:
        why = "the deadline passed while the call waited for its turn"
        return DeadlineExceededError(why, phase="queue", operation=call.operation)
    why = "the deadline passed before the answer"
    if not sent or call.effect.repeatable:
        return DeadlineExceededError(why, phase="attempt", operation=call.operation)
    lost = AmbiguousDeadlineError(
        f"{why}; it may have taken effect and was not repeated", phase="attempt", operation=call.operation
    )
    lost.verify = call.verify
    return lost


def _read(
    error: BaseException, table: tuple[tuple[type[BaseException], str, str], ...]
) -> tuple[str, str] | None:
    return next(((kind, why) for cls, kind, why in table if isinstance(error, cls)), None)


def _busy_proxy(error: BaseException) -> tuple[str, str] | None:
    """A proxy that could not reach the host for now; one that says no would say so again."""
    if isinstance(error, aiohttp.ClientHttpProxyError) and error.status in _FOR_NOW:
        return "proxy_busy", f"the proxy could not make the connection (status {error.status})"
    return None


def _encoding(error: BaseException) -> tuple[str, str] | None:
    """A body that is packed in a way nothing here unpacks, although it was not asked for."""
    if not isinstance(error, aiohttp.ClientResponseError) or not (found := _PACKED.search(error.message)):
        return None
    return "encoding", f"the answer is packed as {found[1]}, which was not asked for and cannot be unpacked"


def _errno(error: BaseException) -> str:
    """The system's word for it; texts of exceptions may hold addresses and are left out."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, ssl.SSLError):
        return f" ({cause.reason})" if cause.reason else ""
    name = errno.errorcode.get(cause.errno or 0) if isinstance(cause, OSError) else None
    return f" ({name})" if name else ""
