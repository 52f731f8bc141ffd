"""The command that serves lemlist to a language model, over standard input and output."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Annotated

import typer

from lemlist_async.cli.execute import execute, new_client
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.show import Show


def mcp(
    account: Annotated[
        bool, typer.Option("--account", help="The account of LEMLIST_API_KEY in place of a sandbox.")
    ] = False,
    changes: Annotated[
        bool, typer.Option("--changes", help="Offer the tool that changes something too.")
    ] = False,
) -> None:
    """Serve lemlist to a language model as an MCP server on standard input and output; by default a sandbox."""

    try:
        from lemlist_async.integrations.mcp import make_server
    except ImportError as missing:
        raise typer.BadParameter(str(missing)) from None

    async def work(show: Show) -> Exit:
        from lemlist_async.client import Lemlist
        from lemlist_async.sandbox import Sandbox
        from lemlist_async.sandbox.demo import DEMO_FILE

        async with AsyncExitStack() as stack:
            if account:
                lemlist = await stack.enter_async_context(new_client(None))
            else:
                sandbox = await stack.enter_async_context(Sandbox(seed_file=DEMO_FILE))
                lemlist = await stack.enter_async_context(Lemlist(sandbox.key, sandbox.url))
            await make_server(lemlist, changes=changes).run_stdio_async()
        return Exit.OK

    # standard output belongs to the protocol
    execute(work, json=False, data=True)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    _ = app.command()(mcp)
