"""States of a lead: their ranks, their groups, and the status that an event gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lemlist_async.sandbox.lifecycle.kinds import group_of
from lemlist_async.sandbox.tables import Record

__all__ = ["in_state", "move", "state_class"]

_CLASS_OF_GROUP: Final = {
    "contacted": "sent",
    "hooked": "opened",
    "attracted": "attracted",
    "warmed": "replied",
    "interested": "marked",
    "notInterested": "marked",
}
_CLASS_OF_ENDING: Final = (
    ("Unsubscribed", "ended"),
    ("Bounced", "ended"),
    ("paused", "paused"),
    ("meetingBooked", "marked"),
    ("interested", "marked"),
    ("notInterested", "marked"),
    *((ending, "sent") for ending in ("Done", "Sent", "Failed", "Skipped", "NoPost", "Ignored", "Delivered")),
)
_STATUS_OF_ENDING: Final = (
    ("Unsubscribed", "unsubscribed"),
    ("otInterested", "notInterested"),
    ("nterested", "interested"),
    ("paused", "paused"),
    ("stopped", "done"),
)
# these say something about a lead and are no state of it
_NO_STATE: Final = frozenset({"aiVariableDone", "aiVariableFailed", "enrichmentFailed", "enrichmentSkipped"})


def state_class(kind: str) -> str | None:
    """Return the class of a state, which decides its rank; None if the event is no state."""
    if kind in _NO_STATE:
        return None
    group = group_of(kind)
    if group is not None:
        return _CLASS_OF_GROUP[group]
    return next((name for ending, name in _CLASS_OF_ENDING if kind.endswith(ending)), None)


def move(lead: Record, kind: str, ranks: Mapping[str, int]) -> None:
    """Move the state of a lead to an event, unless it is of a higher rank, and set the status that the event gives.

    A step that was sent later resets opens, clicks and acceptances.
    """
    wanted = state_class(kind)
    present = state_class(str(lead["state"] or "")) or "made"
    if wanted is not None and (
        ranks[wanted] >= ranks[present] or (wanted == "sent" and ranks[present] <= ranks["attracted"])
    ):
        lead["state"] = kind
    status = next((word for ending, word in _STATUS_OF_ENDING if kind.endswith(ending)), None)
    if status is not None and lead["status"] != "unsubscribed":
        lead["status"] = status


def in_state(lead: Record, wanted: set[str]) -> bool:
    """Tell whether a lead passes a filter of states: ``all``, its state, or the group of it."""
    state = str(lead["state"] or "")
    words = {"all", state, group_of(state)}
    if state.endswith("Failed"):
        words.add("failed")
    return bool(wanted & words)
