"""Do-not-contact: whether a lead has a blocked value."""

from __future__ import annotations

from typing import Final

from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record

__all__ = ["has_value", "is_blocked"]

_BLOCKABLE: Final[tuple[str, ...]] = ("email", "phone", "linkedinUrl")


def _values(lead: Record) -> set[str]:
    """Return what of a lead can be blocked: its address, the address's domain, its phone and its profile."""
    own = {value.lower() for name in _BLOCKABLE if isinstance(value := lead["variables"].get(name), str)}
    return own | {value[value.index("@") :] for value in own if "@" in value}


def has_value(lead: Record, value: str) -> bool:
    """Tell whether a blocked value is one of the lead's."""
    return value.lower() in _values(lead)


def is_blocked(team: Team, lead: Record) -> bool:
    """Tell whether a lead may not be contacted. A bounced address alone leaves the other channels open."""
    contact = team.contacts.get(lead["contactId"], {})
    rows = (team.unsubscribes.find(value) for value in _values(lead))
    return bool(contact.get("unsubscribed")) or any(row and row["source"] != "bounced" for row in rows)
