"""Rejects of a job: the rows of its file that were not done, as they came, to be corrected and sent again."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from lemlist_async.bulk.jobs.job import REPEATED, SKIPPED, State
from lemlist_async.bulk.journal.errors import JournalError
from lemlist_async.bulk.journal.journal import Journal
from lemlist_async.bulk.journal.planned_file import PlannedFile, find_planned_file
from lemlist_async.bulk.source.csv_dialect import REJECTS
from lemlist_async.bulk.source.files import FileHead
from lemlist_async.core.json import dumps
from lemlist_async.export.spreadsheets import BOM, csv_line
from lemlist_async.files import write_file

_REJECTED = frozenset({State.REFUSED, State.FAILED, State.UNKNOWN})


async def write_rejects(journal: Journal, path: str | os.PathLike[str]) -> int:
    """Write the rows of a file that were refused, failed or are unknown, and return their number.

    A CSV becomes a CSV in UTF-8 with the columns of the source and two more in front, the line and the reason; a
    JSON file becomes JSON lines with two more keys. Rows that repeat an earlier one are no rejects. The file is
    written as a whole or not at all, for its owner only.

    Raises:
        JournalError: the source is no longer the file that was planned, or was none.
        OSError: the file cannot be written.
    """

    def write() -> int:
        meta = journal.meta_now()
        if (source := find_planned_file(meta)) is None:
            raise JournalError(
                f"{meta.get('source', '?')} is not, or no longer, the file that was planned: its rejects are in the "
                "report only"
            )
        head = source.head()
        counter = itertools.count(0 if head is None else -1)
        lines = _lines(journal, source, head)
        write_file(Path(path), (line for line, _ in zip(lines, counter, strict=False)))
        return next(counter)

    return await journal.in_thread(write)


def _lines(journal: Journal, source: PlannedFile, head: FileHead | None) -> Iterator[str]:
    delimiter = source.file_format.delimiter or ","
    if head is not None:
        # the mark makes Excel read it as UTF-8, and goes before any encoding that is named for the next import
        yield BOM + csv_line((*REJECTS, *head.columns), delimiter=delimiter)
    rejected = (
        (row.line, row.reason or row.what)
        for row in journal.rows()
        if row.state in _REJECTED and row.what not in {REPEATED, SKIPPED}
    )
    line, reason = next(rejected, (0, ""))
    # both are in the order of the file
    for raw in source.rows():
        if raw.line != line:
            continue
        if head is not None:
            cells = (raw.values.get(column) for column in head.columns)
            yield csv_line((line, reason, *cells), delimiter=delimiter)
        else:
            yield dumps(dict(zip(REJECTS, (line, reason), strict=True)) | dict(raw.values)).decode() + "\n"
        line, reason = next(rejected, (0, ""))
        if not line:
            return
