"""CSV exports of lemlist: rows from a stream of bytes, in constant memory."""

from __future__ import annotations

import asyncio
import codecs
import csv
import io
import os
import pathlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

from lemlist_async.core.wire import Call
from lemlist_async.errors import DecodeError
from lemlist_async.files import AtomicFile, sync
from lemlist_async.resources._base import Sender


class CsvFile:
    """Export that is fetched on use: `async for` yields its rows, `save` writes it to a file.

    Every use fetches the export again. Its columns are those that lemlist sends: they change with a campaign's
    variables. A truncated response raises, with one exception that cannot be detected: a response without a length
    that ends within the last cell of a row, since lemlist's exports may end without a line break.
    """

    def __init__(self, sender: Sender, call: Call[Any]) -> None:
        self._sender = sender
        self._call = call

    def stream(self) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The bytes as they come: ``async with export.stream() as pieces: async for piece in pieces: …``."""
        return self._sender.stream(self._call)

    async def __aiter__(self) -> AsyncIterator[dict[str, str]]:
        """Each row by the names of the columns; a name that comes again gets `` (2)`` behind it.

        Raises:
            DecodeError: a row has more or fewer cells than there are columns, or the last one was cut.
            LemlistError: as every operation.
        """
        parser = RowParser(self._call.operation)
        async with self.stream() as pieces:
            async for piece in pieces:
                for row in parser.feed(piece):
                    yield row
        for row in parser.close():
            yield row

    async def save(self, path: str | os.PathLike[str]) -> int:
        """Write the export to a file, readable for its owner only; the number of bytes is the result.

        It is written beside its place, synced and then renamed: where anything fails there is no new file, and an old
        one stays.

        Raises:
            LemlistError: as every operation.
            OSError: the file cannot be written.
        """
        size = 0
        with AtomicFile(pathlib.Path(path), "wb") as file:
            async with self.stream() as pieces:
                async for piece in pieces:
                    size += await asyncio.to_thread(file.write, piece)
            await asyncio.to_thread(sync, file)
        return size

    def __repr__(self) -> str:
        return f"<CsvFile {self._call.operation}>"


class RowParser:
    """From pieces of bytes to rows; knows of no socket."""

    def __init__(self, operation: str) -> None:
        self._operation = operation
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        self._rest = ""
        """Rest of the stream that is not a complete row yet."""
        self._names: list[str] | None = None
        self._number = 0

    def feed(self, piece: bytes) -> Iterator[dict[str, str]]:
        """The rows that this piece completes."""
        text = self._rest + self._decode(piece)
        whole, line_end, self._rest = text.rpartition("\n")
        yield from self._rows(whole + line_end, last=False)

    def close(self) -> Iterator[dict[str, str]]:
        """The last row, which may have no line end."""
        text, self._rest = self._rest + self._decode(b"", True), ""
        yield from self._rows(text, last=True)

    def _rows(self, text: str, *, last: bool) -> Iterator[dict[str, str]]:
        source = io.StringIO(text, newline="\n")  # splits at line feeds only, and translates none
        reader, start = csv.reader(source, strict=True), 0
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if last or "unexpected end of data" not in str(error):
                    raise self._broken(str(error)) from None
                self._rest = text[start:] + self._rest
                return
            start = source.tell()
            if cells and (row := self._row(cells)) is not None:
                yield row

    def _row(self, cells: list[str]) -> dict[str, str] | None:
        if self._names is None:
            self._names = _unique(cells)
            return None
        self._number += 1
        if len(cells) != len(self._names):
            raise self._broken(f"{len(cells)} cells for {len(self._names)} columns; was it cut?")
        return dict(zip(self._names, cells, strict=True))

    def _broken(self, why: str) -> DecodeError:
        return DecodeError(
            f"the CSV is broken near row {self._number}: {why}", status=200, operation=self._operation
        )


def _unique(names: list[str]) -> list[str]:
    # a custom variable may be named as a column of lemlist's own
    counts: dict[str, int] = {}
    found: list[str] = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        found.append(name if counts[name] == 1 else f"{name} ({counts[name]})")
    return found
