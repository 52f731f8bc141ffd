"""Execution of a command, up to its exit code."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

import typer

import lemlist_async
from lemlist_async import bulk
from lemlist_async.cli.exits import Exit, exit_of
from lemlist_async.cli.messages import spoken
from lemlist_async.cli.show import Json, Plain, Show, dump
from lemlist_async.cli.verbose import tell_waits
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
        async with new_client(key) as lemlist:
            return await work(lemlist, show)

    execute(connected, json=json, data=data)


def new_client(key: str | None) -> Lemlist:
    """Return a client for the server and through the proxy that the environment names."""
    lemlist = lemlist_async.Lemlist(key, proxy=os.environ.get("LEMLIST_PROXY") or None)
    tell_waits(lemlist)
    return lemlist


def execute(work: Callable[[Show], Coroutine[Any, Any, Exit]], *, json: bool, data: bool = False) -> None:
    """Run to an exit code. An error of this library or of the file system becomes one line, without traceback.

    With `data`, standard output is for a file, and remarks go to standard error.
    """
    show = _choose(json=json, data=data)
    try:
        raise typer.Exit(int(asyncio.run(work(show))))
    except LemlistError as error:
        fault, code = spoken(str(error)), exit_of(error)
        kind = type(error.__cause__ if isinstance(error, bulk.JobStoppedError) and error.__cause__ else error)
    except BrokenPipeError:
        raise typer.Exit(Exit.OK) from None  # the reader has all that it wanted
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        fault, code = f"{what}{error.strerror or error}", Exit.USAGE if error.filename else Exit.ERROR
        kind = type(error)
    except (KeyboardInterrupt, asyncio.CancelledError):
        fault, code, kind = "", Exit.INTERRUPTED, KeyboardInterrupt
    if fault:
        print(f"lemlist-async: {fault}", file=sys.stderr)
    if json:
        dump_error(kind.__name__, fault or "interrupted", code)
    raise typer.Exit(int(code))


def dump_error(kind: str, message: str, code: int) -> None:
    """Print an error for a program."""
    dump("error", {"error": {"kind": kind, "message": message, "exit_code": int(code)}})


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
