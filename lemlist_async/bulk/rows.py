"""Rows out of files and iterables, one at a time, each with the line it began on."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import itertools
import os
from collections.abc import AsyncIterable, AsyncIterator, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TextIO, TypeGuard, cast

from lemlist_async.core import json
from lemlist_async.core.wire import is_object
from lemlist_async.errors import InvalidInputError

Row = Mapping[str, Any] | str
Rows = Iterable[Row] | AsyncIterable[Row]
Source = str | os.PathLike[str] | Rows
"""A path (``.csv``, ``.tsv``, ``.jsonl``, ``.ndjson``), or mappings from column to value; a plain text among these
is a row whose only column, ``value``, holds it."""

_CSV_FAULTS = {
    "unexpected ": "a quote is opened and never closed; nothing behind it can be read",
    "field large": f"a cell is longer than {csv.field_size_limit():,} characters",
    "',' expecte": "a quote stands inside a quoted cell; there it has to be doubled",
}
"""By how csv's own messages begin."""
_DELIMITERS = ",;\t|"
_JSON_LINES = frozenset({".jsonl", ".ndjson"})


class RawRow(NamedTuple):
    """One row as it was read."""

    line: int
    """Line of the file it began on, counted from 1; the position for an iterable."""
    values: Mapping[str, Any]
    fault: str | None = None
    """Why it cannot be used, where the reading itself tells: then `values` is what there was."""


def is_path(source: Source) -> TypeGuard[str | os.PathLike[str]]:
    """Whether a source is a file."""
    return isinstance(source, str | os.PathLike)


async def read_rows(source: Source, *, encoding: str = "utf-8", most: int) -> AsyncIterator[list[RawRow]]:
    """All rows of a source, `most` at a time.

    Raises:
        InvalidInputError: the file cannot be opened, is not text in `encoding`, has no usable header, or a
            quote in it is never closed.
    """
    if isinstance(source, AsyncIterable):
        async for rows in _gathered(source, most):
            yield rows
        return
    if isinstance(source, str | os.PathLike):
        read = read_file(Path(source), encoding=encoding)
    else:
        read = itertools.starmap(_raw, enumerate(source, 1))
    while rows := list(itertools.islice(read, most)):
        yield rows


async def _gathered(source: AsyncIterable[Row], most: int) -> AsyncIterator[list[RawRow]]:
    number, rows = 0, list[RawRow]()
    async for values in source:
        number += 1
        rows.append(_raw(number, values))
        if len(rows) == most:
            yield rows
            rows = []
    if rows:
        yield rows


def _raw(number: int, values: object) -> RawRow:
    if isinstance(values, str):
        return RawRow(number, {"value": values})
    if isinstance(values, Mapping):
        return RawRow(number, cast("Mapping[str, Any]", values))
    return RawRow(number, {}, f"a row is a mapping, not {type(values).__name__}")


def read_file(path: Path, *, encoding: str = "utf-8") -> Iterator[RawRow]:
    """All rows of a CSV or JSON lines file."""
    with _opened(path, encoding) as file:
        yield from (_json_lines if path.suffix.lower() in _JSON_LINES else _csv)(file, path)


@contextlib.contextmanager
def _opened(path: Path, encoding: str) -> Generator[TextIO]:
    """A file to read, whose faults are told in one sentence each."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InvalidInputError(
            f"{path} is a pipe or a device; it has to be a file, since it is read more than once"
        )
    # a byte order mark, which Excel writes, would become part of the first column's name
    codec = "utf-8-sig" if encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else encoding
    try:
        with path.open(encoding=codec, newline="") as file:
            yield file
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"{path} is not {encoding}: byte {error.object[error.start]:#04x} cannot be read; "
            "save it as UTF-8, or name its encoding (often cp1252 or utf-16)"
        ) from None
    except (OSError, LookupError) as error:
        why = error.strerror if isinstance(error, OSError) else f"no encoding {encoding!r}"
        raise InvalidInputError(f"{path} cannot be read: {why}") from None


def header_of(path: Path, *, encoding: str = "utf-8") -> list[str]:
    """The columns of a CSV file; empty for JSON lines, which have none."""
    if path.suffix.lower() in _JSON_LINES:
        return []
    with _opened(path, encoding) as file:
        return _open_csv(file, path)[1]


def digest(path: Path) -> str:
    """SHA-256 of a file, to know it again; empty for one that cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


class CsvReader(Protocol):
    """What `csv.reader` gives; its own type has no public name."""

    @property
    def line_num(self) -> int:
        """Lines read so far."""
        ...

    def __next__(self) -> list[str]: ...


def _open_csv(file: TextIO, path: Path) -> tuple[CsvReader, list[str]]:
    """A reader that stands behind the header, and the columns."""
    first = file.readline()
    if not first.strip():
        raise InvalidInputError(f"{path} is empty, or begins with an empty line instead of the column names")
    delimiter = max(_DELIMITERS, key=first.count)
    file.seek(0)
    # strict: a stray quote is an error, and no quiet merge of its row with the next ones
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    return reader, _columns(reader, path)


def _csv(file: TextIO, path: Path) -> Iterator[RawRow]:
    reader, columns = _open_csv(file, path)
    line = reader.line_num + 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # nobody can tell the rest of this cell from the next rows: text of a cell must not become a lead
            raise InvalidInputError(
                f"{path}, line {line}: {_CSV_FAULTS.get(str(error)[:11], error)}"
            ) from None
        if cells:
            yield RawRow(line, dict(zip(columns, cells, strict=False)), _width(cells, columns))
        line = reader.line_num + 1


def _columns(reader: CsvReader, path: Path) -> list[str]:
    try:
        columns = [name.strip() for name in next(reader)]
    except csv.Error as error:
        raise InvalidInputError(
            f"{path}, line 1: the column names are not readable as CSV: {error}"
        ) from None
    if "" in columns:
        raise InvalidInputError(f"{path}, line 1: column {columns.index('') + 1} has no name")
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise InvalidInputError(f"{path}, line 1: the column {twice[0]!r} is there twice")
    return columns


def _width(cells: list[str], columns: list[str]) -> str | None:
    if len(cells) == len(columns):
        return None
    return f"{len(cells)} columns where the header has {len(columns)}"


def _json_lines(file: TextIO, path: Path) -> Iterator[RawRow]:
    for line, text in enumerate(file, 1):
        if not text.strip():
            continue
        damage: dict[str, int] = {}
        try:
            values = json.read(text, damage)
        except ValueError as error:
            yield RawRow(line, {}, f"not JSON: {error}")
            continue
        if damage.keys() & json.LOSSY:
            # null in its place would empty a field at lemlist
            yield RawRow(line, {}, "not JSON: NaN, Infinity, or a value nested too deeply")
        elif is_object(values):
            yield RawRow(line, values)
        else:
            yield RawRow(line, {}, "not a JSON object")
