"""Fields of an event: its place in the sequence, its sender, and what its kind brings."""

from __future__ import annotations

from typing import Final

from lemlist_async.sandbox.lifecycle.kinds import GROUPS, MESSAGES, channel_of
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record

__all__ = ["event_fields", "step_at"]

_SENT: Final = frozenset({"emailsSent", "linkedinSent", "smsSent", "whatsappMessageSent"})
_REPLY: Final = "Thank you, tell me more.\n\n> quoted"


def step_at(team: Team, sequence_id: str, index: int) -> Record | None:
    """Return a step of a sequence by its number from 0."""
    steps = team.sequences.get(sequence_id, {}).get("steps", [])
    return steps[index] if 0 <= index < len(steps) else None


def event_fields(team: Team, kind: str, lead: Record) -> Record:
    """Build what lemlist shows of an event beside its head: the vendor's example names these fields."""
    campaign = team.campaigns[lead["campaignId"]]
    walk = team.walks.get(lead["_id"], {})
    return {
        "stopped": False,
        **_place(team, campaign, walk),
        **_sender(team, campaign),
        **({} if kind in _SENT else {"relatedSentAt": walk["sentAt"]} if "sentAt" in walk else {}),
        **_content(team, kind, lead, campaign),
    }


def _place(team: Team, campaign: Record, walk: Record) -> Record:
    """The last step that was made; the first one of the campaign if none was."""
    sequence_id: str = walk.get("lastSequenceId") or campaign["sequenceId"]
    index: int = walk.get("lastStep", 0)
    step = step_at(team, sequence_id, index)
    if step is None:
        return {}
    tested = {"sequenceTested": walk["variant"]} if "variant" in walk else {}
    return tested | {
        "sequenceId": sequence_id,
        "sequenceStep": index,
        "totalSequenceStep": walk.get("made", 0),
        "stepId": step["_id"],
        "emailTemplateId": step.get("emailTemplateId"),
        "emailTemplateName": "Blank",
    }


def _sender(team: Team, campaign: Record) -> Record:
    user = next((team.users[user_id] for user_id in campaign["sendUserIds"] if user_id in team.users), None)
    if user is None:
        return {"createdBy": team.user_id}
    box = user["mailboxes"][0]
    return {
        "createdBy": user["_id"],
        "sendUserId": user["_id"],
        "sendUserName": user["name"],
        "sendUserEmail": user["email"],
        "sendUserMailboxId": box["_id"],
        "sendUserMailboxProviderId": box["email"],
    }


def _content(team: Team, kind: str, lead: Record, campaign: Record) -> Record:
    address = lead["variables"].get("email")
    content: Record = {}
    if channel_of(kind) == "email":
        subject = _subject(team, campaign)
        content |= {"subject": subject, "emailId": team.new_id("eml")}
        content["messageId"] = f"<{team.new_id('msg')}@sandbox.example>"
        if kind in ("emailsSent", "emailsBounced") and address:
            content["to"] = [{"address": address.lower(), "name": ""}]
        if kind == "emailsReplied":
            sender = team.users[team.user_id]["email"]
            content |= {
                "subject": f"Re: {subject}",
                "fromEmail": address,
                "to": [{"address": sender, "name": ""}],
            }
            content |= {
                "messagePreview": _REPLY.splitlines()[0],
                "html": f"<div>{_REPLY.splitlines()[0]}</div>",
            }
    if kind in GROUPS["warmed"]:
        content["text"] = _REPLY
    if kind in MESSAGES:
        content["message"] = _REPLY if kind in GROUPS["warmed"] else f"<p>{_subject(team, campaign)}</p>"
    if kind.endswith("Failed"):
        content["errorMessage"] = "The sandbox was told that this step fails."
    return content


def _subject(team: Team, campaign: Record) -> str:
    steps = team.sequences[campaign["sequenceId"]]["steps"]
    return next((str(step["subject"]) for step in steps if step.get("subject")), campaign["name"])
