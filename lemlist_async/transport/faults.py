"""Meaning of the exceptions that aiohttp raises: the request was never sent, or may have taken effect."""

from __future__ import annotations

import asyncio
import errno
import re
import ssl
from typing import Any

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

CAUGHT = (aiohttp.ClientError, TimeoutError, OSError, asyncio.IncompleteReadError)
"""Every class that aiohttp is known to raise for a failed exchange."""

# The order matters: aiohttp's classes inherit from one another, and from OSError.
_NEVER_SENT: tuple[tuple[type[BaseException], str, str], ...] = (
    (aiohttp.ClientConnectorCertificateError, "certificate", "the certificate of the host is not valid"),
    (aiohttp.ServerFingerprintMismatch, "certificate", "the certificate of the host is not the expected one"),
    (aiohttp.ClientConnectorSSLError, "tls", "the TLS handshake failed"),
    (aiohttp.ClientConnectorDNSError, "dns", "the name of the host could not be resolved"),
    (aiohttp.ClientProxyConnectionError, "proxy_unreachable", "the proxy could not be reached"),
    (aiohttp.ClientHttpProxyError, "proxy", "the proxy refused the connection"),
    (aiohttp.ClientConnectorError, "refused", "no connection to the host"),
    (aiohttp.ConnectionTimeoutError, "connect_timeout", "no connection to the host in time"),
    (aiohttp.InvalidURL, "url", "the URL cannot be requested"),
    (StaleConnectionError, "stale", "the connection held a response that no request had asked for"),
)
_FOR_NOW = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses of a proxy's response to CONNECT after which another attempt may succeed."""
_PACKED = re.compile(r"content-encoding: ([a-z]+(?: \([a-z]+\))?)")
"""aiohttp's message about an encoding that it cannot decompress; the name comes from aiohttp's own list."""
_MAYBE_DONE: tuple[tuple[type[BaseException], str, str], ...] = (
    (TimeoutError, "timeout", "no response in time"),
    (aiohttp.ClientPayloadError, "cut", "the response was cut off, or could not be decompressed"),
    # aiohttp raises a malformed response as a 400 that no server sent
    (aiohttp.ClientResponseError, "garbage", "the response was not HTTP"),
    (aiohttp.ClientConnectionError, "reset", "the connection was closed before the response"),
    (OSError, "reset", "the connection broke"),
)


def fault(error: BaseException, call: Call[Any], *, sent: bool, status: int | None = None) -> TransportError:
    """Return the error to raise in place of aiohttp's, whose exceptions carry the request's headers."""
    kind, why = _busy_proxy(error) or _look_up(error, _NEVER_SENT) or (None, "")
    if kind is not None:
        return NotSentError(why + _errno(error), kind=kind, operation=call.operation)
    kind, why = _encoding(error) or _look_up(error, _MAYBE_DONE) or ("transport", "the exchange failed")
    if not sent and status is None:
        return NotSentError(
            why + " was sent" if kind == "timeout" else why, kind=kind, operation=call.operation
        )
    return maybe_done(call, why, kind=kind, status=status)


def maybe_done(call: Call[Any], why: str, *, kind: str, status: int | None = None) -> TransportError:
    """Return the error for a lost response: ambiguous if a repeat could do the operation twice."""
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


def ended(
    call: Call[Any], reason: Reason, *, granted: bool, sent: bool, response: Response | None
) -> LemlistError:
    """Return the error for an attempt that ran out of time, or whose client was closed.

    `granted` tells whether the throttle had granted a slot, `sent` whether a byte may have left; `response` is the
    head of the response, where one had arrived.
    """
    status = None if response is None else response.status
    if response is not None and response.status >= 300:
        # the status alone is enough: a refusal whose body hangs is still a refusal
        return refusal(call, response)
    if reason == "attempt":
        if sent:
            return maybe_done(call, "no complete response in time", kind="timeout", status=status)
        why = "no connection to the host in time"
        return NotSentError(why, kind="connect_timeout", operation=call.operation)
    if reason == "closed":
        if sent and call.effect is not Effect.READ:
            why = "the client was closed before the response"
            return maybe_done(call, why, kind="closed", status=status)
        return ClosedError("the client was closed before the call was done", operation=call.operation)
    return _deadline(call, granted=granted, sent=sent)


def _deadline(call: Call[Any], *, granted: bool, sent: bool) -> DeadlineExceededError:
    if not granted:
        why = "the deadline passed while the call waited for its turn"
        return DeadlineExceededError(why, phase="queue", operation=call.operation)
    why = "the deadline passed before the response"
    if not sent or call.effect.repeatable:
        return DeadlineExceededError(why, phase="attempt", operation=call.operation)
    lost = AmbiguousDeadlineError(
        f"{why}; it may have taken effect and was not repeated", phase="attempt", operation=call.operation
    )
    lost.verify = call.verify
    return lost


def _look_up(
    error: BaseException, table: tuple[tuple[type[BaseException], str, str], ...]
) -> tuple[str, str] | None:
    return next(((kind, why) for cls, kind, why in table if isinstance(error, cls)), None)


def _busy_proxy(error: BaseException) -> tuple[str, str] | None:
    """Return the fault of a proxy that cannot reach the host at the moment; a refusal by a proxy is permanent."""
    if isinstance(error, aiohttp.ClientHttpProxyError) and error.status in _FOR_NOW:
        return "proxy_busy", f"the proxy could not make the connection (status {error.status})"
    return None


def _encoding(error: BaseException) -> tuple[str, str] | None:
    """Return the fault of a body in an encoding that was not requested and cannot be decompressed."""
    if not isinstance(error, aiohttp.ClientResponseError) or not (found := _PACKED.search(error.message)):
        return None
    return (
        "encoding",
        f"the response is compressed as {found[1]}, which was not asked for and cannot be decompressed",
    )


def _errno(error: BaseException) -> str:
    """Return the operating system's name of an error; texts of exceptions may hold addresses and are left out."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, ssl.SSLError):
        return f" ({cause.reason})" if cause.reason else ""
    name = errno.errorcode.get(cause.errno or 0) if isinstance(cause, OSError) else None
    return f" ({name})" if name else ""
