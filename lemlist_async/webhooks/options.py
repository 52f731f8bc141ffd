"""Options of a receiver, checked where they are built."""

from __future__ import annotations

import attrs

from lemlist_async.checks import instance_of, number
from lemlist_async.options import Retry
from lemlist_async.webhooks.parsing import MAX_BODY

_DAY = 86_400.0


def _retry() -> Retry:
    return Retry(attempts=12, base=2.0, cap=600.0, max_retry_after=3600.0)


@attrs.frozen(kw_only=True)
class ReceiverOptions:
    """Options of a `WebhookReceiver`; times are in seconds."""

    max_body: int = attrs.field(default=MAX_BODY, validator=number(1024, 2**26, whole=True))
    """Bytes of the largest body that is accepted; results of enrichments may have 1 MiB in any case."""
    max_waiting: int = attrs.field(default=5_000, validator=number(1, 10**6, whole=True))
    """Posts that wait for the disk at a time; those beyond are answered with 503."""
    concurrency: int = attrs.field(default=1, validator=number(1, 1000, whole=True))
    """Events that one process handles at a time. So many at most are handled twice if it is killed; with 1 they are
    begun in the order in which they came."""
    handler_timeout: float | None = attrs.field(
        default=300.0, validator=number(0.001, infinite=True, or_none=True)
    )
    """Time that a handler may take for one event."""
    lease: float = attrs.field(default=30.0, validator=number(0.1, 86_400))
    """Time after which the events of a killed process go to another one. A process that lives renews its leases."""
    poll_every: float = attrs.field(default=1.0, validator=number(0.01, 3600))
    """Time after which a process looks for events that another one has left or received."""
    retry: Retry = attrs.field(factory=_retry, validator=instance_of(Retry))
    """Attempts of handlers, and the pauses between them; after the last one the event is a dead letter."""
    shutdown_timeout: float = attrs.field(default=5.0, validator=number(0, 3600))
    """Time that handlers have to finish when the receiver closes. Then they are cancelled, and their events wait."""
    keep_bodies: float = attrs.field(default=7 * _DAY, validator=number(infinite=True))
    """Time after which the bodies of handled events are erased."""
    keep_dead: float = attrs.field(default=30 * _DAY, validator=number(infinite=True))
    """Time after which the bodies of dead letters are erased."""
    keep_keys: float = attrs.field(default=90 * _DAY, validator=number(3600))
    """Time for which an event is known again, so that it is handled once. It counts from the arrival."""
