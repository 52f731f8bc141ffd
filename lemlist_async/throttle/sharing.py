"""Choice between a ledger of slots in this process, and one that the processes of a key share."""

from __future__ import annotations

import hashlib
import logging
import struct
import sys
from typing import Literal

from lemlist_async.throttle.ledger import Mode
from lemlist_async.throttle.options import ThrottleOptions
from lemlist_async.throttle.stores.shared import SharedSlots

Scope = Literal["process", "host"]
"""Reach of a throttle's knowledge about other users of the key."""

RETRY = 5.0
"""Seconds after which a shared ledger that failed is tried again."""

_log = logging.getLogger("lemlist_async.throttle")


def can_share() -> bool:
    """Tell whether this platform has what the host's ledger needs: the locks of Linux, in 64 bits."""
    return sys.platform == "linux" and struct.calcsize("P") == 8


class Sharing:
    """The shared ledger of one key, or the reason why there is none. No failure of it ever stops a request.

    While the ledger cannot be used, this process keeps to the quota by itself. When it can be used again, the members
    pause for a window, since it does not know what was sent meanwhile. A ledger that processes of another version or
    limit are using leaves this process half of the quota.
    """

    def __init__(self, name: str | None, options: ThrottleOptions) -> None:
        self._options = options
        self._name = name if name and options.scope == "auto" and options.share == 1 and can_share() else None
        self._slots: SharedSlots | None = None
        self._retry_at = 0.0
        self._failed = False
        self.trouble: str | None = None
        """Reason why the shared ledger is not in use although it should be; None if all is well."""
        self.halved: bool = False
        """Whether processes of another version or limit use the key."""

    @property
    def is_wanted(self) -> bool:
        """Whether there should be a shared ledger."""
        return self._name is not None

    @property
    def scope(self) -> Scope:
        """Scope in which the slots are kept now."""
        return "host" if self._slots is not None else "process"

    @property
    def members(self) -> int:
        """Processes that use the key, as far as is known, this one included."""
        return self._slots.members if self._slots is not None else 1

    def next_grant(self, now: float, *, urgent: bool) -> float:
        """Return when one more request may go, or when to ask again; `now` if no ledger is shared."""
        if (slots := self._opened(now)) is None:
            return now
        try:
            return slots.next_grant(now, urgent=urgent)
        except Exception as error:  # noqa: BLE001  # no failure of the file may stop a request
            self._give_up(now, error)
            return now

    def grant(self, now: float) -> int | None:
        """Take the slot that `next_grant` reserved; None if no ledger is shared."""
        if self._slots is None:
            return None
        try:
            return self._slots.grant(now)
        except Exception as error:  # noqa: BLE001  # as above
            self._give_up(now, error)
            return None

    def withdraw(self, now: float) -> None:
        """Give back the reservation, if there is one."""
        if self._slots is not None:
            try:
                self._slots.withdraw()
            except Exception as error:  # noqa: BLE001  # as above
                self._give_up(now, error)

    def end(self, token: int | None, now: float, free_at: float, round_trip: float | None = None) -> None:
        """Free the slot of a request."""
        if self._slots is not None and token is not None:
            try:
                self._slots.end(token, now, free_at, round_trip)
            except Exception as error:  # noqa: BLE001  # as above
                self._give_up(now, error)

    def saw_interactive(self, now: float) -> None:
        """Note that an interactive request came."""
        if self._slots is not None:
            try:
                self._slots.saw_interactive(now)
            except Exception as error:  # noqa: BLE001  # as above
                self._give_up(now, error)

    def refused(self, now: float, paused_until: float, mode: Mode, sliding_until: float) -> None:
        """Tell all members of a 429, and of what it taught."""
        if self._slots is not None:
            try:
                self._slots.pause(paused_until)
                if mode == "sliding":
                    self._slots.slide(min(sliding_until, now + 86_400))
            except Exception as error:  # noqa: BLE001  # as above
                self._give_up(now, error)

    def credit(self) -> float:
        """Return the smallest round trip of all members, in seconds; 0 while they have seen too few."""
        return (self._slots.credit() or 0.0) if self._slots is not None else 0.0

    def close(self) -> None:
        """Leave the ledger."""
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.close()

    def _opened(self, now: float) -> SharedSlots | None:
        if self._slots is None and self._name is not None and now >= self._retry_at:
            self._open(self._name, now)
        return self._slots

    def _open(self, name: str, now: float) -> None:
        from lemlist_async.throttle.stores.host import HostSlots
        from lemlist_async.throttle.stores.host_file import Busy, InUseError

        options = self._options
        pace = options.bucket[1] / options.bucket[0] if options.bucket else 0.0
        try:
            slots = HostSlots(
                name, limit=options.limit, window=options.window, margin=options.margin, pace=pace, now=now
            )
            if options.strict:
                slots.slide(now + 86_400)
            if self._failed:
                slots.pause(now + options.window + options.margin)
        except Busy:
            self._retry_at = now  # another process makes the file at this moment
            return
        except Exception as error:  # noqa: BLE001  # as above
            self.halved = isinstance(error, InUseError)
            self._give_up(now, error)
            return
        self._slots, self.trouble, self.halved, self._failed = slots, None, False, False

    def _give_up(self, now: float, error: Exception) -> None:
        self.close()
        self._retry_at, self._failed = now + RETRY, True
        told, self.trouble = self.trouble, f"{type(error).__name__}: {error}"
        if told != self.trouble:
            part = "half of the quota" if self.halved else "the quota"
            _log.warning(
                "the processes of this host cannot share the limit of the key (%s); this one keeps to %s by itself",
                error,
                part,
            )


def name_of(key_id: str, host: str) -> str:
    """Return a name for the ledger of a key at a host, from which neither can be told."""
    return hashlib.sha256(f"{key_id}\n{host}".encode()).hexdigest()[:24]
