"""All teams of a sandbox, and its adjustable behaviour."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import attrs

from lemlist_async.sandbox.lifecycle.engine import Engine
from lemlist_async.sandbox.state import Team

__all__ = ["Behaviour", "ListShape", "World"]

ListShape = Literal["v2", "bare"]


@attrs.frozen(kw_only=True)
class Behaviour:
    """Points in which lemlist itself varies, or in which waiting is shortened."""

    list_shape: ListShape = "v2"
    duplicate_status: int = 409
    polls: int = 2
    """Polls during which an export or an enrichment is still running."""
    post: Callable[[str, Callable[[], Any]], None]
    """Schedule a post to a webhook: its address, and a function that builds the body."""


@attrs.define(eq=False)
class World:
    """All teams of a sandbox."""

    behaviour: Behaviour
    teams: list[Team]
    engine: Engine = attrs.field(factory=Engine)

    def holds(self, record_id: str) -> bool:
        """Tell whether any team has a record of that id."""
        return any(record_id in table for team in self.teams for table in team.tables().values())
