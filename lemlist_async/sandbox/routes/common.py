"""What several areas share: finding records as lemlist words a miss, paging, checking a body, writing CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, cast

from lemlist_async.sandbox.exchange import CSV, Answer, Call, Record, Route, refuse

__all__ = [
    "ID",
    "QuietRoute",
    "campaign_of",
    "csv_answer",
    "find",
    "is_email",
    "newest",
    "paged",
    "require",
    "sliced",
]

QuietRoute: partial[Route] = partial(Route, unauthorized=None)
"""A route whose 401 is documented without a body."""

ID: Final = re.compile(r"[a-z]{2,3}_\w{5,}")
_EMAIL: Final = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]+")


def find(
    call: Call,
    table: Mapping[str, Record],
    record_id: str,
    missing: str | Record | None,
    foreign: str | Record = "Bad team",
) -> Record:
    """The record, or the two ways of lemlist to say no: ``Bad team`` for a wrong form or owner, else 404."""
    record = table.get(record_id)
    if record is not None:
        return record
    if not ID.fullmatch(record_id) or call.world.holds(record_id):
        raise refuse(400, foreign)
    raise refuse(404, missing)


def campaign_of(call: Call) -> Record:
    """The campaign of the path."""
    return find(call, call.team.campaigns, call.ids["campaignId"], "Campaign not found")


def is_email(value: object) -> bool:
    """Whether a value has the form of an address."""
    return isinstance(value, str) and _EMAIL.fullmatch(value) is not None


def require(fields: Mapping[str, Any], name: str, kind: type | tuple[type, ...] = str) -> Any:
    """A field that must be there, of its type and not empty; 400 otherwise."""
    value = fields.get(name)
    if not isinstance(value, kind) or value == "":
        raise refuse(400, f"Bad params: {name} is required")
    return value


def word(fields: Mapping[str, object], name: str) -> str:
    """The text of a field; "" if it is absent, null or no text."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def texts(value: object, refusal: str | Record) -> list[str]:
    """A list of text; 400 with ``refusal`` for anything else."""
    items = cast("list[object]", value) if isinstance(value, list) else None
    if items is None or not all(isinstance(item, str) for item in items):
        raise refuse(400, refusal)
    return cast("list[str]", items)


def objects(value: object, refusal: str | Record) -> list[Record]:
    """A list of JSON objects; 400 with ``refusal`` for anything else."""
    items = cast("list[object]", value) if isinstance(value, list) else None
    if items is None or not all(isinstance(item, dict) for item in items):
        raise refuse(400, refusal)
    return cast("list[Record]", items)


def newest(call: Call, records: Iterable[Record]) -> list[Record]:
    """Records as ``sortOrder`` asks; they are kept oldest first."""
    ordered = list(records)
    return ordered[::-1] if call.one("sortOrder") == "desc" else ordered


def sliced(call: Call, records: Sequence[Record], high: int = 100) -> Sequence[Record]:
    """The part that ``offset`` and ``limit`` ask for."""
    offset, limit = call.number("offset", 0), call.number("limit", 100, 1, high)
    return records[offset : offset + limit]


def paged(call: Call, records: Sequence[Record], high: int = 100) -> tuple[Sequence[Record], Record]:
    """The page that ``page`` (from 1; it wins) or ``offset`` asks for, and its ``pagination`` object."""
    limit = call.number("limit", 100, 1, high)
    page = call.number("page", call.number("offset", 0) // limit + 1, 1)
    start = (page - 1) * limit if call.one("page") else call.number("offset", 0)
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
) -> Answer:
    """A CSV with CRLF line ends; what a row lacks stays empty."""
    return Answer(200, csv_bytes(columns, rows), CSV, headers or {})


def csv_bytes(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    """The text of a CSV file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
