"""Execution of a command, up to its exit code."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

import typer

import lemlist_async
from lemlist_async.cli.exits import Exit, exit_of
from lemlist_async.cli.messages import spoken
from lemlist_async.cli.show import Json, Plain, Show
from lemlist_async.errors import LemlistError

if TYPE_CHECKING:
    from lemlist_async import Lemlist


def with_client(
    work: Callable[[Lemlist, Show], Awaitable[Exit]],
    *,
    json: bool,
    offline: bool = False,
    data: bool = False,
) -> None:
    """Run a command that needs a client with the key from the environment."""

    async def connected(show: Show) -> Exit:
        # a dry run sends nothing, so it needs no key
        key = os.environ.get("LEMLIST_API_KEY") or ("dry-run" if offline else None)
        async with lemlist_async.Lemlist(key, proxy=os.environ.get("LEMLIST_PROXY") or None) as lemlist:
            return await work(lemlist, show)

    execute(connected, json=json, data=data)


def execute(work: Callable[[Show], Coroutine[Any, Any, Exit]], *, json: bool, data: bool = False) -> None:
    """Run to an exit code. An error of this library or of the file system becomes one line, without traceback.

    With `data`, standard output is for a file, and remarks go to standard error.
    """
    show = _choose(json=json, data=data)
    try:
        code = asyncio.run(work(show))
    except LemlistError as error:
        print(f"lemlist-async: {spoken(str(error))}", file=sys.stderr)
        code = exit_of(error)
    except BrokenPipeError:
        code = Exit.OK  # the reader has all that it wanted
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        print(f"lemlist-async: {what}{error.strerror or error}", file=sys.stderr)
        code = Exit.USAGE if error.filename else Exit.ERROR
    except (KeyboardInterrupt, asyncio.CancelledError):
        code = Exit.INTERRUPTED
    raise typer.Exit(int(code))


def _choose(*, json: bool, data: bool) -> Show:
    """Return the output that fits the destination."""
    if json:
        return Json()
    if data:
        return Plain(sys.stderr)
    if not sys.stdout.isatty():
        return Plain()
    from lemlist_async.cli.terminal import Terminal  # rich takes a while to import

    return Terminal()
