"""For the whole suite: no log line of any test may carry a key."""

import base64
import logging
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, settings

from lemlist_async.transport import direct
from tests.support.clients import KEY

# the same examples in each run, and no limit on the time of one: the suite tells of the change alone, also on a busy
# machine. HYPOTHESIS_PROFILE=explore looks further.
# on a busy machine the generation of data may be slow, which says nothing about the code
_UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("suite", derandomize=True, **_UNTIMED)
settings.register_profile("explore", max_examples=1000, **_UNTIMED)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the choice of the way that requests take in this process."""
    parser.addoption(
        "--client-session",
        action="store_true",
        help="send every request through aiohttp's ClientSession, none straight to a connection",
    )


@pytest.fixture(autouse=True, scope="session")
def way(pytestconfig: pytest.Config) -> Iterator[None]:
    """Send requests by the way that was chosen."""
    with pytest.MonkeyPatch.context() as patch:
        if pytestconfig.getoption("client_session"):
            patch.setattr(direct, "works", lambda: False)
        yield


def pytest_configure() -> None:
    """Let child processes take SIGINT: a shell starts its background jobs with the signal ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def state_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the jobs that the command line remembers out of the developer's own state directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def postgres(testrun_uid: str) -> Iterator[Any]:
    """A real PostgreSQL server, which all processes of the suite share."""
    from tests.support.postgres import start

    # not below pytest's own folder, which is for this user only: the server runs under another name for root
    server = start(Path(tempfile.gettempdir()) / f"lemlist-postgres-{testrun_uid[:12]}", cleanup="delete")
    yield server
    server.cleanup()


@pytest.fixture(scope="session")
def database(postgres: Any) -> str:
    """URL of a database of this process."""
    from tests.support.postgres import new_database

    return new_database(postgres)


@pytest.fixture
def own_database(postgres: Any) -> str:
    """URL of a database of one test."""
    from tests.support.postgres import new_database

    return new_database(postgres)


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
