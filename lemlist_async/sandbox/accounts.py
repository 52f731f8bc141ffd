"""What the sandbox counts: the share of the quota and the tally of each key, and the requests it saw."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from .limits import Policy
from .state import Team

__all__ = ["Account", "Counters", "Seen", "Tally"]


@attrs.define
class Tally:
    """What one key did so far."""

    requests: int = 0
    """All that came with this key, refused ones too."""
    refused: int = 0
    """Those that met the limit (429)."""


@attrs.define(eq=False)
class Account:
    """One key: its team, its share of the quota, its counts."""

    team: Team
    limiter: Policy | None
    blocked: bool = False
    tally: Tally = attrs.field(factory=Tally)


@attrs.define
class Seen:
    """A request as the sandbox saw it: nothing in it is secret or personal."""

    method: str
    template: str
    """The path template of the document; "" for a path that is none."""
    at: float
    """When it arrived, on the sandbox's clock."""
    status: int | None = None
    """What was answered; None while it is under way, and for ever if nothing was."""


class Counters:
    """The tally of each key, ``counters[key]``, and the sums of all; the repr shows no key."""

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._accounts = accounts

    def __getitem__(self, key: str) -> Tally:
        return self._accounts[key].tally

    @property
    def requests(self) -> int:
        """Requests of all keys."""
        return sum(account.tally.requests for account in self._accounts.values())

    @property
    def refused(self) -> int:
        """Refusals (429) of all keys."""
        return sum(account.tally.refused for account in self._accounts.values())

    def __repr__(self) -> str:
        return f"Counters(requests={self.requests}, refused={self.refused})"
