"""Meaning of a call's last error when an earlier attempt may have taken effect."""

from __future__ import annotations

from typing import Any

from lemlist_async import errors
from lemlist_async.core.wire import Call, Effect

_SAYS_NOTHING = (
    errors.NotSentError,
    errors.QueueError,
    errors.ClosedError,
    errors.RateLimitError,
    errors.AuthenticationError,
    errors.PaymentRequiredError,
    errors.PermissionDeniedError,
)
"""Errors of an attempt that was not processed; they say nothing about an earlier attempt."""


def final_error(
    last: errors.LemlistError, ambiguous: errors.LemlistError, call: Call[Any]
) -> errors.LemlistError:
    """Return the error to raise for a call whose earlier attempt ended in `ambiguous`, and its last one in `last`.

    "Not sent" alone would be read as "nothing happened".
    """
    if call.effect is Effect.READ:
        return last
    if call.method == "DELETE" and isinstance(last, errors.APIStatusError) and is_absence(last):
        return _gone(last)
    if isinstance(last, errors.DeadlineExceededError) and not last.ambiguous:
        why = f"{last.message}; an earlier attempt may have taken effect"
        return errors.DeadlineExceededError(why, phase="attempt", operation=last.operation)
    return ambiguous if isinstance(last, _SAYS_NOTHING) else last


def is_absence(error: errors.APIStatusError) -> bool:
    """Return whether lemlist says that the subject of the call does not exist.

    The class of the error decides, not the status: lemlist returns a 404 for an unknown key as well.
    """
    if isinstance(error, errors.NotFoundError):
        return True
    # lemlist returns a 400 when a value to unblock is not on the list
    return isinstance(error, errors.BadRequestError) and "not found" in error.message.lower()


def _gone(error: errors.APIStatusError) -> errors.AlreadyGoneError:
    return errors.AlreadyGoneError(
        f"{error.message} (an earlier attempt, whose response was lost, may have removed it)",
        status=error.status,
        code=error.code,
        body=error.body,
        headers=error.headers,
        retry_after=error.retry_after,
        operation=error.operation,
    )
