"""Webhooks: which events lemlist posts, and to which address."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Required, TypedDict, Unpack

from lemlist_async.core.payload import InQuery, encode
from lemlist_async.core.structure import Id, Model, Secret, model
from lemlist_async.pagination import Pages, Whole
from lemlist_async.resources._base import DEDUPABLE, IDEMPOTENT, Resource

EventType = Literal[
    "contacted", "hooked", "attracted", "warmed", "interested", "notInterested", "emailsSent", "emailsOpened",
    "emailsClicked", "emailsReplied", "emailsBounced", "emailsFailed", "emailsInterested",
    "emailsNotInterested", "emailsUnsubscribed", "linkedinSent", "linkedinOpened", "linkedinReplied",
    "linkedinInterested", "linkedinNotInterested", "linkedinSendFailed", "linkedinVisitDone",
    "linkedinVisitFailed", "linkedinFollowDone", "linkedinFollowFailed", "linkedinFollowSkipped",
    "linkedinInviteDone", "linkedinInviteFailed", "linkedinInviteAccepted", "linkedinEndorseDone",
    "linkedinEndorseFailed", "linkedinEndorseSkipped", "linkedinVoiceNoteDone", "linkedinVoiceNoteFailed",
    "linkedinLikeLastPostDone", "linkedinLikeLastPostNoPost", "linkedinLikeLastPostFailed",
    "linkedinWithdrawInvitationDone", "linkedinWithdrawInvitationFailed", "whatsappMessageSent",
    "whatsappMessageDelivered", "whatsappMessageOpened", "whatsappReplied", "whatsappMessageFailed",
    "smsSent", "smsDelivered", "smsReplied", "smsFailed", "aircallCreated", "aircallEnded", "aircallDone",
    "aircallInterested", "aircallNotInterested", "apiDone", "apiInterested", "apiNotInterested", "apiFailed",
    "manualInterested", "manualNotInterested", "paused", "resumed", "stopped", "campaignComplete",
    "customDomainErrors", "connectionIssue", "sendLimitReached", "lemwarmPaused", "annotated",
    "enrichmentDone", "enrichmentError", "callRecordingDone", "callTranscriptDone", "inboxLabelUpdated",
    "signalRegistered", "deliverabilityAlertTriggered",
]  # fmt: skip
"""Events that can be posted; the same names are types of activities."""


@model
class Webhook(Model):
    """An address that lemlist posts events to."""

    id: Id
    target_url: Annotated[str | None, Secret()] = None
    """Where events go; not shown in `repr`, since such addresses are often secret."""
    type: EventType | str | None = None
    """The event; None for all events."""
    campaign_id: str | None = None
    """Only events of this campaign."""
    is_first: bool | None = None
    zap_id: int | None = None
    created_at: datetime | None = None


class NewWebhook(TypedDict, total=False):
    """A webhook to register."""

    target_url: Required[str]
    """Takes one hook: a second one for it is refused, whatever its type."""
    type: EventType
    """One event; by default all."""
    secret: str
    """Comes back in the field ``secret`` of every event; never shown, never changed."""
    campaign_id: Annotated[str, InQuery()]
    """Only events of this campaign."""
    is_first: Annotated[bool, InQuery()]
    """Only the first event of its type for each lead."""
    zap_id: Annotated[str, InQuery()]
    """For Zapier."""


class WebhooksResource(Resource):
    """`lemlist.webhooks`."""

    def list(self) -> Pages[Webhook]:
        """All webhooks, in one call.

        GET /hooks
        """
        return self._pages(Webhook, "/hooks", scheme=Whole())

    async def create(self, **fields: Unpack[NewWebhook]) -> Webhook:
        """Register a webhook.

        Raises:
            ConflictError: the address has a hook.

        POST /hooks
        """
        return await self._call(
            "POST",
            Webhook,
            "/hooks",
            effect=DEDUPABLE,
            payload=encode(NewWebhook, fields),
            verify="look for the target_url in webhooks.list()",
        )

    async def delete(self, hook_id: str) -> Webhook:
        """Unregister a webhook.

        DELETE /hooks/{hookId}
        """
        return await self._call("DELETE", Webhook, "/hooks/{hookId}", hook_id, effect=IDEMPOTENT)
