"""DataFrames as sources of rows, by what pandas, polars and pyarrow document; none of them is imported."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, Protocol, TypeGuard, cast

from lemlist_async.bulk.source.files import SAMPLED, FileHead
from lemlist_async.bulk.source.raw_row import RawRow
from lemlist_async.errors import InvalidInputError

_BATCH = 1_000
"""Rows of an Arrow table that become Python objects at once."""


class Frame(Protocol):
    """A table in memory: a DataFrame of pandas or polars, or an Arrow table."""

    @property
    def columns(self) -> Any:
        """Names of the columns, or the columns themselves."""
        ...

    @property
    def shape(self) -> Any:
        """Numbers of rows and columns."""
        ...


def is_frame(source: object) -> TypeGuard[Frame]:
    """Return whether a source is a table in memory."""
    return hasattr(source, "shape") and any(
        callable(getattr(source, name, None)) for name in ("iter_rows", "itertuples", "to_batches")
    )


def head_of_frame(frame: Frame) -> FileHead:
    """Return the columns of a table with their first values."""
    columns = _columns(frame)
    first = list(itertools.islice(_rows(frame), SAMPLED))
    samples = [[str(row[n]) for row in first if not _is_empty(row[n])] for n in range(len(columns))]
    return FileHead(columns, samples, 1)


def read_frame(frame: Frame) -> Iterator[RawRow]:
    """Read all rows of a table, numbered from 1.

    Raises:
        InvalidInputError: a column's name is no text, or there twice.
    """
    columns = _columns(frame)
    for number, row in enumerate(_rows(frame), 1):
        yield RawRow(number, {name: _plain(value) for name, value in zip(columns, row, strict=True)})


def _columns(frame: Any) -> list[str]:
    names = list(frame.column_names if hasattr(frame, "column_names") else frame.columns)
    for name in names:
        if not isinstance(name, str):
            raise InvalidInputError(f"the column {name!r} has no text for a name")
        if names.count(name) > 1:
            raise InvalidInputError(f"the column {name!r} is there twice")
    return names


def _rows(frame: Any) -> Iterator[tuple[Any, ...]]:
    if hasattr(frame, "iter_rows"):  # polars
        yield from frame.iter_rows()
    elif hasattr(frame, "itertuples"):  # pandas
        yield from frame.itertuples(index=False, name=None)
    else:  # pyarrow
        for batch in frame.to_batches(max_chunksize=_BATCH):
            columns = cast("Iterable[Any]", batch.columns)
            yield from zip(*(column.to_pylist() for column in columns), strict=True)


def _plain(value: Any) -> Any:
    return None if _is_empty(value) else value


def _is_empty(value: Any) -> bool:
    """Return whether a cell is empty; pandas has its own values for that."""
    return value is None or type(value).__name__ in {"NAType", "NaTType"} or value != value
