"""What the last error of a call means, when an earlier try of it may have taken effect."""

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
"""What keeps a try from being worked on; of an earlier one it tells nothing."""


def final_error(
    last: errors.LemlistError, doubt: errors.LemlistError, call: Call[Any]
) -> errors.LemlistError:
    """The error to raise after `doubt`, with which an earlier try ended, and `last`, with which the last one did.

    "Not sent" as the last word would be read as "nothing happened".
    """
    if call.effect is Effect.READ:
        return last
    if call.method == "DELETE" and isinstance(last, errors.APIStatusError) and is_absence(last):
        return _gone(last)
    if isinstance(last, errors.DeadlineExceededError) and not last.ambiguous:
        why = f"{last.message}; an earlier try may have taken effect"
        return errors.DeadlineExceededError(why, phase="attempt", operation=last.operation)
    return doubt if isinstance(last, _SAYS_NOTHING) else last


def is_absence(error: errors.APIStatusError) -> bool:
    """Whether lemlist says that what the call is about is not there.

    By the kind of error and not by the status: an unknown key is answered with a 404 as well.
    """
    if isinstance(error, errors.NotFoundError):
        return True
    # the deletion of a blocked value says so with a 400
    return isinstance(error, errors.BadRequestError) and "not found" in error.message.lower()


def _gone(error: errors.APIStatusError) -> errors.AlreadyGoneError:
    return errors.AlreadyGoneError(
        f"{error.message} (an earlier try, whose answer was lost, may have removed it)",
        status=error.status,
        code=error.code,
        body=error.body,
        headers=error.headers,
        retry_after=error.retry_after,
        operation=error.operation,
    )
