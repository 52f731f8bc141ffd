"""Steps of sequences: the events that making one brings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from lemlist_async.sandbox.lifecycle.happening import Happening
from lemlist_async.sandbox.lifecycle.kinds import channel_of
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record

__all__ = ["CHANNEL_OF", "make_step"]

_EVENTS: Final[dict[str, tuple[str, ...]]] = {
    "email": ("emailsSent",),
    "api": ("apiDone",),
    "linkedinVisit": ("linkedinVisitDone",),
    "linkedinInvite": ("linkedinInviteDone",),
    "linkedinSend": ("linkedinSent",),
    "linkedinVoiceNote": ("linkedinVoiceNoteDone",),
    "linkedinFollow": ("linkedinFollowDone",),
    "linkedinEndorse": ("linkedinEndorseDone",),
    "linkedinLikeLastPost": ("linkedinLikeLastPostDone",),
    "linkedinCommentLastPost": ("linkedinCommentLastPostDone",),
    "linkedinWithdrawInvitation": ("linkedinWithdrawInvitationDone",),
    "whatsappMessage": ("whatsappMessageSent", "whatsappMessageDelivered"),
    "sms": ("smsSent", "smsDelivered"),
}
# what a step cannot do without: its failure, where the lead has not got it
_NEEDS: Final[dict[str, tuple[str, str]]] = {
    "email": ("email", "emailsFailed"),
    "linkedinVisit": ("linkedinUrl", "linkedinVisitFailed"),
    "linkedinInvite": ("linkedinUrl", "linkedinInviteFailed"),
    "linkedinSend": ("linkedinUrl", "linkedinSendFailed"),
    "whatsappMessage": ("phone", "whatsappMessageFailed"),
    "sms": ("phone", "smsFailed"),
}
_BY_HAND: Final = ("manual", "phone")

CHANNEL_OF: Final = {kind: channel_of(events[0]) for kind, events in _EVENTS.items()}
"""Channel of each type of step."""


def make_step(happening: Happening, team: Team, lead: Record, step: Record) -> tuple[str, ...]:
    """Make a step for a lead, and return the types of its events."""
    kind: str = step["type"]
    if kind in _BY_HAND:
        _add_task(team, lead, step)
        return ()
    if kind == "conditional":
        return _choose(happening, team, lead, step)
    if kind == "sendToAnotherCampaign":
        return _hand_over(happening, team, lead, step)
    needed, failure = _NEEDS.get(kind, ("", ""))
    if needed and not lead["variables"].get(needed):
        happening.happen(team, failure, lead)
        return (failure,)
    for event in _EVENTS[kind]:
        happening.happen(team, event, lead)
    if kind == "linkedinInvite" and step.get("message"):  # the note is a message of its own
        happening.happen(team, "linkedinSent", lead, emailTemplateName="linkedinInvite")
    return _EVENTS[kind]


def _add_task(team: Team, lead: Record, step: Record) -> None:
    """Add the task that a member has to do before the lead goes on."""
    team.walks[lead["_id"]]["atTask"] = True
    team.tasks.keep(
        {
            "_id": team.new_id("opp"),
            "type": step["type"],
            "createdAt": team.stamp(),
            "title": str(step.get("title") or ""),
            "content": str(step.get("message") or ""),
            "priority": 0,
            "done": False,
            "ignored": False,
            "userId": team.user_id,
            "dueDate": team.stamp(),
            "leadId": lead["_id"],
            "campaignId": lead["campaignId"],
            "contactId": lead["contactId"],
            "stepId": step["_id"],
        }
    )


def _has(variable: str) -> Callable[[Team, Record], bool]:
    return lambda team, lead: bool(lead["variables"].get(variable))


def _did(kind: str) -> Callable[[Team, Record], bool]:
    return lambda team, lead: (lead["_id"], kind) in team.kinds_seen


_CONDITIONS: Final[dict[str, Callable[[Team, Record], bool]]] = {
    "hasEmailAddress": _has("email"),
    "hasLinkedinUrl": _has("linkedinUrl"),
    "hasPhoneNumber": _has("phone"),
    "hasScore": _has("score"),
    "hasWhatsappAccount": _has("phone"),
    "linkedinNetworkCheck": _did("linkedinInviteAccepted"),
    **{
        kind: _did(kind)
        for kind in (
            "emailsOpened",
            "emailsClicked",
            "emailsUnsubscribed",
            "meetingBooked",
            "linkedinInviteAccepted",
            "linkedinOpened",
            "aircallDone",
        )
    },
}


def _choose(happening: Happening, team: Team, lead: Record, step: Record) -> tuple[str, ...]:
    """Enter the branch of a condition that holds, or of the other case."""
    key = step.get("conditionKey")
    test = _CONDITIONS.get(key) if isinstance(key, str) else None
    holds = test is not None and test(team, lead)
    branch = next((one for one in step["conditions"] if one["fallback"] != holds), None)
    if branch is None:
        return ()
    team.walks[lead["_id"]]["branch"] = branch["sequenceId"]
    own: dict[str, Any] = {
        "conditionKey": key,
        "conditionValue": holds,
        "newSequenceId": branch["sequenceId"],
    }
    happening.happen(team, "conditionChosen", lead, **own)
    return ("conditionChosen",)


def _hand_over(happening: Happening, team: Team, lead: Record, step: Record) -> tuple[str, ...]:
    """Add the person to the other campaign, unless it is archived or has the person already."""
    target = team.campaigns.get(str(step.get("campaignId")))
    copies = {copy["campaignId"] for copy in team.leads.of_contact(lead["contactId"])}
    if target is not None and not target["archived"] and target["_id"] not in copies:
        team.add_lead(target["_id"], None, **lead["variables"])
    happening.happen(team, "sendToAnotherCampaign", lead)
    return ("sendToAnotherCampaign",)
