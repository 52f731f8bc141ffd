"""What the sandbox remembers: one ``Team`` per key, made of plain dicts that a test may read and change."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any, Final, Literal

import attrs

from .exchange import Record

__all__ = ["Behaviour", "ListShape", "Table", "Team", "World", "iso"]

ListShape = Literal["v2", "bare"]
_LETTERS: Final = string.ascii_letters + string.digits


class Table(dict[str, Record]):
    """Records by id."""

    def keep(self, record: Record) -> Record:
        """Store a record under its own id."""
        self[record["_id"]] = record
        return record


@attrs.frozen(kw_only=True)
class Behaviour:
    """The points where lemlist itself is seen to differ, or where waiting is made short."""

    list_shape: ListShape = "v2"
    duplicate_status: int = 409
    polls: int = 2
    """Polls during which an export or an enrichment is still running."""
    public_url: Callable[[], str]
    """The base address, known once the sandbox listens."""


def iso(seconds: float) -> str:
    """Epoch seconds as the API writes a time: UTC, milliseconds, ``Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@attrs.define(eq=False, kw_only=True)
class Team:
    """The account behind one key."""

    random: Random = attrs.field(repr=False)
    wall_clock: Callable[[], float] = attrs.field(repr=False)
    id: str = ""
    name: str = "Sandbox team"
    plan: str = "multichannelExpert"
    """``emailStarter`` makes the plan-gated routes answer 402."""
    beta: bool = True
    """False makes the beta routes (personas, deliverability alerts) answer 403."""
    user_id: str = ""
    """The member that the key belongs to."""
    created_at: str = ""
    credits: dict[str, int] = attrs.field(
        factory=lambda: {"freemium": 0, "subscription": 800, "gifted": 100, "paid": 100}
    )
    users: Table = attrs.field(factory=Table, repr=False)
    campaigns: Table = attrs.field(factory=Table, repr=False)
    sequences: Table = attrs.field(factory=Table, repr=False)
    schedules: Table = attrs.field(factory=Table, repr=False)
    leads: Table = attrs.field(factory=Table, repr=False)
    contacts: Table = attrs.field(factory=Table, repr=False)
    activities: Table = attrs.field(factory=Table, repr=False)
    exports: Table = attrs.field(factory=Table, repr=False)
    crm_filters: Table = attrs.field(factory=Table, repr=False)
    files: dict[str, bytes] = attrs.field(factory=dict[str, bytes], repr=False)
    lead_ids_by_email: dict[str, list[str]] = attrs.field(factory=dict[str, list[str]], repr=False)
    lead_ids_by_campaign: dict[str, dict[str, None]] = attrs.field(
        factory=dict[str, dict[str, None]], repr=False
    )
    contact_ids_by_email: dict[str, str] = attrs.field(factory=dict[str, str], repr=False)

    def __attrs_post_init__(self) -> None:
        self.id, self.created_at = self.new_id("tea"), self.stamp()
        self.user_id = self.add_user("Robin Sender", "robin@sandbox.example", role="admin")["_id"]
        self.add_user("Kim Second", "kim@sandbox.example", provider="custom")

    def new_id(self, prefix: str) -> str:
        """Prefix, underscore, 17 letters and digits; the same row of ids for the same seed."""
        return f"{prefix}_{''.join(self.random.choices(_LETTERS, k=17))}"

    def stamp(self) -> str:
        """Now, as the API writes it."""
        return iso(self.wall_clock())

    def tables(self) -> Iterator[Table]:
        """Every collection of records by id."""
        values = (getattr(self, field.name) for field in attrs.fields(Team))
        return (value for value in values if isinstance(value, Table))

    def add_user(self, name: str, email: str, *, role: str = "member", provider: str = "google") -> Record:
        """A member with one mailbox."""
        mailbox: Record = {
            "_id": self.new_id("usm"),
            "email": email,
            "provider": provider,
            "status": "CONNECTED" if provider == "google" else "OK",
            # the limit is a number for Google mailboxes and text for SMTP ones
            "lemlist": {"emailLimit": 50 if provider == "google" else "50"},
            "lemwarm": {"active": False},
        }
        slug = name.lower().replace(" ", "-")
        limits = {"status": True, "inviteLimit": 20, "sendLimit": 30, "visitLimit": 40}
        linkedin = {"linkedinUrl": f"https://www.linkedin.com/in/{slug}", **limits}
        identity = {"_id": self.new_id("usr"), "name": name, "email": email, "role": role}
        return self.users.keep({**identity, "linkedIn": linkedin, "mailboxes": [mailbox]})

    def add_schedule(self, **fields: Any) -> Record:
        """A sending window; what is not given has lemlist's defaults."""
        schedule: Record = {
            "_id": self.new_id("skd"),
            "name": "Default schedule",
            "secondsToWait": 1200,
            "timezone": "Europe/Paris",
            "start": "09:00",
            "end": "18:00",
            "weekdays": [1, 2, 3, 4, 5],
            "public": False,
            "teamId": self.id,
            "createdBy": self.user_id,
            "createdAt": self.stamp(),
        }
        return self.schedules.keep(schedule | fields)

    def add_campaign(self, name: str = "Sandbox campaign", **fields: Any) -> Record:
        """A campaign with an empty sequence and a schedule, a ``draft`` whose state is ``running``."""
        campaign_id, sequence_id = self.new_id("cam"), self.new_id("seq")
        self.sequences.keep({"_id": sequence_id, "campaignId": campaign_id, "level": 0, "steps": []})
        campaign: Record = {
            "_id": campaign_id,
            "name": name,
            "emoji": "🚀",
            "labels": [],
            "timezone": "Europe/Paris",
            "teamId": self.id,
            "sequenceId": sequence_id,
            "scheduleIds": [self.add_schedule()["_id"]],
            "createdAt": self.stamp(),
            "createdBy": self.user_id,
            "status": "draft",
            "state": "running",
            "archived": False,
            "autoReview": False,
            "sendUserIds": [self.user_id],
        }
        self.lead_ids_by_campaign[campaign_id] = {}
        return self.campaigns.keep(campaign | fields)

    def add_contact(self, email: str | None = None, **fields: Any) -> Record:
        """The person of that address: the one there is, or a new one."""
        known = self.contact_ids_by_email.get((email or "").lower())
        if known is not None:
            return self.contacts[known]
        contact: Record = {
            "_id": self.new_id("ctc"),
            "email": email,
            "fields": fields,
            "ownerId": self.user_id,
            "createdAt": self.stamp(),
            "createdBy": self.user_id,
            "unsubscribed": False,
            "source": "api",
        }
        if email:
            self.contact_ids_by_email[email.lower()] = contact["_id"]
        return self.contacts.keep(contact)

    def add_lead(self, campaign_id: str, email: str | None = None, **variables: Any) -> Record:
        """A person in a campaign, in review unless it reviews by itself; KeyError for an unknown campaign."""
        campaign = self.campaigns[campaign_id]
        given = ({"email": email} if email else {}) | variables
        launched = campaign["autoReview"]
        lead: Record = {
            "_id": self.new_id("lea"),
            "campaignId": campaign_id,
            "contactId": self.add_contact(email, **variables)["_id"],
            "state": "reviewed" if launched else "scanned",
            "status": "running" if launched else "review",
            "isPaused": False,
            "personalized": False,
            "source": "api",
            "createdAt": self.stamp(),
            "emailStatus": "deliverable" if email else None,
            "variables": given,
        }
        if email:
            self.lead_ids_by_email.setdefault(email.lower(), []).append(lead["_id"])
        self.lead_ids_by_campaign[campaign_id][lead["_id"]] = None
        return self.leads.keep(lead)

    def remove_lead(self, lead: Record) -> None:
        """Forget a lead; the contact stays."""
        del self.leads[lead["_id"]]
        del self.lead_ids_by_campaign[lead["campaignId"]][lead["_id"]]
        if email := lead["variables"].get("email"):
            self.lead_ids_by_email[email.lower()].remove(lead["_id"])

    def leads_of(self, campaign_id: str) -> list[Record]:
        """The leads of a campaign, oldest first."""
        return [self.leads[lead_id] for lead_id in self.lead_ids_by_campaign[campaign_id]]

    def leads_by_email(self, email: str) -> list[Record]:
        """The copies of a person in all campaigns, oldest first."""
        return [self.leads[lead_id] for lead_id in self.lead_ids_by_email.get(email.lower(), [])]

    def add_activity(self, kind: str, lead: Record | None = None, **fields: Any) -> Record:
        """One event of the history, about a lead if one is given."""
        activity: Record = {
            "_id": self.new_id("act"),
            "type": kind,
            "teamId": self.id,
            "createdAt": self.stamp(),
            "bot": False,
        }
        if lead is not None:
            activity |= {
                "leadId": lead["_id"],
                "campaignId": lead["campaignId"],
                "contactId": lead["contactId"],
            }
        return self.activities.keep(activity | fields)

    def add_crm_filter(
        self, name: str, people: list[Record], *, crm: str = "hubspot", kind: str = "contact"
    ) -> Record:
        """A segment in the CRM of the key's user, with the people an import of it would bring."""
        number = str(len(self.crm_filters) + 1)
        segment: Record = {
            "_id": number,
            "name": name,
            "crm": crm,
            "type": kind,
            "userId": self.user_id,
            "people": people,
        }
        return self.crm_filters.keep(segment)


@attrs.define(eq=False)
class World:
    """All teams of a sandbox."""

    behaviour: Behaviour
    teams: list[Team]

    def holds(self, record_id: str) -> bool:
        """Whether any team has a record of that id."""
        return any(record_id in table for team in self.teams for table in team.tables())
