"""Names of events: which are activities, which are posted to hooks, and the group of each."""

from __future__ import annotations

from typing import Final

__all__ = ["ACTIVITIES", "GROUPS", "HOOKS", "HOOK_ONLY", "KINDS", "MESSAGES", "channel_of", "group_of"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


HOOK_ONLY: Final = _words(
    """
    contacted hooked attracted warmed interested notInterested campaignComplete connectionIssue
    customDomainErrors sendLimitReached lemwarmPaused enrichmentDone enrichmentError callRecordingDone
    callTranscriptDone inboxLabelUpdated signalRegistered deliverabilityAlertTriggered
    """
)
"""Events that are posted and never listed."""

_BOTH: Final = _words(
    """
    emailsSent emailsOpened emailsClicked emailsReplied emailsBounced emailsFailed emailsInterested
    emailsNotInterested emailsUnsubscribed linkedinSent linkedinOpened linkedinReplied linkedinInterested
    linkedinNotInterested linkedinSendFailed linkedinVisitDone linkedinVisitFailed linkedinFollowDone
    linkedinFollowFailed linkedinFollowSkipped linkedinInviteDone linkedinInviteFailed linkedinInviteAccepted
    linkedinEndorseDone linkedinEndorseFailed linkedinEndorseSkipped linkedinVoiceNoteDone
    linkedinVoiceNoteFailed linkedinLikeLastPostDone linkedinLikeLastPostNoPost linkedinLikeLastPostFailed
    linkedinWithdrawInvitationDone linkedinWithdrawInvitationFailed whatsappMessageSent whatsappMessageDelivered
    whatsappMessageOpened whatsappReplied whatsappMessageFailed smsSent smsDelivered smsReplied smsFailed
    aircallCreated aircallEnded aircallDone aircallInterested aircallNotInterested apiDone apiInterested
    apiNotInterested apiFailed manualInterested manualNotInterested paused resumed stopped annotated
    """
)

_ACTIVITY_ONLY: Final = _words(
    """
    aiVariableDone aiVariableFailed aircallIgnored apiIgnored apiUnsubscribed conditionChosen conditionalFailed
    emailsDone emailsExternalReceived emailsExternalSent emailsIgnored enrichmentFailed enrichmentSkipped
    entitySubscribed entityUnsubscribed linkedinCommentLastPostDone linkedinCommentLastPostFailed
    linkedinCommentLastPostQueued linkedinCommentLastPostSkipped linkedinDone linkedinInMailFailed
    linkedinInMailSent linkedinInMailSkipped linkedinLikeLastPostSkipped linkedinVisitSkipped
    linkedinVoiceNoteQueued linkedinVoiceNoteReplied mailinblackDetected manualDone manualEmailQueued
    manualIgnored manualLinkedinInviteQueued manualLinkedinSendQueued manualUnsubscribed meetingBooked
    outOfOffice scheduleCancelled sendToAnotherCampaign skipped smsDone smsIgnored snoozed variableSubscribed
    variableUnsubscribed whatsappDone whatsappIgnored
    """
)

HOOKS: Final = HOOK_ONLY | _BOTH
"""Types that a hook may have, as the vendor's document lists them."""
ACTIVITIES: Final = _BOTH | _ACTIVITY_ONLY
KINDS: Final = HOOKS | ACTIVITIES

_BEGINNINGS: Final = (
    ("emails", "email"),
    ("manualEmail", "email"),
    ("linkedin", "linkedin"),
    ("manualLinkedin", "linkedin"),
    ("whatsapp", "whatsapp"),
    ("sms", "sms"),
    ("aircall", "aircall"),
)

GROUPS: Final[dict[str, frozenset[str]]] = {
    "contacted": _words(
        "emailsSent linkedinSent linkedinInviteDone linkedinInMailSent linkedinVoiceNoteDone whatsappMessageSent"
        " smsSent aircallDone"
    ),
    "hooked": frozenset({"emailsOpened", "linkedinOpened", "whatsappMessageOpened"}),
    "attracted": frozenset({"emailsClicked", "linkedinInviteAccepted"}),
    "warmed": frozenset(
        {"emailsReplied", "linkedinReplied", "linkedinVoiceNoteReplied", "whatsappReplied", "smsReplied"}
    ),
    "interested": frozenset(kind for kind in _BOTH if kind.endswith("Interested") and "Not" not in kind),
    "notInterested": frozenset(kind for kind in _BOTH if kind.endswith("NotInterested")),
}
"""Events of each group. A hook of the group's type gets them under the group's name."""

_GROUP_OF: Final = {kind: group for group, kinds in GROUPS.items() for kind in kinds}

MESSAGES: Final = GROUPS["warmed"] | {
    "emailsSent",
    "linkedinSent",
    "linkedinInMailSent",
    "whatsappMessageSent",
    "smsSent",
}
"""Events that are messages of a conversation."""


def channel_of(kind: str) -> str:
    """Return the channel of an event; "other" if it has none."""
    return next((channel for start, channel in _BEGINNINGS if kind.startswith(start)), "other")


def group_of(kind: str) -> str | None:
    """Return the group of an event, if it has one."""
    return _GROUP_OF.get(kind)
