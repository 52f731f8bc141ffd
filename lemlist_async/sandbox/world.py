"""All teams of a sandbox, and the points where it may be told to behave differently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import attrs

from .state import Team

__all__ = ["Behaviour", "ListShape", "World"]

ListShape = Literal["v2", "bare"]


@attrs.frozen(kw_only=True)
class Behaviour:
    """The points where lemlist itself is seen to differ, or where waiting is made short."""

    list_shape: ListShape = "v2"
    duplicate_status: int = 409
    polls: int = 2
    """Polls during which an export or an enrichment is still running."""
    public_url: Callable[[], str]
    """The base address, known once the sandbox listens."""
    post: Callable[[str, Callable[[], Any]], None]
    """Post to a webhook, a while from now: its address, and what makes the body then."""


@attrs.define(eq=False)
class World:
    """All teams of a sandbox."""

    behaviour: Behaviour
    teams: list[Team]

    def holds(self, record_id: str) -> bool:
        """Whether any team has a record of that id."""
        return any(record_id in table for team in self.teams for table in team.tables())
