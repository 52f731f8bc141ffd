"""A lock between processes, held as long as its file is open: a dead process never holds it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError from error
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
"""Flags that keep a file from being opened through a symbolic link, and from being inherited."""


class FileLock:
    """Lock beside the file it protects, since SQLite's own locks go when any descriptor of the file is closed.

    `path` is resolved already: two spellings of one file must not lead to two locks.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock at once.

        Raises:
            BlockingIOError: another runner holds it.
            OSError: it cannot be made, or is a symbolic link.
        """
        descriptor = os.open(self.path, os.O_CREAT | os.O_RDWR | NO_FOLLOW, 0o600)
        try:
            _lock(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def release(self) -> None:
        """Release the lock; the file stays, since removing it would let two runners hold two locks of one name."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
