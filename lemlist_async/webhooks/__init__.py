"""Webhooks as lemlist posts them: parsed, kept on the disk, handled once."""

from __future__ import annotations

from lemlist_async.webhooks.errors import (
    BodyTooLargeError,
    MalformedBodyError,
    SecretMismatchError,
    StoreError,
    WebhookError,
)
from lemlist_async.webhooks.events import (
    ACTIVITY_ONLY,
    RETIRED,
    Address,
    ClickEvent,
    EmailEvent,
    EnrichmentEvent,
    Event,
    LinkedinEvent,
    ReplyEvent,
)
from lemlist_async.webhooks.parse import MAX_BODY, parse

__all__ = ["ACTIVITY_ONLY", "MAX_BODY", "RETIRED", "Address", "BodyTooLargeError", "ClickEvent", "EmailEvent",
           "EnrichmentEvent", "Event", "LinkedinEvent", "MalformedBodyError", "ReplyEvent", "SecretMismatchError",
           "StoreError", "WebhookError", "parse"]  # fmt: skip
