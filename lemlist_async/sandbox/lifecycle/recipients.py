"""Recipients: what the people do who get a message, drawn from the seed."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from lemlist_async.sandbox.lifecycle.options import Recipients

__all__ = ["reactions"]

HOUR: Final = 3600.0
_REPLIES: Final = {
    "linkedinSent": ("linkedinOpened", "linkedinReplied"),
    "whatsappMessageSent": ("whatsappMessageOpened", "whatsappReplied"),
    "smsSent": ("smsDelivered", "smsReplied"),
}


def reactions(kind: str, rates: Recipients, random: Random) -> Iterator[tuple[float, str]]:
    """Yield the reactions to an event: each one's delay in seconds, and its type."""
    if kind == "emailsSent":
        yield from _to_email(rates, random)
    elif kind == "linkedinInviteDone" and random.random() < rates.accepts:
        yield random.uniform(HOUR, 72 * HOUR), "linkedinInviteAccepted"
    elif kind in _REPLIES and random.random() < rates.opens:
        opened, replied = _REPLIES[kind]
        delay = random.uniform(60.0, 24 * HOUR)
        yield delay, opened
        if random.random() < rates.replies:
            yield delay + random.uniform(60.0, 24 * HOUR), replied


def _to_email(rates: Recipients, random: Random) -> Iterator[tuple[float, str]]:
    if random.random() < rates.bounces:
        yield random.uniform(1.0, 60.0), "emailsBounced"
        return
    if random.random() >= rates.opens:
        return
    # a person takes longer than the five seconds within which lemlist calls an open a machine's
    delay = random.uniform(60.0, 24 * HOUR)
    yield delay, "emailsOpened"
    for rate, kind in (
        (rates.clicks, "emailsClicked"),
        (rates.replies, "emailsReplied"),
        (rates.unsubscribes, "emailsUnsubscribed"),
    ):
        if random.random() < rate:
            delay += random.uniform(30.0, HOUR)
            yield delay, kind
