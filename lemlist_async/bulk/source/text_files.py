"""Text of files: encodings are recognized by byte order marks, other kinds of files by their first bytes."""

from __future__ import annotations

import codecs
import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import TextIO

from lemlist_async.errors import InvalidInputError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_TEXT = (
    (b"PK\x03\x04", "an Excel workbook or another zip archive; save the rows as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls); save it as CSV in Excel"),
    (b"\x1f\x8b", "compressed by gzip; unpack it"),
    (b"%PDF", "a PDF; the rows are needed as CSV"),
    (b"PAR1", "a Parquet file; write it as CSV or JSON lines"),
    (b"SQLite format 3\x00", "an SQLite database; export the rows as CSV"),
    (b"<!doctype html", "a web page; save the table as CSV"),
    (b"<html", "a web page; save the table as CSV"),
)
_LOOKED_AT = 65_536
"""Bytes at the beginning of a file that tell what it is."""


@contextlib.contextmanager
def open_text(path: Path, encoding: str) -> Generator[TextIO]:
    """Open a file to read.

    A byte order mark goes before `encoding`.

    Raises:
        InvalidInputError: the file is not there, no text, or not in this encoding, also while it is read.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InvalidInputError(
            f"{path} is a pipe or a device; it has to be a file, since it is read more than once"
        )
    try:
        with path.open("rb") as file:
            head = file.read(_LOOKED_AT)
        with path.open(encoding=_encoding(path, head, encoding), newline="") as text:
            yield text
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"{path} is not {encoding}: byte {error.object[error.start]:#04x} cannot be read; "
            "save it as UTF-8, or name its encoding (often cp1252 or utf-16)"
        ) from None
    except UnicodeError as error:  # UTF-16 and UTF-32 have faults of their own
        raise InvalidInputError(f"{path} is not {encoding}: {error}") from None
    except (OSError, LookupError) as error:
        why = error.strerror if isinstance(error, OSError) else f"no encoding {encoding!r}"
        raise InvalidInputError(f"{path} cannot be read: {why}") from None


def _encoding(path: Path, head: bytes, given: str) -> str:
    named = codecs.lookup(given).name
    marked = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)
    if marked is not None:
        return marked
    if named != "utf-8":
        return given
    start = head[:32].lstrip().lower()
    if start.startswith(b"pk\x03\x04") and (b"xl/" in head or b"[Content_Types].xml" in head):
        raise InvalidInputError(f"{path} is an Excel workbook (.xlsx); save it as CSV UTF-8 in Excel")
    for magic, kind in _NO_TEXT:
        if start.startswith(magic.lower()):
            raise InvalidInputError(f"{path} is {kind}")
    if head[1::2].count(0) > len(head) // 4 or head[::2].count(0) > len(head) // 4:
        raise InvalidInputError(
            f"{path} is UTF-16 without its byte order mark: name the encoding, utf-16-le or utf-16-be"
        )
    return given
