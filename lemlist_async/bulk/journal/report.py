"""Report of a journal: a file with one line for each row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from lemlist_async.bulk.journal.journal import Journal
from lemlist_async.bulk.journal.tables import JournalRow
from lemlist_async.core.json import dumps
from lemlist_async.export.spreadsheets import csv_line
from lemlist_async.files import write_file

Format = Literal["csv", "json"]
COLUMNS = ("line", "state", "what", "reason", "id", "result", "row")


def as_dict(row: JournalRow) -> dict[str, Any]:
    """Return a row of the journal as plain JSON."""
    return {
        "line": row.line,
        "state": row.state,
        "what": row.what,
        "reason": row.reason,
        "id": row.id,
        "result": row.result,
        "row": row.payload,
    }


def report_lines(rows: Iterable[JournalRow], format: Format, *, guard: bool = True) -> Iterator[str]:  # noqa: A002  # as on the command line
    """Generate the file, line by line."""
    if format == "json":
        for row in rows:
            yield dumps(as_dict(row)).decode() + "\n"
        return
    yield csv_line(COLUMNS, formulas=not guard)
    for row in rows:
        result = None if row.result is None else dumps(row.result).decode()
        payload = dumps(row.payload).decode()
        values = (row.line, row.state, row.what, row.reason, row.id, result, payload)
        yield csv_line(values, formulas=not guard)


async def write_report(journal: Journal, path: Path) -> None:
    """Write all rows of a journal as ``.csv``, or as JSON lines under any other name."""
    format_: Format = "csv" if path.suffix.lower() == ".csv" else "json"
    await journal.in_thread(lambda: write_file(path, report_lines(journal.rows(), format_)))
