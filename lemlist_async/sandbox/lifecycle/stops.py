"""Stop rules of campaigns: whether a reply, a click or a meeting lets a lead go on, pauses or stops it."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from lemlist_async.sandbox.lifecycle.kinds import GROUPS
from lemlist_async.sandbox.lifecycle.options import LifecycleOptions
from lemlist_async.sandbox.tables import Record

__all__ = ["Progress", "colleagues_follow", "progress"]

Progress: TypeAlias = Literal["continue", "pause", "stop"]
_WORDS: Final[dict[str, Progress]] = {"continue": "continue", "pause": "pause", "stop": "stop"}
_RULES: Final = {
    **dict.fromkeys(GROUPS["warmed"], ("onReplied", "stopOnEmailReplied")),
    "emailsClicked": ("onLinkClicked", "stopOnLinkClicked"),
    "meetingBooked": ("onMeetingBooked", "stopOnMeetingBooked"),
}


def progress(campaign: Record, event: Record, options: LifecycleOptions) -> Progress | None:
    """Return what a campaign's rules say to an event; None if there is no rule for it. An old flag suffices."""
    if event["type"] not in _RULES or event.get("bot"):
        return None
    name, flag = _RULES[event["type"]]
    rule: Record = campaign.get(name) or {}
    links: object = rule.get("specificLinks")
    if isinstance(links, list) and links and event.get("linkUrl") not in links:
        return "continue"
    word = _WORDS.get(str(rule.get("campaignProgress")))
    if word is not None:
        return word
    defaults = {
        "onReplied": True,
        "onLinkClicked": options.stop_on_click,
        "onMeetingBooked": options.stop_on_meeting,
    }
    return "stop" if campaign.get(flag, defaults[name]) else "continue"


def colleagues_follow(campaign: Record, kind: str) -> bool:
    """Tell whether other leads of the same company go the same way."""
    rule: Record = campaign.get(_RULES[kind][0]) or {}
    return rule.get("propagateProgressToCompany") is True
