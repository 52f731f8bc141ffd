"""`lemlist-async resume`, `status`, `report` and `erase`: commands over one journal."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from lemlist_async import bulk
from lemlist_async.cli.execute import execute, with_client
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.job_store import find_journal
from lemlist_async.cli.jobs import RunSettings, run_plan, summary
from lemlist_async.cli.options import (
    STANDARD,
    Bom,
    DryRun,
    Force,
    Formulas,
    JournalArgument,
    Json,
    OnAmbiguousOption,
    RejectsFile,
    ReportFile,
    RetryFailed,
)
from lemlist_async.cli.retention import tell_erased
from lemlist_async.cli.show import Show, dump
from lemlist_async.cli.standard import report_text
from lemlist_async.cli.streams import write_data

if TYPE_CHECKING:
    from lemlist_async import Lemlist


def resume(
    journal: JournalArgument,
    on_ambiguous: OnAmbiguousOption = "verify",
    retry_failed: RetryFailed = False,
    force: Force = None,
    report: ReportFile = None,
    rejects: RejectsFile = None,
    bom: Bom = True,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Resume a job from its journal."""

    async def work(lemlist: Lemlist, show: Show) -> Exit:
        await tell_erased(show)
        found = find_journal(journal)
        settings = RunSettings(
            dry_run=dry_run,
            json=json,
            journal=found,
            report=report,
            rejects=rejects,
            bom=bom,
            on_ambiguous=on_ambiguous,
        )

        def plan() -> Awaitable[bulk.Plan]:
            return lemlist.bulk.resume(
                found, retry_failed=retry_failed, force=cast("Any", force or ()), dry_run=dry_run
            )

        return await run_plan(lemlist, plan, settings, show)

    with_client(work, json=json, offline=dry_run, data=STANDARD in {report, rejects})


def status(journal: JournalArgument, json: Json = False) -> None:
    """Print the counters of a job, from its journal."""

    async def work(_show: Show) -> Exit:
        opened = await bulk.Journal.look(find_journal(journal))
        try:
            meta, counts = await opened.meta(), await opened.counts()
        finally:
            await opened.close()
        if json:
            dump(
                "status",
                {**meta, "counts": {f"{state} {what}".strip(): n for (state, what), n in counts.items()}},
            )
            return Exit.OK
        print(f"{meta.get('kind', '?')} from {meta.get('source', '?')}")
        for line in summary(counts):
            print(line)
        return Exit.OK

    execute(work, json=json)


def report_(
    journal: JournalArgument,
    format: Annotated[Literal["csv", "json"], typer.Option(help="CSV, or JSON lines.")] = "csv",  # noqa: A002
    formulas: Formulas = False,
) -> None:
    """Print the outcome of each row of a job."""

    async def work(_show: Show) -> Exit:
        opened = await bulk.Journal.look(find_journal(journal))
        try:
            await opened.in_thread(lambda: write_data(report_text(opened, format, guard=not formulas)))
        finally:
            await opened.close()
        return Exit.OK

    execute(work, json=False)


def erase(journal: JournalArgument) -> None:
    """Remove the personal data of a finished job from its journal; its counts stay.

    Rows, reasons, results and ids are removed for good, and the job cannot be resumed.
    """

    async def work(show: Show) -> Exit:
        opened = await bulk.Journal.open(find_journal(journal), new=False)
        try:
            await opened.erase()
        finally:
            await opened.close()
        show.say(f"{journal} holds counts, lines and states only")
        return Exit.OK

    execute(work, json=False)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(resume)
    app.command()(status)
    app.command(name="report")(report_)
    app.command()(erase)
