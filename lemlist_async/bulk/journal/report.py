"""Report of a journal: a file with one line for each row, its own columns first and its outcome behind them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, cast

from lemlist_async.bulk.journal.journal import Journal
from lemlist_async.bulk.journal.planned_file import PlannedFile, find_planned_file
from lemlist_async.bulk.journal.storage import JournalRow
from lemlist_async.core.json import dumps
from lemlist_async.export.spreadsheets import BOM, csv_line
from lemlist_async.files import write_file

Format = Literal["csv", "json"]
_OUTCOME = ("line", "state", "what", "reason", "id")
_MARKS = frozenset({"note", "find"})
"""Parts of a payload that are no columns."""


def as_dict(row: JournalRow, cells: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a row of the journal as plain JSON, with the cells of its source, or with what was sent of them."""
    return {
        "line": row.line,
        "state": row.state,
        "what": row.what,
        "reason": row.reason,
        "id": row.id,
        "result": row.result,
        "row": row.payload if cells is None else cells,
    }


def flat(row: JournalRow, cells: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a row of the journal with one value for each column: its cells, its outcome, the parts of its result.

    What is nested has dots in its name, and a list is JSON. A report that is a source again gets its columns anew.
    """
    outcome = as_dict(row)
    return {
        **(_sent(row) if cells is None else cells),
        **{f"row.{name}": outcome[name] for name in _OUTCOME},
        **dict(_leaves("result", row.result)),
    }


def _sent(row: JournalRow) -> dict[str, Any]:
    """Return what was sent of a row; the parts of a payload (fields, variables) are one level."""
    given: dict[str, Any] = {}
    for name, value in row.payload.items():
        if name not in _MARKS:
            given.update(cast("dict[str, Any]", value) if isinstance(value, dict) else {name: value})
    return dict(leaf for name, value in given.items() for leaf in _leaves(name, value))


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for inner, one in cast("dict[str, Any]", value).items():
            yield from _leaves(f"{name}.{inner}", one)
    elif isinstance(value, list):
        yield name, dumps(value).decode()
    elif value is not None:
        yield name, value


def with_cells(
    rows: Iterable[JournalRow], source: PlannedFile | None
) -> Iterator[tuple[JournalRow, dict[str, Any] | None]]:
    """Give each row of a journal with the cells of its source; None without a source."""
    if source is None:
        yield from ((row, None) for row in rows)
    else:
        yield from ((row, dict(raw.values)) for row, raw in zip(rows, source.rows(), strict=True))


def report_lines(
    rows: Callable[[], Iterable[JournalRow]],
    format: Format,  # noqa: A002  # as on the command line
    *,
    source: PlannedFile | None = None,
    guard: bool = True,
) -> Iterator[str]:
    """Generate the file, line by line. `rows` gives the rows anew: those of a CSV are read twice, for its columns.

    `source` has the rows as they came; without it they are as they were sent.
    """
    if format == "json":
        for row, cells in with_cells(rows(), source):
            yield dumps(as_dict(row, cells)).decode() + "\n"
        return
    columns = _columns(rows, source)
    yield csv_line(columns, formulas=not guard)
    for row, cells in with_cells(rows(), source):
        values = flat(row, cells)
        yield csv_line((values.get(column) for column in columns), formulas=not guard)


def _columns(rows: Callable[[], Iterable[JournalRow]], source: PlannedFile | None) -> tuple[str, ...]:
    """Return the columns of all rows: of a row that has fewer, those behind its cells must not come first."""
    cells: dict[str, None] = {}
    behind: dict[str, None] = dict.fromkeys(f"row.{name}" for name in _OUTCOME)
    for row, given in with_cells(rows(), source):
        cells.update(dict.fromkeys(_sent(row) if given is None else given))
        behind.update(dict.fromkeys(name for name, _ in _leaves("result", row.result)))
    return tuple({**cells, **behind})


async def write_report(journal: Journal, path: str | os.PathLike[str], *, bom: bool = False) -> None:
    """Write all rows of a journal as ``.csv``, or as JSON lines under any other name.

    The rows have the columns of their file, as long as it is there as it was planned, and else those that were sent.
    `bom` begins a CSV with a byte order mark, by which spreadsheets know UTF-8.
    """
    target = Path(path)
    format_: Format = "csv" if target.suffix.lower() == ".csv" else "json"

    def write() -> None:
        source = find_planned_file(journal.meta_now())
        lines = report_lines(journal.rows, format_, source=source)
        write_file(target, itertools.chain([BOM], lines) if bom and format_ == "csv" else lines)

    await journal.in_thread(write)
