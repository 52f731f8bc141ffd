"""Operations of the API, one module per area. Each module lists its own in ``ROUTES``."""

from __future__ import annotations

from collections.abc import Iterator

from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.routes import (
    ab_tests,
    activities,
    agents,
    alerts,
    campaign_exports,
    campaign_stats,
    campaigns,
    companies,
    contact_lists,
    contacts,
    drafts,
    enrich,
    fields,
    hooks,
    inbox,
    inbox_labels,
    lead_extras,
    lead_states,
    leads,
    legacy_unsubscribes,
    mailboxes,
    people,
    personas,
    schedules,
    sequences,
    signals,
    tasks,
    team,
    unsubscribes,
    users,
)

__all__ = ["all_routes"]

_AREAS = (
    team,
    users,
    campaigns,
    campaign_exports,
    campaign_stats,
    sequences,
    ab_tests,
    schedules,
    leads,
    lead_states,
    lead_extras,
    contacts,
    contact_lists,
    companies,
    fields,
    activities,
    unsubscribes,
    legacy_unsubscribes,
    hooks,
    enrich,
    inbox,
    inbox_labels,
    drafts,
    tasks,
    people,
    personas,
    agents,
    signals,
    mailboxes,
    alerts,
)


def all_routes() -> Iterator[Route]:
    """Return every operation that the sandbox serves."""
    return (route for area in _AREAS for route in area.ROUTES)
