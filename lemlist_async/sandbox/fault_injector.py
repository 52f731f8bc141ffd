"""Choice of the requests that get a fault: by operation, position, chance or script."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from random import Random
from typing import ClassVar

import attrs

from lemlist_async.sandbox.fault_kinds import Fault

__all__ = ["FaultInjector"]


@attrs.frozen
class _Operation:
    """Requests that a rule applies to; None stands for any."""

    method: str | None
    template: str | None

    def matches(self, method: str, template: str) -> bool:
        return self.method in (None, method) and self.template in (None, template)


@attrs.define
class _Rule:
    """Rule that gives one fault to some of the matching requests."""

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
    """Rule that gives the n-th fault to the n-th matching request."""

    operation: _Operation
    steps: deque[Fault | None]

    def offer(self, random: Random) -> Fault | None:
        return self.steps.popleft() if self.steps else None

    def take(self) -> None:
        """Do nothing: a step is used up once it was offered."""

    @property
    def spent(self) -> bool:
        return not self.steps


class FaultInjector:
    """Pending faults. If several rules match a request, the oldest one gives the fault."""

    HISTORY: ClassVar[int] = 1000

    def __init__(self, operations: Collection[tuple[str, str]], random: Random) -> None:
        self._known = operations
        self._random = random
        self._rules: list[_Rule | _Script] = []
        self.injected: deque[tuple[str, str, Fault]] = deque(maxlen=self.HISTORY)
        """The last injected faults, each with its verb and template."""

    def add(
        self,
        fault: Fault,
        match: str | None = None,
        *,
        times: int | None = 1,
        after: int = 0,
        probability: float = 1.0,
    ) -> None:
        """Inject ``fault`` into requests of ``match``.

        ``match`` is verb and template as in ``"POST /campaigns/{campaignId}/leads/"``, or either alone, or
        None for any request. The first ``after`` matching requests pass. The fault then happens ``times``
        times (None: without end), each time with ``probability``. Raises ValueError for an operation that the
        sandbox does not have, and for numbers out of range.
        """
        if after < 0 or not 0 < probability <= 1 or (times is not None and times < 1):
            raise ValueError("after must be at least 0, times at least 1 (or None), probability in (0, 1]")
        self._rules.append(_Rule(self._operation(match), fault, times, after, probability))

    def script(self, steps: Iterable[Fault | None], match: str | None = None) -> None:
        """Give the next matching requests these faults, one each. None lets a request pass."""
        self._rules.append(_Script(self._operation(match), deque(steps)))

    def clear(self) -> None:
        """Drop all pending faults."""
        self._rules.clear()

    @property
    def pending(self) -> bool:
        """Whether any rule may still inject a fault."""
        return bool(self._rules)

    def pick(self, method: str, template: str) -> Fault | None:
        """Return the fault for this request. Every matching rule counts the request."""
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
            self.injected.append((method, template, chosen))
        return chosen

    def _operation(self, match: str | None) -> _Operation:
        if match is None:
            return _Operation(None, None)
        method, _, template = match.rpartition(" ") if "/" in match else (match, "", "")
        operation = _Operation(method or None, template or None)
        if not any(operation.matches(*known) for known in self._known):
            raise ValueError(f"the sandbox has no operation {match!r}")
        return operation
