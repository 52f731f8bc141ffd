"""Formats of exports: rows of one width into an open file, some at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Literal, Protocol

from lemlist_async.core.json import dumps
from lemlist_async.errors import ConfigurationError
from lemlist_async.export.spreadsheets import BOM, csv_line

ExportFormat = Literal["csv", "jsonl", "parquet"]
Row = Mapping[str, str | None]
_BY_SUFFIX: dict[str, ExportFormat] = {
    ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip


class Sink(Protocol):
    """An open file that takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Write all of the bytes."""
        ...


class Writer(Protocol):
    """Writes rows into a file that it does not close."""

    def write(self, rows: Sequence[Row]) -> None:
        """Write some rows."""
        ...

    def end(self) -> None:
        """Write what comes behind the last row."""
        ...


class CsvWriter:
    """Writes CSV in UTF-8, with the columns of the first row."""

    def __init__(self, file: Sink, *, guard: bool, bom: bool) -> None:
        self._file = file
        self._formulas = not guard
        self._bom = bom
        self._begun = False

    def write(self, rows: Sequence[Row]) -> None:
        """Write some rows; before the first one a header."""
        lines: list[str] = []
        if not self._begun:
            self._begun = True
            lines.append((BOM if self._bom else "") + csv_line(rows[0], formulas=self._formulas))
        lines += (csv_line(row.values(), formulas=self._formulas) for row in rows)
        self._file.write("".join(lines).encode())

    def end(self) -> None:
        """Write nothing more."""


class JsonLinesWriter:
    """Writes an object a line."""

    def __init__(self, file: Sink) -> None:
        self._file = file

    def write(self, rows: Sequence[Row]) -> None:
        """Write some rows."""
        self._file.write(b"".join(dumps(row) + b"\n" for row in rows))

    def end(self) -> None:
        """Write nothing more."""


def format_of(name: str, given: ExportFormat | None) -> ExportFormat:
    """Return the format of a file, by its name unless one is given.

    Raises:
        ConfigurationError: the name has no known suffix.
    """
    found = given or _BY_SUFFIX.get(PurePath(name).suffix.lower())
    if found is None:
        raise ConfigurationError(
            f"{name!r} does not tell its format: end it in .csv, .jsonl or .parquet, or give one"
        )
    return found


def writer_of(file: Sink, chosen: ExportFormat, *, guard: bool = True, bom: bool = False) -> Writer:
    """Return the writer of a format.

    Raises:
        ConfigurationError: Parquet without pyarrow.
    """
    return _WRITERS[chosen](file, guard, bom)


def _parquet(file: Sink, _guard: bool, _bom: bool) -> Writer:
    from lemlist_async.export.parquet import ParquetWriter

    return ParquetWriter(file)


_WRITERS: dict[ExportFormat, Callable[[Sink, bool, bool], Writer]] = {
    "csv": lambda file, guard, bom: CsvWriter(file, guard=guard, bom=bom),
    "jsonl": lambda file, _guard, _bom: JsonLinesWriter(file),
    "parquet": _parquet,
}
