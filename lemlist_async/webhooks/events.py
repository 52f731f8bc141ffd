"""Events that lemlist posts, as models by type.

The body of a hook is flat: beside the keys of the event it has every variable of the lead at its top level, under
names that users chose. Those, and keys newer than this library, are in `extra`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from lemlist_async.core.decode import decoder
from lemlist_async.core.model import Model, model
from lemlist_async.core.wire import is_array, is_object
from lemlist_async.errors import InvalidInputError
from lemlist_async.resources.activities import Activity
from lemlist_async.resources.enrichments import Enrichment, EnrichmentsResource
from lemlist_async.resources.webhooks import EventType

RETIRED: Mapping[str, str | None] = {
    "emailsSendFailed": "emailsFailed",
    "opportunitiesDone": "annotated",
    "skipped": None,
}
"""Types that older hooks still post, and their present names; a handler for the present name gets both."""

ACTIVITY_ONLY: frozenset[str] = frozenset({
    "aiVariableDone", "aiVariableFailed", "aircallIgnored", "apiIgnored", "apiUnsubscribed",
    "conditionChosen", "conditionalFailed", "emailsDone", "emailsExternalReceived",
    "emailsExternalSent", "emailsIgnored", "enrichmentFailed", "enrichmentSkipped", "entitySubscribed",
    "entityUnsubscribed", "linkedinCommentLastPostDone", "linkedinCommentLastPostFailed",
    "linkedinCommentLastPostQueued", "linkedinCommentLastPostSkipped", "linkedinDone",
    "linkedinInMailFailed", "linkedinInMailSent", "linkedinInMailSkipped",
    "linkedinLikeLastPostSkipped", "linkedinVisitSkipped", "linkedinVoiceNoteQueued",
    "linkedinVoiceNoteReplied", "mailinblackDetected", "manualDone", "manualEmailQueued",
    "manualIgnored", "manualLinkedinInviteQueued", "manualLinkedinSendQueued", "manualUnsubscribed",
    "meetingBooked", "outOfOffice", "scheduleCancelled", "sendToAnotherCampaign", "smsDone",
    "smsIgnored", "snoozed", "variableSubscribed", "variableUnsubscribed", "whatsappDone",
    "whatsappIgnored",
})  # fmt: skip
"""Types of activities that no hook posts, as far as they are known: a sweep brings them."""

KNOWN: frozenset[str] = frozenset(get_args(EventType)) | frozenset(RETIRED) | ACTIVITY_ONLY
"""Types that this version has heard of. Others are accepted as well: new ones appear monthly."""


@model
class Address(Model):
    """Address of an e-mail, with the name beside it."""

    address: str | None = None
    name: str | None = None


@model
class Event(Activity):
    """Something that happened, as lemlist posts it.

    `id` is empty where lemlist posts none. Variables of the lead are in `extra`, under their own names. Only `type` is
    certain to be there.
    """

    is_third_party_reply: bool | None = None
    """Whether the reply came from an address that is not the lead's. There is no campaign and no lead then."""
    send_user_mailbox_provider_id: str | None = None
    """The mailbox under its provider's id, usually its address."""
    paused: bool | None = None
    """Whether it paused the lead."""
    text: str | None = None
    """Whole text of a message, quotes included."""
    attachments: list[Any] | None = None
    """Files of a message."""
    ai_lead_interest_score: float | None = None
    """Interest that lemlist read in a reply, from 0 to 1."""


@model
class EmailEvent(Event):
    """Something about an e-mail."""

    to: list[Address] | None = None
    cc: list[Address] | None = None
    bcc: list[Address] | None = None
    """Only of sent ones."""


@model
class ReplyEvent(EmailEvent):
    """An answer to an e-mail."""

    from_email: str | None = None
    message_preview: str | None = None
    """First line."""
    html: str | None = None


@model
class ClickEvent(EmailEvent):
    """A click on a link of an e-mail."""

    link_url: str | None = None
    clicked_url: str | None = None
    url: str | None = None

    @property
    def link(self) -> str | None:
        """Address that was clicked; its key is not documented, and three are in use."""
        return self.link_url or self.clicked_url or self.url


@model
class LinkedinEvent(Event):
    """Something on LinkedIn."""

    linkedin_post_url: str | None = None
    invite_skip_reason: str | None = None
    like_last_post_skip_reason: str | None = None


@model
class EnrichmentEvent(Event):
    """Results of enrichments."""

    data: list[dict[str, Any]] | None = None
    """Results as lemlist posted them."""

    @property
    def results(self) -> list[Enrichment]:
        """The results, as `enrichments.get` gives them; empty where the body holds none."""
        try:
            return EnrichmentsResource.parse_webhook_results(self.to_dict())
        except InvalidInputError:
            return []


_BY_TYPE: Mapping[str, type[Event]] = {
    "emailsReplied": ReplyEvent,
    "emailsClicked": ClickEvent,
    "enrichmentDone": EnrichmentEvent,
    "enrichmentError": EnrichmentEvent,
}
_BY_PREFIX: Mapping[str, type[Event]] = {"emails": EmailEvent, "linkedin": LinkedinEvent}
_CORE: Mapping[str, str] = {"campaignId": "campaign_id", "leadId": "lead_id", "teamId": "team_id"}
"""Keys that lemlist repeats in ``metaData``, where no variable of a lead can stand in their place."""


def class_of(kind: str) -> type[Event]:
    """Return the model for a type; `Event` for those that have no fields of their own."""
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    return next((cls for prefix, cls in _BY_PREFIX.items() if kind.startswith(prefix)), Event)


def event_of(kind: str, data: dict[str, Any]) -> Event:
    """Decode the body of an event, whose type was told by `type_of`."""
    event: Event = decoder(class_of(kind))(data, {})
    if event.type != kind:
        event.type = kind
    meta = data.get("metaData")
    if is_object(meta):
        for wire, name in _CORE.items():
            if wire in data and isinstance(true := meta.get(wire), str) and data[wire] != true:
                setattr(event, name, true)
    return event


def type_of(data: Mapping[str, Any]) -> str | None:
    """Return the type of an event; None if it has none.

    A variable of the lead may be called ``type`` too. What lemlist repeats in ``metaData`` then tells the type. Posted
    results of enrichments have no type.
    """
    named, meta = data.get("type"), data.get("metaData")
    inner = meta.get("type") if is_object(meta) else None
    if isinstance(inner, str) and inner in KNOWN and not (isinstance(named, str) and named in KNOWN):
        return inner
    if isinstance(named, str) and named:
        return named
    return "enrichmentDone" if holds_results(data) else None


def holds_results(data: Mapping[str, Any]) -> bool:
    """Tell whether a body holds results of enrichments, each with its id."""
    results = data.get("data")
    return (
        is_array(results)
        and len(results) > 0
        and all(is_object(one) and isinstance(one.get("id"), str) for one in results)
    )
