"""Rows out of any source, a file or an iterable, each with the line it began on."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeGuard, cast

from lemlist_async.bulk.source.csv_dialect import FileFormat
from lemlist_async.bulk.source.files import read_file
from lemlist_async.bulk.source.raw_row import RawRow

Row = Mapping[str, Any] | str
Rows = Iterable[Row] | AsyncIterable[Row]
Source = str | os.PathLike[str] | Rows
"""A path (``.json``, ``.jsonl``, ``.ndjson``, else CSV), or mappings from column to value; a plain text among these
is a row whose only column, ``value``, holds it."""


def is_path(source: Source) -> TypeGuard[str | os.PathLike[str]]:
    """Whether a source is a file."""
    return isinstance(source, str | os.PathLike)


async def read_rows(source: Source, file_format: FileFormat, *, most: int) -> AsyncIterator[list[RawRow]]:
    """All rows of a source, `most` at a time.

    Raises:
        InvalidInputError: the file cannot be opened, is no text in its encoding, has no usable header, or a
            quote in it is never closed.
    """
    if isinstance(source, AsyncIterable):
        async for rows in _gathered(source, most):
            yield rows
        return
    if isinstance(source, str | os.PathLike):
        read = read_file(Path(source), file_format)
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
