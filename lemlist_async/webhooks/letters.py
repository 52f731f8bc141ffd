"""Dead letters of a file of events, without a receiver."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Generator, Sequence
from pathlib import Path

from lemlist_async.webhooks.store import Store, Stored


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str]) -> Generator[Store]:
    store = Store(Path(path))
    store.open()
    try:
        yield store
    finally:
        store.close()


def dead_letters(path: str | os.PathLike[str], most: int = 1000) -> list[Stored]:
    """Return events of a file whose handler failed at every attempt, the oldest first.

    Raises:
        StoreError: the file cannot be opened.
    """
    with _opened(path) as store:
        return store.stored("dead", most)


def requeue(path: str | os.PathLike[str], numbers: Sequence[int] | None = None) -> int:
    """Have dead letters of a file handled again, by their numbers or all of them; return how many.

    Raises:
        StoreError: the file cannot be opened.
    """
    with _opened(path) as store:
        return store.requeue(numbers, time.time())
