"""Report of a journal: a file with one line for each row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, cast

from lemlist_async.bulk.journal.journal import Journal
from lemlist_async.bulk.journal.storage import JournalRow
from lemlist_async.core.json import dumps
from lemlist_async.export.spreadsheets import csv_line
from lemlist_async.files import write_file

Format = Literal["csv", "json"]
_COLUMNS = ("line", "state", "what", "reason", "id")


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


def flat(row: JournalRow) -> dict[str, Any]:
    """Return a row of the journal with one value for each column: the row's own, and those of its result.

    The parts of a payload (fields, variables) are one level; what is nested below has dots in its name, and a list is
    JSON.
    """
    given: dict[str, Any] = {}
    for name, value in row.payload.items():
        given.update(cast("dict[str, Any]", value) if isinstance(value, dict) else {name: value})
    leaves = dict(leaf for name, value in given.items() for leaf in _leaves(name, value))
    return {
        **{name: value for name, value in as_dict(row).items() if name in _COLUMNS},
        **dict(_leaves("result", row.result)),
        **{f"row.{name}" if name in _COLUMNS else name: value for name, value in leaves.items()},
    }


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for inner, one in cast("dict[str, Any]", value).items():
            yield from _leaves(f"{name}.{inner}", one)
    elif isinstance(value, list):
        yield name, dumps(value).decode()
    elif value is not None:
        yield name, value


def report_lines(
    rows: Callable[[], Iterable[JournalRow]],
    format: Format,  # noqa: A002  # as on the command line
    *,
    guard: bool = True,
) -> Iterator[str]:
    """Generate the file, line by line. `rows` gives the rows anew: those of a CSV are read twice, for its columns."""
    if format == "json":
        for row in rows():
            yield dumps(as_dict(row)).decode() + "\n"
        return
    columns: dict[str, None] = dict.fromkeys(_COLUMNS)
    for row in rows():
        columns.update(dict.fromkeys(flat(row)))
    yield csv_line(tuple(columns), formulas=not guard)
    for row in rows():
        values = flat(row)
        yield csv_line(tuple(values.get(column) for column in columns), formulas=not guard)


async def write_report(journal: Journal, path: Path) -> None:
    """Write all rows of a journal as ``.csv``, or as JSON lines under any other name."""
    format_: Format = "csv" if path.suffix.lower() == ".csv" else "json"
    await journal.in_thread(lambda: write_file(path, report_lines(journal.rows, format_)))
