"""Slots shared by the processes of one user on one host, in a small file, without any server."""

from __future__ import annotations

import contextlib
import math
import os
import random
import weakref

import attrs

from lemlist_async.throttle.ledger import latest_fall
from lemlist_async.throttle.stores.host_file import (
    FIELDS,
    FLYING,
    FREE,
    HEADER,
    LAST_INTERACTIVE,
    NEXT_PACED,
    NS,
    PAUSED_UNTIL,
    RECORD,
    RECORDS,
    RESERVED,
    SLIDING_UNTIL,
    TRIP,
    TRIPS,
    URGENT,
    Gone,
    Header,
    Record,
    SlotFile,
    boot_id,
    place_of,
)
from lemlist_async.throttle.stores.shared import MOMENT, WAY, Busy, Scope

LOOK = 0.2
"""Seconds after which the file is looked at for deletion and damage, also where all seems well."""
LEASE = 300.0
"""Seconds for which a slot in flight is held at most, if its holder lives and never says that it ended."""
POLL = 0.05
"""Seconds between two looks while requests in flight hold every slot: an answer frees nothing before a window."""
HORIZON = 0.5
"""Seconds ahead for which a slot is reserved for a bulk request; nearer slots are left to others."""
SWAP = 0.005
"""Seconds before its time from which on a reservation is not swapped any more: its holder may be about to begin."""
PACED_FOR = 60.0
"""Seconds after an interactive request of any member for which bulk requests of all are spread."""
TRIPS_RELIED_UPON, TRIPS_SPAN = 20, 2.0
"""Round trips that must have been seen, and the seconds that their answers must span, before they earn credit."""
_NEVER = 1 << 62
_living: weakref.WeakSet[HostSlots] = weakref.WeakSet()


@attrs.define
class _Reservation:
    slot: int
    token: int
    at: int
    """Nanoseconds."""
    free_at: int
    """Nanoseconds: the slot was free from there on, and is again if no request takes it."""
    begun: bool
    """Whether the record says already that its request is in flight."""


class HostSlots:
    """One member of the file's slots; see `SharedSlots` for the contract. Public instants are seconds.

    The proof is per slot: a record is taken under its lock, and gets the time of the answer plus a window before
    another request may take it. No lock covers the whole file, so a process that is stopped in the middle of anything
    costs the others one slot. A process that dies frees its locks at once; its slots are free one window after another
    member has noticed. What may be lost by a race (the pacer's instant, a round trip) is never what the proof needs.
    """

    scope: Scope = "host"
    trouble: str | None = None

    def __init__(
        self, name: str, *, limit: int, window: float, margin: float, pace: float, now: float
    ) -> None:
        boot = boot_id()
        self._margin = round(margin * NS)
        self._window = round(window * NS)
        self._hold = self._window + self._margin
        self._pace = round(pace * NS)
        self._look = round(min(LOOK, window / 10) * NS)
        # A member that has a request in flight may not look at the file until it is answered. So what was sent before
        # a deletion is given the time that the request of a dead member has to arrive, and the window after that.
        shut_for = self._hold + self._ns(WAY) + 2 * self._look
        self._file = SlotFile(place_of(name, boot), limit, self._window, shut_for, boot)
        self._held: dict[int, int] = {}
        """Slot of each token that is in flight; -1 if it has none in this file."""
        self._ahead: _Reservation | None = None
        self._abandoned: dict[int, tuple[int, int]] = {}
        """Reservations that were given back and are not free yet: for when they were, and free from when, by token."""
        self._guess = 0
        self._count = 0
        self._looked = 0
        self._buried = 0
        self._said_interactive = 0
        self._smallest_trip: float | None = None
        self._others = False
        """Whether another member is alive, as of the latest look."""
        self._file.open(self._ns(now))
        _living.add(self)

    # The contract --------------------------------------------------------------------------------------------

    def next_grant(self, now: float, *, urgent: bool, waiting: int = 1) -> float:
        """Reserve a slot, or look after the one that is reserved; see `SharedSlots`."""
        instant = self._ns(now)
        for _ in range(3):
            try:
                at = (
                    self._attend(self._ahead, instant, urgent) if self._ahead else self._take(instant, urgent)
                )
                if urgent and self._ahead and not self._ahead.begun:
                    at = self._attend(self._ahead, instant, urgent)
                return at / NS
            except Busy:
                return now + MOMENT
            except Gone:
                try:
                    self._reopen(instant)
                except Busy:
                    return now + MOMENT
        return now + POLL

    def grant(self, now: float) -> int:
        """Use the slot that is reserved for now; see `SharedSlots`."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            raise RuntimeError("no slot was reserved")
        self._held[ahead.token] = ahead.slot
        return ahead.token

    def withdraw(self) -> None:
        """Give back the reservation; see `SharedSlots`."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            return
        if ahead.begun:
            with contextlib.suppress(Gone):  # the next call opens the new file, which knows nothing of it
                self._release(ahead.token, ahead.slot, ahead.free_at, 0)
        else:
            self._abandoned[ahead.token] = ahead.at, ahead.free_at
            self._free_abandoned()

    def end(self, token: int, now: float, free_at: float, round_trip: float | None = None) -> None:
        """Free a slot; see `SharedSlots`."""
        slot = self._held.pop(token, -1)
        if slot < 0 or self._file.pid != os.getpid():
            return  # lost with its file, or the parent's
        if round_trip is not None:
            self._note_trip(self._ns(now), self._ns(round_trip))
        instant, free = self._ns(now), self._ns(free_at)
        try:
            self._release(token, slot, free, instant)
        except Gone:
            self._release_anew(token, slot, free, instant)

    def credit(self) -> float | None:
        """Return the smallest round trip of all members; see `SharedSlots`."""
        return self._smallest_trip

    def pause(self, until: float) -> None:
        """Pause all members; see `SharedSlots`."""
        instant = self._ns(until)
        data = os.pread(self._file.fd, HEADER.size, 0)
        if len(data) == HEADER.size and Header.read(data).paused_until < instant:
            self._file.write_instant(PAUSED_UNTIL, instant)

    def slide(self, until: float) -> None:
        """Note that the server is a sliding counter; see `SharedSlots`."""
        self._file.write_instant(SLIDING_UNTIL, self._ns(until))

    def saw_interactive(self, now: float) -> None:
        """Note it in the file, at most once a second; see `SharedSlots`."""
        instant = self._ns(now)
        if instant - self._said_interactive >= NS:
            self._said_interactive = instant
            self._file.write_instant(LAST_INTERACTIVE, instant)

    def free_instants(self, now: float) -> list[float] | None:
        """Return when each slot is free, as the file has it; see `SharedSlots`."""
        data = os.pread(self._file.fd, self._file.size, 0)
        if len(data) < self._file.size:
            return None
        records = (Record(*values) for values in RECORD.iter_unpack(data[RECORDS:]))
        return [self._expected_free(record) for record in records]

    def _expected_free(self, record: Record) -> float:
        if record.state == FLYING:
            return math.inf
        return (record.at + self._hold if record.is_reserved else record.free_at) / NS

    def close(self) -> None:
        """Leave the file; see `SharedSlots`."""
        self._file.close()
        _living.discard(self)

    @property
    def members(self) -> int:
        """Members that are alive, this one included."""
        return 1 + self._file.count_members()

    # Taking a slot -------------------------------------------------------------------------------------------

    def _take(self, now: int, urgent: bool) -> int:
        """Take the slot that is free first: at once, or as a reservation. Never wait for a lock."""
        file, slot, locked, decides, busy = self._file, self._guess, False, False, set[int]()
        # With no slot locked: locks do not nest. One that is taken twice is free once it is given back once, and the
        # care for other members' slots takes locks of its own.
        if now > self._looked:
            self._look_after(file.read(), now)
        try:
            # bounded, since other members may take the first free slot between any two looks
            for _ in range(2 * file.slots):
                # first the lock, then the read: a record that is read before could change until the lock is held
                locked = file.lock(slot)
                data = file.read()
                header = Header.read(data)
                if (paused_until := header.paused_until) > now:
                    return paused_until
                is_sliding = header.sliding_until > now
                if is_sliding and not decides:
                    if not file.lock_decision():
                        return now + self._ns(MOMENT)
                    decides = True
                    continue
                values: tuple[int, ...] = file.all.unpack_from(data, RECORDS)
                if not locked:
                    busy.add(slot)  # in the hands of another process for microseconds, or of a stopped one
                free = list(values[::FIELDS])
                for other in busy:
                    free[other] = _NEVER
                first = min(free)
                if first == _NEVER:
                    return now + self._ns(MOMENT)
                if not locked or free[slot] != first:
                    if locked:
                        file.unlock(slot)
                        locked = False
                    slot = free.index(first)
                    continue
                record = Record(*values[FIELDS * slot : FIELDS * (slot + 1)])
                if first < 0 or not record.is_sound:
                    # no member writes such a record, so its times cannot be trusted
                    file.damage()
                    raise Gone
                if record.state != FREE and first > now:
                    break  # requests in flight hold all of them
                # a reservation that is withdrawn leaves its token taken: such debts end with the window
                at, next_paced = max(first, now), min(header.next_paced, now + self._window)
                if is_sliding:
                    at = max(at, self._sliding_opens(values, now))
                used_lately = self._pace > 0 and first > now - self._window
                if used_lately and not urgent and now - header.last_interactive < PACED_FOR * NS:
                    at = max(at, next_paced)
                if not urgent and at > now + self._ns(HORIZON):
                    # random, so that the members do not all come back at once
                    return at - self._ns(HORIZON) + random.randrange(20_000_000)  # noqa: S311
                if used_lately:
                    file.write_instant(NEXT_PACED, max(at, next_paced) + self._pace)
                return self._reserve(slot, record, at, now, urgent)
        finally:
            if locked:
                file.unlock(slot)
            if decides:
                file.unlock_decision()
        self._bury(now)
        return now + self._ns(POLL)

    def _sliding_opens(self, values: tuple[int, ...], now: int) -> int:
        """Return when a sliding counter has room for one more, if all that is reserved is in flight already."""
        since, window = now - 2 * self._window, float(self._window)
        in_flight = sum(state != FREE for state in values[3::FIELDS])
        stamps = sorted(end for end in (*values[4::FIELDS], *values[5::FIELDS]) if end > since)
        opens = latest_fall(window, self._file.slots, in_flight, stamps)
        return now if opens == -math.inf else math.ceil(opens) + self._margin

    def _reserve(self, slot: int, record: Record, at: int, now: int, urgent: bool) -> int:
        """Write the record of a slot whose lock is held."""
        self._count += 1
        token = self._file.member << 32 | self._count & 0xFFFFFFFF
        begun = at <= now
        # a lease and not for ever: the slot of a holder that hangs is free again
        state = FLYING if begun else URGENT if urgent else RESERVED
        self._file.write(slot, record.held(at + self._ns(LEASE), at, token, state))
        self._guess = (slot + 1) % self._file.slots
        self._ahead = _Reservation(slot, token, at, record.free_at, begun)
        return at

    def _attend(self, ahead: _Reservation, now: int, urgent: bool) -> int:
        """Look after the reservation: begin it when it is due, find it where it was swapped to, or lose it."""
        if ahead.begun:
            return ahead.at
        if ahead.at > now:
            if urgent and ahead.at > now + 2 * self._ns(SWAP):
                self._swap(ahead, now)
            return ahead.at
        file = self._file
        # locks of a deleted file exclude no other process: all others use a new file by now
        if file.is_deleted():
            raise Gone
        if not file.lock(ahead.slot):  # perhaps an urgent request of another member swaps it at this moment
            raise Busy
        try:
            record = file.record(ahead.slot)
            if record.owner == ahead.token:
                # read under the lock: another member may have swapped the times until now
                ahead.at, ahead.begun = record.at, record.at <= now
                if ahead.begun:
                    file.write(ahead.slot, record.held(now + self._ns(LEASE), now, ahead.token, FLYING))
                return ahead.at
        finally:
            file.unlock(ahead.slot)
        return self._find(ahead, now)

    def _find(self, ahead: _Reservation, now: int) -> int:
        """Find the reservation that an urgent request of another member has swapped away."""
        owners = self._owners(self._file.read())
        if ahead.token in owners:
            ahead.slot = owners.index(ahead.token)
            ahead.at = ahead.free_at = max(self._file.record(ahead.slot).at, now + self._ns(MOMENT))
            return ahead.at
        self._ahead = None  # lost with a file that was set up anew, or to a lease that ended
        return now + self._ns(MOMENT)

    def _swap(self, ahead: _Reservation, now: int) -> None:
        """Change places with the earliest reservation of another member that is for a bulk request."""
        file = self._file
        values = file.all.unpack_from(file.read(), RECORDS)
        soon, mine = now + self._ns(SWAP), ahead.at - self._ns(SWAP)
        candidates = sorted(
            (values[FIELDS * slot + 1], slot)
            for slot in range(file.slots)
            if values[FIELDS * slot + 3] == RESERVED
            and soon < values[FIELDS * slot + 1] < mine
            and values[FIELDS * slot + 2] >> 32 != file.member
        )
        for at, slot in candidates:
            if file.lock(slot):
                try:
                    if self._swap_with(ahead, slot, at):
                        return
                finally:
                    file.unlock(slot)

    def _swap_with(self, ahead: _Reservation, slot: int, at: int) -> bool:
        file = self._file
        # `lock` never waits, so two members that swap with each other cannot deadlock: one of them gives up
        theirs = file.record(slot)
        if theirs.state != RESERVED or theirs.at != at or not file.lock(ahead.slot):
            return False
        try:
            mine = file.record(ahead.slot)
            if mine.owner != ahead.token:
                return False
            # a death between the two writes loses the other's reservation, which then takes another slot
            file.write(slot, theirs.held(theirs.free_at, at, ahead.token, URGENT))
            file.write(ahead.slot, mine.held(mine.free_at, mine.at, theirs.owner, RESERVED))
        finally:
            file.unlock(ahead.slot)
        ahead.slot, ahead.at, ahead.free_at = slot, at, at
        return True

    def _free_abandoned(self) -> None:
        """Free reservations under their locks: another member may be swapping one at this moment."""
        file = self._file
        try:
            owners = self._owners(file.read())
            for token, (at, free_at) in tuple(self._abandoned.items()):
                if token not in owners:
                    del self._abandoned[token]
                elif file.lock(slot := owners.index(token)):
                    try:
                        record = file.record(slot)
                        if record.owner == token:
                            # where it was swapped, only the time of the other reservation is known
                            file.write(slot, record.released(free_at if record.at == at else record.at))
                            del self._abandoned[token]
                    finally:
                        file.unlock(slot)
        except Gone:
            # the reservations are lost with their file
            self._abandoned.clear()

    # Ending --------------------------------------------------------------------------------------------------

    def _release(self, token: int, slot: int, free_at: int, now: int) -> None:
        """Free a slot. Within the lease it is this member's alone, so no lock is needed."""
        if now > self._looked:
            self._look_after(self._file.read(), now)
        # if the lease has ended, another member may hold the slot
        record = self._file.record(slot)
        if record.owner == token:
            self._file.write(slot, self._freed(record, free_at))

    def _freed(self, record: Record, free_at: int) -> Record:
        """Return the record of a slot whose request ended, or was never sent."""
        # a request that was never sent leaves its slot free from an instant that is not a window away from its grant
        was_sent = free_at >= record.at + self._window // 2
        return record.ended(free_at, self._hold) if was_sent else record.released(max(0, free_at))

    def _release_anew(self, token: int, slot: int, free_at: int, now: int) -> None:
        """Let a request that ended take a slot of the new file for its window, as those in flight do."""
        self._held[token] = slot
        try:
            self._reopen(now)
        except Busy:
            # another member sets the file up at this moment, and it stays shut for longer than this request counts
            del self._held[token]
            return
        slot = self._held.pop(token)
        if slot >= 0:
            self._file.write(slot, self._freed(self._file.record(slot), free_at))

    def _note_trip(self, now: int, trip: int) -> None:
        """Add a round trip to those of this minute, and read the smallest of this one and the last."""
        # without a lock: of two members that write at once one round trip is lost, which is only a sample
        data = os.pread(self._file.fd, 2 * TRIP.size, TRIPS)
        if len(data) < 2 * TRIP.size:
            return
        minute = now // (60 * NS)
        minutes = {row[0]: row for row in TRIP.iter_unpack(data)}
        this = minutes.get(minute, (minute, 0, trip, now, now))
        if this[1] and not _is_plausible(this, now):
            this = (minute, 0, trip, now, now)
        this = (minute, this[1] + 1, min(this[2], trip), this[3], now)
        os.pwrite(self._file.fd, TRIP.pack(*this), TRIPS + minute % 2 * TRIP.size)
        rows = [row for row in (this, minutes.get(minute - 1)) if row and _is_plausible(row, now)]
        if not rows:
            return
        # few round trips, or many at one instant, may all be late: they would earn too much credit
        count, first = sum(row[1] for row in rows), min(row[3] for row in rows)
        relied_upon = count >= TRIPS_RELIED_UPON and now - first >= TRIPS_SPAN * NS
        self._smallest_trip = min(row[2] for row in rows) / NS if relied_upon else None

    # Care ----------------------------------------------------------------------------------------------------

    def _look_after(self, data: bytes, now: int) -> None:
        if now <= self._looked:
            return
        self._looked = now + self._look
        if self._abandoned:
            self._free_abandoned()
        if self._file.is_deleted() or not self._file.is_sound(data, now):
            raise Gone
        self._others = self._file.count_members(1) > 0
        if self._others and now > self._buried + 4 * self._look:
            self._bury(now)

    def _owners(self, data: bytes) -> tuple[int, ...]:
        return self._file.all.unpack_from(data, RECORDS)[2::FIELDS]

    def _bury(self, now: int) -> None:
        """Free the slots of dead members one window after this discovery; their reservations at their own time."""
        if now < self._buried + self._look:
            return
        self._buried = now  # looking at each owner costs a system call, so not at every turn
        file = self._file
        owners = self._owners(file.read())
        dead = {
            member
            for member in {owner >> 32 for owner in owners if owner} - {file.member}
            if not file.is_alive(member)
        }
        for slot, owner in enumerate(owners):
            if owner and owner >> 32 in dead and file.lock(slot):
                try:
                    record = file.record(slot)
                    if record.owner == owner:
                        # a request in flight may be on its way to the server still, so its window begins after that
                        reserved = record.is_reserved and record.at > now
                        late = now + self._hold + self._ns(WAY)
                        file.write(
                            slot, record.released(record.at) if reserved else record.ended(late, self._hold)
                        )
                finally:
                    file.unlock(slot)

    def _reopen(self, now: int) -> None:
        """Open the file that stands there now. What is in flight takes slots of it, while it is paused."""
        self._file.open(now)
        # the past of a reserved slot is unknown: its request takes another one
        self._ahead = None
        owners = self._owners(self._file.read())
        mine = {owner: slot for slot, owner in enumerate(owners) if owner}
        for token in self._held:
            self._held[token] = mine[token] if token in mine else self._adopt(token, now)

    def _adopt(self, token: int, now: int) -> int:
        file = self._file
        for slot in range(file.slots):
            if file.lock(slot):
                try:
                    record = file.record(slot)
                    if record.state == FREE and record.free_at <= now:
                        file.write(slot, record.held(now + self._ns(LEASE), now, token, FLYING))
                        return slot
                finally:
                    file.unlock(slot)
        # those of other members take all of them: no request goes until none counts any more
        file.write_instant(PAUSED_UNTIL, now + self._hold)
        return -1

    @staticmethod
    def _ns(seconds: float) -> int:
        return round(seconds * NS)


def _is_plausible(row: tuple[int, ...], now: int) -> bool:
    _, count, smallest, first, last = row
    return count > 0 and 0 < smallest < 60 * NS and 0 <= first <= last <= now + NS


def _leave_in_child() -> None:
    # a descriptor that a child keeps would keep its dead parent's byte locked, and so its slots
    for slots in tuple(_living):
        slots.close()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_leave_in_child)
