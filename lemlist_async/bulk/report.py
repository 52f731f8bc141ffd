"""A journal as a file for people or programs, one line for each row."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from lemlist_async.bulk.journal import Journal
from lemlist_async.bulk.tables import JournalRow
from lemlist_async.core.json import dumps

Format = Literal["csv", "json"]
COLUMNS = ("line", "state", "what", "reason", "id", "result", "row")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any, *, guard: bool = True) -> str:
    """A value for a CSV that people open: one that a spreadsheet would run as a formula gets a quote before it."""
    text = "" if value is None else str(value)
    return f"'{text}" if guard and text.startswith(_FORMULA) else text


def as_dict(row: JournalRow) -> dict[str, Any]:
    """A row of the journal as plain JSON."""
    return {
        "line": row.line,
        "state": row.state,
        "what": row.what,
        "reason": row.reason,
        "id": row.id,
        "result": row.result,
        "row": row.payload,
    }


def lines(rows: Iterable[JournalRow], format: Format, *, guard: bool = True) -> Iterator[str]:  # noqa: A002  # as on the command line
    """The file, line by line."""
    if format == "json":
        for row in rows:
            yield dumps(as_dict(row)).decode() + "\n"
        return
    sink = _Line()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(COLUMNS)
    yield sink.text
    for row in rows:
        result = None if row.result is None else dumps(row.result).decode()
        payload = dumps(row.payload).decode()
        values = (row.line, row.state, row.what, row.reason, row.id, result, payload)
        writer.writerow([cell(value, guard=guard) for value in values])
        yield sink.text


class _Line:
    """What a csv writer writes to: it keeps the last line."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def write_file(path: Path, text: Iterable[str]) -> None:
    """Write a file as a whole or not at all, readable for its owner only: it holds personal data."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.writelines(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


async def write_report(journal: Journal, path: Path) -> None:
    """All rows of a journal as ``.csv``, or as JSON lines under any other name."""
    format_: Format = "csv" if path.suffix.lower() == ".csv" else "json"
    await journal.in_thread(lambda: write_file(path, lines(journal.rows(), format_)))
