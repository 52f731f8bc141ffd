"""Errors of received webhooks: one class per status with which a post is answered.

WebhookError (a LemlistError)
├─ SecretMismatchError 401     the body has no secret, or another one
├─ MalformedBodyError 400      no JSON object, or one without a type
├─ BodyTooLargeError 413       refused before it is parsed
└─ StoreError 503              the event could not be written to the disk, so it is not acknowledged

No message holds anything of a body or of a secret. No status is 404 or 410, for which lemlist may delete the hook.
"""

from __future__ import annotations

from typing import ClassVar

from lemlist_async.errors import LemlistError

__all__ = ["BodyTooLargeError", "MalformedBodyError", "SecretMismatchError", "StoreError", "WebhookError"]


class WebhookError(LemlistError):
    """A posted body that was not accepted."""

    status: ClassVar[int] = 400
    """HTTP status with which to answer the post."""


class SecretMismatchError(WebhookError):
    """The body does not carry the hook's secret, so it may come from anyone."""

    status: ClassVar[int] = 401


class MalformedBodyError(WebhookError):
    """The body is not an event: no JSON object, or one without a type."""


class BodyTooLargeError(WebhookError):
    """The body is larger than permitted; it was not parsed."""

    status: ClassVar[int] = 413


class StoreError(WebhookError):
    """The file of events cannot be used: a full disk, a locked, damaged or foreign file, a closed receiver.

    lemlist posts again what was answered with 503, so nothing is lost while this lasts for less than some minutes.
    """

    status: ClassVar[int] = 503
