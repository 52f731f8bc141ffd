"""New records, with lemlist's defaults."""

from __future__ import annotations

from typing import Any, Protocol

from lemlist_async.sandbox.tables import Record

__all__ = [
    "campaign",
    "company",
    "contact",
    "conversation",
    "lead",
    "made",
    "mailbox",
    "schedule",
    "sequence",
    "signal",
    "step",
    "user",
]


class Owner(Protocol):
    """The team that a new record belongs to."""

    id: str
    user_id: str

    def new_id(self, prefix: str) -> str:
        """Return an unused id."""
        ...

    def stamp(self) -> str:
        """Return the present time as the API writes it."""
        ...


def made(team: Owner, prefix: str) -> Record:
    """Id, team, author and time: the head of most records."""
    return {
        "_id": team.new_id(prefix),
        "teamId": team.id,
        "createdBy": team.user_id,
        "createdAt": team.stamp(),
    }


def mailbox(team: Owner, email: str, provider: str) -> Record:
    """A connected mailbox; its limit is a number for Google and text for SMTP, as seen live."""
    google = provider == "google"
    return {
        "_id": team.new_id("usm"),
        "email": email,
        "provider": provider,
        "status": "CONNECTED" if google else "OK",
        "lemlist": {"emailLimit": 50 if google else "50"},
        "lemwarm": {"active": False},
    }


def user(team: Owner, name: str, email: str, role: str, provider: str) -> Record:
    """A member with one mailbox and a LinkedIn account."""
    slug = name.lower().replace(" ", "-")
    limits = {"status": True, "inviteLimit": 20, "sendLimit": 30, "visitLimit": 40}
    return {
        "_id": team.new_id("usr"),
        "name": name,
        "email": email,
        "role": role,
        "linkedIn": {"linkedinUrl": f"https://www.linkedin.com/in/{slug}", **limits},
        "mailboxes": [mailbox(team, email, provider)],
    }


def schedule(team: Owner) -> Record:
    """Lemlist's own default window."""
    return made(team, "skd") | {
        "name": "Default schedule",
        "secondsToWait": 1200,
        "timezone": "Europe/Paris",
        "start": "09:00",
        "end": "18:00",
        "weekdays": [1, 2, 3, 4, 5],
        "public": False,
    }


def campaign(team: Owner, name: str) -> Record:
    """A ``draft`` whose state is ``running``, as campaigns made by API are born."""
    return made(team, "cam") | {
        "name": name,
        "emoji": "🚀",
        "labels": [],
        "timezone": "Europe/Paris",
        "sequenceId": team.new_id("seq"),
        "scheduleIds": [],
        "status": "draft",
        "state": "running",
        "archived": False,
        "autoReview": False,
        "sendUserIds": [team.user_id],
    }


def sequence(campaign: Record) -> Record:
    """The empty sequence of a campaign."""
    own = {"_id": campaign["sequenceId"], "campaignId": campaign["_id"]}
    return own | {"level": 0, "steps": list[Record]()}


def step(team: Owner, sequence_id: str, kind: str) -> Record:
    """A step of a sequence; every kind has an e-mail template, needed or not."""
    return {
        "_id": team.new_id("stp"),
        "type": kind,
        "delay": 0,
        "emailTemplateId": team.new_id("etp"),
        "sequenceId": sequence_id,
    }


def contact(team: Owner, email: str | None, fields: dict[str, Any]) -> Record:
    """A person of the CRM."""
    # one display of all fields takes half the memory of a union
    return {
        "_id": team.new_id("ctc"),
        "teamId": team.id,
        "createdBy": team.user_id,
        "createdAt": team.stamp(),
        "email": email,
        "fields": fields,
        "ownerId": team.user_id,
        "unsubscribed": False,
        "source": "api",
    }


def company(team: Owner, domain: str | None, fields: dict[str, Any]) -> Record:
    """A company of the CRM."""
    return made(team, "cpn") | {"domain": domain, "fields": fields, "ownerId": team.user_id, "source": "api"}


def conversation(team: Owner, contact_id: str) -> Record:
    """An empty conversation between the key's user and a contact."""
    return made(team, "ibx") | {
        "contactId": contact_id,
        "channels": list[str](),
        "opportunities": list[Record](),
        "users": [{"userId": team.user_id, "sender": True, "read": True}],
        "haveReplies": False,
        "labelIds": list[str](),
    }


def signal(team: Owner, agent: Record) -> Record:
    """A signal without anything in it."""
    now = team.stamp()
    own = {"_id": team.new_id("wls"), "teamId": team.id, "type": agent["type"], "status": "new"}
    source = {"watchListId": agent["_id"], "watchListName": agent["name"]}
    return own | source | {"receivedAt": now, "createdAt": now, "signalData": dict[str, Any]()}


def lead(team: Owner, home: Record, contact_id: str, variables: dict[str, Any]) -> Record:
    """A person in the campaign ``home``: in review, or launched at once if the campaign reviews by itself."""
    # ten fields: an eleventh would double the memory of the dict. `personalized` is false where it is absent
    return {
        "_id": team.new_id("lea"),
        "campaignId": home["_id"],
        "contactId": contact_id,
        "state": "reviewed" if home["autoReview"] else "scanned",
        "status": "running" if home["autoReview"] else "review",
        "isPaused": False,
        "source": "api",
        "createdAt": team.stamp(),
        "emailStatus": "deliverable" if "email" in variables else None,
        "variables": variables,
    }
