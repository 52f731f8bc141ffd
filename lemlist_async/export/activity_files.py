"""Activities in files of JSON lines, appended in step with the cursor of their sync."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lemlist_async.core.json import dumps, loads
from lemlist_async.errors import InvalidInputError
from lemlist_async.export.activity_sync import ActivityBatch
from lemlist_async.files import write_file
from lemlist_async.resources.activities import Activity


class ActivityFiles:
    """A file of events, or one for each span of time: ``events-%Y-%m-%d.jsonl`` is one a day, by their own time.

    A file beside them has the cursor, and the size up to which each file is complete. It is written before files
    grow and after: what a killed process has written in between is cut off by the next one. A file that was moved
    away or emptied, as by logrotate, is begun anew.
    """

    def __init__(self, pattern: str | os.PathLike[str], cursor: str | os.PathLike[str] | None = None) -> None:
        self._pattern = os.fspath(pattern)
        self._place = Path(cursor if cursor is not None else f"{self._pattern.replace('%', '')}.cursor")
        self.added: int = 0
        """Events that were written."""
        self.cursor: dict[str, Any] | None = None
        """Place to resume from; None the first time."""
        self._sizes: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Read the cursor, and cut off what a killed process wrote behind it.

        Raises:
            InvalidInputError: the file of the cursor is none, or events are there and it is not.
        """
        if self._place.exists():
            self._resume()
        elif (there := Path(self._name(datetime.now(UTC)))).exists() and there.stat().st_size:
            raise InvalidInputError(
                f"{there} is there, and its cursor {self._place} is not: take another name"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: all that was stored is on the disk."""

    def store(self, batch: ActivityBatch) -> None:
        """Append events and write the cursor. Both are on the disk when this returns."""
        lines: dict[str, list[bytes]] = {}
        for item in batch.items:
            lines.setdefault(self._name(_time_of(item)), []).append(dumps(item.to_dict()) + b"\n")
        before = {name: _size(name) for name in lines}
        if before != {name: self._sizes.get(name) for name in lines}:
            self._note(before)  # files that are new to the cursor
        self._note({name: _append(name, added) for name, added in lines.items()} or self._sizes, batch.cursor)
        self.added += len(batch.items)

    def _name(self, moment: datetime) -> str:
        return moment.strftime(self._pattern) if "%" in self._pattern else self._pattern

    def _resume(self) -> None:
        try:
            kept = loads(self._place.read_bytes())
            self.cursor = None if kept["cursor"] is None else dict(kept["cursor"])
            # one file and its size, as earlier versions wrote it
            sizes = kept["files"] if "files" in kept else {self._pattern: kept["size"]}
            self._sizes = {str(name): int(size) for name, size in sizes.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InvalidInputError(f"{self._place} is not the cursor of a sync") from None
        there = {name: _cut(name, size) for name, size in self._sizes.items()}
        if there != self._sizes:
            self._note(there)

    def _note(self, sizes: Mapping[str, int], cursor: dict[str, Any] | None = None) -> None:
        self.cursor = self.cursor if cursor is None else cursor
        self._sizes = dict(sizes)
        write_file(self._place, [dumps({"cursor": self.cursor, "files": self._sizes}).decode()])


def _time_of(item: Activity) -> datetime:
    return (item.created_at or datetime.now(UTC)).astimezone(UTC)


def _size(name: str) -> int:
    """Return the size of a file, which is made if it is not there."""
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o600))
    return Path(name).stat().st_size


def _cut(name: str, size: int) -> int:
    """Cut a file off behind its complete part, and return its size; 0 for one that was moved away."""
    path = Path(name)
    if not path.exists():
        return 0
    if path.stat().st_size > size:
        os.truncate(path, size)
    return path.stat().st_size


def _append(name: str, lines: Iterable[bytes]) -> int:
    """Append to a file, and return its size."""
    with Path(name).open("ab") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
        return file.tell()
