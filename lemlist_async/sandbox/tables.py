"""Tables of records, and times as text."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias

__all__ = ["Blocklist", "Record", "Table", "iso"]

Record: TypeAlias = dict[str, Any]
"""A JSON object as the API shows it. The whole state consists of these."""


class Table(dict[str, Record]):
    """Records by id, oldest first."""

    def keep(self, record: Record) -> Record:
        """Store a record under its own id."""
        self[record["_id"]] = record
        return record


class Blocklist(Table):
    """Blocked values, unique regardless of case."""

    def __init__(self) -> None:
        super().__init__()
        self._ids: dict[str, str] = {}

    def find(self, value: str) -> Record | None:
        """Return the record of a value."""
        return self.get(self._ids.get(value.lower(), ""))

    def keep(self, record: Record) -> Record:
        """Store a record, or return the existing one of its value."""
        known = self.find(record["value"])
        if known is None:
            self._ids[record["value"].lower()] = record["_id"]
        return known or super().keep(record)

    def release(self, record: Record) -> None:
        """Delete a record."""
        del self[record["_id"]], self._ids[record["value"].lower()]


def iso(seconds: float) -> str:
    """Format epoch seconds as the API writes a time: UTC, milliseconds, ``Z``."""
    return _iso(round(seconds * 1e6) // 1000)


@lru_cache(maxsize=16)
def _iso(milliseconds: int) -> str:
    # records of one moment share the text of their times
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
