"""File that appears under its name once it is complete."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Generic, Literal, TypeVar, overload

T = TypeVar("T", str, bytes)


class AtomicFile(Generic[T]):
    """File that gets its name when the block succeeds; otherwise no new file is left, and an old one stays.

    It is written in the same directory under an unpredictable name, readable for its owner only (mode 0600).
    """

    @overload
    def __init__(self: AtomicFile[str], path: Path, mode: Literal["w"]) -> None: ...
    @overload
    def __init__(self: AtomicFile[bytes], path: Path, mode: Literal["wb"]) -> None: ...
    def __init__(self, path: Path, mode: str) -> None:
        self._path = path
        self._text: dict[str, Any] = {"encoding": "utf-8", "newline": ""} if mode == "w" else {}
        self._mode = mode

    def __enter__(self) -> IO[T]:
        descriptor, self._name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        self._file: IO[T] = os.fdopen(descriptor, self._mode, **self._text)
        return self._file

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._file.close()
            if kind is None:
                os.replace(self._name, self._path)
        except BaseException:
            Path(self._name).unlink(missing_ok=True)
            raise
        if kind is not None:
            Path(self._name).unlink(missing_ok=True)


def sync(file: IO[Any]) -> None:
    """Flush a file to disk, so that a renamed file also has its content after a power cut."""
    file.flush()
    os.fsync(file.fileno())


def write_file(path: Path, text: Iterable[str]) -> None:
    """Write a file as a whole or not at all, readable for its owner only: it holds personal data."""
    with AtomicFile(path, "w") as file:
        file.writelines(text)
        sync(file)
