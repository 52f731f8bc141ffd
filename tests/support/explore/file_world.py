"""The world of the host's file: members of `HostSlots`, which may be interrupted between any two file calls."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import attrs

from lemlist_async.throttle.stores import host
from lemlist_async.throttle.stores.host import HostSlots, _Reservation
from lemlist_async.throttle.stores.host_file import (
    EPOCH,
    FREE,
    HEADER,
    INSTANT,
    MAGIC,
    NS,
    RECORD,
    RECORDS,
    SIZE,
    VERSION,
    Gone,
    Record,
    SlotFile,
)  # fmt: skip
from lemlist_async.throttle.stores.shared import WAY
from tests.support.explore.search import Left, Step

WINDOW, BEGIN = 1.0, 1000.0
HOLD = WINDOW
"""Seconds after an answer for which its slot is held."""
STEP = 0.5
"""Seconds that pass at once."""
BOOT = b"b" * 16
SHUT_FOR = 2.2
"""Seconds for which a file that replaces another one stays shut, as `HostSlots` would have it."""

Call = tuple[str, int, int]
"""Name of a call that a member is in the middle of, a token if it has one, and the instant of its begin."""


@attrs.frozen
class FileBounds:
    """Events of each kind at most on one way through the world."""

    requests: int = 3
    passes: int = 3
    deaths: int = 1
    deletions: int = 0
    stops: int = 1
    """Passes of time while a member is in the middle of a call."""
    full: bool = False
    """Whether it begins with slots that have just been used, so that members reserve."""


class SuspendedError(BaseException):
    """The member is interrupted here; its call is run again from its begin, with the results that it had."""


class SimulatedFile(SlotFile):
    """The file as one member has it open: the real class, but for the calls of the operating system."""

    def __init__(self, world: FileWorld, number: int, limit: int) -> None:
        super().__init__(Path("simulated"), limit, round(WINDOW * NS), 0, BOOT)
        self.world = world
        self.member = number + 1
        self.which = 0
        """Number of the file that is open: the first one, or one that replaced a deleted one."""

    def open(self, now: int) -> None:
        """Open the file that has the name, or make it, which in truth happens under a lock."""
        self.which = self.world.step(partial(self.world.open_file, now, self.slots))
        self.epoch = bytes([self.which + 1]) * 8

    def close(self) -> None:
        """Let go of the file; a member that dies is taken out by the world."""

    def read(self) -> bytes:
        """Read the whole file in one step."""
        data = self.world.step(lambda: bytes(self.world.files[self.which][: self.size]))
        if data[EPOCH : EPOCH + 8] != self.epoch:
            raise Gone
        return data

    def record(self, slot: int) -> Record:
        """Read one slot in one step."""
        at = RECORDS + slot * RECORD.size
        data = self.world.step(lambda: bytes(self.world.files[self.which][at : at + RECORD.size]))
        return Record(*RECORD.unpack(data))

    def write(self, slot: int, record: Record) -> None:
        """Write one slot in one step."""
        self.world.step(lambda: self._put(RECORDS + slot * RECORD.size, record.pack()))

    def write_instant(self, place: int, instant: int) -> None:
        """Write an instant of the header in one step."""
        self.world.step(lambda: self._put(place, INSTANT.pack(instant)))

    def _put(self, at: int, data: bytes) -> None:
        whole = self.world.files[self.which]
        self.world.files[self.which] = whole[:at] + data + whole[at + len(data) :]

    def lock(self, slot: int) -> bool:
        """Try to lock a slot in one step."""
        owner = self.world.step(lambda: self.world.locks.setdefault((self.which, slot), self.member))
        return bool(owner == self.member)

    def unlock(self, slot: int) -> None:
        """Unlock a slot in one step."""
        self.world.step(lambda: self.world.locks.pop((self.which, slot), None))

    def is_deleted(self) -> bool:
        """Tell whether the file has lost its name, in one step; none where no file is ever deleted."""
        return self.world.bounds.deletions > 0 and bool(
            self.world.step(lambda: self.which != self.world.named)
        )

    def is_alive(self, member: int) -> bool:
        """Tell whether a member lives, in one step; none where no member ever dies."""
        return not self.world.bounds.deaths or bool(self.world.step(lambda: self.world.alive[member - 1]))

    def count_members(self, most: int | None = 64) -> int:
        """Count the other members; it decides nothing here, so it is no step."""
        del most
        return len(self.world.alive) - 1


class FileWorld:
    """States of the file and its members, and the events between them.

    A call of a member cannot be stopped and copied in Python. So a state keeps, for a member in the middle of a call,
    the state of that member before it and the results of the file calls that it made. The next step runs the real code
    from the begin, with these results, up to the next file call but one. What it does is a function of the results, so
    nothing is left out.

    As in the script's world, requests are intervals, states from which nothing can be found are left, and a death is
    tried only where it matters: in the middle of a call, and before time passes. Time is absolute, so passes are
    bounded. The first member sends bulk requests, the last one urgent ones, which swap places.
    """

    def __init__(self, *, limit: int = 2, members: int = 2, bounds: FileBounds | None = None) -> None:
        self.bounds = bounds or FileBounds()
        self.limit = limit
        self.now = BEGIN
        self.files = [b""]
        self.named = 0
        self.locks: dict[tuple[int, int], int] = {}
        self.alive = [True] * members
        self.calls: list[tuple[Call, tuple[Any, ...]] | None] = [None] * members
        """The call that each member is in the middle of, with the results of its file calls so far."""
        self.flights: list[tuple[tuple[int, float], ...]] = [()] * members
        """Token of each request in flight, and the instant until which the server may check it at most."""
        self.ends: tuple[float, ...] = ()
        self._results: list[Any] = []
        self._played = 0
        self._fresh = True
        self.files[0] = self._new_file(0, limit, 0)
        self.slots = [self._join(number) for number in range(members)]

    def _join(self, number: int) -> HostSlots:
        with mock.patch.object(host, "SlotFile", return_value=SimulatedFile(self, number, self.limit)):
            self._results, self._played, self._fresh = [], 0, True
            slots = HostSlots("explored", limit=self.limit, window=WINDOW, margin=0.0, pace=0.0, now=self.now)
        host._living.discard(slots)
        return slots

    # The file ------------------------------------------------------------------------------------------------

    def step(self, apply: Callable[[], Any]) -> Any:
        """Run one file call: with its result of an earlier time, or once for real, and then no further."""
        if self._played < len(self._results):
            self._played += 1
            return self._results[self._played - 1]
        if not self._fresh:
            raise SuspendedError
        self._fresh = False
        self._results.append(apply())
        self._played += 1
        return self._results[-1]

    def open_file(self, now: int, slots: int) -> int:
        """Return the number of the file that has the name, which is made if there is none."""
        if self.named < 0:
            self.files.append(self._new_file(len(self.files), slots, now + round(SHUT_FOR * NS)))
            self.named = len(self.files) - 1
        return self.named

    @staticmethod
    def _new_file(which: int, slots: int, paused_until: int) -> bytes:
        epoch = int.from_bytes(bytes([which + 1]) * 8, "little")
        header = HEADER.pack(MAGIC, VERSION, slots, round(WINDOW * NS), BOOT, epoch, paused_until, 0, 0, 0)
        return header.ljust(SIZE, b"\0")

    # States --------------------------------------------------------------------------------------------------

    def begin(self) -> Step:
        """Return the state in which the file is there, and was never used."""
        bounds = self.bounds
        if bounds.full:
            record = Record(round((self.now + WINDOW) * NS), 0, 0, FREE).pack()
            self.files[0] = (
                self.files[0][:RECORDS]
                + record * self.limit
                + self.files[0][RECORDS + len(record) * self.limit :]
            )
            self.ends = (self.now,) * self.limit
        return self._step((bounds.requests, bounds.passes, bounds.deaths, bounds.deletions, bounds.stops))

    def _step(self, left: Left, *, broken: bool = False) -> Step:
        return Step(self._body(), left, broken)

    def _body(self) -> Any:
        return (
            self.now, tuple(self.files), self.named, tuple(sorted(self.locks.items())), tuple(self.alive),
            tuple(self.calls), tuple(self.flights), self.ends,
            tuple(self._saved(slots) if alive else None for slots, alive in zip(self.slots, self.alive, strict=True)),
        )  # fmt: skip

    @staticmethod
    def _saved(slots: HostSlots) -> tuple[Any, ...]:
        file: Any = slots._file
        return (
            file.which, tuple(sorted(slots._held.items())), slots._ahead and attrs.astuple(slots._ahead),
            tuple(sorted(slots._abandoned.items())), slots._guess, slots._count,
            slots._looked, slots._buried, slots._others,
        )  # fmt: skip

    def _load(self, body: Any) -> None:
        self.now, files, self.named, locks, alive, calls, flights, self.ends, members = body
        self.files, self.locks, self.alive = list(files), dict(locks), list(alive)
        self.calls, self.flights = list(calls), list(flights)
        for number, member in enumerate(members):
            if member is not None:
                self._restore(number, member)

    def _restore(self, number: int, member: tuple[Any, ...]) -> None:
        slots = self.slots[number]
        file: Any = slots._file
        (
            file.which,
            held,
            ahead,
            abandoned,
            slots._guess,
            slots._count,
            slots._looked,
            slots._buried,
            slots._others,
        ) = member
        file.epoch = bytes([file.which + 1]) * 8
        slots._held, slots._abandoned = dict(held), dict(abandoned)
        slots._ahead = ahead and _Reservation(*ahead)

    # Events --------------------------------------------------------------------------------------------------

    def moves(self, body: Any, left: Left) -> Iterator[tuple[str, Callable[[], Step | None]]]:
        """Give every event that may come now."""
        requests, passes, deaths, deletions, stops = left
        now, _, named, _, alive, calls, flights, ends, _ = body
        if requests + sum(map(len, flights)) + len(ends) <= self.limit:
            return
        acting = [number for number, lives in enumerate(alive) if lives]
        for number in acting:
            if calls[number] is not None:
                yield f"{number} goes on", partial(self._go_on, body, left, number)
            else:
                yield from self._beginnings(body, left, number, round(now * NS))
            if deaths and (calls[number] is not None or passes):
                yield f"{number} dies", partial(self._die, body, left, number)
        busy = any(calls[number] is not None for number in acting)
        if passes and (stops or not busy):
            yield f"pass {STEP}", partial(self._pass, body, left, busy)
        if deletions and named >= 0:
            yield "delete", partial(self._delete, body, left)

    def _beginnings(
        self, body: Any, left: Left, number: int, now: int
    ) -> Iterator[tuple[str, Callable[[], Step | None]]]:
        if left[0]:
            yield f"{number} reserves", partial(self._go_on, body, left, number, ("reserve", 0, now))
        for token, _ in body[6][number]:
            yield f"{number} is answered", partial(self._go_on, body, left, number, ("end", token, now))

    def _go_on(self, body: Any, left: Left, number: int, begun: Call | None = None) -> Step:
        """Run a call of a member to its next file call but one, or to its end."""
        self._load(body)
        in_call = self.calls[number]
        if begun is not None:
            # the server has checked an answered request by now, so its end is here, wherever the call stops
            if begun[0] == "end":
                checked = min(self.now, dict(self.flights[number])[begun[1]])
                self.flights[number] = tuple(
                    flight for flight in self.flights[number] if flight[0] != begun[1]
                )
                self.ends = tuple(sorted((*self.ends, checked)))
            in_call = begun, ()
        assert in_call is not None
        (name, token, since), results = in_call
        self._results, self._played, self._fresh = list(results), 0, True
        before = self._saved(self.slots[number])
        try:
            granted = self._call(number, name, token, since / NS)
        except SuspendedError:
            self._restore(number, before)
            self.calls[number] = (name, token, since), tuple(self._results)
            return self._step(left)
        self.calls[number] = None
        if granted is None:
            return self._step(left)
        file: Any = self.slots[number]._file
        until = math.inf if file.which == self.named else self.now + WAY
        self.flights[number] = (*self.flights[number], (granted, until))
        return self._step((left[0] - 1, *left[1:]), broken=self._is_broken())

    def _call(self, number: int, name: str, token: int, since: float) -> int | None:
        slots = self.slots[number]
        if name == "end":
            slots.end(token, since, since + HOLD)
            return None
        urgent = number == len(self.slots) - 1
        with mock.patch.object(host.random, "randrange", return_value=0):
            due = slots.next_grant(since, urgent=urgent) <= since
        return slots.grant(since) if due else None

    def _is_broken(self) -> bool:
        since = self.now - WINDOW
        flying = sum(until > since for flights in self.flights for _, until in flights)
        return flying + sum(end > since for end in self.ends) > self.limit

    def _die(self, body: Any, left: Left, number: int) -> Step:
        self._load(body)
        self.ends = tuple(sorted((*self.ends, *[self.now + WAY] * len(self.flights[number]))))
        self.alive[number], self.calls[number], self.flights[number] = False, None, ()
        self.locks = {place: member for place, member in self.locks.items() if member != number + 1}
        return self._step((left[0], left[1], left[2] - 1, *left[3:]))

    def _pass(self, body: Any, left: Left, busy: bool) -> Step:
        self._load(body)
        self.now += STEP
        self.ends = tuple(end for end in self.ends if end > self.now - WINDOW)
        return self._step((left[0], left[1] - 1, *left[2:4], left[4] - busy))

    def _delete(self, body: Any, left: Left) -> Step:
        self._load(body)
        self.named = -1
        # A member that waits for its answer does not look at the file. Its request is on its way as long as that of a
        # dead member at most.
        self.flights = [
            tuple((token, min(until, self.now + WAY)) for token, until in flights) for flights in self.flights
        ]
        return self._step((*left[:3], left[3] - 1, left[4]))
