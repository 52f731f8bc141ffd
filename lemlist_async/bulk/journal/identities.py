"""Identities of the rows of one plan, where a person may be known by more than one."""

from __future__ import annotations

import sqlite3
from typing import Literal

_SCHEMA = """
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
CREATE TABLE known (key BLOB, of TEXT, line INTEGER, PRIMARY KEY (key, of)) WITHOUT ROWID;
"""
_Of = Literal["main", "other"]
"""Identities with which a key is compared: those that rows are known by, or those that they have beside it."""


class Identities:
    """Links rows that show a person's first identity, such as an address, to rows that show the second one only.

    Two rows with different first identities stay two persons, whatever their second one is: in many files a page of a
    company stands there. The keys are in a temporary database, which leaves the memory when it grows.
    """

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(_SCHEMA)
        self._renamed = False
        """Whether a first identity is known to belong to an earlier row that shows the second one only."""

    def close(self) -> None:
        """Remove the database."""
        self._db.close()

    def meet(self, key: bytes, other: bytes | None, line: int) -> int | None:
        """Note the identities of a row, and return the line of an earlier one of the same person."""
        if self._renamed and (first := self._line_of(key, "main")) is not None:
            return first
        if other is None:
            return None
        if other == key:  # the second one is all that the row shows
            if (first := self._line_of(key, "main")) is None:
                self._note(key, "other", line)
            return first
        first = self._line_of(other, "other")
        if first is None:
            self._note(other, "main", line)
        else:
            self._note(key, "main", first)
            self._renamed = True
        return first

    def _line_of(self, key: bytes, of: _Of) -> int | None:
        found = self._db.execute("SELECT line FROM known WHERE key = ? AND of = ?", (key, of)).fetchone()
        return None if found is None else int(found[0])

    def _note(self, key: bytes, of: _Of, line: int) -> None:
        self._db.execute("INSERT OR IGNORE INTO known VALUES (?, ?, ?)", (key, of, line))
