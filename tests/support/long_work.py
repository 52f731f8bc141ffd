"""Long work of the sandbox, done at once."""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


def done(work: Generator[None, None, T]) -> tuple[T, int]:
    """Return the result of some work, and how often others had a turn."""
    turns = 0
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value, turns
        turns += 1
