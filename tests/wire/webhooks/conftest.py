"""For all tests of webhooks: neither a secret nor a body is told in a log."""

import logging
from collections.abc import Iterator

import pytest

from tests.support.posted import PRIVATE, SECRET


class Leaks(logging.Handler):
    """Looks at every record of every logger, tracebacks included."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record that tells what it must not."""
        told = f"{self.format(record)} {record.args!r}"
        if SECRET in told or PRIVATE in told:
            self.found.append(told)


@pytest.fixture(autouse=True)
def leaks() -> Iterator[Leaks]:
    """Fail the test whose log tells a secret or a value of a body."""
    handler, root = Leaks(), logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)
    assert not handler.found
