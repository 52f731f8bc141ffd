"""Events on the disk: added, leased, ended.

Each function is one statement, since SQLite lets go of Python's lock at each step, and a busy event loop makes it wait
to get it back.

States of an event: ``waiting`` until its handlers have succeeded, ``done``, or ``dead`` after the last attempt. A
waiting event is due at `due_at`; while a process handles it, that is the end of its lease. Times are seconds since
1970, since they must be comparable between processes and survive a restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import attrs

from lemlist_async.core.json import dumps, loads
from lemlist_async.webhooks.database import Database
from lemlist_async.webhooks.errors import StoreError
from lemlist_async.webhooks.parsing import Delivery

AGAIN_AFTER = 3600.0
"""Seconds after which the same body without an id is another event. lemlist posts one again for about ten minutes."""
_TOGETHER = 500
"""Rows in one INSERT at most."""

_INSERT = "INSERT OR IGNORE INTO events (key, type, body, received_at) VALUES "
_CLAIM = """
UPDATE work SET owner = ?, due_at = ?, attempts = attempts + 1 WHERE n = (
    SELECT n FROM work INDEXED BY work_due WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at, n LIMIT 1
) RETURNING n, (SELECT type FROM events WHERE n = work.n), (SELECT body FROM events WHERE n = work.n), attempts,
    handled
"""
_MINE = "n = ? AND owner = ? AND attempts = ? AND state = 'waiting'"
"""An event whose lease was lost is not written: another process has it."""


class Claimed(NamedTuple):
    """An event under a lease of this process."""

    n: int
    type: str
    text: str
    attempts: int
    """Attempts so far, this one included."""
    handled: list[str]
    """Handlers that succeeded in earlier attempts."""
    owner: str

    @property
    def data(self) -> dict[str, Any]:
        """The body."""
        data: dict[str, Any] = loads(self.text)
        return data


@attrs.frozen
class Ended:
    """Result of one attempt. Neither `done` nor a `due_at` makes a dead letter."""

    done: bool = False
    due_at: float | None = None
    handled: tuple[str, ...] = ()
    error: str | None = None
    uncounted: bool = False
    """Whether the attempt did not take place, since the receiver was closed."""


class Stored(NamedTuple):
    """An event in the file, as lists show it."""

    n: int
    type: str
    received_at: float
    state: str
    attempts: int
    error: str | None
    """Class of the last error, and the line of the program that raised it."""
    text: str | None
    """The body as JSON; None once it is erased."""


class Store(Database):
    """Events in an open file."""

    # Receiving ----------------------------------------------------------------------------------------------

    def add(self, deliveries: Sequence[Delivery], now: float) -> int:
        """Write events, and return how many of them are new. They are on the disk when this returns.

        Raises:
            StoreError: none of those in the last statement is on the disk.
        """
        added = 0
        with self.told():
            self.prepare()
            if unnamed := [one.key.hex() for one in deliveries if not one.named]:
                self._forget_unnamed(unnamed, now)
            for start in range(0, len(deliveries), _TOGETHER):
                rows = deliveries[start : start + _TOGETHER]
                values: list[Any] = []
                for one in rows:
                    values += (one.key, one.type, one.text, now)
                marks = ", ".join(["(?, ?, ?, ?)"] * len(rows))
                added += self.durable.execute(_INSERT + marks, values).rowcount
        return added

    def _forget_unnamed(self, keys: list[str], now: float) -> None:
        self.durable.execute(
            "DELETE FROM events WHERE received_at < ? AND lower(hex(key)) IN (SELECT value FROM json_each(?)) "
            "AND (SELECT state FROM work WHERE n = events.n) = 'done'",
            (now - AGAIN_AFTER, dumps(keys).decode()),
        )

    # Handling -----------------------------------------------------------------------------------------------

    def claim(self, owner: str, now: float, lease: float) -> Claimed | None:
        """Take the event that has been due for longest, under a lease; None if none is due."""
        with self.told():
            self.prepare()
            rows = self.quick.execute(_CLAIM, (owner, now + lease, now)).fetchall()
        for n, kind, text, attempts, handled in rows:
            return Claimed(n, kind, text or "{}", attempts, loads(handled), owner)
        return None

    def end(self, event: Claimed, result: Ended, now: float) -> bool:
        """Write the result of an attempt; False if the lease was lost, so that another process has the event."""
        state = "done" if result.done else "dead" if result.due_at is None else "waiting"
        values = (
            state, now if result.due_at is None else result.due_at, dumps(result.handled).decode(), result.error,
            None if state == "waiting" else now, int(result.uncounted), event.n, event.owner, event.attempts,
        )  # fmt: skip
        with self.told():
            self.prepare()
            found = self.quick.execute(
                "UPDATE work SET state = ?, owner = NULL, due_at = ?, handled = ?, error = ?, ended_at = ?, "  # noqa: S608  # our own words
                f"attempts = attempts - ? WHERE {_MINE}",
                values,
            )
        return found.rowcount == 1

    def step(
        self, ended: tuple[Claimed, Ended] | None, owner: str, now: float, lease: float
    ) -> tuple[bool, Claimed | None]:
        """Write the result of an attempt, and take the next event; return whether the lease held, and the event."""
        held = ended is None or self.end(*ended, now)
        try:
            return held, self.claim(owner, now, lease)
        except StoreError:
            if ended is None:
                raise
            return held, None  # the result is written: only the next event has to wait

    def renew(self, owner: str, until: float) -> None:
        """Extend the leases of an owner."""
        with self.told():
            self.quick.execute(
                "UPDATE work SET due_at = ? WHERE owner = ? AND state = 'waiting'", (until, owner)
            )

    def next_due(self) -> float | None:
        """Return when the next waiting event is due; None if there is none."""
        with self.told():
            found: float | None = self.quick.execute(
                "SELECT min(due_at) FROM work WHERE state = 'waiting'"
            ).fetchone()[0]
        return found

    # Dead letters -------------------------------------------------------------------------------------------

    def stored(self, state: str, most: int) -> list[Stored]:
        """Return events in a state, the oldest first."""
        with self.told():
            rows = self.quick.execute(
                "SELECT n, type, received_at, state, attempts, error, body FROM work JOIN events USING (n) "
                "WHERE state = ? ORDER BY n LIMIT ?",
                (state, most),
            )
            return [Stored(*row) for row in rows]

    def counts(self) -> dict[str, int]:
        """Return the number of events in each state."""
        with self.told():
            found = dict(self.quick.execute("SELECT state, count(*) FROM work GROUP BY state").fetchall())
        return {state: found.get(state, 0) for state in ("waiting", "done", "dead")}

    def requeue(self, numbers: Sequence[int] | None, now: float) -> int:
        """Have dead letters handled again from the first attempt on; None for all. Those without a body stay."""
        only = "" if numbers is None else "AND n IN (SELECT value FROM json_each(?))"
        values = () if numbers is None else (dumps(list(numbers)).decode(),)
        with self.told():
            return self.durable.execute(
                "UPDATE work SET state = 'waiting', due_at = ?, attempts = 0, ended_at = NULL "  # noqa: S608  # our own words
                f"WHERE state = 'dead' AND ended_at IS NOT NULL {only}",
                (now, *values),
            ).rowcount
