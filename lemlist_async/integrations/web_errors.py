"""Responses of a web backend to the errors of this library, for any framework."""

from __future__ import annotations

import math
from typing import Any

import attrs

from lemlist_async import errors
from lemlist_async.errors import LemlistError


class VisitorGoneError(LemlistError):
    """The visitor left before anything was changed, so that the calls for him were given up."""


STATUSES: tuple[tuple[type[LemlistError], int], ...] = (
    (VisitorGoneError, 499),
    # before its subclasses' other parents: whether it happened is what a visitor has to be told
    (errors.AmbiguousError, 502),
    (errors.PlanLimitError, 502),
    (errors.RateLimitError, 503),
    (errors.QueueError, 503),
    (errors.ClosedError, 503),
    (errors.DeadlineExceededError, 504),
    (errors.InvalidInputError, 422),
    (errors.BadRequestError, 422),
    (errors.NotFoundError, 404),
    (errors.UnknownTenantError, 404),
    (errors.AlreadyDoneError, 409),
    (errors.ConflictError, 409),
    (errors.LeadInGraveyardError, 409),
)
"""Status by class, the first match counts; any other error is a 502, a refused API key too: the visitor has none."""


@attrs.frozen
class ErrorResponse:
    """Response to an error: it names the class and nothing that lemlist or the visitor said."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]
    """``error`` is the class, ``may_have_happened`` is true where the operation may have taken effect."""


def response_to(error: LemlistError) -> ErrorResponse:
    """Return the response to an error, with ``Retry-After`` where waiting helps."""
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 502)
    wait = _wait(error)
    return ErrorResponse(
        status,
        {} if wait is None else {"Retry-After": str(max(1, math.ceil(wait)))},
        {
            "error": type(error).__name__,
            "may_have_happened": isinstance(error, errors.AmbiguousError | errors.MissingIdError),
        },
    )


def _wait(error: LemlistError) -> float | None:
    """Return the seconds after which the same call may succeed."""
    if isinstance(error, errors.QueueError):
        return error.forecast if math.isfinite(error.forecast) else None
    if isinstance(error, errors.PlanLimitError) or not isinstance(error, errors.APIStatusError):
        return None
    return error.retry_after
