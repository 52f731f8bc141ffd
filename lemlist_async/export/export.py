"""Export of whole lists, row by row in constant memory, to loop over or into a file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from lemlist_async.core.json import dumps
from lemlist_async.errors import ConfigurationError
from lemlist_async.export.spreadsheets import BOM, csv_line
from lemlist_async.files import AtomicFile, sync

ExportFormat = Literal["csv", "jsonl"]

_CHUNK = 500
"""Rows that are written at once."""
_BY_SUFFIX: dict[str, ExportFormat] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


class Export:
    """A list of lemlist: `async for` gives its rows, `save` writes them to a file. Every use fetches it anew.

    A row is a flat mapping from column to text, or None where there is nothing. All rows of an export have the same
    columns in the same order, so that they go as they are into a table, such as a Parquet file. Columns of leads and
    contacts change with the custom variables of the campaign or the team.
    """

    def __init__(self, rows: Callable[[], AsyncIterator[Mapping[str, str]]]) -> None:
        self._rows = rows

    async def __aiter__(self) -> AsyncIterator[dict[str, str | None]]:
        """Iterate over the rows. A response that ends too early is an error, never a short list.

        Raises:
            LemlistError: as in every operation.
        """
        async for row in self._rows():
            yield {name: value or None for name, value in row.items()}

    async def save(
        self,
        path: str | os.PathLike[str],
        *,
        format: ExportFormat | None = None,  # noqa: A002  # as on the command line
        guard: bool = True,
        bom: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> int:
        """Write a file, readable for its owner only, and return the number of rows.

        The file is written beside its place, synced and then renamed: after a failure there is no new file, and an
        old one stays. `format` follows the name by default: ``.csv``, ``.jsonl`` or ``.ndjson``. `guard` puts a
        quote before cells of a CSV that a spreadsheet would run as a formula, which `plan` takes off again. `bom`
        begins a CSV with a byte order mark, by which spreadsheets know UTF-8, and which `plan` skips.
        `progress` is called with the number of rows written.

        Raises:
            ConfigurationError: the name has no known suffix, and `format` is not given.
            OSError: the file cannot be written.
        """
        target = Path(path)
        write = _csv_lines(guard, bom) if _format(target, format) == "csv" else _json_lines
        with AtomicFile(target, "w") as file:
            count = 0
            async for chunk in _chunks(self):
                text = write(chunk, count == 0)
                await asyncio.to_thread(file.write, text)
                count += len(chunk)
                if progress is not None:
                    progress(count)
            await asyncio.to_thread(sync, file)
        return count


def _format(path: Path, given: ExportFormat | None) -> ExportFormat:
    found = given or _BY_SUFFIX.get(path.suffix.lower())
    if found is None:
        raise ConfigurationError(
            f"{path.name!r} does not tell its format: end it in .csv or .jsonl, or give one"
        )
    return found


async def _chunks(rows: Export) -> AsyncIterator[list[dict[str, str | None]]]:
    chunk: list[dict[str, str | None]] = []
    async for row in rows:
        chunk.append(row)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _csv_lines(guard: bool, bom: bool) -> Callable[[Iterable[Mapping[str, Any]], bool], str]:
    def write(rows: Iterable[Mapping[str, Any]], first: bool) -> str:
        lines: list[str] = []
        for row in rows:
            if first:
                lines.append((BOM if bom else "") + csv_line(row, formulas=not guard))
                first = False
            lines.append(csv_line(row.values(), formulas=not guard))
        return "".join(lines)

    return write


def _json_lines(rows: Iterable[Mapping[str, Any]], first: bool) -> str:
    del first  # there is no header
    return "".join(dumps(row).decode() + "\n" for row in rows)
