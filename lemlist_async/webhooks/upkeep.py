"""Upkeep of a file of events: bodies erased, old events forgotten, small values kept."""

from __future__ import annotations

import asyncio
import logging
import time

from lemlist_async.core.json import dumps
from lemlist_async.webhooks.database import Database
from lemlist_async.webhooks.disk import Disk
from lemlist_async.webhooks.errors import StoreError
from lemlist_async.webhooks.options import ReceiverOptions

_AT_ONCE = 500
"""Rows in one statement, so that a process that receives never waits long."""


_EVERY = 60.0
_log = logging.getLogger("lemlist_async.webhooks")


async def keep_up(disk: Disk, options: ReceiverOptions) -> None:
    """Erase bodies whose time is over, again and again."""
    upkeep = Upkeep(disk.store)
    while True:
        try:
            await disk.run(upkeep.turn, options, time.time(), _EVERY)
        except StoreError as error:
            _log.warning("no bodies are erased: %s", error.message)
        await asyncio.sleep(_EVERY)


class Upkeep:
    """Work on an open file that is neither receiving nor handling."""

    def __init__(self, database: Database) -> None:
        self._file = database

    def turn(self, options: ReceiverOptions, now: float, every: float) -> None:
        """Erase and forget what is old, if no other process has done so within `every` seconds."""
        if not self.take_turn("upkeep turn", now, now + 0.9 * every):
            return
        erased = 0
        for state, kept in (("done", options.keep_bodies), ("dead", options.keep_dead)):
            while found := self.erase(state, now - kept):
                erased += found
        while self.forget(now - options.keep_keys):
            pass
        if erased:
            with self._file.told():
                self._file.empty_log()  # which has the erased bodies still

    def erase(self, state: str, before: float) -> int:
        """Erase the bodies of events that ended before a time, some at a time; return how many.

        A body is erased first, and its event then marked: what is cut in between is done again.
        """
        found = "SELECT n FROM work WHERE state = ? AND ended_at < ? AND ended_at IS NOT NULL LIMIT ?"
        with self._file.told():
            rows = self._file.quick.execute(found, (state, before, _AT_ONCE)).fetchall()
            numbers = dumps([n for (n,) in rows]).decode()
            # a dead letter may have been put back meanwhile, and needs its body
            chosen = "n IN (SELECT value FROM json_each(?))"
            self._file.quick.execute(
                f"UPDATE events SET body = NULL WHERE {chosen} AND (SELECT state FROM work WHERE n = events.n) = ?",  # noqa: S608  # our own words
                (numbers, state),
            )
            return self._file.quick.execute(
                f"UPDATE work SET ended_at = NULL, error = NULL WHERE {chosen} AND state = ?",  # noqa: S608  # our own words
                (numbers, state),
            ).rowcount

    def forget(self, before: float) -> int:
        """Remove events without a body that came before a time, some at a time; return how many."""
        with self._file.told():
            return self._file.quick.execute(
                "DELETE FROM events WHERE n IN (SELECT n FROM events WHERE received_at < ? AND body IS NULL LIMIT ?)",
                (before, _AT_ONCE),
            ).rowcount

    def read(self, key: str) -> str | None:
        """Return a value."""
        with self._file.told():
            found = self._file.durable.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if found is None else str(found[0])

    def write(self, key: str, value: str) -> None:
        """Keep a value."""
        with self._file.told():
            self._file.durable.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def take_turn(self, key: str, now: float, until: float) -> bool:
        """Reserve a piece of work for this process until a time; False if another one has it."""
        with self._file.told():
            self._file.durable.execute("INSERT OR IGNORE INTO meta VALUES (?, '0')", (key,))
            return (
                self._file.durable.execute(
                    "UPDATE meta SET value = ? WHERE key = ? AND CAST(value AS REAL) <= ?",
                    (repr(until), key, now),
                ).rowcount
                == 1
            )
