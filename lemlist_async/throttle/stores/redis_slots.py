"""Slots shared by the processes of several hosts, through one script in Redis or Valkey."""

from __future__ import annotations

import random
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib.resources import files
from typing import Any, Protocol

import attrs

from lemlist_async.throttle.stores.shared import WAY, AwayError, InUseError, Scope

VERSION = 2
"""Version of the hash in the server."""
PATIENCE = 0.25
"""Seconds after which a call of the server has failed."""
PROBE = 0.5
"""Seconds at most between two looks at a server that is away."""
LONGEST_BEAT = 0.5
"""Seconds between two reports while requests are in flight; an answer frees nothing before a window has passed."""
VALID_FOR = 0.75
"""Seconds since the server was last heard for which a confirmed slot may be used, and a request fly without a report.

A dead member's last request may have left so much later, and be on its way for `WAY`; its slots are free a window
after that. So is a server that has forgotten: its members may die before they tell it. A call confirms slots half
a second ahead at most.
"""
RIDE = 3.5
"""Beats after the latest call within which the report of an end waits for the next call."""
TOKENS = 1 << 10
"""Tokens of one call at most."""

Reply = Sequence[Any]
Want = str
"""`bulk` or `urgent` to reserve, `keep` or `none` for what was reserved, `leave` at the end."""


class Server(Protocol):
    """Server that runs the script. `done` follows each call once, from any thread: its reply or its error."""

    def call(self, key: str, arguments: list[str], done: Callable[[Reply | Exception], None]) -> None:
        """Run the script."""
        ...

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call back, from any thread."""
        ...


class LostConnectionError(Exception):
    """The connection was closed, perhaps for being idle: another one may be had at once."""


Update = Callable[[float], None]
Wake = Callable[[Update], None]
"""Run an update of the store under the lock of its throttle, and then serve the waiters."""


@cache
def script() -> str:
    """Return the script that decides."""
    return (files("lemlist_async.throttle.stores") / "slots.lua").read_text("utf-8")


@attrs.define
class _Grant:
    token: int
    at: float


@attrs.define
class _End:
    token: int
    free_at: float
    first_call: int = 0
    """Number of the call that reported the end first; 0 while none has."""


@attrs.define
class _Call:
    number: int
    want: Want
    sent: float
    first_token: int
    pause_for: float
    trips: int


class RedisSlots:
    """One member of the slots in a server; see `SharedSlots` for the contract.

    The server decides, and its clock alone counts: instants travel as durations. A call that is answered says when
    the reserved slot is due, or when to ask again; the member asks shortly before, and so the server confirms each
    reservation before its request goes. Until then it can be moved for an urgent request, or taken away.

    Invariants. All methods run under the lock of the throttle, answers too (`wake`). One call is under way at a
    time, and its number is higher than those before: the server ignores a call that arrives late. Each call lists
    what this member holds, so a grant whose answer was lost frees itself, and a server that has forgotten learns of
    what is in flight. A grant is used only shortly after the server was heard, well before it would take this
    member for dead.
    """

    scope: Scope = "redis"

    def __init__(
        self,
        server: Server,
        name: str,
        *,
        limit: int,
        window: float,
        margin: float,
        pace: float,
        clock: Callable[[], float],
        wake: Wake,
    ) -> None:
        self._server = server
        # the braces make every script of a key run on one node of a cluster
        self._key = f"lemlist:{{{name}}}:slots"
        self._limit = limit
        self._hold = window + margin
        self._beat = min(LONGEST_BEAT, window / 4)
        self._lease = self._hold + WAY + VALID_FOR
        self._shape = f"{VERSION} {limit} {_us(window)}"
        self._constants = [
            limit,
            _us(window),
            _us(self._hold),
            _us(WAY + VALID_FOR),
            _us(self._lease),
            _us(pace),
        ]
        self._clock = clock
        self._wake = wake
        self._member = secrets.token_hex(6)
        self._calls = 0
        self._tokens = 0
        self._under_way: _Call | None = None
        self._ready: deque[_Grant] = deque()
        """Slots that are confirmed for this member, in the order of their instants."""
        self._held: set[int] = set()
        """Tokens of what is confirmed or in flight."""
        self._ended: list[_End] = []
        self._place = False
        """Whether the server keeps a reservation for this member."""
        self._news = False
        """Whether the server should hear soon of an end, or of what is given back."""
        self._ask_at = 0.0
        self._asked_urgent = False
        self._heard = 0.0
        """Instant of the latest call that was answered."""
        self._round_trip = 0.005
        self._beats = False
        """Whether a timer for the next report is set."""
        self._again = False
        """Whether the latest call is a second try, on another connection."""
        self._error: Exception | None = None
        self._pause_until = self._slide_until = 0.0
        self._interactive = False
        self._trips, self._trip = 0, 0.0
        self._smallest_trip: float | None = None
        self._members = 1
        self._frees: list[float] | None = None
        self._closed = False

    # The contract --------------------------------------------------------------------------------------------

    def next_grant(self, now: float, *, urgent: bool, waiting: int = 1) -> float:
        """Return when the next confirmed slot is due, or when to ask again; see `SharedSlots`."""
        for _ in range(2):
            if self._error is not None:
                raise self._error
            if self._ready and now > self._heard + VALID_FOR:
                self._return_ready()
            if self._ready:
                return self._ready[0].at
            if self._under_way is not None:
                break
            if now < self._ask_at and (self._asked_urgent or not urgent):
                return self._ask_at
            # a server of a test answers within the call, any other one wakes the throttle
            self._send("urgent" if urgent else "bulk", now, waiting)
        return now + 2 * PATIENCE

    def grant(self, now: float) -> int:
        """Use the slot that is confirmed for now; see `SharedSlots`."""
        if not self._ready:
            raise RuntimeError("no slot was reserved")
        return self._ready.popleft().token

    def withdraw(self) -> None:
        """Give back what no request has used yet; see `SharedSlots`."""
        if self._ready or self._place:
            self._return_ready()
            self._place = False
            self._ask_at = 0.0

    def end(self, token: int, now: float, free_at: float, round_trip: float | None = None) -> None:
        """Note the end of a request, which is reported with the next call; see `SharedSlots`."""
        if token not in self._held:
            return
        self._held.discard(token)
        self._ended.append(_End(token, free_at))
        self._news = True
        if round_trip is not None and round_trip > 0:
            self._trip = min(self._trip, round_trip) if self._trips else round_trip
            self._trips += 1
        self._report_later()

    def credit(self) -> float | None:
        """Return the smallest round trip of all members; see `SharedSlots`."""
        return self._smallest_trip

    def pause(self, until: float) -> None:
        """Pause all members with the next call, which follows at once; see `SharedSlots`."""
        self._pause_until = max(self._pause_until, until)
        # what is confirmed is not used either: the pause has begun
        self._return_ready()
        self._tell_pause(self._clock())

    def slide(self, until: float) -> None:
        """Note that the server of the limit is a sliding counter; see `SharedSlots`."""
        self._slide_until = max(self._slide_until, until)

    def saw_interactive(self, now: float) -> None:
        """Tell with the next call that an interactive request came; see `SharedSlots`."""
        self._interactive = True

    def free_instants(self, now: float) -> list[float] | None:
        """Return when each slot is free, as of the latest answer; see `SharedSlots`."""
        return self._frees if now - self._heard < 2 * self._hold else None

    def close(self) -> None:
        """Leave, and report all that has ended; see `SharedSlots`."""
        if not self._closed and self._calls and self._error is None:
            self._return_ready()
            self._send("leave", self._clock())
        self._closed = True

    def leave_soon(self) -> None:
        """Leave under the lock of the throttle, from any thread."""
        self._wake(lambda _now: self.close())

    @property
    def members(self) -> int:
        """Members that have used the slots within the lease, this one included."""
        return self._members

    @property
    def trouble(self) -> str | None:
        """Reason why the slots cannot be used at present."""
        return None if self._error is None else str(self._error)

    def _tell_pause(self, now: float) -> None:
        if self._pause_until > now and self._under_way is None and self._error is None:
            self._send("none", now)

    # A server that is away -----------------------------------------------------------------------------------

    def note(self, now: float) -> int:
        """Count a request that goes while the server is away: its slot is taken as soon as the server is back."""
        self._tokens += 1
        self._held.add(self._tokens)
        return self._tokens

    def _failed(self, error: Exception, call: _Call, now: float) -> None:
        if isinstance(error, LostConnectionError) and not self._again and self._error is None:
            # never the same call once more: the first one may have been executed. The list of what is held tells
            # the server what became of it.
            self._again = True
            self._send(call.want, now)
            return
        self._error = AwayError(str(error))
        self._return_ready()
        self._place = False
        self._ask_at = 0.0
        # at random, so that the members do not all come at the same instant
        self._server.later(PROBE * random.uniform(0.3, 1.0), self._in_lock(self._probe))  # noqa: S311

    def _probe(self, now: float) -> None:
        if self._under_way is None and not self._closed:
            # Others may have sent by themselves, and may do so until they find the server again: within a probe and a
            # failed call. By then they have told what they sent.
            self._pause_until = max(self._pause_until, now + PROBE + 2 * PATIENCE)
            self._send("keep", now)

    # Calls ---------------------------------------------------------------------------------------------------

    def _send(self, want: Want, now: float, count: int = 1) -> None:
        self._calls += 1
        call = _Call(self._calls, want, now, self._tokens + 1, self._pause_until, self._trips)
        count = min(count, self._limit, TOKENS) if want in ("bulk", "urgent") else 0
        self._tokens += count
        self._under_way = call
        self._news = False
        if count:
            self._asked_urgent = want == "urgent"
        # what is over needs no report: the server frees all that is not held
        self._ended = [end for end in self._ended if end.free_at > now]
        lead = min(2 * self._round_trip + 0.002, self._beat)
        arguments: list[Any] = [
            self._shape, self._member, call.number, *self._constants,
            want, count, call.first_token, _us(lead),
            _us(max(0.0, self._pause_until - now)), _us(max(0.0, self._slide_until - now)),
            int(self._interactive), self._trips, _us(self._trip),
            len(self._ended),
        ]  # fmt: skip
        for end in self._ended:
            end.first_call = end.first_call or call.number
            arguments += end.token, _us(end.free_at - now), end.first_call
        arguments += len(self._held), *self._held
        self._interactive = False
        self._server.call(self._key, [str(value) for value in arguments], self._in_lock(self._answered, call))

    def _answered(self, call: _Call, reply: Reply | Exception, received: float, now: float) -> None:
        """Take the answer of the server; `received` is when it came, `now` when the lock was free."""
        if call is not self._under_way:
            return
        self._under_way = None
        if isinstance(reply, Exception):
            self._failed(reply, call, now)
            return
        self._again, self._heard = False, call.sent
        told = reply[0].decode() if isinstance(reply[0], bytes) else reply[0]
        self._error = (
            InUseError("members with another version or limit use the slots") if told == "in use" else None
        )
        if told != "ok":
            return
        self._ended = [end for end in self._ended if not end.first_call]
        self._trips -= call.trips
        if self._pause_until <= call.pause_for:
            self._pause_until = 0.0
        self._round_trip += 0.2 * (received - call.sent - self._round_trip)
        self._take(call, reply, received)
        self._tell_pause(now)
        self._report_later()

    def _take(self, call: _Call, reply: Reply, received: float) -> None:
        server_now, ask, place, self._members, smallest, frees, *granted = reply[1:]

        def local(instant: int) -> float:
            # the clock of the server stood at `server_now` at the latest when the answer came, so an instant of the
            # server is never taken for an earlier one
            return received + float(instant - server_now) / 1e6

        self._smallest_trip = smallest / 1e6 if smallest else None
        frees = frees.decode() if isinstance(frees, bytes) else frees
        self._frees = [received + int(rest) / 1000 if rest != "-1" else _NEVER for rest in frees.split()]
        if call.want in ("bulk", "urgent"):
            self._ask_at = local(ask)
        self._place = bool(place)
        for token, at in zip(granted[::2], granted[1::2], strict=True):
            self._held.add(token)
            self._ready.append(_Grant(token, local(at)))

    def _return_ready(self) -> None:
        self._held.difference_update(grant.token for grant in self._ready)
        self._ready.clear()
        self._news = True
        self._report_later()

    def _report_later(self, seconds: float | None = None) -> None:
        """Report what has ended, and that this member lives, with the next call or soon without one."""
        if not self._beats and self._error is None and (self._held or self._news):
            self._beats = True
            self._server.later(self._beat if seconds is None else seconds, self._in_lock(self._report))

    def _report(self, now: float) -> None:
        self._beats = False
        if self._closed or self._error is not None or not (self._held or self._news):
            return
        due = self._report_due(now) if self._under_way is None else now + self._beat / 4
        if now < due:
            self._report_later(due - now)
        else:
            self._send("keep" if self._place else "none", now)

    def _report_due(self, now: float) -> float:
        """Return when a call for the report alone is due: it rides along with the next one if that comes in time."""
        flies = len(self._held) > len(self._ready)
        latest = self._heard + (0.9 * VALID_FOR if flies else RIDE * self._beat)
        # a little later than that call, since it and this timer are due at one instant
        rides = self._ask_at + self._beat / 4
        if self._ask_at > now and rides <= latest:
            return rides
        return min(latest, self._heard + 0.9 * self._beat) if self._news else latest

    def _in_lock(self, method: Callable[..., None], *call: _Call) -> Callable[..., None]:
        clock, wake = self._clock, self._wake

        def run(*reply: Reply | Exception) -> None:
            arguments = (*call, *reply, clock()) if reply else call
            wake(partial(method, *arguments))

        return run


_NEVER = float("inf")


def _us(seconds: float) -> int:
    return round(seconds * 1e6)
