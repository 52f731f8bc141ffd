"""Which request a fault strikes: by operation, by position, by chance, or by a script."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from random import Random
from typing import ClassVar

import attrs

from .faults import Fault

__all__ = ["FaultBook"]


@attrs.frozen
class _Operation:
    """Which requests a rule is about; None stands for any."""

    method: str | None
    template: str | None

    def matches(self, method: str, template: str) -> bool:
        return self.method in (None, method) and self.template in (None, template)


@attrs.define
class _Rule:
    """Gives one fault to some of the requests that match."""

    operation: _Operation
    fault: Fault
    times: int | None
    after: int
    probability: float
    seen: int = 0

    def offer(self, random: Random) -> Fault | None:
        self.seen += 1
        if self.spent or self.seen <= self.after:
            return None
        if self.probability < 1.0 and random.random() >= self.probability:
            return None
        return self.fault

    def take(self) -> None:
        if self.times is not None:
            self.times -= 1

    @property
    def spent(self) -> bool:
        return self.times == 0


@attrs.define
class _Script:
    """Gives the n-th fault to the n-th request that matches."""

    operation: _Operation
    steps: deque[Fault | None]

    def offer(self, random: Random) -> Fault | None:
        return self.steps.popleft() if self.steps else None

    def take(self) -> None:
        """A step is gone once it was offered."""

    @property
    def spent(self) -> bool:
        return not self.steps


class FaultBook:
    """The faults to come; of several rules that would strike one request, the first written does."""

    HISTORY: ClassVar[int] = 1000

    def __init__(self, operations: Collection[tuple[str, str]], random: Random) -> None:
        self._known = operations
        self._random = random
        self._rules: list[_Rule | _Script] = []
        self.struck: deque[tuple[str, str, Fault]] = deque(maxlen=self.HISTORY)
        """The last faults that happened, each with its verb and template."""

    def add(
        self,
        fault: Fault,
        match: str | None = None,
        *,
        times: int | None = 1,
        after: int = 0,
        probability: float = 1.0,
    ) -> None:
        """Let ``fault`` strike requests of ``match``.

        ``match`` is verb and template as in ``"POST /campaigns/{campaignId}/leads/"``, or either alone, or
        None for any request. ``after`` lets that many matching requests through first, ``times`` (None: for
        ever) ends it, and each time it strikes with ``probability``. ValueError for an operation that the
        sandbox does not have, or numbers out of range.
        """
        if after < 0 or not 0 < probability <= 1 or (times is not None and times < 1):
            raise ValueError("after must be at least 0, times at least 1 (or None), probability in (0, 1]")
        self._rules.append(_Rule(self._operation(match), fault, times, after, probability))

    def script(self, steps: Iterable[Fault | None], match: str | None = None) -> None:
        """Let the next requests of ``match`` meet these faults one by one; None lets a request pass."""
        self._rules.append(_Script(self._operation(match), deque(steps)))

    def clear(self) -> None:
        """Forget all faults to come."""
        self._rules.clear()

    @property
    def pending(self) -> bool:
        """Whether any rule may still strike."""
        return bool(self._rules)

    def pick(self, method: str, template: str) -> Fault | None:
        """What happens to this request; every matching rule counts it, whoever strikes."""
        if not self._rules:
            return None
        chosen: Fault | None = None
        for rule in self._rules:
            if rule.operation.matches(method, template):
                offered = rule.offer(self._random)
                if offered is not None and chosen is None:
                    chosen = offered
                    rule.take()
        self._rules = [rule for rule in self._rules if not rule.spent]
        if chosen is not None:
            self.struck.append((method, template, chosen))
        return chosen

    def _operation(self, match: str | None) -> _Operation:
        if match is None:
            return _Operation(None, None)
        method, _, template = match.rpartition(" ") if "/" in match else (match, "", "")
        operation = _Operation(method or None, template or None)
        if not any(operation.matches(*known) for known in self._known):
            raise ValueError(f"the sandbox has no operation {match!r}")
        return operation
