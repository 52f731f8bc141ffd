"""Dialect of a CSV file: the first line of its rows, the delimiter, the header."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import attrs

from lemlist_async.bulk.source.addresses import AddressError, read_address, strip
from lemlist_async.bulk.source.column_names import is_field, is_identifying
from lemlist_async.errors import ConfigurationError, InvalidInputError

_DELIMITERS = ",;\t|"
_SEPARATOR_LINE = re.compile(r'\ufeff?"?sep=(.)"?\s*', re.IGNORECASE)
"""First line that names the delimiter for Excel."""
_SAMPLE = 65_536
"""Characters from which the delimiter is guessed."""
_RECORDS = 25
"""Records among them that are compared."""
_NOTES = 10
"""Records among which the header is looked for."""
REJECTS = ("Reject line", "Reject reason")
"""First columns of a file of rejects, which names its columns whatever the file that it comes from did."""
_LINK = re.compile(r"(?:https?://|www\.)\S+|\S*linkedin\.com/\S+", re.IGNORECASE)
_PHONE = re.compile(r"\+\d[\d\s().\-/]{5,}")
_DOMAIN = re.compile(r"@?[\w-]+(?:\.[\w-]+)+")


def _one_character(_: object, __: object, value: str | None) -> None:
    if value is not None and (len(value) != 1 or value in '"\r\n'):
        raise ConfigurationError(f"a delimiter is one character and no quote, not {value!r}")


@attrs.frozen(kw_only=True)
class FileFormat:
    """Format of a file of rows, where the file itself does not show it."""

    encoding: str = "utf-8"
    delimiter: str | None = attrs.field(default=None, validator=_one_character)
    """One character between the cells of a CSV; None finds out which."""
    header: bool = True
    """Whether the first row of a CSV names the columns. Without it they are ``1``, ``2``, … or, alone, ``value``."""


@attrs.frozen
class Start:
    """Beginning of the records of a file."""

    lines: int
    """Lines before them: blank ones, and one that names the delimiter."""
    delimiter: str
    header: int = 0
    """Records before the one that names the columns: notes that a tool writes above its table."""


def find_start(file: TextIO, path: Path, given: str | None) -> Start:
    """Look at the beginning of a file, and leave it behind the lines that are no records.

    Raises:
        InvalidInputError: the file is empty, or holds JSON.
    """
    sample = file.read(_SAMPLE)
    lines, rest, named = 0, sample, None
    while rest:
        line, end, behind = _first_line(rest)
        if separator := _SEPARATOR_LINE.fullmatch(line):
            named = separator[1]
        elif strip(line):
            break
        lines, rest = lines + 1, behind
        if not end:
            break
    if not rest:
        raise InvalidInputError(f"{path} is empty")
    if rest.lstrip()[:2] in {"[{", "[]", '{"'} or (rest.lstrip()[:1] == "[" and rest.rstrip()[-1:] == "]"):
        raise InvalidInputError(f"{path} holds JSON: name it .json, or .jsonl if each line is an object")
    file.seek(0)
    for _ in range(lines):
        file.readline()
    delimiter = given or named or _guess(rest, whole=len(sample) < _SAMPLE, suffix=path.suffix)
    return Start(lines, delimiter, _find_header(rest, delimiter))


def _find_header(sample: str, delimiter: str) -> int:
    """Return the number of records above the first one with names, if that is within the first lines.

    Names are known ones: that of an address or a LinkedIn page, and another one. Where there is no such record, or the
    first one has such a name, no record stands above.
    """
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        records = list(itertools.islice(reader, _NOTES))
    except csv.Error:
        return 0
    filled = [n for n, cells in enumerate(records) if any(cells)]
    for n in filled:
        if any(map(is_identifying, records[n])) and (n == filled[0] or sum(map(is_field, records[n])) > 1):
            return n
    return 0


def _first_line(text: str) -> tuple[str, str, str]:
    found = re.search(r"\r\n|\r|\n", text)
    if found is None:
        return text, "", ""
    return text[: found.start()], found[0], text[found.end() :]


def _guess(sample: str, *, whole: bool, suffix: str) -> str:
    """Return the delimiter under which most records have as many cells as the first one."""
    candidates = "\t,;|" if suffix.lower() == ".tsv" else _DELIMITERS
    return max(candidates, key=lambda one: _agreement(sample, one, whole))


def _agreement(sample: str, delimiter: str, whole: bool) -> tuple[float, int]:
    widths: list[int] = []
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        for cells in reader:
            if any(cells):
                widths.append(len(cells))
            if len(widths) == _RECORDS:
                break
        else:
            if not whole:
                widths = widths[:-1]  # the sample may end within it
    except csv.Error:
        pass  # a cell too long to compare: the records before it are enough
    if not widths or max(widths) < 2:
        return 0.0, 0
    if widths[0] < 2:  # a note above the table: worse than any delimiter that the first line has
        return widths.count(max(widths)) / len(widths) / 100, max(widths)
    return widths.count(widths[0]) / len(widths), widths[0]


def read_names(cells: Iterable[str], path: Path, line: int, *, header: bool) -> tuple[list[str], bool]:
    """Return the columns, and whether the first record names them, or is a row already.

    Raises:
        InvalidInputError: a name is missing or there twice, or the record looks like a row.
    """
    names = [" ".join(strip(name).split()) for name in cells]
    if not header and tuple(names[:2]) != REJECTS:
        return (["value"] if len(names) == 1 else [str(n) for n in range(1, len(names) + 1)]), False
    while names and not names[-1]:
        names.pop()
    if len(names) == 1 and (kind := _kind_of_value(names[0])):
        return [kind], False
    _check_names(names, path, line)
    return _numbered(names), True


def _check_names(names: list[str], path: Path, line: int) -> None:
    where = f"{path}, line {line}"
    if len(names) == 1 and _DOMAIN.fullmatch(names[0]):
        raise InvalidInputError(
            f"{where}: {names[0]!r} may be a column's name or the first value: put a line with the name 'value' "
            "before it, or read the file without a header"
        )
    if value := next((name for name in names if _kind_of_value(name)), None):
        raise InvalidInputError(
            f"{where}: {value!r} is a value and no column's name: put a line with the names before it, or read the "
            "file without a header"
        )
    if "" in names:
        raise InvalidInputError(f"{where}: column {names.index('') + 1} has no name")
    twice = sorted({name for name in names if names.count(name) > 1 and is_field(name)})
    if twice:
        raise InvalidInputError(f"{where}: the column {twice[0]!r} is there twice")


def _numbered(names: list[str]) -> list[str]:
    """Return names of which none is there twice: the second ``Note`` is ``Note 2``."""
    taken: set[str] = set()
    for n, name in enumerate(names):
        number = 2
        while names[n] in taken:
            names[n], number = f"{name} {number}", number + 1
        taken.add(names[n])
    return names


def _kind_of_value(text: str) -> str | None:
    """Return a name for the column of which a text is surely a value; None if it may be a name itself."""
    if "linkedin.com/" in text.lower():
        return "linkedin_url"
    if _LINK.fullmatch(text) or _PHONE.fullmatch(text) or (text.startswith("@") and _DOMAIN.fullmatch(text)):
        return "value"
    try:
        return "email" if "@" in text and read_address(text) else None
    except AddressError:
        return None
