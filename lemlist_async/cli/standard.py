"""Standard input and output in place of files."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Literal

from lemlist_async import bulk
from lemlist_async.cli.options import STANDARD
from lemlist_async.cli.streams import write_data

NAME = "standard-input"
"""Stem of the copy of standard input; messages show it as ``standard input``."""


@contextlib.contextmanager
def as_file(file: Path) -> Generator[Path]:
    """Give a file, or a copy of standard input, which is read more than once."""
    if file != STANDARD:
        yield file
        return
    with bulk.copied(sys.stdin.buffer, NAME) as copy:
        yield copy


def report_text(
    journal: bulk.Journal,
    format: Literal["csv", "json"],  # noqa: A002  # as on the command line
    *,
    guard: bool = True,
) -> Iterator[str]:
    """Return the lines of a report; for use in the journal's thread."""
    source = bulk.find_planned_file(journal.meta_now())
    return bulk.report_lines(journal.rows, format, source=source, guard=guard)


async def print_report(journal: bulk.Journal) -> None:
    """Print the outcome of each row as CSV."""
    await journal.in_thread(lambda: write_data(report_text(journal, "csv")))


async def print_rejects(journal: bulk.Journal) -> int:
    """Print the rows to correct, and return their number."""
    with tempfile.TemporaryDirectory(prefix="lemlist-async-") as folder:
        path = Path(folder) / "rejects"
        count = await bulk.write_rejects(journal, path)
        with path.open(encoding="utf-8", newline="") as lines:
            write_data(lines)
    return count
