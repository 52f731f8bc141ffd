"""State of the sandbox: one ``Team`` per key, made of plain dicts that a test may read and change."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from random import Random
from typing import Any

import attrs

from lemlist_async.sandbox import defaults
from lemlist_async.sandbox.indexed_tables import ContactTable, ConversationTable, LeadTable
from lemlist_async.sandbox.tables import Blocklist, Record, Table, iso

__all__ = ["Team"]


def _ignore(record: Record) -> None:
    """Do nothing."""


@attrs.define(eq=False, kw_only=True, repr=False)
class Team:
    """The account behind one key."""

    random: Random
    wall_clock: Callable[[], float]
    id: str = ""
    name: str = "Sandbox team"
    plan: str = "multichannelExpert"
    """``emailStarter`` makes the plan-gated routes answer 402."""
    beta: bool = True
    """False makes the beta routes (personas, deliverability alerts) answer 403."""
    user_id: str = ""
    """Id of the member that the key belongs to."""
    created_at: str = ""
    credits: dict[str, int] = attrs.field(
        factory=lambda: {"freemium": 0, "subscription": 800, "gifted": 100, "paid": 100}
    )
    searches_left: int = 2000
    """Searches of people or companies left today."""
    users: Table = attrs.field(factory=Table)
    campaigns: Table = attrs.field(factory=Table)
    sequences: Table = attrs.field(factory=Table)
    schedules: Table = attrs.field(factory=Table)
    leads: LeadTable = attrs.field(factory=LeadTable)
    contacts: ContactTable = attrs.field(factory=ContactTable)
    contact_lists: Table = attrs.field(factory=Table)
    companies: Table = attrs.field(factory=Table)
    activities: Table = attrs.field(factory=Table)
    unsubscribes: Blocklist = attrs.field(factory=Blocklist)
    hooks: Table = attrs.field(factory=Table)
    enrichments: Table = attrs.field(factory=Table)
    exports: Table = attrs.field(factory=Table)
    conversations: ConversationTable = attrs.field(factory=ConversationTable)
    labels: Table = attrs.field(factory=Table)
    drafts: Table = attrs.field(factory=Table)
    tasks: Table = attrs.field(factory=Table)
    personas: Table = attrs.field(factory=Table)
    agents: Table = attrs.field(factory=Table)
    signals: Table = attrs.field(factory=Table)
    alerts: Table = attrs.field(factory=Table)
    crm_filters: Table = attrs.field(factory=Table)
    restores: int = 0
    """Number of snapshots, one after the other, that the state went through."""
    files: dict[str, bytes] = attrs.field(factory=dict[str, bytes])
    sent: list[Record] = attrs.field(factory=list[Record])
    """Bodies of all messages sent through the inbox, each with its ``channel``."""
    kinds_seen: set[tuple[str, str]] = attrs.field(factory=set[tuple[str, str]])
    walks: dict[str, Record] = attrs.field(factory=dict[str, Record])
    """Place of each launched lead in its sequence, by the lead's id."""
    paces: dict[str, Record] = attrs.field(factory=dict[str, Record])
    """Pace of each running campaign: earliest next first step, leads contacted and bounced."""
    mailbox_use: dict[str, Record] = attrs.field(factory=dict[str, Record])
    """Times at which each mailbox sent of late, and at which its limit was last told."""
    on_activity: Callable[[Record], None] = _ignore
    """Called with every new activity."""
    on_launch: Callable[[Record], None] = _ignore
    """Called with every lead that leaves its review."""

    def __attrs_post_init__(self) -> None:
        self.id, self.created_at = self.new_id("tea"), self.stamp()
        self.user_id = self.add_user("Robin Sender", "robin@sandbox.example", role="admin")["_id"]
        self.add_user("Kim Second", "kim@sandbox.example", provider="custom")

    def __repr__(self) -> str:
        sizes = (
            f"{len(self.campaigns)} campaigns",
            f"{len(self.leads)} leads",
            f"{len(self.contacts)} contacts",
        )
        return f"<Team {self.id}: {', '.join(sizes)}>"

    def new_id(self, prefix: str) -> str:
        """Draw an id: prefix, underscore, 17 letters and digits. The same seed gives the same ids."""
        # one call in C: many ids are drawn when a list is imported
        drawn = b64encode(self.random.randbytes(13), altchars=b"Zz")[:17]
        return f"{prefix}_{drawn.decode()}"

    def stamp(self) -> str:
        """Return the present time as the API writes it."""
        return iso(self.wall_clock())

    def tables(self) -> dict[str, Table]:
        """Return every table of records by its name."""
        values = {field.name: getattr(self, field.name) for field in attrs.fields(Team)}
        return {name: value for name, value in values.items() if isinstance(value, Table)}

    def add_user(self, name: str, email: str, *, role: str = "member", provider: str = "google") -> Record:
        """Add a member with one mailbox."""
        return self.users.keep(defaults.user(self, name, email, role, provider))

    def add_schedule(self, **fields: Any) -> Record:
        """Add a sending window. Fields that are not given have lemlist's defaults."""
        return self.schedules.keep(defaults.schedule(self) | fields)

    def add_campaign(self, name: str = "Sandbox campaign", **fields: Any) -> Record:
        """Add a campaign with an empty sequence and a schedule: a ``draft`` whose state is ``running``."""
        campaign = self.campaigns.keep(defaults.campaign(self, name) | fields)
        campaign["scheduleIds"] = [self.add_schedule()["_id"]]
        self.sequences.keep(defaults.sequence(campaign))
        return campaign

    def add_contact(self, email: str | None = None, /, **fields: Any) -> Record:
        """Return the contact of that address, or add one with these fields."""
        email = email or fields.pop("email", None)
        known = self.contacts.by_email(email) if email else None
        return known or self.contacts.keep(defaults.contact(self, email or None, fields))

    def remove_contact(self, contact: Record) -> None:
        """Delete a contact with all leads, events, tasks and conversations."""
        contact_id = contact["_id"]
        for lead in self.leads.of_contact(contact_id):
            self.remove_lead(lead)
        for table in (self.activities, self.tasks, self.conversations, self.drafts):
            for record_id in [row["_id"] for row in table.values() if row.get("contactId") == contact_id]:
                del table[record_id]
        for members in self.contact_lists.values():
            members["contactIds"].pop(contact_id, None)
        del self.contacts[contact_id]

    def add_contact_list(self, name: str, *, dynamic: bool = False) -> Record:
        """Add a list of contacts. A dynamic one cannot be changed by hand."""
        own = {"_id": self.new_id("clt"), "name": name, "dynamic": dynamic}
        return self.contact_lists.keep(own | {"contactIds": dict[str, None]()})

    def add_company(self, domain: str | None = None, /, **fields: Any) -> Record:
        """Add a company."""
        return self.companies.keep(defaults.company(self, domain or fields.pop("domain", None), fields))

    def add_lead(self, campaign_id: str, email: str | None = None, /, **variables: Any) -> Record:
        """Add a lead, in review unless the campaign reviews by itself; KeyError for an unknown campaign."""
        campaign = self.campaigns[campaign_id]
        given = ({"email": email} if email else {}) | variables
        contact_id = self.add_contact(**given)["_id"]
        lead = self.leads.keep(defaults.lead(self, campaign, contact_id, given))
        if lead["status"] == "running":
            self.on_launch(lead)
        return lead

    def remove_lead(self, lead: Record) -> None:
        """Delete a lead and keep its contact."""
        self.walks.pop(lead["_id"], None)
        del self.leads[lead["_id"]]

    def leads_of(self, campaign_id: str) -> list[Record]:
        """Return the leads of a campaign, oldest first."""
        return list(self.leads.in_campaign(campaign_id).values())

    def leads_by_email(self, email: str) -> list[Record]:
        """Return the leads of an address, oldest first."""
        contact = self.contacts.by_email(email)
        return list(self.leads.of_contact(contact["_id"])) if contact else []

    def add_activity(self, kind: str, lead: Record | None = None, **fields: Any) -> Record:
        """Add one event to the history, optionally about a lead."""
        activity = self.activities.keep(self.event(kind, lead, **fields))
        self.on_activity(activity)
        return activity

    def event(self, kind: str, lead: Record | None = None, **fields: Any) -> Record:
        """Build an event, optionally about a lead, without adding it to the history."""
        activity: Record = {"_id": self.new_id("act"), "type": kind, "teamId": self.id, "bot": False}
        if lead is not None:
            activity |= {
                "leadId": lead["_id"],
                "campaignId": lead["campaignId"],
                "contactId": lead["contactId"],
            }
            activity["isFirst"] = (lead["_id"], kind) not in self.kinds_seen
            self.kinds_seen.add((lead["_id"], kind))
        return {**activity, "createdAt": self.stamp(), **fields}

    def add_message(
        self,
        contact: Record,
        channel: str,
        kind: str,
        message: str,
        lead: Record | None = None,
        **fields: Any,
    ) -> Record:
        """Add a message to or from a contact to their conversation; ``kind`` is an activity type."""
        row = self.conversations.with_contact(contact["_id"])
        if row is None:
            row = self.conversations.keep(defaults.conversation(self, contact["_id"]))
        row["lastActivityAt"] = self.stamp()
        row["channels"] = list(dict.fromkeys([*row["channels"], channel]))
        if kind.endswith("Replied"):
            row |= {"haveReplies": True, "lastRepliedAt": self.stamp(), "lastRepliedChannel": channel}
            row["users"][0]["read"] = False
        about: Record = {
            "contactId": contact["_id"],
            "leadEmail": contact["email"],
            "messageId": f"<{self.new_id('msg')}@sandbox.example>",
            "attachments": [],
        }
        return self.add_activity(kind, lead, message=message, **(about | fields))

    def block(self, value: str, source: str = "api") -> Record:
        """Block a value: an address, ``@domain``, LinkedIn URL or phone number."""
        row = {"_id": self.new_id("uns"), "value": value, "source": source, "createdAt": self.stamp()}
        return self.unsubscribes.keep(row)

    def add_signal(self, agent: Record, **fields: Any) -> Record:
        """Add a signal that an agent caught just now."""
        return self.signals.keep(defaults.signal(self, agent) | fields)

    def add_crm_filter(
        self, name: str, people: list[Record], *, crm: str = "hubspot", kind: str = "contact"
    ) -> Record:
        """Add a segment to the CRM of the key's user, with the people that an import would bring."""
        own = {"_id": str(len(self.crm_filters) + 1), "userId": self.user_id}
        return self.crm_filters.keep(own | {"name": name, "crm": crm, "type": kind, "people": people})
