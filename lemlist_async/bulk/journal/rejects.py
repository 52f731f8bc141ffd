"""Rejects of a job: the rows of its file that were not done, as they came, to be corrected and sent again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from lemlist_async.bulk.jobs.job import REPEATED, SKIPPED, State
from lemlist_async.bulk.journal.errors import JournalError
from lemlist_async.bulk.journal.journal import Journal
from lemlist_async.bulk.source.csv_dialect import FileFormat
from lemlist_async.bulk.source.files import FileHead, digest, head_of, read_file
from lemlist_async.core.json import dumps
from lemlist_async.export.spreadsheets import csv_line
from lemlist_async.files import write_file

LINE, REASON = "Reject line", "Reject reason"
"""Columns that a file of rejects has in front; an import leaves them out."""
_REJECTED = frozenset({State.REFUSED, State.FAILED, State.UNKNOWN})


async def write_rejects(
    journal: Journal, source: Path, path: Path, file_format: FileFormat | None = None
) -> int:
    """Write the rows of a file that were refused, failed or are unknown, and return their number.

    A CSV becomes a CSV in UTF-8 with the columns of the source and two more in front, the line and the reason; a
    JSON file becomes JSON lines with two more keys. Rows that repeat an earlier one are no rejects. The file is
    written as a whole or not at all, for its owner only.

    Raises:
        JournalError: the source is no longer the file that was planned.
        OSError: the file cannot be written.
    """
    file_format = file_format or FileFormat()

    def write() -> int:
        planned = journal.meta_now().get("digest")
        if planned and digest(source) != planned:
            raise JournalError(
                f"{source} has changed since it was planned: its rejects are in the report only"
            )
        head = head_of(source, file_format)
        counter = itertools.count(0 if head is None else -1)
        lines = _lines(journal, source, file_format, head)
        write_file(path, (line for line, _ in zip(lines, counter, strict=False)))
        return next(counter)

    return await journal.in_thread(write)


def _lines(journal: Journal, source: Path, file_format: FileFormat, head: FileHead | None) -> Iterator[str]:
    if head is not None:
        # the mark makes Excel read it as UTF-8, and goes before any encoding that is named for the next import
        yield "\ufeff" + csv_line((LINE, REASON, *head.columns), delimiter=file_format.delimiter or ",")
    rejected = (
        (row.line, row.reason or row.what)
        for row in journal.rows()
        if row.state in _REJECTED and row.what not in {REPEATED, SKIPPED}
    )
    line, reason = next(rejected, (0, ""))
    # both are in the order of the file
    for raw in read_file(source, file_format):
        if raw.line != line:
            continue
        if head is not None:
            cells = (raw.values.get(column) for column in head.columns)
            yield csv_line((line, reason, *cells), delimiter=file_format.delimiter or ",")
        else:
            yield dumps({LINE: line, REASON: reason, **raw.values}).decode() + "\n"
        line, reason = next(rejected, (0, ""))
        if not line:
            return
