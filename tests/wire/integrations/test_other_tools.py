"""Recipes of docs/telemetry.md: Sentry and structlog get neither key nor address."""

import logging
from typing import Any

import pytest

from lemlist_async import errors
from tests.conftest import FORMS
from tests.support.clients import KEY, quick
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


async def test_sentry_gets_a_breadcrumb_and_no_key_and_no_address() -> None:
    sentry_sdk = pytest.importorskip("sentry_sdk")
    from sentry_sdk.integrations.aiohttp import AioHttpIntegration
    from sentry_sdk.transport import Transport

    sent: list[str] = []

    class Kept(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            sent.append(envelope.serialize().decode())

    leave_breadcrumb = recipe("Sentry")["leave_breadcrumb"]
    sentry_sdk.init(
        dsn="http://k@localhost/1",
        transport=Kept,
        traces_sample_rate=1.0,
        disabled_integrations=[AioHttpIntegration()],
    )
    try:
        async with scripted(says(404, f"no {KEY}")) as server, quick(server.url) as lemlist:
            from lemlist_async.observe import CallEnd

            lemlist.on(CallEnd, leave_breadcrumb)
            with sentry_sdk.start_transaction(name="handler"):
                try:
                    await lemlist.leads.get(email=PERSON)
                except errors.NotFoundError as error:
                    sentry_sdk.capture_exception(error)
            sentry_sdk.flush()
    finally:
        sentry_sdk.init(dsn=None)
    told = "\n".join(sent)
    assert '"category":"lemlist"' in told.replace(" ", "")
    assert "NotFoundError" in told
    assert not [form for form in FORMS if form in told]


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
