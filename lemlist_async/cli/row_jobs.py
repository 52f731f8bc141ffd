"""Registration of commands over a file of rows, with their common options."""

from __future__ import annotations

import inspect
import types
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

import typer

from lemlist_async import bulk
from lemlist_async.cli.execute import with_client
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.jobs import RunSettings, check_report, run_plan
from lemlist_async.cli.options import (
    Delimiter,
    DryRun,
    Encoding,
    File,
    Force,
    JournalFile,
    Json,
    NoHeader,
    OnAmbiguousOption,
    ReportFile,
    RetryFailed,
    delimiter_of,
)
from lemlist_async.cli.show import Show
from lemlist_async.errors import ConfigurationError

if TYPE_CHECKING:
    from lemlist_async import Lemlist

Make = TypeVar("Make", bound=Callable[..., "bulk.Job"])


def run_rows(
    make: Callable[[], bulk.Job],
    file: File,
    encoding: Encoding = "utf-8",
    delimiter: Delimiter = None,
    no_header: NoHeader = False,
    dry_run: DryRun = False,
    report: ReportFile = None,
    journal: JournalFile = None,
    on_ambiguous: OnAmbiguousOption = "verify",
    retry_failed: RetryFailed = False,
    force: Force = None,
    json: Json = False,
) -> None:
    """Plan a job over a file, run it and report."""
    settings = RunSettings(
        dry_run=dry_run, json=json, report=report, journal=journal, on_ambiguous=on_ambiguous
    )

    async def work(lemlist: Lemlist, show: Show) -> Exit:
        check_report(report, file, journal)
        job = make()
        if job.follows and not (report or journal or dry_run):
            raise ConfigurationError(
                "what is found is paid for, and would be lost with the screen: name a file for it, "
                "--report or --journal"
            )

        def plan() -> Awaitable[bulk.Plan]:
            return lemlist.bulk.plan(
                job,
                file,
                journal=journal,
                encoding=encoding,
                delimiter=delimiter_of(delimiter),
                header=not no_header,
                retry_failed=retry_failed,
                force=cast("Any", force or ()),
                dry_run=dry_run,
            )

        return await run_plan(lemlist, plan, settings, show)

    with_client(work, json=json, offline=dry_run)


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    # `--help` must not import the jobs, whose class stands in these signatures: typer never looks at it
    names = {"bulk": types.SimpleNamespace(Job=object)}
    return inspect.signature(function, eval_str=True, locals=names).parameters


def row_job(group: typer.Typer, name: str) -> Callable[[Make], Make]:
    """Register a command: the file, then the parameters of the decorated function, then the common options."""

    def register(make: Make) -> Make:
        own, (_, file, *common) = _parameters(make), _parameters(run_rows).values()

        def command(**given: Any) -> None:
            mine = {name: given.pop(name) for name in own}
            run_rows(lambda: make(**mine), **given)

        # typer reads a function's parameters from these two
        parameters = [
            one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (file, *own.values(), *common)
        ]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # functions take any attribute
        command.__annotations__ = {one.name: one.annotation for one in parameters}
        command.__doc__ = make.__doc__
        group.command(name)(command)
        return make

    return register
