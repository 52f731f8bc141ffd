"""Events on their way to hooks: which are posted, and under which names."""

from __future__ import annotations

from collections.abc import Callable

from lemlist_async.sandbox.lifecycle.kinds import HOOKS, group_of
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record

__all__ = ["announce"]


def announce(team: Team, event: Record, post: Callable[[Team, Record], None]) -> None:
    """Post an event to the hooks, and once more under the name of its group.

    Activities that no hook may have as its type are not posted, nor are messages from the inbox, whose campaign is
    null. A lead is ``contacted`` once; the other groups come with every event.
    """
    if not team.hooks or event.get("campaignId", "") is None:
        return
    if event["type"] in HOOKS:
        post(team, event)
    group = group_of(event["type"])
    if group is None:
        return
    if group == "contacted":
        seen = (event.get("leadId", ""), group)
        if seen in team.kinds_seen:
            return
        team.kinds_seen.add(seen)
    post(team, {**event, "type": group})
