"""Output that never ends a job: a pipe may close, a disk may be full, an encoding may lack letters."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

_CLOSED = frozenset({errno.EPIPE, errno.EBADF, errno.ECONNRESET})
"""Errors of a reader that has gone, which is its right; all others must be told."""


class SafeStream:
    """A stream that keeps its first error in place of raising it, and writes nothing from then on.

    Letters that its encoding lacks are written as escapes. Attributes are those of the stream itself.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.wrote_data: bool = False
        """Whether something was written for programs."""
        self.error: OSError | None = None
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Write a text, if it can be written."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def write_bytes(self, data: bytes) -> None:
        """Write UTF-8, whatever the encoding of the stream: for programs, not for a screen."""
        self.wrote_data = True
        self._try(
            lambda: (self._stream.flush(), self._stream.buffer.write(data), self._stream.buffer.flush())
        )

    def flush(self) -> None:
        """Flush, if it can be flushed."""
        self._try(self._stream.flush)

    def _try(self, work: Any) -> None:
        if self.error is not None:
            return
        try:
            work()
        except OSError as error:
            self.error = error
            self._discard()
        except ValueError as error:  # another part of the program closed it
            self.error = OSError(errno.EBADF, str(error))

    def _discard(self) -> None:
        # Python flushes the stream once more at exit, and would fail a second time
        try:
            descriptor = self._stream.fileno()
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)
        except (OSError, ValueError):
            return

    @property
    def gone(self) -> bool:
        """Whether nothing more is written."""
        return self.error is not None

    @property
    def lost(self) -> str | None:
        """Reason why output was lost; None while all was written, or if only its reader went away."""
        return None if self.error is None or self.error.errno in _CLOSED else self.error.strerror

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard_streams() -> None:
    """Put safe streams in place of standard output and standard error; a closed one writes nowhere."""
    sys.stdout = _safe(sys.stdout)
    sys.stderr = _safe(sys.stderr)


def _safe(stream: Any) -> Any:
    if isinstance(stream, SafeStream):
        return stream
    # a program may be started with its standard output closed
    return SafeStream(open(os.devnull, "w", encoding="utf-8") if stream is None else stream)  # for good


def write_data(pieces: Iterable[str]) -> None:
    """Write what a program reads, as UTF-8, until its reader goes away."""
    for piece in pieces:
        if isinstance(sys.stdout, SafeStream):
            sys.stdout.write_bytes(piece.encode())
            if sys.stdout.gone:
                return
        else:
            sys.stdout.write(piece)


def has_written() -> bool:
    """Return whether something was written for programs."""
    return isinstance(sys.stdout, SafeStream) and sys.stdout.wrote_data


class DataFile(io.RawIOBase):
    """Standard output as a file of bytes, which is never closed. A reader that has gone ends the command.

    Raises:
        BrokenPipeError: on writing, once the reader has gone or the output cannot be written.
    """

    def __init__(self) -> None:
        self._written = 0

    def writable(self) -> bool:
        """Return that it can be written to."""
        return True

    def write(self, data: Any, /) -> int:
        """Write all of the bytes."""
        chunk = bytes(data)
        if isinstance(sys.stdout, SafeStream):
            sys.stdout.write_bytes(chunk)
            if sys.stdout.gone:
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        else:
            sys.stdout.buffer.write(chunk)
        self._written += len(chunk)
        return len(chunk)

    def tell(self) -> int:
        """Return the bytes that were written, as footers of formats need them."""
        return self._written


def lost_output() -> str | None:
    """Reason why standard output is incomplete, unless its reader went away."""
    return sys.stdout.lost if isinstance(sys.stdout, SafeStream) else None
