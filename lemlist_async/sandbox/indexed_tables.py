"""Tables with a second way to their records: contacts by address, leads by campaign and contact."""

from __future__ import annotations

from lemlist_async.sandbox.tables import Record, Table

__all__ = ["ContactTable", "ConversationTable", "LeadTable"]


class ContactTable(Table):
    """Contacts, found by address too, ignoring case."""

    def __init__(self) -> None:
        super().__init__()
        self._ids: dict[str, str] = {}

    def __setitem__(self, record_id: str, record: Record) -> None:
        super().__setitem__(record_id, record)
        if record["email"]:
            self.set_email(record, record["email"])

    def __delitem__(self, record_id: str) -> None:
        email = self[record_id]["email"]
        super().__delitem__(record_id)
        if email:
            self._ids.pop(_folded(email), None)

    def by_email(self, email: str) -> Record | None:
        """Return the contact of an address."""
        return self.get(self._ids.get(_folded(email), ""))

    def set_email(self, contact: Record, email: str) -> None:
        """Give an address to a contact without one."""
        contact["email"] = email
        self._ids[_folded(email)] = contact["_id"]


class LeadTable(Table):
    """Leads, found by campaign and by contact too, oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self._in_campaign: dict[str, dict[str, Record]] = {}
        self._of_contact: dict[str, tuple[Record, ...]] = {}

    def __setitem__(self, record_id: str, record: Record) -> None:
        super().__setitem__(record_id, record)
        self._in_campaign.setdefault(record["campaignId"], {})[record_id] = record
        others = tuple(lead for lead in self.of_contact(record["contactId"]) if lead["_id"] != record_id)
        self._of_contact[record["contactId"]] = (*others, record)

    def __delitem__(self, record_id: str) -> None:
        lead = self[record_id]
        super().__delitem__(record_id)
        del self._in_campaign[lead["campaignId"]][record_id]
        contact_id = lead["contactId"]
        self._of_contact[contact_id] = tuple(one for one in self.of_contact(contact_id) if one is not lead)

    def in_campaign(self, campaign_id: str) -> dict[str, Record]:
        """Return the leads of a campaign by id. The dict is the table's own: it is read only."""
        return self._in_campaign.get(campaign_id, {})

    def of_contact(self, contact_id: str) -> tuple[Record, ...]:
        """Return a contact's leads in all campaigns."""
        return self._of_contact.get(contact_id, ())


class ConversationTable(Table):
    """Conversations, one per contact."""

    def __init__(self) -> None:
        super().__init__()
        self._ids: dict[str, str] = {}

    def __setitem__(self, record_id: str, record: Record) -> None:
        super().__setitem__(record_id, record)
        self._ids[record["contactId"]] = record_id

    def with_contact(self, contact_id: str) -> Record | None:
        """Return the conversation with a contact."""
        return self.get(self._ids.get(contact_id, ""))


def _folded(email: str) -> str:
    lowered = email.lower()
    return email if lowered == email else lowered  # the text that is there already needs no second copy
