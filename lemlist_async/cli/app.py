"""Commands and their options."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from lemlist_async import __version__, bulk
from lemlist_async.cli import (
    account,
    activities,
    campaigns,
    contacts,
    jobs_group,
    leads,
    unsubscribes,
    webhooks,
)
from lemlist_async.cli.confirm import Yes
from lemlist_async.cli.demo_file import demo_leads
from lemlist_async.cli.execute import execute, with_client
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.job_store import find_journal
from lemlist_async.cli.jobs import RunSettings, check_report, run_plan, summary
from lemlist_async.cli.options import (
    DryRun,
    Force,
    Formulas,
    JournalArgument,
    Json,
    OnAmbiguousOption,
    ReportFile,
    RetryFailed,
)
from lemlist_async.cli.row_jobs import Columns, row_job, run_rows
from lemlist_async.cli.show import Show, dump
from lemlist_async.cli.streams import write_data
from lemlist_async.sandbox import POLICIES

if TYPE_CHECKING:
    from lemlist_async import Lemlist

app: typer.Typer = typer.Typer(
    name="lemlist-async",
    help="Bulk jobs for lemlist that keep to its rate limit, and a sandbox to try them on.\n\n"
    "The API key is read from LEMLIST_API_KEY.",
    epilog="Exit codes: 0 done, 2 bad usage, 3 partly done, 4 key refused, 5 no connection, 6 some rows "
    "unknown, 130 interrupted, 1 anything else.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(leads.app, name="leads")
app.add_typer(contacts.app, name="contacts")
app.add_typer(unsubscribes.app, name="unsubscribes")
app.add_typer(campaigns.app, name="campaigns")
app.add_typer(activities.app, name="activities")
app.add_typer(jobs_group.app, name="jobs")
account.add_to(app)
app.add_typer(webhooks.app, name="webhooks")


@app.callback(invoke_without_command=True)
def _main(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log retries and waits.")] = False,
) -> None:
    if version:
        print(f"lemlist-async {__version__}")
        raise typer.Exit
    # the report counts retries; a line for each would break the progress bar
    logging.basicConfig(
        level=logging.INFO if verbose else logging.ERROR, format="%(levelname)s %(name)s: %(message)s"
    )


@row_job(app, "enrich")
def enrich(
    find: Annotated[
        list[str],
        typer.Option(help="find_email, verify, find_phone or linkedin_enrichment; may be repeated."),
    ],
    max_credits: Annotated[
        int, typer.Option(min=0, help="Do not begin if the rows may cost more than this.")
    ],
    columns: Columns,
) -> bulk.Job:
    """Find and check the people of a file, for credits; the results are in the report.

    Each person is submitted once. An interrupted run can be resumed to fetch the results.
    """
    return bulk.EnrichPeople(find=cast("Any", find), max_credits=max_credits, **columns)


@app.command()
def resume(
    journal: JournalArgument,
    on_ambiguous: OnAmbiguousOption = "verify",
    retry_failed: RetryFailed = False,
    force: Force = None,
    report: ReportFile = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Resume a job from its journal."""

    async def work(lemlist: Lemlist, show: Show) -> Exit:
        found = find_journal(journal)
        settings = RunSettings(
            dry_run=dry_run, json=json, report=report, journal=found, on_ambiguous=on_ambiguous
        )
        check_report(report, found)

        def plan() -> Awaitable[bulk.Plan]:
            return lemlist.bulk.resume(
                found, retry_failed=retry_failed, force=cast("Any", force or ()), dry_run=dry_run
            )

        return await run_plan(lemlist, plan, settings, show)

    with_client(work, json=json, offline=dry_run)


@app.command()
def status(journal: JournalArgument, json: Json = False) -> None:
    """Print the counters of a job, from its journal."""

    async def work(_show: Show) -> Exit:
        opened = await bulk.Journal.look(find_journal(journal))
        try:
            meta, counts = await opened.meta(), await opened.counts()
        finally:
            await opened.close()
        if json:
            dump({**meta, "counts": {f"{state} {what}".strip(): n for (state, what), n in counts.items()}})
            return Exit.OK
        print(f"{meta.get('kind', '?')} from {meta.get('source', '?')}")
        for line in summary(counts):
            print(line)
        return Exit.OK

    execute(work, json=json)


@app.command(name="report")
def report_(
    journal: JournalArgument,
    format: Annotated[Literal["csv", "json"], typer.Option(help="CSV, or JSON lines.")] = "csv",  # noqa: A002
    formulas: Formulas = False,
) -> None:
    """Print the outcome of each row of a job."""

    async def work(_show: Show) -> Exit:
        opened = await bulk.Journal.look(find_journal(journal))
        try:
            await opened.in_thread(
                lambda: write_data(bulk.report_lines(opened.rows, format, guard=not formulas))
            )
        finally:
            await opened.close()
        return Exit.OK

    execute(work, json=False)


@app.command()
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


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8765,
    key: Annotated[str, typer.Option(help="The key it takes.")] = "sandbox-key",
    policy: Annotated[
        str, typer.Option(help=f"How its limit counts: {', '.join(POLICIES)}.")
    ] = "fixed-first",
    latency: Annotated[float, typer.Option(min=0, help="Seconds an answer takes.")] = 0.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same ids.")] = 0,
) -> None:
    """Serve the sandbox, a local imitation of lemlist, until Ctrl-C."""
    if policy not in POLICIES:
        raise typer.BadParameter(f"there are {', '.join(POLICIES)}", param_hint="--policy")

    async def work(show: Show) -> Exit:
        from lemlist_async.sandbox import serve

        def ready(box: Any) -> None:
            show.say(f"export LEMLIST_BASE_URL={box.url} LEMLIST_API_KEY={key}")

        await serve(ready=ready, port=port, keys=(key,), policy=policy, latency=latency, seed=seed)
        return Exit.OK

    execute(work, json=False)


@app.command()
def demo(
    file: Annotated[
        Path | None, typer.Argument(help="The leads to import; by default 240 invented people.")
    ] = None,
    campaign: Annotated[
        str | None, typer.Option(help="A campaign of yours: with LEMLIST_API_KEY, import there instead.")
    ] = None,
    report: ReportFile = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Import a file of leads into a campaign of the sandbox, faults included.

    With --campaign and LEMLIST_API_KEY the same import goes to lemlist itself. On the sandbox, rows that are
    refused as invalid do not fail the command: the file has some as examples.
    """
    file = file or demo_leads()
    if campaign is not None:
        chosen = campaign
        question = f"Import the invented people of {file} into your campaign {campaign}?"
        run_rows(
            lambda: bulk.ImportLeads(campaign_id=chosen),
            file,
            report=report,
            json=json,
            yes=yes,
            question=question,
        )
        return

    async def work(show: Show) -> Exit:
        from lemlist_async.cli.demo import stage, survived

        async with stage() as (lemlist, campaign_id, box):
            show.say(f"the sandbox answers at {lemlist.base_url}; three of its answers will go wrong")
            code = await run_plan(
                lemlist,
                lambda: lemlist.bulk.plan_leads(campaign_id, file),
                RunSettings(report=report, json=json, refused_is_fine=True, look_up_after=0.2),
                show,
            )
            show.say(survived(box))
            return code

    execute(work, json=json)


def run() -> None:
    """Run the command line."""
    app()
