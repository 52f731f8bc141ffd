"""Export of whole lists, row by row in constant memory, to loop over or into a file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import TypedDict, Unpack

from lemlist_async.export.writers import ExportFormat, Sink, format_of, writer_of
from lemlist_async.files import AtomicFile, sync

_CHUNK = 500
"""Rows that are written at once."""


class ExportOptions(TypedDict, total=False):
    """Options of writing an export."""

    format: ExportFormat | None
    """``csv``, ``jsonl`` or ``parquet``; by default by the name of the file."""
    guard: bool
    """Whether cells of a CSV that a spreadsheet would run as a formula get a quote in front, which `plan` takes off
    again; by default True."""
    bom: bool
    """Whether a CSV begins with a byte order mark, by which spreadsheets know UTF-8, and which `plan` skips; by
    default False."""
    progress: Callable[[int], None] | None
    """Function that is called with the number of rows written."""


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

    async def save(self, path: str | os.PathLike[str], **options: Unpack[ExportOptions]) -> int:
        """Write a file, readable for its owner only, and return the number of rows.

        The file is written beside its place, synced and then renamed: after a failure there is no new file, and an
        old one stays. The options are explained at `ExportOptions`.

        Raises:
            ConfigurationError: the name has no known suffix, and `format` is not given; or Parquet without pyarrow.
            OSError: the file cannot be written.
        """
        target = Path(path)
        options = {**options, "format": format_of(target.name, options.get("format"))}
        with AtomicFile(target, "wb") as file:
            count = await self.write(file, **options)
            await asyncio.to_thread(sync, file)
        return count

    async def write(self, file: Sink, **options: Unpack[ExportOptions]) -> int:
        """Write to an open file, such as standard output, and return the number of rows; by default a CSV.

        Raises:
            ConfigurationError: Parquet without pyarrow.
        """
        progress = options.get("progress")
        writer = writer_of(
            file,
            options.get("format") or "csv",
            guard=options.get("guard", True),
            bom=options.get("bom", False),
        )
        count = 0
        async for chunk in _chunks(self):
            await asyncio.to_thread(writer.write, chunk)
            count += len(chunk)
            if progress is not None:
                progress(count)
        await asyncio.to_thread(writer.end)
        return count


async def _chunks(rows: Export) -> AsyncIterator[list[dict[str, str | None]]]:
    chunk: list[dict[str, str | None]] = []
    async for row in rows:
        chunk.append(row)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
