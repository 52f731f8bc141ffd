"""Rows of files, one at a time, each with its first line."""

from __future__ import annotations

import csv
import hashlib
import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol, TextIO

from lemlist_async.bulk.source.addresses import strip
from lemlist_async.bulk.source.csv_dialect import FileFormat, find_start, read_names
from lemlist_async.bulk.source.json_files import read_json, read_json_lines
from lemlist_async.bulk.source.raw_row import RawRow
from lemlist_async.bulk.source.text_files import open_text
from lemlist_async.errors import InvalidInputError
from lemlist_async.export.spreadsheets import unguard

LONGEST_CELL = 131_072
"""Characters of a cell at most; a row with a longer one is refused."""
_LONGEST_READ = 64 * 1024 * 1024
"""Characters that a cell may have while it is read: behind an unclosed quote the whole rest of a file is one cell."""
SAMPLED = 50
"""Rows from which the first values of columns are taken."""
_FOOTER = re.compile(
    r"\s*(?:grand totals?\b|confidential information\b|copyright (?:©|\(c\)))", re.IGNORECASE
)
_CSV_FAULTS = {
    "unexpected ": "a quote is opened and never closed; nothing behind it can be read",
    "field large": "a quote is opened and closed nowhere near; nothing behind it can be read",
}
"""Messages by the beginning of the csv module's own messages."""
_BY_SUFFIX: dict[str, Callable[[TextIO, Path], Iterator[RawRow]]] = {
    ".json": read_json,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
}


def read_file(path: Path, file_format: FileFormat) -> Iterator[RawRow]:
    """Read all rows of a CSV, JSON or JSON lines file.

    Raises:
        InvalidInputError: the file cannot be read, or not as what it seems to be.
    """
    with open_text(path, file_format.encoding) as file:
        read = _BY_SUFFIX.get(path.suffix.lower())
        yield from _rows(_open_csv(file, path, file_format), path) if read is None else read(file, path)


class FileHead(NamedTuple):
    """Beginning of a CSV file."""

    columns: list[str]
    samples: list[list[str]]
    """First values of each column that are not empty."""
    line: int
    """Line on which the names of the columns stand, counted from 1; 0 in a file without them."""


def head_of(path: Path, file_format: FileFormat) -> FileHead | None:
    """Return the columns of a CSV file with their first values; None for JSON, whose rows have names of their own."""
    if path.suffix.lower() in _BY_SUFFIX:
        return None
    with open_text(path, file_format.encoding) as file:
        opened = _open_csv(file, path, file_format)
        rows = itertools.islice(_rows(opened, path), SAMPLED)
        values = [row.values for row in rows if row.fault is None]
    samples = [[text for one in values if (text := str(one[name]).strip())] for name in opened.columns]
    return FileHead(opened.columns, samples, 0 if opened.first is not None else opened.line)


def digest(path: Path) -> str:
    """SHA-256 of a file, to know it again; empty for one that cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


class _CsvReader(Protocol):
    """The interface of `csv.reader`'s result; its own type has no public name."""

    @property
    def line_num(self) -> int: ...
    def __next__(self) -> list[str]: ...


class _OpenCsv(NamedTuple):
    reader: _CsvReader
    columns: list[str]
    first: list[str] | None
    """The record that was read to see the columns, if it is a row itself."""
    skipped: int
    """Lines before what the reader has seen."""
    line: int
    """Line on which `first` begins."""


def _open_csv(file: TextIO, path: Path, file_format: FileFormat) -> _OpenCsv:
    start = find_start(file, path, file_format.delimiter)
    # strict: a stray quote is an error, and no quiet merge of its row with the next ones
    reader = csv.reader(file, delimiter=start.delimiter, strict=True, skipinitialspace=start.delimiter != " ")
    line, cells = _first_record(reader, path, start.lines, start.header)
    columns, named = read_names(map(unguard, cells), path, line, header=file_format.header)
    return _OpenCsv(reader, columns, None if named else cells, start.lines, line)


def _first_record(reader: _CsvReader, path: Path, skipped: int, header: int) -> tuple[int, list[str]]:
    """Return the record of the header, or the first one that is not empty, with its line."""
    number = 0
    while True:
        line = skipped + reader.line_num + 1
        cells = _next_record(reader, path, line)
        if cells is None:
            raise InvalidInputError(f"{path} is empty")
        # rows of empty cells stand above a table where a spreadsheet wrote it
        if number >= header and any(cells):
            return line, cells
        number += 1


def _rows(opened: _OpenCsv, path: Path) -> Iterator[RawRow]:
    columns, line, cells = opened.columns, opened.line, opened.first
    while True:
        if cells is not None and not _is_blank(cells) and not _is_footer(cells, columns):
            yield _row(line, cells, columns)
        line = opened.skipped + opened.reader.line_num + 1
        cells = _next_record(opened.reader, path, line)
        if cells is None:
            return


def _next_record(reader: _CsvReader, path: Path, line: int) -> list[str] | None:
    # csv has one limit for the whole process: it is raised for this record alone
    before = csv.field_size_limit(_LONGEST_READ)
    try:
        return next(reader)
    except StopIteration:
        return None
    except csv.Error as error:
        # the rest of this cell looks like further rows: text of a cell must not become a lead
        why = _CSV_FAULTS.get(
            str(error)[:11], "a quote stands inside a quoted cell; there it has to be doubled"
        )
        raise InvalidInputError(f"{path}, line {line}: {why}") from None
    finally:
        csv.field_size_limit(before)


def _is_blank(cells: list[str]) -> bool:
    text = "".join(cells)
    return len(text) < 8 and not strip(text)  # blanks, or the end-of-file mark of DOS


def _is_footer(cells: list[str], columns: list[str]) -> bool:
    """Return whether a record is one of the remarks that reports have below their rows."""
    return len(columns) > 1 and not any(cells[1:]) and _FOOTER.match(cells[0]) is not None


def _row(line: int, cells: list[str], columns: list[str]) -> RawRow:
    width = len(columns)
    if len(cells) > width and not any(map(strip, cells[width:])):
        cells = cells[:width]
    note = None
    if len(cells) < width:  # spreadsheets leave out empty cells at the end
        note = f"{len(cells)} cell{'' if len(cells) == 1 else 's'} where the header has {width}: the others are empty"
        cells = [*cells, *[""] * (width - len(cells))]
    values = dict(zip(columns, map(unguard, cells), strict=False))
    fault = None
    if len(cells) > width:
        fault = f"{len(cells)} columns where the header has {width}"
    elif len(longest := max(cells, key=len)) > LONGEST_CELL:
        fault = f"a cell of {len(longest):,} characters, and {LONGEST_CELL:,} is the most"
        values = {name: text[:200] for name, text in values.items()}
    return RawRow(line, values, fault, note)
