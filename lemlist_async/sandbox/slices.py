"""Long work in slices, so that other requests have their turn between two."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from lemlist_async.sandbox.tables import Record

__all__ = ["chosen", "slices"]

SIZE: Final = 1000
"""Records that are worked on at a time: some milliseconds."""


def slices(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Yield records in lists of a thousand."""
    walk = iter(records)
    while part := list(islice(walk, SIZE)):
        yield part


def chosen(
    records: Iterable[Record], tests: Sequence[Callable[[Record], bool]], most: int | None = None
) -> Generator[None, None, list[Record]]:
    """Return the records that pass every test, in slices; at most so many of them, to the end of a slice."""
    found = list[Record]()
    for part in slices(list(records)):  # a copy, since the table may change between two slices
        found += [record for record in part if all(test(record) for test in tests)]
        if most is not None and len(found) >= most:
            break
        yield
    return found
