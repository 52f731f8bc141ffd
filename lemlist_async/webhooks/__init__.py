"""Webhooks as lemlist posts them: parsed, kept on the disk, handled once."""

from typing import TYPE_CHECKING

from lemlist_async.lazy_names import lazy_names

if TYPE_CHECKING:
    from lemlist_async.webhooks.errors import BodyTooLargeError as BodyTooLargeError
    from lemlist_async.webhooks.errors import MalformedBodyError as MalformedBodyError
    from lemlist_async.webhooks.errors import SecretMismatchError as SecretMismatchError
    from lemlist_async.webhooks.errors import StoreError as StoreError
    from lemlist_async.webhooks.errors import WebhookError as WebhookError
    from lemlist_async.webhooks.events import ACTIVITY_ONLY as ACTIVITY_ONLY
    from lemlist_async.webhooks.events import RETIRED as RETIRED
    from lemlist_async.webhooks.events import Address as Address
    from lemlist_async.webhooks.events import ClickEvent as ClickEvent
    from lemlist_async.webhooks.events import EmailEvent as EmailEvent
    from lemlist_async.webhooks.events import EnrichmentEvent as EnrichmentEvent
    from lemlist_async.webhooks.events import Event as Event
    from lemlist_async.webhooks.events import LinkedinEvent as LinkedinEvent
    from lemlist_async.webhooks.events import ReplyEvent as ReplyEvent
    from lemlist_async.webhooks.letters import dead_letters as dead_letters
    from lemlist_async.webhooks.letters import requeue as requeue
    from lemlist_async.webhooks.options import ReceiverOptions as ReceiverOptions
    from lemlist_async.webhooks.parsing import MAX_BODY as MAX_BODY
    from lemlist_async.webhooks.parsing import parse as parse
    from lemlist_async.webhooks.receiver import WebhookReceiver as WebhookReceiver
    from lemlist_async.webhooks.store import Stored as Stored

_HOMES = {
    "ACTIVITY_ONLY": "lemlist_async.webhooks.events",
    "Address": "lemlist_async.webhooks.events",
    "BodyTooLargeError": "lemlist_async.webhooks.errors",
    "ClickEvent": "lemlist_async.webhooks.events",
    "EmailEvent": "lemlist_async.webhooks.events",
    "EnrichmentEvent": "lemlist_async.webhooks.events",
    "Event": "lemlist_async.webhooks.events",
    "LinkedinEvent": "lemlist_async.webhooks.events",
    "MAX_BODY": "lemlist_async.webhooks.parsing",
    "MalformedBodyError": "lemlist_async.webhooks.errors",
    "RETIRED": "lemlist_async.webhooks.events",
    "ReceiverOptions": "lemlist_async.webhooks.options",
    "ReplyEvent": "lemlist_async.webhooks.events",
    "SecretMismatchError": "lemlist_async.webhooks.errors",
    "StoreError": "lemlist_async.webhooks.errors",
    "Stored": "lemlist_async.webhooks.store",
    "WebhookError": "lemlist_async.webhooks.errors",
    "WebhookReceiver": "lemlist_async.webhooks.receiver",
    "dead_letters": "lemlist_async.webhooks.letters",
    "parse": "lemlist_async.webhooks.parsing",
    "requeue": "lemlist_async.webhooks.letters",
}
if not TYPE_CHECKING:  # the checkers read the imports above, and refuse any other name
    __getattr__, __dir__, __all__ = lazy_names(__name__, _HOMES)
