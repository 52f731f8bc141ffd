"""File that a journal was planned from, read again beside the journal: rows are sent without all of their columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from lemlist_async.bulk.source.csv_dialect import FileFormat
from lemlist_async.bulk.source.files import FileHead, digest, head_of, read_file
from lemlist_async.bulk.source.raw_row import RawRow
from lemlist_async.core.json import dumps, loads


@attrs.frozen
class PlannedFile:
    """File of rows, with the format in which it was read."""

    path: Path
    file_format: FileFormat

    def described(self) -> str:
        """Return the file as the description of a journal has it."""
        return dumps({"path": str(self.path.absolute()), **attrs.asdict(self.file_format)}).decode()

    def head(self) -> FileHead | None:
        """Return the columns of a CSV; None for JSON."""
        return head_of(self.path, self.file_format)

    def rows(self) -> Iterator[RawRow]:
        """Read the rows, which are as many and in the same order as those of the journal."""
        return read_file(self.path, self.file_format)


def find_planned_file(meta: Mapping[str, str]) -> PlannedFile | None:
    """Return the file that a job was planned from.

    None for rows of another source, for a file that is gone or has changed, and for a job without personal data.
    """
    if "file" not in meta or meta.get("planned") != "1" or meta.get("erased") == "1":
        return None
    described = loads(meta["file"])
    path = Path(described.pop("path"))
    if digest(path) != meta.get("digest"):
        return None
    return PlannedFile(path, FileFormat(**described))
