"""Long answers that are written in slices: many records as JSON or CSV."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence

from lemlist_async.core.json import dumps
from lemlist_async.sandbox.responses import JSON, RouteResponse
from lemlist_async.sandbox.routes.common import csv_bytes
from lemlist_async.sandbox.slices import slices
from lemlist_async.sandbox.tables import Record

__all__ = ["csv_file", "json_rows"]


def json_rows(
    records: Iterable[Record], view: Callable[[Record], Record]
) -> Generator[None, None, RouteResponse]:
    """Return the views of records as a JSON list, in slices."""
    pieces = list[bytes]()
    for part in slices(records):
        pieces.append(dumps([view(record) for record in part])[1:-1])
        yield
    return RouteResponse(200, b"[" + b",".join(pieces) + b"]", JSON)


def csv_file(
    columns: Sequence[str], records: Iterable[Record], view: Callable[[Record], Record]
) -> Generator[None, None, bytes]:
    """Return the bytes of a CSV file with the views of records, in slices."""
    pieces = [csv_bytes(columns, ())]
    for part in slices(records):
        pieces.append(csv_bytes(columns, map(view, part), header=False))
        yield
    return b"".join(pieces)
