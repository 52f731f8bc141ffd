"""Sending limits: how many messages a mailbox may send in 24 hours."""

from __future__ import annotations

from typing import Final

from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record

__all__ = ["DAY", "reserve"]

DAY: Final = 86400.0


def reserve(team: Team, box: Record, moment: float) -> float:
    """Return the first moment at which a mailbox's limit lets a message leave, which counts from now on."""
    limit = max(1, int(box["lemlist"]["emailLimit"]))
    slots: list[float] = team.mailbox_use.setdefault(box["_id"], {"slots": []})["slots"]
    free = max(moment, slots[-limit] + DAY) if len(slots) >= limit else moment
    slots.append(free)
    del slots[:-limit]
    return free
