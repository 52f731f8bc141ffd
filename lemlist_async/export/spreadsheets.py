"""Cells that spreadsheets would run as a formula, guarded by a quote that the way back takes off."""

from __future__ import annotations

import re
from collections.abc import Iterable

BOM = "\ufeff"
"""Byte order mark, by which spreadsheets know that a file is UTF-8."""
_FORMULA = r"[=+\-@\t\r\n＝＋－＠]"
# a spreadsheet of another country begins a cell behind these
_START = r"(?:^|(?<=[;|\t\r\n]))"
_RUNS = re.compile(rf"{_START}(?='*{_FORMULA})")
_LOOKS_GUARDED = re.compile(rf"{_START}(?='+{_FORMULA})")
_GUARD = re.compile(rf"{_START}'(?='*{_FORMULA})")
_TEXT = re.compile(r'="([^"]*)"')
"""Excel's spelling of a text that must not become a number."""
_HARMLESS = re.compile(
    r"""
    [+-]?\d+(?:[.,]\d+)*        # a number
    | \+\d[\d\s().\-/]{5,}      # a telephone number
    | @[\w-]+(?:\.[\w-]+)+      # a domain, as lemlist blocks them
    """,
    re.VERBOSE,
)
_NEEDS_QUOTES = re.compile(r'[,;|\t"\r\n]|^\s|\s$')


def guard(text: str, *, formulas: bool = False) -> str:
    """Return a cell with a quote wherever a spreadsheet would begin a formula.

    Numbers, telephone numbers and ``@domain`` are no formulas. With `formulas` all cells stay as they are, but for
    those that look as if they were guarded already: they get one more quote in both cases, so that `unguard` gives
    back every text exactly.
    """
    if _HARMLESS.fullmatch(text):
        return text
    if formulas and not _TEXT.fullmatch(text):
        return _LOOKS_GUARDED.sub("'", text)
    return _RUNS.sub("'", text)


def unguard(text: str) -> str:
    """Return the text that `guard` was given. Excel's ``="0049123"`` is the text between its quotes."""
    if "'" in text:
        return _GUARD.sub("", text)
    if text.startswith('="') and (quoted := _TEXT.fullmatch(text)):
        return quoted[1]
    return text


def csv_line(values: Iterable[object], *, formulas: bool = False, delimiter: str = ",") -> str:
    """Return a line of a CSV, its cells guarded; None is an empty cell.

    Cells with a comma, and those that another country's spreadsheet would split (``;``, ``|``, tab), are quoted, as
    is a blank at either end.
    """
    cells = ("" if value is None else guard(str(value), formulas=formulas) for value in values)
    line = delimiter.join(map(_quoted, cells))
    return (line or '""') + "\n"  # a line without a character would be no record


def _quoted(cell: str) -> str:
    if _NEEDS_QUOTES.search(cell):
        return '"' + cell.replace('"', '""') + '"'
    return cell
