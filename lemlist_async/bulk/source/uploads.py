"""File objects as sources of rows: what they hold is copied to a file, since rows are read more than once."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path, PurePath
from typing import IO, Any, Protocol, TypeGuard

from lemlist_async.errors import InvalidInputError

_PIECE = 2**20
"""Characters or bytes that are copied at once."""
_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson"})
_UNSAFE = re.compile(r"[^\w.\- ]")


class Readable(Protocol):
    """A file object, text or binary."""

    def read(self, size: int, /) -> str | bytes:
        """Read up to so many characters or bytes."""
        ...


class Upload(Protocol):
    """A file of a web form, as aiohttp, Starlette and FastAPI have them."""

    @property
    def file(self) -> Readable:
        """The file object."""
        ...

    @property
    def filename(self) -> str | None:
        """Name that the browser gave it."""
        ...


FileObject = Readable | Upload


def is_file_object(source: object) -> TypeGuard[FileObject]:
    """Return whether a source is a file object, or a file of a web form."""
    return callable(getattr(_file_of(source), "read", None))


def _file_of(source: Any) -> Any:
    # the read of a web form's file may be a coroutine, and that of the file in it is not
    inner = getattr(source, "file", None)
    return inner if callable(getattr(inner, "read", None)) else source


@contextlib.contextmanager
def copied(source: FileObject, name: str | None = None) -> Generator[Path]:
    """Copy a file object from where it stands, and put it back there if it can be; the copy goes with the block.

    Raises:
        InvalidInputError: an error about the copy, by the name of the file alone.
    """
    folder = Path(tempfile.mkdtemp(prefix="lemlist-async-"))
    try:
        yield _copy(source, folder, name)
    except InvalidInputError as error:
        raise InvalidInputError(error.message.replace(f"{folder}/", "").replace(f"{folder}\\", "")) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(source: Any, folder: Path, name: str | None) -> Path:
    file = _file_of(source)
    start = file.tell() if _is_seekable(file) else None
    piece = file.read(_PIECE)
    path = folder / _name(name or getattr(source, "filename", None) or getattr(file, "name", None), piece)
    # readable for its owner only: the folder is
    with path.open("wb") as copy:
        if isinstance(piece, str):
            # with the mark a text is UTF-8, whatever encoding is named for files
            piece = "\ufeff" + piece.removeprefix("\ufeff")
        while piece:
            _write(copy, piece)
            piece = file.read(_PIECE)
    if start is not None:
        file.seek(start)
    return path


def _write(copy: IO[bytes], piece: str | bytes) -> None:
    try:
        copy.write(piece.encode() if isinstance(piece, str) else piece)
    except UnicodeEncodeError:
        raise InvalidInputError("the text holds half of a character (a lone surrogate)") from None


def _is_seekable(file: Any) -> bool:
    seekable = getattr(file, "seekable", None)
    return bool(seekable is not None and seekable())


def _name(given: object, piece: str | bytes) -> str:
    """Return the name of the copy; its suffix tells how it is read."""
    path = PurePath(given if isinstance(given, str) else "")
    stem, suffix = _UNSAFE.sub("_", path.stem)[:100] or "upload", path.suffix.lower()
    if suffix not in _SUFFIXES:
        start = piece[:1_000] if isinstance(piece, str) else piece[:1_000].decode("utf-8", "replace")
        suffix = ".json" if start.lstrip("\ufeff \t\r\n")[:1] in {"[", "{"} else ".csv"
    return stem + suffix
