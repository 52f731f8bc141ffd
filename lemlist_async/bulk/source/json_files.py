"""Rows of JSON files: an array of objects, or one object per line."""

from __future__ import annotations

import json as standard
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from lemlist_async.bulk.source.raw_row import RawRow
from lemlist_async.core import json
from lemlist_async.core.wire import is_object
from lemlist_async.errors import InvalidInputError

_PIECE = 65_536
"""Characters that are read at once, as long as rows are shorter."""
_LONG_NUMBER = re.compile(r"\d{19}")


def read_json(file: TextIO, path: Path) -> Iterator[RawRow]:
    """Read an array piece by piece; a file that begins with an object is read as JSON lines."""
    line, start = 1, file.read(1)
    while start.isspace():
        line, start = line + (start == "\n"), file.read(1)
    if start == "[":
        yield from _Array(file, path, line).rows()
        return
    if start != "{":
        raise InvalidInputError(f"{path} holds no array of objects, and no objects line by line")
    file.seek(0)
    rows = read_json_lines(file, path)
    first = next(rows)
    if first.fault is not None:
        raise InvalidInputError(f"{path} holds a single object; the rows are needed as an array of objects")
    yield first
    yield from rows


def read_json_lines(file: TextIO, path: Path) -> Iterator[RawRow]:
    """Read an object a line; a line that is no object is a row with a fault."""
    del path
    for line, text in enumerate(file, 1):
        if text.strip():
            yield _row(line, text)


def _row(line: int, text: str) -> RawRow:
    damage: dict[str, int] = {}
    try:
        values = json.read(text, damage)
    except ValueError as error:
        return RawRow(line, {}, f"not JSON: {error}")
    if damage.keys() & json.LOSSY:
        # null in its place would empty a field at lemlist
        return RawRow(line, {}, "not JSON: NaN, Infinity, or a value nested too deeply")
    if not damage and _LONG_NUMBER.search(text):
        # a whole number beyond 64 bits came as a float: as it was written, its row is refused and not changed
        values = standard.loads(text)
    return RawRow(line, values) if is_object(values) else RawRow(line, {}, "not a JSON object")


_FIND_END = standard.JSONDecoder(parse_int=str, parse_float=str, strict=False)
"""Finds where an item ends; what it holds is read by `core.json`."""


class _Array:
    """The items of an array behind its bracket; one item is in memory at a time."""

    def __init__(self, file: TextIO, path: Path, line: int) -> None:
        self._file = file
        self._path = path
        self._text = ""
        self._line = line
        self._ended = False

    def rows(self) -> Iterator[RawRow]:
        """Read up to the closing bracket."""
        if self._peek() == "]":
            return
        while True:
            self._peek()
            line = self._line
            yield _row(line, self._item())
            separator = self._peek()
            if separator == "]":
                return
            if separator != ",":
                raise self._broken("a comma or the closing bracket is missing")
            self._drop(1)

    def _item(self) -> str:
        piece = _PIECE
        while True:
            try:
                _, end = _FIND_END.raw_decode(self._text)
            except standard.JSONDecodeError as error:
                if self._ended:
                    raise self._broken(error.msg) from None
            except RecursionError:
                raise self._broken("nested too deeply") from None
            else:
                if end < len(self._text) or self._ended:  # else a number may go on in the next piece
                    return self._drop(end)
            self._read(piece)
            piece *= 2  # so that a long item is not parsed again for each piece of it

    def _peek(self) -> str:
        """Skip blanks, and return the next character; empty at the end of the file."""
        while not (rest := self._text.lstrip()) and not self._ended:
            self._read(_PIECE)
        self._drop(len(self._text) - len(rest))
        return self._text[:1]

    def _read(self, size: int) -> None:
        piece = self._file.read(size)
        self._ended = not piece
        self._text += piece

    def _drop(self, count: int) -> str:
        dropped, self._text = self._text[:count], self._text[count:]
        self._line += dropped.count("\n")
        return dropped

    def _broken(self, why: str) -> InvalidInputError:
        return InvalidInputError(f"{self._path}, line {self._line}: the JSON is broken: {why}")
