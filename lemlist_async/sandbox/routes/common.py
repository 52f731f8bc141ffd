"""Helpers of several areas: finding records, paging, checking a body, writing CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final, cast
from urllib.parse import urlsplit

from lemlist_async.sandbox.request_context import RequestContext
from lemlist_async.sandbox.responses import CSV, RouteResponse, refuse
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.tables import Record

__all__ = [
    "ID",
    "QuietRoute",
    "campaign_of",
    "csv_answer",
    "find",
    "is_email",
    "newest",
    "on_the_web",
    "paged",
    "require",
    "sliced",
]

QuietRoute: partial[Route] = partial(Route, unauthorized=None)
"""Route whose 401 is documented without a body."""

ID: Final = re.compile(r"[a-z]{2,3}_\w{5,}")
_EMAIL: Final = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]+")


def find(
    context: RequestContext,
    table: Mapping[str, Record],
    record_id: str,
    missing: str | Record | None,
    foreign: str | Record = "Bad team",
) -> Record:
    """Return the record, or refuse as lemlist does: ``Bad team`` for a malformed or foreign id, else 404."""
    record = table.get(record_id)
    if record is not None:
        return record
    if not ID.fullmatch(record_id) or context.world.holds(record_id):
        raise refuse(400, foreign)
    raise refuse(404, missing)


def campaign_of(context: RequestContext) -> Record:
    """Return the campaign that the path names."""
    return find(context, context.team.campaigns, context.ids["campaignId"], "Campaign not found")


def is_email(value: object) -> bool:
    """Tell whether a value has the form of an e-mail address."""
    return isinstance(value, str) and _EMAIL.fullmatch(value) is not None


def require(fields: Mapping[str, Any], name: str, kind: type | tuple[type, ...] = str) -> Any:
    """Return a required field of the given type; 400 if it is absent, empty or of another type."""
    value = fields.get(name)
    if not isinstance(value, kind) or value == "":
        raise refuse(400, f"Bad params: {name} is required")
    return value


def on_the_web(url: str) -> bool:
    """Tell whether a text is an address with a host."""
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that hold no IPv6 address
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def word(fields: Mapping[str, object], name: str) -> str:
    """Return the text of a field, or "" if it is absent, null or not text."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def texts(value: object, refusal: str | Record) -> list[str]:
    """Return a list of strings; 400 with ``refusal`` for anything else."""
    items = cast("list[object]", value) if isinstance(value, list) else None
    if items is None or not all(isinstance(item, str) for item in items):
        raise refuse(400, refusal)
    return cast("list[str]", items)


def objects(value: object, refusal: str | Record) -> list[Record]:
    """Return a list of JSON objects; 400 with ``refusal`` for anything else."""
    items = cast("list[object]", value) if isinstance(value, list) else None
    if items is None or not all(isinstance(item, dict) for item in items):
        raise refuse(400, refusal)
    return cast("list[Record]", items)


def newest(context: RequestContext, records: Iterable[Record]) -> list[Record]:
    """Return records in the order of ``sortOrder``. They are stored oldest first."""
    ordered = list(records)
    return ordered[::-1] if context.one("sortOrder") == "desc" else ordered


def sliced(context: RequestContext, records: Iterable[Record], high: int = 100) -> list[Record]:
    """Return the slice that ``offset`` and ``limit`` select. Records behind it are not looked at."""
    offset, limit = context.number("offset", 0), context.number("limit", 100, 1, high)
    return list(islice(records, offset, offset + limit))


def paged(
    context: RequestContext, records: Sequence[Record], high: int = 100
) -> tuple[Sequence[Record], Record]:
    """Return the page that ``page`` (from 1, it wins) or ``offset`` selects, and its ``pagination`` object."""
    limit = context.number("limit", 100, 1, high)
    page = context.number("page", context.number("offset", 0) // limit + 1, 1)
    start = (page - 1) * limit if context.one("page") else context.number("offset", 0)
    total_pages = -(-len(records) // limit)
    pagination: Record = {
        "totalRecords": len(records),
        "currentPage": page,
        "nextPage": page + 1 if start + limit < len(records) else None,
        "totalPage": total_pages,
    }
    return records[start : start + limit], pagination


def csv_answer(
    columns: Sequence[str], rows: Iterable[Mapping[str, object]], headers: Mapping[str, str] | None = None
) -> RouteResponse:
    """Build a CSV response with CRLF line ends. Missing cells are empty."""
    return RouteResponse(200, csv_bytes(columns, rows), CSV, headers or {})


def csv_bytes(columns: Sequence[str], rows: Iterable[Mapping[str, object]], *, header: bool = True) -> bytes:
    """Build the bytes of a CSV file, or of further lines of one."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore")
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
