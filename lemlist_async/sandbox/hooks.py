"""Hooks: the events that one wants, and the body that it gets."""

from __future__ import annotations

from lemlist_async.sandbox.activity_views import flat_activity
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record

__all__ = ["body_for", "wants"]


def wants(hook: Record, event: Record) -> bool:
    """Tell whether an event passes the filters of a hook: its type, its campaign, and the first of its kind."""
    return (
        hook.get("type") in (None, event["type"])
        and hook.get("campaignId") in (None, event.get("campaignId"))
        and (not hook.get("isFirst") or event.get("isFirst") is True)
    )


def body_for(team: Team, hook: Record, event: Record) -> Record:
    """Build the body that a hook gets: the flat activity, and the hook's secret if it has one."""
    body = event if "data" in event else flat_activity(team, event)
    return {**body, "secret": hook["secret"]} if hook.get("secret") else dict(body)
