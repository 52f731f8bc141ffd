"""Rows of any source, a file or an iterable, each with its first line."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeGuard, cast

from lemlist_async.bulk.source.csv_dialect import FileFormat
from lemlist_async.bulk.source.files import read_file
from lemlist_async.bulk.source.frames import Frame, is_frame, read_frame
from lemlist_async.bulk.source.raw_row import RawRow
from lemlist_async.bulk.source.uploads import FileObject, is_file_object

Row = Mapping[str, Any] | str
Rows = Iterable[Row] | AsyncIterable[Row]
Source = str | os.PathLike[str] | FileObject | Frame | Rows
"""A path (``.json``, ``.jsonl``, ``.ndjson``, else CSV), a file object or a web form's file, a DataFrame or an Arrow
table, or mappings from column to value; a plain text among these is a row whose only column, ``value``, holds it."""

_PIECE = 4 * 2**20
"""Bytes of rows that are read at once, unless a single row has more."""


def is_path(source: Source) -> TypeGuard[str | os.PathLike[str]]:
    """Return whether a source is a file."""
    return isinstance(source, str | os.PathLike)


def check_source(source: object) -> None:
    """Refuse what holds rows and is none of the ways to give them.

    Raises:
        TypeError: saying what to pass instead.
    """
    if isinstance(source, str | os.PathLike) or is_file_object(source) or is_frame(source):
        return
    kind = type(source).__name__
    for is_it, instead in _INSTEAD:
        if is_it(source):
            raise TypeError(
                f"rows are given as a path or as an iterable of mappings, not as {kind}: {instead}"
            )


def _has(*names: str) -> Callable[[object], bool]:
    return lambda source: all(hasattr(source, one) for one in names)


_INSTEAD: tuple[tuple[Callable[[object], bool], str], ...] = (
    (lambda source: isinstance(source, Mapping), "for one row pass a list with it, [row]"),
    (
        lambda source: isinstance(source, bytes | bytearray | memoryview),
        "pass the path of a file, or io.BytesIO(data)",
    ),
    (_has("collect", "lazy"), "pass frame.collect()"),
    (_has("to_dicts"), "pass frame.to_dicts()"),
    (_has("to_dict", "columns"), "pass frame.to_dict('records')"),
    (_has("to_dict"), "pass a list of mappings"),
    (lambda source: not isinstance(source, Iterable | AsyncIterable), "pass a list of mappings"),
)


async def read_rows(
    source: Source, file_format: FileFormat, *, most: int, texts: bool = True
) -> AsyncIterator[list[RawRow]]:
    """Read all rows of a source, up to `most` at a time, and fewer where they are large; `texts` may be rows.

    Raises:
        InvalidInputError: the file cannot be opened, is no text in its encoding, has no usable header, or a
            quote in it is never closed.
        TypeError: the first row is a text, and those of this job cannot be.
    """
    if isinstance(source, AsyncIterable):
        async for rows in _gathered(source, most, texts):
            yield rows
        return
    if isinstance(source, str | os.PathLike):
        read = read_file(Path(source), file_format)
    elif is_frame(source):
        read = read_frame(source)
    else:
        read = (_raw(number, values, texts) for number, values in enumerate(cast("Iterable[Row]", source), 1))
    chunk = _Chunk(most)
    for row in read:
        if chunk.add(row):
            yield chunk.take()
    if chunk.rows:
        yield chunk.take()


async def _gathered(source: AsyncIterable[Row], most: int, texts: bool) -> AsyncIterator[list[RawRow]]:
    chunk, number = _Chunk(most), 0
    async for values in source:
        number += 1
        if chunk.add(_raw(number, values, texts)):
            yield chunk.take()
    if chunk.rows:
        yield chunk.take()


class _Chunk:
    """Rows that are read together, up to a number of rows or of bytes."""

    __slots__ = ("most", "rows", "size")

    def __init__(self, most: int) -> None:
        self.most = most
        self.rows: list[RawRow] = []
        self.size = 0

    def add(self, row: RawRow) -> bool:
        """Take a row, and return whether the chunk is full."""
        self.rows.append(row)
        self.size += sum([len(one) if type(one) is str else _size(one) for one in row.values.values()])
        return len(self.rows) == self.most or self.size >= _PIECE

    def take(self) -> list[RawRow]:
        """Return the rows, and begin anew."""
        rows, self.rows, self.size = self.rows, [], 0
        return rows


def _size(value: object) -> int:
    """Estimate the bytes that a value takes."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_size, cast("Mapping[object, object]", value).values()))
    if isinstance(value, list | tuple):
        return sum(map(_size, cast("Iterable[object]", value)))
    return 8


def _raw(number: int, values: object, texts: bool) -> RawRow:
    if isinstance(values, str):
        if texts:
            return RawRow(number, {"value": values})
        if number == 1:
            raise TypeError(
                "a row of this job is a mapping from column to value, not a text: pass {'email': …} for each, "
                "or the path of a file"
            )
    if isinstance(values, Mapping):
        return RawRow(number, cast("Mapping[str, Any]", values))
    return RawRow(number, {}, f"a row is a mapping, not {type(values).__name__}")
