"""Exceptions of this library as one tree, by whose fault it was and what lemlist said.

LemlistError
├─ ConfigurationError            bad base_url, bad option (also a ValueError)
│   └─ APIKeyError               no key, or what no key looks like
│       └─ UnknownTenantError    a LemlistPool has no key for a tenant
├─ InvalidInputError             an argument that lemlist would refuse; nothing was sent (also a ValueError)
├─ ClosedError                   used after close, from another event loop, after a fork
├─ QueueError                    refused by our own queue, before anything was sent
│   ├─ QueueFullError
│   ├─ WaitTooLongError
│   └─ LimitStoreError           the server that keeps the limit is away, and on_outage="fail"
├─ TransportError                no complete response
│   └─ NotSentError              certainly nothing happened: refused, DNS, TLS
├─ AmbiguousError                it may have happened, and was not repeated
│   ├─ LostResponseError         … because there was no complete response (also a TransportError)
│   └─ AmbiguousServerError      … because the response was a 5xx (also a ServerError)
├─ DeadlineExceededError         the caller's own deadline (also a TimeoutError)
│   └─ AmbiguousDeadlineError    … while the request was in flight (also an AmbiguousError)
├─ IncompleteListError           a strict list ended, and rows may be missing
├─ DecodeError                   a response that is not what the API promises
│   └─ MissingIdError            lemlist reported a creation without the id
└─ APIStatusError                lemlist answered, and said no
    ├─ BadRequestError 400
    │   ├─ BadTeamError          "Bad team": wrong team, or an id of the wrong form
    │   └─ BadParamsError        "Bad params"
    ├─ AuthenticationError 401   key missing or wrong (also by message under 400 and 404)
    ├─ PaymentRequiredError 402  the plan or the credits (also by message: "Upgrade your plan")
    ├─ PermissionDeniedError 403 (also a 401 that speaks of a route, a plan or an endpoint, and not of the key)
    │   └─ UserBlockedError      "User linked to this API key is blocked"
    ├─ NotFoundError 404
    │   └─ AlreadyGoneError      … to the repeat of a DELETE whose first response was lost (also AlreadyDoneError)
    ├─ MethodNotAllowedError 405
    ├─ ConflictError 409
    │   └─ AlreadyExistsError    the record to create exists (also AlreadyDoneError; 400, 409 or 500)
    │       └─ LeadAlreadyExistsError   the lead is in the campaign, or in another one
    ├─ RateLimitError 429
    │   └─ PlanLimitError        a 429 that is a limit of the plan, not of the rate
    ├─ ServerError 5xx
    ├─ RedirectError 3xx         never followed
    ├─ LeadInGraveyardError      by message: a 500 that will not go away
    ├─ AlreadyDoneError          by message: this was done before; catches every "already" error
    └─ UnexpectedStatusError     any other status

Every error pickles, holds no secret, and is one log line as ``str()``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import attrs

__all__ = [
    "APIKeyError",
    "APIStatusError",
    "AlreadyDoneError",
    "AlreadyExistsError",
    "AlreadyGoneError",
    "AmbiguousDeadlineError",
    "AmbiguousError",
    "AmbiguousServerError",
    "Attempt",
    "AuthenticationError",
    "BadParamsError",
    "BadRequestError",
    "BadTeamError",
    "ClosedError",
    "ConfigurationError",
    "ConflictError",
    "DeadlineExceededError",
    "DecodeError",
    "IncompleteListError",
    "InvalidInputError",
    "LeadAlreadyExistsError",
    "LeadInGraveyardError",
    "LemlistError",
    "LimitStoreError",
    "LostResponseError",
    "MethodNotAllowedError",
    "MissingIdError",
    "NotFoundError",
    "NotSentError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "PlanLimitError",
    "QueueError",
    "QueueFullError",
    "RateLimitError",
    "RedirectError",
    "ServerError",
    "TransportError",
    "UnexpectedStatusError",
    "UnknownTenantError",
    "UserBlockedError",
    "WaitTooLongError",
]


LINE_KEPT = 300
"""Characters of a server's text in the message of an error, which is one log line."""
BODY_KEPT = 2_000
"""Characters of a body that an error keeps."""


@attrs.frozen
class Attempt:
    """Finished attempt of a call: its outcome and duration."""

    outcome: str
    """The status as text (``"502"``) or the kind of failure (``"reset"``, ``"timeout"``, …)."""
    seconds: float
    """Seconds from the grant of the throttle to the outcome."""


class LemlistError(Exception):
    """Root of all exceptions that this library raises on purpose."""

    message: str
    """Description of the error in one sentence."""
    operation: str | None = None
    """Verb and path template, such as ``GET /campaigns/{campaignId}``; never an id, never a query."""
    attempts: tuple[Attempt, ...] = ()
    """Attempts of the call, in order; empty if nothing was sent."""
    gave_up: str | None = None
    """Reason why a retryable call was not tried again: the number of attempts, the budget, the deadline, or a
    Retry-After above `Retry.max_retry_after`. A traceback shows it as a note."""
    _kept: ClassVar[dict[str, int]] = {}
    """Characters to keep of each attribute that holds a server's text."""

    def __init__(self, message: str, *, operation: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.operation = operation

    def __str__(self) -> str:
        return f"{self.operation}: {self.message}" if self.operation else self.message

    @property
    def brief(self) -> str:
        """One log line without the server's text, which may contain personal data."""
        return str(self)

    def scrub(self, redact: Callable[[str], str]) -> None:
        """Remove secrets that the server echoed, and then shorten its text.

        In this order: a secret that was cut in half could not be recognised.
        """
        for name in ("message", "code", "body"):
            if isinstance(said := getattr(self, name, None), str):
                setattr(self, name, redact(said)[: self._kept.get(name)])
        super().__init__(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[LemlistError], args: tuple[Any, ...], state: dict[str, Any]) -> LemlistError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(LemlistError, ValueError):
    """The configuration cannot work; nothing was sent."""


class APIKeyError(ConfigurationError):
    """No API key was given, or the value cannot be a key."""


class UnknownTenantError(APIKeyError):
    """The function that gives a `LemlistPool` its keys has none for this tenant; nothing was sent."""


class InvalidInputError(LemlistError, ValueError):
    """lemlist would refuse an argument, or it could not be transmitted unchanged; nothing was sent."""


class ClosedError(LemlistError):
    """The client was used after `aclose()`, from another event loop, or after a fork."""


class QueueError(LemlistError):
    """Our own queue refused the call; nothing was sent."""

    def __init__(self, message: str, *, forecast: float, operation: str | None = None) -> None:
        super().__init__(message, operation=operation)
        self.forecast = forecast
        """Seconds until the call could have been sent, as forecast when it was refused."""


class QueueFullError(QueueError):
    """`max_queue` calls are already waiting."""


class WaitTooLongError(QueueError):
    """The call would have waited longer than `max_wait`."""


class LimitStoreError(QueueError):
    """The server that keeps the limit for several hosts is away, and the throttle was told to fail then."""


class TransportError(LemlistError):
    """No complete response arrived."""

    kind: str = "transport"
    """Kind of the fault in one word: ``refused``, ``dns``, ``tls``, ``reset``, ``timeout``, ``cut``, …"""
    status: int | None = None
    """Status, if the response had begun."""

    def __init__(
        self, message: str, *, kind: str, status: int | None = None, operation: str | None = None
    ) -> None:
        super().__init__(message, operation=operation)
        self.kind = kind
        self.status = status


class NotSentError(TransportError):
    """The request was never sent: connection refused, unknown host, invalid certificate."""


class AmbiguousError(LemlistError):
    """The operation may have taken effect. It was not repeated, because a repeat could do it twice."""

    verify: str | None = None
    """Advice on finding out whether it happened; None where there is no way."""


class LostResponseError(AmbiguousError, TransportError):
    """The request was sent, and its response was lost."""


class DeadlineExceededError(LemlistError, TimeoutError):
    """The deadline of the call passed, or the next step could not be finished before it."""

    ambiguous: ClassVar[bool] = False

    def __init__(self, message: str, *, phase: str, operation: str | None = None) -> None:
        super().__init__(message, operation=operation)
        self.phase = phase
        """Phase in which the time ran out: ``queue``, ``attempt`` or ``backoff``."""


class AmbiguousDeadlineError(DeadlineExceededError, AmbiguousError):
    """The deadline passed while a request that may not be repeated was in flight."""

    ambiguous: ClassVar[bool] = True


class IncompleteListError(LemlistError):
    """A list read with `Pages.strict` has ended, and rows may be missing; the rows returned are valid."""


class DecodeError(LemlistError):
    """The response is not what the API promises: HTML with a 200, truncated JSON, the wrong shape."""

    _kept: ClassVar[dict[str, int]] = {"body": BODY_KEPT}

    def __init__(
        self,
        message: str,
        *,
        status: int,
        body: str = "",
        damaged: bool = False,
        operation: str | None = None,
    ) -> None:
        super().__init__(message, operation=operation)
        self.status = status
        """Status; 2xx means that the operation took effect, whatever its response."""
        self.damaged = damaged
        """Whether the body looks damaged in transit, so that a read is worth another attempt."""
        self.body = body
        """The beginning of the body (at most 2,000 characters)."""


class MissingIdError(DecodeError):
    """lemlist reported a creation without an id. The record exists, and the call is not repeated."""

    verify: str | None = None
    """Advice on finding the new record; None where there is no way."""


class APIStatusError(LemlistError):
    """lemlist answered with a status other than success."""

    _kept: ClassVar[dict[str, int]] = {"message": LINE_KEPT, "code": LINE_KEPT, "body": BODY_KEPT}

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        body: str = "",
        headers: dict[str, str] | None = None,
        retry_after: float | None = None,
        operation: str | None = None,
    ) -> None:
        super().__init__(message, operation=operation)
        self.status = status
        self.code = code
        """lemlist's machine-readable code (``CAMPAIGN_LEAD_REVIEW_…``), where it sent one."""
        self.body = body
        """The beginning of the body (at most 2,000 characters)."""
        self.headers: dict[str, str] = headers or {}
        """Rate limit headers, content type and request id of the response; no other header is kept."""
        self.retry_after = retry_after
        """Seconds that lemlist asked to wait, if it did."""

    def scrub(self, redact: Callable[[str], str]) -> None:
        """Remove secrets from the kept headers too."""
        super().scrub(redact)
        self.headers = {name: redact(value) for name, value in self.headers.items()}

    def __str__(self) -> str:
        where = f" {self.operation}" if self.operation else ""
        return f"{self.status}{where}: {self.message}"

    @property
    def brief(self) -> str:
        """Status, operation and kind; the code, where lemlist sent one."""
        code = f" {self.code}" if self.code else ""
        return f"{self.status} {self.operation}: {type(self).__name__}{code}"


class BadRequestError(APIStatusError):
    """400: invalid parameters or team."""


class BadTeamError(BadRequestError):
    """``Bad team``: the id belongs to another team, or is malformed."""


class BadParamsError(BadRequestError):
    """``Bad params``: lemlist could not use what was sent."""


class AuthenticationError(APIStatusError):
    """401: the key is missing or wrong. Some routes say so with a 400 or a 404."""


class PaymentRequiredError(APIStatusError):
    """402: the plan does not include the route, or the credits are insufficient. Other statuses mean it too."""


class PermissionDeniedError(APIStatusError):
    """403: not allowed for this user or account, or refused by the gateway.

    Also a 401 about a route, a plan or an endpoint, which says nothing about the key.
    """


class UserBlockedError(PermissionDeniedError):
    """403: the user who owns the key is blocked."""


class NotFoundError(APIStatusError):
    """404: no such resource."""


class MethodNotAllowedError(APIStatusError):
    """405: the route does not know the verb."""


class ConflictError(APIStatusError):
    """409: the record exists already, or is protected."""


class RateLimitError(APIStatusError):
    """429: the key's rate limit is exceeded; lemlist did nothing."""


class PlanLimitError(RateLimitError):
    """429 as a limit of the plan (`POST /watchlist`): waiting does not help."""


class ServerError(APIStatusError):
    """5xx: lemlist or its gateway failed."""


class AmbiguousServerError(ServerError, AmbiguousError):
    """5xx to an operation that may not be repeated: it may have taken effect."""


class RedirectError(APIStatusError):
    """3xx: never followed, since the key must not travel to another host."""


class LeadInGraveyardError(APIStatusError):
    """The person has unsubscribed; lemlist says so with a 500."""


class AlreadyDoneError(APIStatusError):
    """The request was fulfilled before: the campaign runs already, the lead is launched, the label exists.

    Every operation whose repeat lemlist refuses ends in this class or a subclass when it was done before.
    """


class AlreadyExistsError(ConflictError, AlreadyDoneError):
    """The record to create exists already: a hook, a label, a variable, a mailbox, a variant, an enrichment.

    The status is 409 or 400.
    """


class LeadAlreadyExistsError(AlreadyExistsError):
    """The lead is in the campaign, or with `deduplicate` in another one; the status drifts: 400, 409, 500."""

    @property
    def scope(self) -> str:
        """``campaign`` if the lead is in this campaign, ``other`` if in another one."""
        return "other" if "other" in self.message.lower() else "campaign"


class AlreadyGoneError(NotFoundError, AlreadyDoneError):
    """404 (or a 400 that means the same) for the repeat of a DELETE, whose earlier attempt may have deleted it."""


class UnexpectedStatusError(APIStatusError):
    """A status that neither the document nor the live API is known to use."""


BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: MethodNotAllowedError,
    409: ConflictError,
    429: RateLimitError,
}
