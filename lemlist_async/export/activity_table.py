"""Activities in a table of an SQLite file, together with the cursor of their sync."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lemlist_async.core.json import dumps, loads
from lemlist_async.errors import InvalidInputError
from lemlist_async.export.activity_rows import COLUMNS, row_of
from lemlist_async.export.activity_sync import ActivityBatch

_WHOLE = {"is_first", "bot", "stopped", "sequence_step"}
_TYPES = {name: "INTEGER" if name in _WHOLE else "TEXT" for name in COLUMNS} | {"id": "TEXT PRIMARY KEY"}
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS activities ({", ".join(f"{name} {kind}" for name, kind in _TYPES.items())}, data TEXT);
CREATE INDEX IF NOT EXISTS activities_by_time ON activities (created_at);
CREATE TABLE IF NOT EXISTS activity_sync (cursor TEXT NOT NULL);
"""
_NAMES = (*COLUMNS, "data")
_INSERT = (
    f"INSERT OR IGNORE INTO activities ({', '.join(_NAMES)}) "  # noqa: S608  # our own names
    f"VALUES ({', '.join(f':{name}' for name in _NAMES)})"
)


class ActivityTable:
    """The table ``activities`` of an SQLite file: events and cursor are written in one transaction.

    Its columns are `COLUMNS` of `activity_rows`, and ``data`` with the whole event as JSON; ``id`` is the key. A
    column that a later version of this library has is added to a table of an earlier one.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self.added: int = 0
        """Events that were written."""
        self.cursor: dict[str, Any] | None = None
        """Place to resume from; None the first time."""

    def __enter__(self) -> Self:
        """Open the file, or make it, readable for its owner only.

        Raises:
            InvalidInputError: it is no database, or cannot be written.
        """
        try:
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            # the events of a sync are stored from any thread, one after the other
            self._db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            self._db.executescript(_SCHEMA)
            self._add_columns()
            found = self._db.execute("SELECT cursor FROM activity_sync").fetchone()
        except (sqlite3.Error, OSError) as error:
            raise InvalidInputError(f"{self._path} cannot take activities: {error}") from None
        self.cursor = None if found is None else loads(found[0])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._db.close()

    def store(self, batch: ActivityBatch) -> None:
        """Write events and cursor, all or none."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for item in batch.items:
                self.added += self._db.execute(_INSERT, row_of(item)).rowcount
            self._db.execute("DELETE FROM activity_sync")
            self._db.execute("INSERT INTO activity_sync VALUES (?)", (dumps(batch.cursor).decode(),))
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self.cursor = batch.cursor

    def _add_columns(self) -> None:
        there = {name for _, name, *_ in self._db.execute("PRAGMA table_info(activities)")}
        for name in _NAMES:
            if name not in there:
                self._db.execute(f"ALTER TABLE activities ADD COLUMN {name} {_TYPES.get(name, 'TEXT')}")
