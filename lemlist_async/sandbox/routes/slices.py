"""Long answers in slices, so that other requests have their turn: tables of many records as JSON or CSV."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from lemlist_async.core.json import dumps
from lemlist_async.sandbox.responses import JSON, RouteResponse
from lemlist_async.sandbox.routes.common import csv_bytes
from lemlist_async.sandbox.tables import Record

__all__ = ["chosen", "csv_file", "json_rows"]

SIZE: Final = 1000
"""Records that are worked on at a time: some milliseconds."""


def _slices(records: Iterable[Record]) -> Iterator[list[Record]]:
    walk = iter(records)
    while part := list(islice(walk, SIZE)):
        yield part


def chosen(
    records: Iterable[Record], tests: Sequence[Callable[[Record], bool]]
) -> Generator[None, None, list[Record]]:
    """Return the records that pass every test, in slices."""
    found = list[Record]()
    for part in _slices(list(records)):  # a copy, since the table may change between two slices
        found += [record for record in part if all(test(record) for test in tests)]
        yield
    return found


def json_rows(
    records: Iterable[Record], view: Callable[[Record], Record]
) -> Generator[None, None, RouteResponse]:
    """Return the views of records as a JSON list, in slices."""
    pieces = list[bytes]()
    for part in _slices(records):
        pieces.append(dumps([view(record) for record in part])[1:-1])
        yield
    return RouteResponse(200, b"[" + b",".join(pieces) + b"]", JSON)


def csv_file(
    columns: Sequence[str], records: Iterable[Record], view: Callable[[Record], Record]
) -> Generator[None, None, bytes]:
    """Return the bytes of a CSV file with the views of records, in slices."""
    pieces = [csv_bytes(columns, ())]
    for part in _slices(records):
        pieces.append(csv_bytes(columns, map(view, part), header=False))
        yield
    return b"".join(pieces)
