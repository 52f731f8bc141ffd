"""For the whole suite: no log line of any test may carry a key."""

import base64
import logging
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.support.clients import KEY

ENCODED = base64.b64encode(f":{KEY}".encode()).decode()
FORMS = (KEY, ENCODED, quote(KEY, safe=""), quote(ENCODED, safe=""))
"""The key as it is, as the header has it, and both as a URL would."""


class Canary(logging.Handler):
    """Looks at every record of every logger, down to DEBUG."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.leaks: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record that tells the key."""
        text = f"{self.format(record)} {record.__dict__}"
        if any(form in text for form in FORMS):
            self.leaks.append(record.getMessage())


@pytest.fixture(autouse=True)
def canary() -> Iterator[Canary]:
    """Fail the test whose log tells the key."""
    handler = Canary()
    root, ours = logging.getLogger(), logging.getLogger("lemlist_async")
    level = ours.level
    ours.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)
    ours.setLevel(level)
    assert not handler.leaks
