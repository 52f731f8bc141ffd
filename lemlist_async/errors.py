"""Everything this library raises, as one tree: whose fault it was, what lemlist said, and what next.

LemlistError
├─ ConfigurationError            bad base_url, bad option (also a ValueError)
│   └─ APIKeyError               no key, or what no key looks like
├─ InvalidInputError             an argument that lemlist would refuse; nothing was sent (also a ValueError)
├─ ClosedError                   used after close, from another event loop, after a fork
├─ QueueError                    refused by our own queue, before anything was sent
│   ├─ QueueFullError
│   └─ WaitTooLongError
├─ TransportError                no (whole) answer came
│   └─ NotSentError              surely nothing happened: refused, DNS, TLS
├─ AmbiguousError                it may have happened, and was not repeated
│   ├─ LostResponseError           … because no (whole) answer came (also a TransportError)
│   └─ AmbiguousServerError      … because the answer was a 5xx (also a ServerError)
├─ DeadlineExceededError         the caller's own deadline (also a TimeoutError)
│   └─ AmbiguousDeadlineError    … while the request was in flight (also an AmbiguousError)
├─ IncompleteListError           a list that was to be whole ended with rows missing, perhaps
├─ DecodeError                   an answer that is not what the API promises
│   └─ MissingIdError            lemlist reported success, without the id of what it made
└─ APIStatusError                lemlist answered, and said no
    ├─ BadRequestError 400
    │   ├─ BadTeamError          "Bad team": wrong team, or an id of the wrong form
    │   └─ BadParamsError        "Bad params"
    ├─ AuthenticationError 401   key missing or wrong (also by message under 400 and 404)
    ├─ PaymentRequiredError 402  the plan or the credits (also by message: "Upgrade your plan")
    ├─ PermissionDeniedError 403 (also a 401 that speaks of a route, a plan or an endpoint, and not of the key)
    │   └─ UserBlockedError      "User linked to this API key is blocked"
    ├─ NotFoundError 404
    │   └─ AlreadyGoneError      … to the repeat of a DELETE whose first answer was lost (also AlreadyDoneError)
    ├─ MethodNotAllowedError 405
    ├─ ConflictError 409
    │   └─ AlreadyExistsError    what the call would make exists (also AlreadyDoneError; 400, 409 or 500)
    │       └─ LeadAlreadyExistsError   the lead is in the campaign, or in another one
    ├─ RateLimitError 429
    │   └─ PlanLimitError        a 429 that is a limit of the plan, not of the rate
    ├─ ServerError 5xx
    ├─ RedirectError 3xx         never followed
    ├─ LeadInGraveyardError      by message: a 500 that will not go away
    ├─ AlreadyDoneError          by message: this was done before; the one class to catch for all of them
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
    "UserBlockedError",
    "WaitTooLongError",
]


LINE_KEPT = 300
"""Characters of what a server said that an error has as its message: it is one log line."""
BODY_KEPT = 2_000
"""Characters of a body that an error keeps."""


@attrs.frozen
class Attempt:
    """One try of a call: what came of it, and how long it took."""

    outcome: str
    """The status as text (``"502"``) or the kind of failure (``"reset"``, ``"timeout"``, …)."""
    seconds: float
    """From the grant of the throttle to the outcome, in seconds."""


class LemlistError(Exception):
    """The root of all that this library raises on purpose."""

    message: str
    """What went wrong, in one sentence."""
    operation: str | None = None
    """Verb and path template, such as ``GET /campaigns/{campaignId}``; never an id, never a query."""
    attempts: tuple[Attempt, ...] = ()
    """Every try that was made for the call, in order; empty if nothing was sent."""
    gave_up: str | None = None
    """Why there was no further try, where there could have been one: the tries, the budget, the deadline, or a
    Retry-After above `Retry.max_retry_after`. A traceback shows it as a note."""
    _kept: ClassVar[dict[str, int]] = {}
    """How many characters stay of what is a server's words."""

    def __init__(self, message: str, *, operation: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.operation = operation

    def __str__(self) -> str:
        return f"{self.operation}: {self.message}" if self.operation else self.message

    @property
    def brief(self) -> str:
        """One log line without what the server said, which may name a person."""
        return str(self)

    def scrub(self, redact: Callable[[str], str]) -> None:
        """Take a secret out of all that a server said, should it have echoed one, and keep the beginning.

        In this order: nobody would find what is left of a secret that was cut through.
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
    """What was given to the library cannot work; nothing was sent."""


class APIKeyError(ConfigurationError):
    """No API key was given, or what was given cannot be one."""


class InvalidInputError(LemlistError, ValueError):
    """An argument that lemlist would refuse, or that would not arrive as it was given; nothing was sent."""


class ClosedError(LemlistError):
    """Used after `aclose()`, from another event loop, or after a fork."""


class QueueError(LemlistError):
    """Our own queue refused the call; nothing was sent."""

    def __init__(self, message: str, *, forecast: float, operation: str | None = None) -> None:
        super().__init__(message, operation=operation)
        self.forecast = forecast
        """Seconds until the call could have been sent, as foreseen when it was refused."""


class QueueFullError(QueueError):
    """`max_queue` calls are waiting already."""


class WaitTooLongError(QueueError):
    """The call would have waited longer than `max_wait`."""


class TransportError(LemlistError):
    """No whole answer came back."""

    kind: str = "transport"
    """What went wrong, as one word: ``refused``, ``dns``, ``tls``, ``reset``, ``timeout``, ``cut``, …"""
    status: int | None = None
    """The status, where the answer had begun."""

    def __init__(
        self, message: str, *, kind: str, status: int | None = None, operation: str | None = None
    ) -> None:
        super().__init__(message, operation=operation)
        self.kind = kind
        self.status = status


class NotSentError(TransportError):
    """The request never left: the connection was refused, the name unknown, the certificate bad."""


class AmbiguousError(LemlistError):
    """The operation may have taken effect. It was not repeated, because a repeat could do it twice."""

    verify: str | None = None
    """How to find out whether it happened, where there is a way."""


class LostResponseError(AmbiguousError, TransportError):
    """The request was sent, and the answer was lost."""


class DeadlineExceededError(LemlistError, TimeoutError):
    """The deadline of the call passed, or the next step could not have been done before it."""

    ambiguous: ClassVar[bool] = False

    def __init__(self, message: str, *, phase: str, operation: str | None = None) -> None:
        super().__init__(message, operation=operation)
        self.phase = phase
        """Where the time went: ``queue``, ``attempt`` or ``backoff``."""


class AmbiguousDeadlineError(DeadlineExceededError, AmbiguousError):
    """The deadline passed while a request that may not be repeated was in flight."""

    ambiguous: ClassVar[bool] = True


class IncompleteListError(LemlistError):
    """A list that was read with `Pages.strict` has ended, and rows may be missing; those that came are good."""


class DecodeError(LemlistError):
    """The answer is not what the API promises: HTML with a 200, cut JSON, the wrong shape."""

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
        """The status; 2xx means that the operation took effect, whatever became of its answer."""
        self.damaged = damaged
        """Whether it looks damaged on the way, so that a read is worth another try."""
        self.body = body
        """The beginning of the body (at most 2,000 characters)."""


class MissingIdError(DecodeError):
    """lemlist reported that it made something, without an id of it. It was made, and is not sent again."""

    verify: str | None = None
    """How to find what was made, where there is a way."""


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
        """The answer's rate limit headers, content type and request id; nothing else is kept."""
        self.retry_after = retry_after
        """Seconds lemlist asked to wait, where it did."""

    def scrub(self, redact: Callable[[str], str]) -> None:
        """Also out of the headers that were kept."""
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
    """``Bad team``: the id belongs to another team, or has not the form of an id."""


class BadParamsError(BadRequestError):
    """``Bad params``: lemlist could not use what was sent."""


class AuthenticationError(APIStatusError):
    """401: the key is missing or wrong. Some routes say so with a 400 or a 404."""


class PaymentRequiredError(APIStatusError):
    """402: the plan does not include the route, or the credits do not suffice. Other statuses carry it too."""


class PermissionDeniedError(APIStatusError):
    """403: not allowed for this user or account, or refused by the gateway.

    Also a 401 that speaks of a route, a plan or an endpoint: it says nothing about the key.
    """


class UserBlockedError(PermissionDeniedError):
    """403: the user whom the key belongs to is blocked."""


class NotFoundError(APIStatusError):
    """404: no such resource."""


class MethodNotAllowedError(APIStatusError):
    """405: the route does not know the verb."""


class ConflictError(APIStatusError):
    """409: it exists already, or is protected."""


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
    """What the call asks for was done before: the campaign runs already, the lead is launched, the label exists.

    Every operation whose repeat lemlist refuses ends in this class, or in a subclass, when it was done before.
    """


class AlreadyExistsError(ConflictError, AlreadyDoneError):
    """What the call would make exists already: a hook, a label, a variable, a mailbox, a variant, an enrichment.

    The status is 409 or 400.
    """


class LeadAlreadyExistsError(AlreadyExistsError):
    """The lead is in the campaign, or with `deduplicate` in another one; the status drifts: 400, 409, 500."""

    @property
    def scope(self) -> str:
        """``campaign`` if the lead is in this campaign, ``other`` if in another one."""
        return "other" if "other" in self.message.lower() else "campaign"


class AlreadyGoneError(NotFoundError, AlreadyDoneError):
    """404 (or a 400 that says the same) to the repeat of a DELETE: an earlier try, whose answer was lost, may be
    what removed it."""


class UnexpectedStatusError(APIStatusError):
    """A status that neither the document nor the practice of the API knows."""


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
