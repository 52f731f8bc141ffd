"""Choice of the ledger of slots that the processes of a key share, and life without it."""

from __future__ import annotations

import hashlib
import logging
import struct
import sys
from collections.abc import Callable
from typing import TypeVar

from lemlist_async.errors import LemlistError
from lemlist_async.throttle.ledger import Mode
from lemlist_async.throttle.options import ThrottleOptions
from lemlist_async.throttle.stores.process import ProcessSlots
from lemlist_async.throttle.stores.shared import MOMENT, Busy, InUseError, Scope, SharedSlots

T = TypeVar("T")

SET_UP_WITHIN = 1.0
"""Seconds that another process may take to set a ledger up."""
RETRY = 5.0
"""Seconds after which a shared ledger that failed is tried again."""
SLIDING_AT_MOST = 86_400.0
"""Seconds for which members keep to the sliding rule at most after one of them was taught it."""

Wake = Callable[[Callable[[float], None]], None]

_log = logging.getLogger("lemlist_async.throttle")


def can_share() -> bool:
    """Tell whether this platform has what the host's ledger needs: the locks of Linux, in 64 bits."""
    return sys.platform == "linux" and struct.calcsize("P") == 8


class Sharing:
    """The shared ledger of one key, or the reason why there is none. No failure of it ever stops a request.

    While the ledger cannot be used, this process keeps to the quota by itself, or to a part of it: to half where
    processes of another version or limit use the ledger, to its share where the ledger is in a server. When it can be
    used again, the members pause for a window, since it does not know what was sent meanwhile.
    """

    def __init__(
        self,
        name: str | None,
        options: ThrottleOptions,
        clock: Callable[[], float],
        wake: Wake,
    ) -> None:
        self._options = options
        self._clock = clock
        self._wake = wake
        self._name = name if name and self._is_possible() else None
        self._slots: SharedSlots | None = None
        self._is_makeshift = True
        """Whether `_slots` is not the ledger that is wanted."""
        self._retry_at = 0.0
        self._busy_since: float | None = None
        """Instant since when another process sets the file up."""
        self._failed = False
        self._told: str | None = None

    def _is_possible(self) -> bool:
        if self._options.server is not None:
            from lemlist_async.throttle.stores.servers import check

            check(self._options.server)
            return True
        return self._options.scope == "auto" and self._options.share == 1 and can_share()

    @property
    def is_wanted(self) -> bool:
        """Whether there should be a shared ledger."""
        return self._name is not None

    @property
    def scope(self) -> Scope:
        """Scope in which the slots are kept now."""
        return self._slots.scope if self._slots is not None else "process"

    @property
    def trouble(self) -> str | None:
        """Reason why the shared ledger is not in use although it should be; None if all is well."""
        return self._told if self._is_makeshift or self._slots is None else self._slots.trouble

    @property
    def members(self) -> int:
        """Processes that use the key, as far as is known, this one included."""
        return self._slots.members if self._slots is not None else 1

    def next_grant(self, now: float, *, urgent: bool, waiting: int) -> float:
        """Return when one more request may go, or when to ask again; `now` if no ledger is shared.

        Raises:
            LimitStoreError: the server of the ledger is away, and the options say that requests fail then.
        """
        if self._is_makeshift and self._name is not None and now >= self._retry_at:
            self._open(self._name, now)
        at = self._guarded(now, lambda slots: slots.next_grant(now, urgent=urgent, waiting=waiting), None)
        if at is not None:
            return at
        if self._busy_since is not None:
            return now + MOMENT
        # what is kept to instead, from this very request on
        return now if self._slots is None else self._slots.next_grant(now, urgent=urgent)

    def grant(self, now: float) -> int | None:
        """Take the slot that `next_grant` reserved; None if no ledger is shared."""
        return self._guarded(now, lambda slots: slots.grant(now), None)

    def withdraw(self, now: float) -> None:
        """Give back the reservation, if there is one."""
        self._guarded(now, lambda slots: slots.withdraw(), None)

    def end(self, token: int | None, now: float, free_at: float, round_trip: float | None = None) -> None:
        """Free the slot of a request."""
        if token is not None:
            self._guarded(now, lambda slots: slots.end(token, now, free_at, round_trip), None)

    def saw_interactive(self, now: float) -> None:
        """Note that an interactive request came."""
        self._guarded(now, lambda slots: slots.saw_interactive(now), None)

    def refused(self, now: float, paused_until: float, mode: Mode, sliding_until: float) -> None:
        """Tell all members of a 429, and of what it taught."""

        def tell(slots: SharedSlots) -> None:
            if mode == "sliding":
                slots.slide(min(sliding_until, now + SLIDING_AT_MOST))
            slots.pause(paused_until)

        self._guarded(now, tell, None)

    def credit(self) -> float:
        """Return the smallest round trip of all members, in seconds; 0 while they have seen too few."""
        return (self._slots.credit() or 0.0) if self._slots is not None else 0.0

    def free_instants(self, now: float) -> list[float] | None:
        """Return when each slot is free, as far as is known; infinite for one in flight."""
        return self._guarded(now, lambda slots: slots.free_instants(now), None)

    def load(self, at: float, mode: Mode) -> int:
        """Return the most requests of all members that a server of this kind can have counted at the instant `at`."""
        # a sliding counter may count what was answered in the window before in full
        since = at - self._options.window if mode == "sliding" else at
        return sum(free > since for free in self.free_instants(at) or ())

    def close(self) -> None:
        """Leave the ledger."""
        slots, self._slots, self._is_makeshift = self._slots, None, True
        if slots is not None:
            slots.close()

    def _guarded(self, now: float, call: Callable[[SharedSlots], T], otherwise: T) -> T:
        """Call the ledger if there is one. Whatever goes wrong in it, no request stops for it."""
        if self._slots is None:
            return otherwise
        try:
            return call(self._slots)
        except LemlistError:  # what the caller is to be told
            raise
        except Exception as error:  # noqa: BLE001  # as above
            self._give_up(now, error)
            return otherwise

    def _open(self, name: str, now: float) -> None:
        try:
            slots = self._make(name, now)
            if self._options.strict:
                slots.slide(now + SLIDING_AT_MOST)
            if self._failed:
                slots.pause(now + self._options.window + self._options.margin)
        except Busy:
            self._wait_for_file(now)
            return
        except LemlistError:
            raise
        except Exception as error:  # noqa: BLE001  # as above
            self._give_up(now, error)
            return
        self._slots, self._is_makeshift, self._told, self._failed = slots, False, None, False
        self._busy_since = None

    def _wait_for_file(self, now: float) -> None:
        """Let requests wait while another process sets the file up, unless it stopped in the middle of that."""
        self._retry_at = now
        if self._busy_since is None:
            self._busy_since = now
        elif now - self._busy_since > SET_UP_WITHIN:
            self._give_up(now, TimeoutError("a process that sets the file up has stopped"))

    def _make(self, name: str, now: float) -> SharedSlots:
        options = self._options
        if options.server is None:
            return open_host(name, options, options.limit, now)
        from lemlist_async.throttle.stores.fallback import SlotsWithFallback
        from lemlist_async.throttle.stores.servers import server_of, slots_of

        server = server_of(options.server)
        remote = slots_of(options.server)(
            server,
            name,
            limit=options.limit,
            window=options.window,
            margin=options.margin,
            pace=options.pace,
            clock=self._clock,
            wake=self._wake,
        )
        server.join(remote)
        local = None if options.on_outage == "fail" else self._open_local
        return SlotsWithFallback(remote, local, hold=options.window + options.margin)

    def _open_local(self, now: float) -> SharedSlots:
        """Open the ledger of this host for its share while the server is away."""
        if can_share():
            try:
                return open_host(f"{self._name}-outage", self._options, self._options.outage_quota, now)
            except Exception as error:  # noqa: BLE001  # as above
                _log.warning("the processes of this host cannot share the limit of the key (%s)", error)
        return self._alone(self._options.outage_quota)

    def _alone(self, limit: int) -> ProcessSlots:
        return ProcessSlots(limit=limit, window=self._options.window, margin=self._options.margin)

    def _give_up(self, now: float, error: Exception) -> None:
        options = self._options
        self.close()
        self._retry_at, self._failed, self._busy_since = now + RETRY, True, None
        told, self._told = self._told, f"{type(error).__name__}: {error}"
        part = options.limit
        if isinstance(error, InUseError):
            part = max(1, options.limit // 2)
        elif options.server is not None:
            part = options.outage_quota
        # the quota of the key holds this process to the whole of it already
        self._slots = self._alone(part) if part < options.limit else None
        if told != self._told:
            _log.warning(
                "the processes of the key cannot share its limit (%s); this one keeps to %d of %d requests by itself",
                error,
                part,
                options.limit,
            )


def open_host(name: str, options: ThrottleOptions, limit: int, now: float) -> SharedSlots:
    """Open the ledger of this host."""
    from lemlist_async.throttle.stores.host import HostSlots

    return HostSlots(
        name, limit=limit, window=options.window, margin=options.margin, pace=options.pace, now=now
    )


def name_of(key_id: str, host: str) -> str:
    """Return a name for the ledger of a key at a host, from which neither can be told."""
    return hashlib.sha256(f"{key_id}\n{host}".encode()).hexdigest()[:24]
