"""Counts of the sandbox: each key's share of the quota and tally, and its own errors."""

from __future__ import annotations

import traceback
from collections.abc import Mapping

import attrs

from lemlist_async.sandbox.limits import Policy
from lemlist_async.sandbox.state import Team

__all__ = ["Counters", "KeyState", "Tally", "UnhandledError"]


@attrs.define
class Tally:
    """Counts of one key."""

    requests: int = 0
    """All requests with this key, refused ones included."""
    refused: int = 0
    """Requests refused by the limit (429)."""


@attrs.define(eq=False)
class KeyState:
    """State of one key: team, limiter, counts."""

    team: Team
    limiter: Policy | None
    blocked: bool = False
    tally: Tally = attrs.field(factory=Tally)


@attrs.frozen
class UnhandledError:
    """One error that no route handles."""

    method: str
    template: str
    """Path template of the request; "" for what happened by itself."""
    kind: str
    trace: str = attrs.field(repr=False)
    """The traceback, without the values of variables."""

    @classmethod
    def of(cls, method: str, template: str, error: BaseException) -> UnhandledError:
        """Describe an error without its text, which may hold what a request held."""
        trace = "".join(traceback.format_tb(error.__traceback__))
        return cls(method, template, type(error).__name__, trace)


class Counters:
    """Tally of each key, ``counters[key]``, and the sums over all keys. The repr shows no key."""

    def __init__(self, key_states: Mapping[str, KeyState]) -> None:
        self._key_states = key_states

    def __getitem__(self, key: str) -> Tally:
        return self._key_states[key].tally

    @property
    def requests(self) -> int:
        """Requests of all keys."""
        return sum(key_state.tally.requests for key_state in self._key_states.values())

    @property
    def refused(self) -> int:
        """Refusals (429) of all keys."""
        return sum(key_state.tally.refused for key_state in self._key_states.values())

    def __repr__(self) -> str:
        return f"Counters(requests={self.requests}, refused={self.refused})"
