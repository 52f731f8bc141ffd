"""The MCP server: every operation reachable, and nothing changed unless it is allowed."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from typer.testing import CliRunner

from lemlist_async import Lemlist, errors
from lemlist_async.cli.app import app
from lemlist_async.integrations.mcp import ReadOnly, make_server, operations
from lemlist_async.sandbox import Sandbox
from tests.contract.operations import ROWS


@asynccontextmanager
async def served(*, changes: bool = False) -> AsyncIterator[tuple[Client, Sandbox]]:
    """A client of the server, and the sandbox behind it."""
    async with (
        Sandbox() as sandbox,
        Lemlist(sandbox.key, sandbox.url) as lemlist,
        Client(make_server(lemlist, changes=changes)) as client,
    ):
        yield client, sandbox


async def call(client: Client, tool: str, **arguments: Any) -> tuple[bool, str]:
    """Whether a tool succeeded, and its text."""
    found = await client.call_tool(tool, arguments)
    [content] = found.content
    return not found.is_error, content.text


def test_every_operation_can_be_reached() -> None:
    assert {row.name for row in ROWS} <= operations(Lemlist("a-key", "http://localhost:1")).keys()


async def test_the_list_of_tools_is_short_and_offers_no_change_unasked() -> None:
    for changes, names in (
        (False, ["search", "describe", "read"]),
        (True, ["search", "describe", "read", "change"]),
    ):
        async with served(changes=changes) as (client, _):
            tools = (await client.list_tools()).tools
            assert [tool.name for tool in tools] == names
            text = json.dumps([tool.model_dump(exclude_none=True, by_alias=True) for tool in tools])
            assert len(text.encode()) <= 2048


async def test_an_operation_is_found_described_and_run() -> None:
    async with served() as (client, sandbox):
        campaign = sandbox.team().add_campaign("Spring")["_id"]
        _ = sandbox.team().add_lead(campaign, email="ada@example.com")
        fine, found = await call(client, "search", words="list leads of a campaign")
        assert fine
        assert any(line.startswith("leads.list: ") for line in found.splitlines()[:4])
        fine, described = await call(client, "describe", operation="leads.list")
        assert "campaign_id" in described
        fine, text = await call(
            client, "read", operation="leads.list", arguments={"campaign_id": campaign, "page_size": 5}
        )
        assert fine, text
        assert len(json.loads(text)["items"]) == 1


async def test_reading_changes_nothing_and_changing_is_a_tool_of_its_own() -> None:
    async with served(changes=True) as (client, sandbox):
        arguments = {"name": "Autumn"}
        fine, text = await call(client, "read", operation="campaigns.create", arguments=arguments)
        assert (fine, "use the tool change" in text) == (False, True)
        assert not sandbox.team().campaigns
        fine, text = await call(client, "change", operation="campaigns.create", arguments=arguments)
        assert fine, text
        assert json.loads(text)["name"] == "Autumn"
        assert len(sandbox.team().campaigns) == 1


async def test_errors_say_what_to_do() -> None:
    async with served() as (client, _):
        fine, text = await call(client, "read", operation="leads.lst")
        assert (fine, "there is no operation 'leads.lst'" in text, "leads.list" in text) == (
            False,
            True,
            True,
        )
        fine, text = await call(client, "read", operation="campaigns.get", arguments={"campaign": "cam_1"})
        assert not fine
        fine, text = await call(
            client, "read", operation="campaigns.get", arguments={"campaign_id": "cam_none"}
        )
        assert (fine, "cam" in text) == (False, True)


async def test_an_export_gives_its_first_rows_and_no_more() -> None:
    async with served() as (client, sandbox):
        campaign = sandbox.team().add_campaign("Spring")["_id"]
        for n in range(120):
            _ = sandbox.team().add_lead(campaign, email=f"p{n}@example.com")
        fine, text = await call(
            client, "read", operation="campaigns.export_leads_csv", arguments={"campaign_id": campaign}
        )
        assert fine, text
        assert len(json.loads(text)) == 100


async def test_a_view_that_reads_only_refuses_before_anything_is_sent() -> None:
    async with Sandbox() as sandbox, Lemlist(sandbox.key, sandbox.url) as lemlist:
        with pytest.raises(errors.InvalidInputError, match="changes something"):
            await ReadOnly.view(lemlist).campaigns.create(name="Autumn")
        assert not sandbox.requests


@pytest.mark.slow
async def test_the_command_serves_a_sandbox_on_standard_input_and_output() -> None:
    command = StdioServerParameters(command=sys.executable, args=["-m", "lemlist_async", "mcp"])
    async with Client(stdio_client(command)) as client:
        fine, text = await call(client, "read", operation="campaigns.list")
        assert fine, text
        assert json.loads(text)["items"]


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    monkeypatch.delitem(sys.modules, "lemlist_async.integrations.mcp")
    found = CliRunner().invoke(app, ["mcp"])
    assert found.exit_code == 2
    assert "lemlist-async[mcp]" in found.output
