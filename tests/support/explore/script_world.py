"""The world of the server's ledger: members of `RedisSlots`, the Lua script, and a server that may forget."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from lemlist_async.throttle.stores.redis_slots import VALID_FOR, RedisSlots, Reply, _End, _Grant
from lemlist_async.throttle.stores.shared import WAY, AwayError
from tests.support.explore.search import Left, Step
from tests.support.limits_seen import most_in_a_window
from tests.support.script_server import ScriptServer

LIMIT, WINDOW, NOW = 2, 1.0, 1000.0
OFFSET = 3600
"""Seconds by which the server's clock is ahead."""
KEY = "lemlist:{key}:slots"
MICROS = 1_000_000
STEP, TICK = 0.5, 0.25
"""Seconds that pass at once, and within which a timer may be late."""
LONG_AGO = 3 * MICROS
"""Microseconds after which a member is dead: more than its lease."""
STALE = MICROS
"""Microseconds after which it makes no difference to a member when it was answered last: more than `VALID_FOR`."""
SPANS = {"paused": 0, "asked": MICROS // LIMIT}
"""Microseconds for which an instant of the ledger matters."""
GRACE = MICROS // 5
"""Microseconds after which a reservation that was not confirmed is taken away, and more."""
REPORT, PROBE = 0, 1
NONE = -1

Member = tuple[Any, ...]


@attrs.frozen
class Bounds:
    """Events of each kind at most on one way through the world; None for any number."""

    requests: int = 4
    deaths: int = 1
    harms: int = 1
    passes: int | None = None
    kinds: tuple[str, ...] = ("deaf", "away", "forget")
    """Harms: answers that are lost, calls that are lost, and a server that forgets."""


@attrs.define(eq=False)
class Wire:
    """The way of one member to the server, which notes its timers."""

    server: ScriptServer
    timers: list[tuple[int, int]] = attrs.field(factory=list[tuple[int, int]])
    """Instant in microseconds and kind."""
    slots: Any = None

    def call(self, key: str, arguments: list[str], done: Callable[[Reply | Exception], None]) -> None:
        """Run the script now."""
        self.server.call(key, arguments, done)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Keep a timer; a probe rings as late as it may."""
        del call
        probes = self.slots._error is not None
        at = self.server.clock() + (STEP if probes else seconds)
        # late until the next tick, which is when it rings
        tick = round(TICK * MICROS)
        self.timers.append((-(-round(at * MICROS) // tick) * tick, PROBE if probes else REPORT))


class ScriptWorld:
    """States of the server and its members, and the events between them.

    A state is put back at the same instant `NOW`, with every other instant relative to that, and with numbers that
    begin at 1. The reductions, each of which leaves the answer as it is:

    *Checks as intervals.* No event depends on when lemlist checked a request: it refuses none here. So a request may
    have been checked at any instant from its grant to its end, and some choice puts more than N checks in a window if
    and only if at some grant N other requests are open, or ended less than a window ago. (Of N + 1 such intervals that
    a window touches, take the one granted last: the window that ends at that grant touches all of them, too.) So a
    state keeps the ends of the last window, and no checks.

    *Relative time.* Code and script compare instants with the present, and with each other within known spans. An
    instant that is further in the past than any such span is set to that span. So a state without requests is the same
    whenever it is reached, and any number of passes of time is explored, not a bounded one.

    *Numbers.* Numbers of calls and tokens are only compared with those of the same member. Order-preserving new ones
    mean the same.

    *Symmetry.* The script and the world treat all members alike, and all slots: a state is written with its members
    sorted, each with the slots that it holds. Of members that are in the same state one acts.

    *Late deaths.* A death changes nothing but its own member, which then does nothing. So it commutes with every event
    of that instant but an outage, in which the member might have called. It is tried before an outage and before time
    passes.

    *Hopeless states.* Only a grant makes more requests count. Where those that count and those that may come are not
    more than N, there is nothing to find.

    `reduced=False` does without all of these, and needs a bound on passes; a test compares the two.
    """

    def __init__(
        self,
        source: str | None = None,
        *,
        members: int = 3,
        bounds: Bounds | None = None,
        reduced: bool = True,
    ) -> None:
        self.now = NOW
        self.reduced = reduced
        self.bounds = bounds or Bounds()
        self.server = ScriptServer(lambda: self.now, **({"source": source} if source else {}))
        self.slots = [self._join(chr(ord("a") + number)) for number in range(members)]
        self.alive = [True] * members
        self.flights: list[list[tuple[int, int]]] = [[] for _ in range(members)]
        """Token of each open request, and the instant of its check in microseconds (only without reductions)."""
        self.ends: list[int] = []
        """Ends, or checks, that count still, in microseconds; without reductions those to come, too."""

    def _join(self, name: str) -> RedisSlots:
        wire = Wire(self.server)
        slots = RedisSlots(
            wire, "key", limit=LIMIT, window=WINDOW, margin=0.0, pace=0.0,
            clock=lambda: self.now, wake=lambda update: update(self.now),
        )  # fmt: skip
        wire.slots = slots
        slots._member = name
        return slots

    # States --------------------------------------------------------------------------------------------------

    def begin(self) -> Step:
        """Return the state after the server was first used, and the pause that follows is over."""
        self.slots[0].next_grant(self.now, urgent=False)
        self.now += WINDOW + WAY + VALID_FOR + TICK
        self._timers(0).clear()
        self.slots[0].withdraw()
        self._timers(0).clear()
        bounds = self.bounds
        return self._step(
            (bounds.requests, bounds.deaths, bounds.harms, -1 if bounds.passes is None else bounds.passes)
        )

    def _timers(self, number: int) -> list[tuple[int, int]]:
        wire: Any = self.slots[number]._server
        return wire.timers

    def _step(self, left: Left, *, broken: bool = False) -> Step:
        return Step(self._body(), left, broken)

    def _past(self, instant: int, furthest: int) -> int:
        """Return an instant no further in the past than `furthest`, beyond which nothing asks."""
        return max(instant, -furthest) if self.reduced else instant

    def _body(self) -> Any:
        table = self.server.save(KEY)
        fields: dict[str, str] = {} if table is None else dict(table.items())
        now, there = round(self.now * MICROS), round((self.now + OFFSET) * MICROS)
        owned: dict[str, list[tuple[str, int, int, int]]] = {slots._member: [] for slots in self.slots}
        free_slots = list[int]()
        for number in range(1, LIMIT + 1):
            # the end before the last one matters only to the sliding rule, which does not hold here
            state, at, free, token, owner, _ = (fields.get(f"s{number}") or "F 0 0 0 - 0").split(" ")
            since = self._past(int(free) - there, 0)
            if state == "F":
                free_slots.append(since)
            else:
                begins = 0 if state == "X" else self._past(int(at) - there, GRACE)
                owned[owner].append((state, begins, since, int(token)))
        members = [
            self._member(number, fields.get(f"m:{slots._member}"), owned[slots._member], now, there)
            for number, slots in enumerate(self.slots)
        ]
        if self.reduced:
            members.sort()
        ledger = None
        if table is not None:
            instants = (self._past(int(fields.get(name, 0)) - there, span) for name, span in SPANS.items())
            ledger = (*instants, tuple(sorted(free_slots)))
        # what is older than a window counts no more
        ends = tuple(sorted(end - now for end in self.ends if end > now - WINDOW * MICROS))
        return ledger, tuple(members), ends, round(NOW * MICROS) if self.reduced else now

    def _member(
        self, number: int, line: str | None, owned: list[tuple[str, int, int, int]], now: int, there: int
    ) -> Member:
        seen, last = (LONG_AGO, 0) if line is None else map(int, line.split(" "))
        heard_there = NONE if line is None else self._past(seen - there, LONG_AGO) + LONG_AGO
        slots, flights = self.slots[number], self.flights[number]
        if not self.alive[number]:
            records = tuple(sorted((state, at, free, 0) for state, at, free, _ in owned))
            return 0, heard_there, records, tuple(sorted(until - now for _, until in flights))
        calls = {0, last, slots._calls, *(end.first_call for end in slots._ended)}
        call = {value: rank for rank, value in enumerate(sorted(calls))}
        tokens = {
            *slots._held, *(end.token for end in slots._ended), *(token for *_, token in owned),
            *(token for token, _ in flights),
        }  # fmt: skip
        rank = {value: place for place, value in enumerate(sorted(tokens), 1)}

        def since(instant: float, furthest: int = 0) -> int:
            return self._past(round(instant * MICROS) - now, furthest)

        return (
            1,
            heard_there,
            tuple(sorted((state, at, free, rank[token]) for state, at, free, token in owned)),
            call[last],
            call[slots._calls],
            slots._place,
            slots._news,
            slots._beats,
            slots._again,
            slots._asked_urgent,
            slots._error is not None,
            since(slots._ask_at),
            since(slots._heard, STALE),
            since(slots._pause_until),
            tuple(sorted(rank[token] for token in slots._held)),
            tuple((rank[grant.token], since(grant.at)) for grant in slots._ready),
            tuple((rank[end.token], since(end.free_at), call[end.first_call]) for end in slots._ended),
            tuple(sorted((rank[token], checked) for token, checked in flights)),
            tuple(sorted((max(0, at - now), kind) for at, kind in self._timers(number))),
        )

    def _load(self, body: Any) -> None:
        ledger, members, ends, now = body
        self.now, there = now / MICROS, now + OFFSET * MICROS
        fields: dict[str, str] = {}
        records = list[str]()
        for number, member in enumerate(members):
            name = self.slots[number]._member
            self.alive[number] = bool(member[0])
            if member[1] != NONE:
                last = member[3] if member[0] else 1
                fields[f"m:{name}"] = f"{there + member[1] - LONG_AGO} {last}"
            records += [
                f"{state} {there + at} {there + free} {token} {name} 0"
                for state, at, free, token in member[2]
            ]
            if member[0]:
                self._put(number, member, now)
            else:
                self._timers(number).clear()
                self.slots[number]._calls = 1
                self.flights[number] = [(0, now + until) for until in member[3]]
        if ledger is None:
            self.server.put(KEY, None)
        else:
            *instants, frees = ledger
            records += [f"F 0 {there + free} 0 - 0" for free in frees]
            fields |= {f"s{place}": record for place, record in enumerate(records, 1)}
            fields |= {"shape": self.slots[0]._shape, "run": "a1", "latest": str(there)}
            for field, instant in zip(SPANS, instants, strict=True):
                fields[field] = str(there + instant)
            self.server.put(KEY, tuple(fields.items()))
        self.ends = [now + end for end in ends]

    def _put(self, number: int, member: Member, now: int) -> None:
        slots = self.slots[number]
        (_, _, _, _, slots._calls, slots._place, slots._news, slots._beats, slots._again, slots._asked_urgent,
         error, ask_at, heard, pause, held, ready, ended, flights, timers) = member  # fmt: skip
        slots._error = AwayError("lost") if error else None
        slots._ask_at, slots._heard, slots._pause_until = (
            (now + at) / MICROS for at in (ask_at, heard, pause)
        )
        slots._held = set(held)
        slots._ready.clear()
        slots._ready.extend(_Grant(token, (now + at) / MICROS) for token, at in ready)
        slots._ended = [_End(token, (now + free) / MICROS, call) for token, free, call in ended]
        tokens = [
            *held,
            *(token for token, *_ in ended),
            *(token for *_, token in member[2]),
            *(t for t, _ in flights),
        ]
        slots._tokens = max(tokens, default=0)
        slots._round_trip = 0.0  # it would come nearer to this for ever
        slots._under_way = None
        self.flights[number] = list(flights)
        self._timers(number)[:] = [(now + at, kind) for at, kind in timers]

    # Events --------------------------------------------------------------------------------------------------

    def moves(self, body: Any, left: Left) -> Iterator[tuple[str, Callable[[], Step | None]]]:
        """Give every event that may come now."""
        requests, deaths, harms, passes = left
        _, members, ends, _ = body
        if (
            self.reduced
            and requests + len(ends) + sum(len(member[17]) for member in members if member[0]) <= LIMIT
        ):
            return
        acting = [number for number, member in enumerate(members) if member[0]]
        for number in acting:
            # of members that are alike, one acts
            if requests and not members[number][10] and not self._has_twin(members, number):
                yield f"reserve {number}", lambda number=number: self._reserve(body, left, number)
        dying = [
            number
            for number in acting
            if deaths and members[number][4] and not self._has_twin(members, number)
        ]
        if not self.reduced:
            for number in dying:
                yield f"die {number}", lambda number=number: self._die(body, left, number)
        for dead in (None, *dying) if self.reduced else (None,):
            if passes:
                for fates in itertools.product(*self._open(body, dead)):
                    yield (
                        f"{_say(dead)}{', '.join(fates)}; pass {STEP}",
                        lambda dead=dead, fates=fates: self._pass(body, left, dead, fates),
                    )
            if harms:
                for harm in (kind for kind in self.bounds.kinds if kind != "forget"):
                    yield (
                        f"{_say(dead)}{harm}",
                        lambda dead=dead, harm=harm: self._outage(body, left, dead, harm),
                    )
        if harms and "forget" in self.bounds.kinds:
            yield "forget", lambda: self._forget(body, left)

    def _has_twin(self, members: tuple[Member, ...], number: int) -> bool:
        return self.reduced and members[number] in members[:number]

    def _open(self, body: Any, dead: int | None) -> list[list[str]]:
        """Return what may become of each request that may be checked or answered, in the order of the members."""
        return [
            self._fates(is_alive=member[0], is_checked=checked)
            for number, member in enumerate(body[1])
            if number != dead
            for _, checked in (member[17] if member[0] else ((0, 0) for _ in member[3]))
        ]

    def _fates(self, *, is_alive: int, is_checked: int) -> list[str]:
        fates = ["waits"]
        if not self.reduced and not is_checked:
            fates.append("is checked")
        if is_alive:
            fates.append("is answered")
        return fates

    def _reserve(self, body: Any, left: Left, number: int) -> Step:
        self._load(body)
        slots = self.slots[number]
        if slots.next_grant(self.now, urgent=False) > self.now:
            return self._step(left)
        self.flights[number].append((slots.grant(self.now), 0))
        return self._step((left[0] - 1, *left[1:]), broken=self._is_broken())

    def _is_broken(self) -> bool:
        if not self.reduced:
            return most_in_a_window([end / MICROS for end in self.ends], WINDOW) > LIMIT
        since = round((self.now - WINDOW) * MICROS)
        return sum(map(len, self.flights)) + sum(end > since for end in self.ends) > LIMIT

    def _die(self, body: Any, left: Left, number: int) -> Step:
        self._load(body)
        self._end(number)
        return self._step((left[0], left[1] - 1, *left[2:]))

    def _end(self, number: int) -> None:
        # bytes that have left the process arrive without it
        arrives = round((self.now + WAY) * MICROS)
        if self.reduced:
            self.ends += [arrives] * len(self.flights[number])
            self.flights[number] = []
        else:
            self.flights[number] = [(0, arrives) for _, checked in self.flights[number] if not checked]
        self.alive[number] = False
        self._timers(number).clear()

    def _pass(self, body: Any, left: Left, dead: int | None, fates: tuple[str, ...]) -> Step:
        self._load(body)
        if dead is not None:
            self._end(dead)
        coming, now = iter(fates), round(self.now * MICROS)
        for number, flights in enumerate(self.flights):
            self.flights[number] = [
                (token, state)
                for token, checked in flights
                if (state := self._become(number, token, checked, next(coming), now)) is not None
            ]
        broken = self._is_broken() if not self.reduced else False
        end = self.now + STEP
        while self.now < end and not broken:
            self.now += TICK
            self._ring()
        now = round(self.now * MICROS)
        for number, flights in enumerate(self.flights):
            if not self.alive[number]:  # the lost request of a dead member is over when its time is
                self.flights[number] = [flight for flight in flights if flight[1] >= now]
        deaths, passes = left[1] - (dead is not None), left[3] - (left[3] > 0)
        return self._step((left[0], deaths, left[2], passes), broken=broken)

    def _become(self, number: int, token: int, state: int, fate: str, now: int) -> int | None:
        """Let a request be checked or answered; return its state, None once it is over."""
        if fate == "waits":
            return state
        if not self.reduced and (state == 0 or not self.alive[number]):
            self.ends.append(now)
        if fate == "is answered":
            self.slots[number].end(token, self.now, self.now + WINDOW)
            if self.reduced:
                self.ends.append(now)
        return 1 if fate == "is checked" and self.alive[number] else None

    def _ring(self) -> None:
        now = round(self.now * MICROS)
        while due := min(
            (
                (at, number, kind)
                for number in range(len(self.slots))
                for at, kind in self._timers(number)
                if at <= now
            ),
            default=None,
        ):
            at, number, kind = due
            self._timers(number).remove((at, kind))
            slots = self.slots[number]
            (slots._probe if kind == PROBE else slots._report)(self.now)

    def _outage(self, body: Any, left: Left, dead: int | None, harm: str) -> Step:
        """Lose the calls, or the answers, of every member that may call at this moment."""
        self._load(body)
        if dead is not None:
            self._end(dead)
        setattr(self.server, harm, True)
        for number, slots in enumerate(self.slots):
            if self.alive[number] and slots._calls:
                with contextlib.suppress(AwayError):
                    slots.next_grant(self.now, urgent=False)
        setattr(self.server, harm, False)
        return self._step((left[0], left[1] - (dead is not None), left[2] - 1, left[3]))

    def _forget(self, body: Any, left: Left) -> Step:
        self._load(body)
        self.server.forget()
        return self._step((left[0], left[1], left[2] - 1, left[3]))


def _say(dead: int | None) -> str:
    return "" if dead is None else f"die {dead}; "
