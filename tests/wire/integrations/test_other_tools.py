"""Recipes of docs/telemetry.md: Sentry and structlog get neither key nor address."""

import logging
import subprocess
import sys
from typing import Any

import pytest

from lemlist_async import errors
from tests.conftest import FORMS
from tests.support.clients import quick
from tests.support.project import ROOT
from tests.support.scripted import says, scripted

PAGE = (ROOT / "docs" / "telemetry.md").read_text("utf-8")
PERSON = "ann.canary@example.com"


def recipe(name: str) -> dict[str, Any]:
    """Run the definitions of a section of the page, without its calls, and return its names."""
    source = PAGE.split(f"## {name}\n", 1)[1].split("```python\n", 1)[1].split("async with", 1)[0]
    names: dict[str, Any] = {}
    exec("from lemlist_async.observe import CallEnd\n" + source, names)
    return names


SENTRY = """
import asyncio, sys
import sentry_sdk
from sentry_sdk.transport import Transport
from lemlist_async import errors
from lemlist_async.observe import CallEnd
from tests.support.clients import KEY, quick
from tests.support.scripted import says, scripted
from tests.wire.integrations.test_other_tools import PERSON, recipe

class Kept(Transport):
    def capture_envelope(self, envelope):
        print(envelope.serialize().decode("utf-8", "replace"))

real = sentry_sdk.init
more = {"dsn": "http://k@localhost/1", "transport": Kept, "traces_sample_rate": 1.0}
sentry_sdk.init = lambda **given: real(**{**given, **more})
leave_breadcrumb = recipe("Sentry")["leave_breadcrumb"]

async def main():
    async with scripted(says(404, f"no {KEY}")) as server, quick(server.url) as lemlist:
        lemlist.on(CallEnd, leave_breadcrumb)
        with sentry_sdk.start_transaction(name="handler"):
            try:
                await lemlist.leads.get(email=PERSON)
            except errors.NotFoundError as error:
                sentry_sdk.capture_exception(error)
        sentry_sdk.flush()

asyncio.run(main())
"""
"""Program of its own: Sentry patches the frameworks that it finds, and leaves them so."""


@pytest.mark.slow
def test_sentry_gets_a_breadcrumb_and_no_key_and_no_address() -> None:
    pytest.importorskip("sentry_sdk")
    done = subprocess.run(
        [sys.executable, "-c", SENTRY], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    told = done.stdout.replace(" ", "")
    assert '"category":"lemlist"' in told
    assert "NotFoundError" in told
    assert not [text for text in (*FORMS, PERSON, "leads?email") if text in told]


async def test_structlog_gets_one_line_per_call(caplog: pytest.LogCaptureFixture) -> None:
    structlog = pytest.importorskip("structlog")
    from lemlist_async.observe import CallEnd

    with structlog.testing.capture_logs() as lines:
        async with scripted(says(502, ""), says(404, PERSON)) as server, quick(server.url) as lemlist:
            lemlist.on(CallEnd, recipe("structlog")["log_call"])
            with pytest.raises(errors.NotFoundError):
                await lemlist.leads.get(email=PERSON)
    (line,) = lines
    assert (line["operation"], line["outcome"], line["error"]) == ("GET /leads", "error", "NotFoundError")
    assert line["attempts"] == ["502", "404"]
    assert PERSON not in str(line)
    assert not [
        record for record in caplog.records if record.levelno >= logging.INFO and PERSON in record.message
    ]
