"""Every order of events in a small world of members, slots and a server, tried against the code that decides."""

from __future__ import annotations

import contextlib
import itertools
import pickle
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import attrs

from lemlist_async.throttle.stores.redis_slots import RedisSlots
from lemlist_async.throttle.stores.shared import WAY, AwayError
from tests.support.limits_seen import most_in_a_window
from tests.support.script_server import ScriptServer

LIMIT, WINDOW, BEGIN = 2, 1.0, 1000.0
KEY = "lemlist:{key}:slots"
UNCHECKED, CHECKED = 0, 1
STEPS = (0.5, 3.0)
"""Seconds that may pass at once: half a window, or most of a lease."""
APART = ("_server", "_clock", "_wake")


@attrs.define
class Bounds:
    """Events of each kind at most, on one way through the world."""

    requests: int = 4
    passes: int = 5
    deaths: int = 1
    harms: int = 1


@attrs.define(eq=False)
class Story:
    """A state of the world that was reached, and the events that led there."""

    now: float
    ledger: Any
    timers: tuple[Any, ...]
    members: tuple[bytes, ...]
    alive: tuple[bool, ...]
    flights: tuple[tuple[int, int, int, float], ...]
    """Member, token, whether it was checked, and until when it may be (for those of dead members)."""
    checks: tuple[float, ...]
    left: tuple[int, int, int, int]
    way: tuple[str, ...] = ()


class Explorer:
    """Breadth first, through every state once."""

    def __init__(self, source: str | None = None, members: int = 3, bounds: Bounds | None = None) -> None:
        self.now = BEGIN
        self.server = ScriptServer(lambda: self.now, **({"source": source} if source else {}))
        self.slots = [self.join() for _ in range(members)]
        self.bounds = bounds or Bounds()
        self.seen: set[Any] = set()

    def join(self) -> RedisSlots:
        return RedisSlots(
            self.server,
            "key",
            limit=LIMIT,
            window=WINDOW,
            margin=0.0,
            pace=0.0,
            clock=lambda: self.now,
            wake=lambda update: update(self.now),
        )

    # States --------------------------------------------------------------------------------------------------

    def begin(self) -> Story:
        """The state after the server was first used, and the pause that follows is over."""
        self.slots[0].next_grant(self.now, urgent=False)
        self.now += WINDOW + WAY + 0.1
        self.server.timers.clear()
        self.slots[0].withdraw()
        bounds = self.bounds
        return self.save(
            (), (), (True,) * len(self.slots), (bounds.requests, bounds.passes, bounds.deaths, bounds.harms)
        )

    def save(self, flights: Any, checks: Any, alive: Any, left: Any, way: tuple[str, ...] = ()) -> Story:
        ledger = self.server.save(KEY)
        for slots in self.slots:
            slots._round_trip = 0.0  # it would come nearer to this for ever
        return Story(
            self.now,
            tuple(sorted(ledger.items())) if ledger is not None else None,
            tuple(self.server.timers),
            tuple(
                pickle.dumps({name: value for name, value in vars(slots).items() if name not in APART})
                for slots in self.slots
            ),
            alive,
            flights,
            # what is older than a window counts no more
            tuple(at for at in checks if at > self.now - WINDOW),
            left,
            way,
        )

    def load(self, story: Story) -> None:
        self.now = story.now
        self.server.put(KEY, story.ledger)
        self.server.timers[:] = story.timers
        for slots, state in zip(self.slots, story.members, strict=True):
            vars(slots).update(pickle.loads(state))

    def key(self, story: Story) -> Any:
        """Return all that decides what may happen from here; the numbers of calls and tokens do not."""
        ranks = {
            (number, token): rank
            for number, slots in enumerate(self.slots)
            for rank, token in enumerate(sorted(slots._held | {end.token for end in slots._ended}))
        }
        members = [
            (
                tuple(sorted(ranks[number, token] for token in slots._held)),
                tuple((ranks[number, end.token], end.free_at, end.first_call > 0) for end in slots._ended),
                slots._place, slots._news, slots._ask_at, slots._heard, slots._beats, str(slots._error),
                slots._pause_until, slots._calls > 0, slots._closed,
                tuple(
                    (ranks.get((number, token)) or 0, *rest)
                    for member, token, *rest in story.flights
                    if member == number
                ),
                tuple(value.split(" ")[0] for name, value in story.ledger or () if name == f"m:{slots._member}"),
            )
            for number, slots in enumerate(self.slots)
        ]  # fmt: skip
        # members are alike: which of them is the first, the server does not know
        order = sorted(range(len(members)), key=lambda number: members[number])
        names = {self.slots[number]._member: place for place, number in enumerate(order)}
        ledger = tuple(
            sorted(
                self._record(value, names, ranks) if name in ("s1", "s2") else (name, value)
                for name, value in story.ledger or ()
                if name not in ("latest", "asked") and not name.startswith("m:")
            )
        )
        return story.now, ledger, tuple(sorted(members)), story.checks, story.left

    def _record(
        self, value: str, names: dict[str, int], ranks: dict[tuple[int, int], int]
    ) -> tuple[Any, ...]:
        words = value.split(" ")
        if words[0] != "X":
            return (*words[:3], str(names.get(words[4])))
        state, _, free, token, owner = words
        number = next(number for number, slots in enumerate(self.slots) if slots._member == owner)
        return state, free, str(names[owner]), str(ranks.get((number, int(token))))

    # Events --------------------------------------------------------------------------------------------------

    def events(self, story: Story) -> Iterator[tuple[str, Callable[[], Story | None]]]:
        requests, passes, deaths, harms = story.left
        for number, alive in enumerate(story.alive):
            # members that have done nothing yet are alike
            if alive and requests and (number == 0 or self.is_used(story, number - 1)):
                yield f"reserve {number}", lambda number=number: self.reserve(story, number)
            if alive and deaths and self.is_used(story, number):
                yield f"die {number}", lambda number=number: self.die(story, number)
        if passes:
            # Whether the server checks, or answers, early or late within an instant makes no difference.
            for seconds in STEPS:
                for fates in itertools.product(*(self.fates(story, *flight) for flight in story.flights)):
                    yield (
                        f"{', '.join(fates)}; pass {seconds}",
                        partial(self.pass_time, story, seconds, fates),
                    )
        if harms:
            yield "forget", lambda: self.forget(story)
            yield "lose", lambda: self.lose(story)

    def is_used(self, story: Story, number: int) -> bool:
        return (
            not story.alive[number]
            or any(flight[0] == number for flight in story.flights)
            or (pickle.loads(story.members[number])["_calls"] > (number == 0))
        )

    def reserve(self, story: Story, number: int) -> Story | None:
        slots, flights, (requests, *rest) = self.slots[number], story.flights, story.left
        if slots._error is not None or slots.next_grant(self.now, urgent=False) > self.now:
            return self.save(flights, story.checks, story.alive, story.left)
        token = slots.grant(self.now)
        return self.save(
            (*flights, (number, token, UNCHECKED, 1e9)), story.checks, story.alive, (requests - 1, *rest)
        )

    def fates(self, story: Story, number: int, _token: int, state: int, until: float) -> list[str]:
        """Return what may become of a request in flight before time passes."""
        fates = ["waits"]
        if state == UNCHECKED and story.now <= until:
            fates.append("is checked")
        if story.alive[number]:
            fates.append("is answered")
        return fates

    def die(self, story: Story, number: int) -> Story:
        self.slots[number]._closed = True
        self.slots[number]._held.clear()
        self.slots[number]._ended.clear()
        alive = tuple(lives and place != number for place, lives in enumerate(story.alive))
        # bytes that have left the process arrive without it
        flights = tuple(
            (member, token, state, min(until, self.now + WAY) if member == number else until)
            for member, token, state, until in story.flights
        )
        requests, passes, deaths, harms = story.left
        return self.save(flights, story.checks, alive, (requests, passes, deaths - 1, harms))

    def pass_time(self, story: Story, seconds: float, fates: tuple[str, ...]) -> Story:
        checks, flights = story.checks, list[tuple[int, int, int, float]]()
        for (number, token, state, until), fate in zip(story.flights, fates, strict=True):
            if fate != "waits" and state == UNCHECKED:
                checks = (*checks, self.now)
                state = CHECKED
            if fate == "is answered":
                self.slots[number].end(token, self.now, self.now + WINDOW)
            else:
                flights.append((number, token, state, until))
        if most_in_a_window(checks, WINDOW) <= LIMIT:
            end = self.now + seconds
            while self.now < end:
                self.now = min(end, self.now + 0.25)
                self.server.ring()
        requests, passes, deaths, harms = story.left
        # the lost request of a dead member is over when its time is
        kept = tuple(flight for flight in flights if story.alive[flight[0]] or flight[3] >= self.now)
        return self.save(kept, checks, story.alive, (requests, passes - 1, deaths, harms))

    def forget(self, story: Story) -> Story:
        self.server.forget()
        requests, passes, deaths, harms = story.left
        return self.save(story.flights, story.checks, story.alive, (requests, passes, deaths, harms - 1))

    def lose(self, story: Story) -> Story | None:
        """The answers of the server are lost for a moment, in which every member that may calls it."""
        self.server.deaf = True
        for slots, alive in zip(self.slots, story.alive, strict=True):
            if alive and slots._calls:
                with contextlib.suppress(AwayError):
                    slots.next_grant(self.now, urgent=False)
        self.server.deaf = False
        requests, passes, deaths, harms = story.left
        return self.save(story.flights, story.checks, story.alive, (requests, passes, deaths, harms - 1))

    # The search ----------------------------------------------------------------------------------------------

    def explore(self) -> str | None:
        """Return the events that lead to more checks in a window than the limit; None if no order does."""
        waiting = deque([self.begin()])
        while waiting:
            story = waiting.popleft()  # the shortest way to a fault first
            for name, event in self.events(story):
                self.load(story)
                after = event()
                if after is None or (key := self.key(after)) in self.seen:
                    continue
                self.seen.add(key)
                after.way = (*story.way, name)
                if most_in_a_window(after.checks, WINDOW) > LIMIT:
                    return ", ".join(after.way)
                waiting.append(after)
        return None
