"""Values of one request, decoded as far as every route needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import attrs

from lemlist_async.core.json import SURROGATE, UTF8, read
from lemlist_async.sandbox.responses import refuse
from lemlist_async.sandbox.state import Team
from lemlist_async.sandbox.tables import Record
from lemlist_async.sandbox.world import World

__all__ = ["RequestContext"]


@attrs.define
class RequestContext:
    """One request, decoded as far as every route needs it."""

    world: World
    team: Team
    ids: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: bytes
    content_type: str
    base_url: Callable[[], str]
    """Return the base address as the client calls it."""

    def happen(self, kind: str, lead: Record, **fields: Any) -> Record:
        """Let an event happen to a lead."""
        return self.world.engine.happening.happen(self.team, kind, lead, **fields)

    def one(self, name: str) -> str | None:
        """Return the last value of a query parameter, None if absent."""
        values = self.query.get(name)
        return values[-1] if values else None

    def flag(self, name: str) -> bool:
        """Tell whether a query parameter is ``true``, in lower case as documented."""
        return self.one(name) == "true"

    def many(self, name: str) -> list[str]:
        """Split a comma list, without its empty parts."""
        return [part for part in (self.one(name) or "").split(",") if part]

    def number(self, name: str, default: int, low: int = 0, high: int | None = None) -> int:
        """Return an integer of the query, clamped to its range; 400 if it is no integer."""
        given = self.one(name)
        if given is None:
            return default
        if not re.fullmatch(r"-?\d{1,15}", given):
            raise refuse(400, f"Bad params: {name} must be an integer")
        value = max(low, int(given))
        return value if high is None else min(high, value)

    def json(self) -> Any:
        """Decode the JSON body; 400 if it is invalid."""
        # Node takes half a surrogate pair and bytes that are not UTF-8, and nothing else that is no JSON
        damage: dict[str, int] = {}
        try:
            found = read(self.body, damage)
        except ValueError:
            raise refuse(400, "Bad request") from None
        if damage.keys() - {SURROGATE, UTF8}:
            raise refuse(400, "Bad request")
        return found

    def record(self) -> Record:
        """Return the body as a JSON object, an absent one as an empty object; 400 for anything else."""
        data: object = self.json() if self.body else {}
        if not isinstance(data, dict):
            raise refuse(400, "Bad request")
        return cast("Record", data)
