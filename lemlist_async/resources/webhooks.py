"""Webhooks: which events lemlist posts, and to which address."""

from __future__ import annotations

import builtins  # `list` is a method below
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal, Required, TypedDict, Unpack

from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Id, Secret
from lemlist_async.core.payload import InQuery, encode
from lemlist_async.core.validation import Form, texts
from lemlist_async.errors import AmbiguousError, ConflictError
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
    """Target of events; not shown in `repr`, since such addresses are often secret."""
    type: EventType | str | None = None
    """The event; None for all events."""
    campaign_id: str | None = None
    """Only events of this campaign."""
    is_first: bool | None = None
    zap_id: int | None = None
    created_at: datetime | None = None


class HookOptions(TypedDict, total=False):
    """Options of a webhook: its secret, and filters of its events."""

    secret: str
    """Comes back in the field ``secret`` of every event; never shown, never changed."""
    campaign_id: Annotated[str, InQuery()]
    """Only events of this campaign."""
    is_first: Annotated[bool, InQuery()]
    """Only the first event of its type for each lead."""
    zap_id: Annotated[str, InQuery()]
    """For Zapier."""


class NewWebhook(HookOptions, total=False):
    """A webhook to register."""

    target_url: Required[Annotated[str, Form("url")]]
    """Takes one hook: a second one for it is refused, whatever its type."""
    type: EventType | str
    """One event; by default all. Any text: new events appear monthly."""


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

    async def ensure(
        self, target_url: str, types: Iterable[EventType | str] | None = None, **fields: Unpack[HookOptions]
    ) -> builtins.list[Webhook]:
        """A hook for each of these events, or one for all of them; those that exist are kept, secret and all.

        One address takes one hook. So where it is taken, or several events are asked for, hooks go to
        ``target_url?event=emailsReplied`` and so on. May be called again at any time. Calls `list`, and `create`
        for each hook that is missing; `list` again if another one was quicker.
        """
        wanted = [None] if types is None else sorted(set(texts("types", types, 1)))
        hooks = await self.list().collect()
        found: builtins.list[Webhook] = []
        for event in wanted:
            hook = _serving(hooks, target_url, event, fields)
            if hook is None:
                taken = len(wanted) > 1 or any(one.target_url == target_url for one in hooks)
                address = _with_event(target_url, event) if taken and event else target_url
                hook = await self._create(address, event, fields)
                hooks.append(hook)
            found.append(hook)
        return found

    async def _create(self, address: str, event: str | None, options: HookOptions) -> Webhook:
        try:
            if event is None:
                return await self.create(target_url=address, **options)
            return await self.create(target_url=address, type=event, **options)
        except (ConflictError, AmbiguousError):
            hook = _serving(await self.list().collect(), address, event, options)
            if hook is None:
                raise
            return hook

    async def delete(self, hook_id: str) -> Webhook:
        """Unregister a webhook.

        DELETE /hooks/{hookId}
        """
        return await self._call("DELETE", Webhook, "/hooks/{hookId}", hook_id, effect=IDEMPOTENT)


def _serving(
    hooks: Iterable[Webhook], target_url: str, event: str | None, options: HookOptions
) -> Webhook | None:
    """The hook that posts an event to an address, with or without the event's name behind it."""
    places = {target_url} if event is None else {target_url, _with_event(target_url, event)}
    scope = options.get("campaign_id"), options.get("is_first", False)
    return next(
        (
            hook
            for hook in hooks
            if hook.target_url in places
            and hook.type in {event, None}
            and (hook.campaign_id, hook.is_first or False) == scope
        ),
        None,
    )


def _with_event(target_url: str, event: str) -> str:
    address, mark, fragment = target_url.partition("#")
    return f"{address}{'&' if '?' in address else '?'}event={event}{mark}{fragment}"
