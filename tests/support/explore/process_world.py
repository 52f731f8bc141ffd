"""The world of one process: requests that hold the slots of `ProcessSlots`, and those of the `Ledger` in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from lemlist_async.throttle.ledger import Ledger
from lemlist_async.throttle.stores.process import ProcessSlots
from tests.support.explore.search import Left, Step

LIMIT, WINDOW, NOW, STEP = 3, 1.0, 1000.0, 0.25


class ProcessWorld:
    """States of one ledger, and the events between them; reduced as the world of the script is.

    A request may be answered, or be given back unsent. A pause may begin at any time.
    """

    def __init__(self, requests: int = 8, pauses: int = 1, hold: float = WINDOW) -> None:
        self.left = requests, pauses
        self.hold = hold
        self.slots = ProcessSlots(limit=LIMIT, window=hold, margin=0.0)
        self.now = NOW
        self.ends: tuple[float, ...] = ()

    def begin(self) -> Step:
        """Return the state of a process that has sent nothing."""
        return self._step(self.left)

    def _step(self, left: Left, *, broken: bool = False) -> Step:
        ledger = self.slots._ledger
        stamps = tuple(at - self.now for at in ledger._stamps if at > self.now - 2 * self.hold)
        ends = tuple(sorted(end - self.now for end in self.ends if end > self.now - WINDOW))
        return Step(
            (len(self.slots._held), stamps, ends, max(0.0, self.slots._paused_until - self.now)), left, broken
        )

    def _load(self, body: Any) -> Ledger:
        held, stamps, ends, pause = body
        ledger = self.slots._ledger = Ledger(LIMIT, self.hold)
        ledger.trust = 1000  # no trials
        ledger._stamps = [NOW + stamp for stamp in stamps]
        ledger.in_flight = held
        self.slots._held, self.slots._tokens = set(range(-held, 0)), -held
        self.slots._paused_until, self.now = NOW + pause, NOW
        self.ends = tuple(NOW + end for end in ends)
        return ledger

    def moves(self, body: Any, left: Left) -> Iterator[tuple[str, Callable[[], Step | None]]]:
        """Give every event that may come now."""
        held, _, ends, _ = body
        if left[0] + held + len(ends) <= LIMIT:
            return
        if left[0]:
            yield "reserve", partial(self._reserve, body, left)
        if held:
            yield "answer", partial(self._end, body, left, WINDOW)
            yield "give back", partial(self._end, body, left, 0.0)
        if left[1]:
            yield "pause", partial(self._pause, body, left)
        yield "pass", partial(self._pass, body, left)

    def _reserve(self, body: Any, left: Left) -> Step:
        self._load(body)
        if self.slots.next_grant(self.now, urgent=False) > self.now:
            return self._step(left)
        self.slots.grant(self.now)
        counted = len(self.slots._held) + sum(end > self.now - WINDOW for end in self.ends)
        paused = body[3] > 0
        return self._step((left[0] - 1, left[1]), broken=counted > LIMIT or paused)

    def _end(self, body: Any, left: Left, rest: float) -> Step:
        self._load(body)
        self.slots.end(
            min(self.slots._held), self.now, self.now + rest - WINDOW + self.hold if rest else self.now
        )
        if rest:
            self.ends = (*self.ends, self.now)
        return self._step(left)

    def _pause(self, body: Any, left: Left) -> Step:
        self._load(body)
        self.slots.pause(self.now + 2 * STEP)
        return self._step((left[0], left[1] - 1))

    def _pass(self, body: Any, left: Left) -> Step:
        self._load(body)
        self.now += STEP
        return self._step(left)
