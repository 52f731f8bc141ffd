"""The operations of the API, one module per area; each lists its own in ``ROUTES``."""

from __future__ import annotations

from collections.abc import Iterator

from lemlist_async.sandbox.exchange import Route

from . import campaign_exports, campaign_stats, campaigns, lead_extras, lead_states, leads, team

__all__ = ["all_routes"]

_AREAS = (team, campaigns, campaign_exports, campaign_stats, leads, lead_states, lead_extras)


def all_routes() -> Iterator[Route]:
    """Every operation that the sandbox answers."""
    return (route for area in _AREAS for route in area.ROUTES)
