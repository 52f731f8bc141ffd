"""Slots in a server, and a share of them on this host while the server is away."""

from __future__ import annotations

import logging
from collections.abc import Callable

from lemlist_async.errors import LimitStoreError
from lemlist_async.throttle.stores.redis_slots import PROBE, RedisSlots
from lemlist_async.throttle.stores.shared import AwayError, Scope, SharedSlots

_log = logging.getLogger("lemlist_async.throttle")


class SlotsWithFallback:
    """The slots in a server; see `SharedSlots` for the contract.

    While the server is away, this host keeps to its share in a ledger of its own (`open_local`), or every request
    fails (None). The share begins with a pause of one window: until the server went away, other hosts may have sent
    the whole quota. What goes meanwhile is noted, and takes slots in the server as soon as that is back.
    """

    def __init__(
        self, remote: RedisSlots, open_local: Callable[[float], SharedSlots] | None, *, hold: float
    ) -> None:
        self._remote = remote
        self._open_local = open_local
        self._hold = hold
        self._local: SharedSlots | None = None
        """The ledger of this host while the server is away."""
        self._shut_until = 0.0
        self._apart: dict[int, int] = {}
        """Tokens of the local ledger, by those of the server."""

    def next_grant(self, now: float, *, urgent: bool, waiting: int = 1) -> float:
        """Ask the server, or the ledger of this host; see `SharedSlots`."""
        try:
            at = self._remote.next_grant(now, urgent=urgent, waiting=waiting)
        except AwayError as error:
            return self._next_local(now, error, urgent=urgent, waiting=waiting)
        if self._local is not None:
            self._local.close()
            self._local = None
            self._apart.clear()
            _log.info("the server of the limit is back")
        return at

    def _next_local(self, now: float, error: AwayError, *, urgent: bool, waiting: int) -> float:
        if self._open_local is None:
            raise LimitStoreError(
                f"the server of the limit is away ({error}), and on_outage is 'fail'", forecast=PROBE
            )
        if self._local is None:
            self._local = self._open_local(now)
            self._shut_until = now + self._hold
            _log.warning("the server of the limit is away (%s); this host keeps to its share", error)
        if now < self._shut_until:
            return self._shut_until
        return self._local.next_grant(now, urgent=urgent, waiting=waiting)

    def grant(self, now: float) -> int:
        """Take the slot; see `SharedSlots`."""
        if self._local is None:
            return self._remote.grant(now)
        token = self._remote.note(now)
        self._apart[token] = self._local.grant(now)
        return token

    def withdraw(self) -> None:
        """Give back the reservation; see `SharedSlots`."""
        self._remote.withdraw()
        if self._local is not None:
            self._local.withdraw()

    def end(self, token: int, now: float, free_at: float, round_trip: float | None = None) -> None:
        """Free the slot in both ledgers; see `SharedSlots`."""
        self._remote.end(token, now, free_at, round_trip)
        local = self._apart.pop(token, None)
        if local is not None and self._local is not None:
            self._local.end(local, now, free_at, round_trip)

    def credit(self) -> float | None:
        """Return the smallest round trip of all members; see `SharedSlots`."""
        return self._remote.credit() if self._local is None else self._local.credit()

    def pause(self, until: float) -> None:
        """Pause all members, as far as they can be told; see `SharedSlots`."""
        self._remote.pause(until)
        if self._local is not None:
            self._local.pause(until)

    def slide(self, until: float) -> None:
        """Note that the server is a sliding counter; see `SharedSlots`."""
        self._remote.slide(until)
        if self._local is not None:
            self._local.slide(until)

    def saw_interactive(self, now: float) -> None:
        """Note that an interactive request came; see `SharedSlots`."""
        self._remote.saw_interactive(now)
        if self._local is not None:
            self._local.saw_interactive(now)

    def free_instants(self, now: float) -> list[float] | None:
        """Return when each slot is free; see `SharedSlots`."""
        return (self._local or self._remote).free_instants(now)

    def close(self) -> None:
        """Leave both ledgers; see `SharedSlots`."""
        self._remote.close()
        if self._local is not None:
            self._local.close()

    @property
    def members(self) -> int:
        """Members that are alive, as far as this one can know."""
        return (self._local or self._remote).members

    @property
    def scope(self) -> Scope:
        """Reach of the ledger that is in use now."""
        return (self._local or self._remote).scope

    @property
    def trouble(self) -> str | None:
        """Reason why the server is not in use; None if it is."""
        return self._remote.trouble
