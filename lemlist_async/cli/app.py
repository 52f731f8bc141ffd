"""Commands and their options."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from lemlist_async import __version__, bulk
from lemlist_async.cli import (
    account,
    activities,
    campaigns,
    contacts,
    fleet,
    jobs_group,
    journals,
    leads,
    mcp,
    sandbox,
    schemas,
    unsubscribes,
    webhooks,
)
from lemlist_async.cli.confirm import Yes
from lemlist_async.cli.demo_file import demo_leads
from lemlist_async.cli.execute import dump_error, execute
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.help import fit
from lemlist_async.cli.jobs import RunSettings, run_plan
from lemlist_async.cli.options import (
    Json,
    ReportFile,
)
from lemlist_async.cli.row_jobs import Columns, row_job, run_rows
from lemlist_async.cli.show import Show
from lemlist_async.cli.streams import has_written

app: typer.Typer = typer.Typer(
    name="lemlist-async",
    help="Bulk jobs for lemlist that keep to its rate limit, and a sandbox to try them on.\n\n"
    "The API key is read from LEMLIST_API_KEY.",
    epilog="Exit codes: 0 done, 2 bad usage, 3 partly done, 4 key refused, 5 no connection, 6 some rows "
    "unknown, 130 interrupted, 1 anything else.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(leads.app, name="leads")
app.add_typer(contacts.app, name="contacts")
app.add_typer(unsubscribes.app, name="unsubscribes")
app.add_typer(campaigns.app, name="campaigns")
app.add_typer(activities.app, name="activities")
app.add_typer(jobs_group.app, name="jobs")
account.add_to(app)
fleet.add_to(app)
schemas.add_to(app)
journals.add_to(app)
sandbox.add_to(app)
mcp.add_to(app)
app.add_typer(webhooks.app, name="webhooks")


ORDER = (
    *("demo", "sandbox", "doctor", "whoami"),
    *("leads", "contacts", "unsubscribes", "campaigns", "enrich", "activities", "webhooks"),
    *("jobs", "resume", "status", "report", "erase", "submit", "worker", "mcp", "schema"),
)
"""Commands as the help lists them: first to try, then what is there for lemlist, then what is there for jobs."""


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
    again: Annotated[
        bool, typer.Option("--again", help="Pay also for rows that have the address or number already.")
    ] = False,
) -> bulk.Job:
    """Find and check the people of a file, for credits; the results are in the report.

    Each person is submitted once, and only for what the row does not have yet. An interrupted run can be resumed to
    fetch the results.
    """
    return bulk.EnrichPeople(find=cast("Any", find), max_credits=max_credits, again=again, **columns)


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


def command() -> Any:
    """Return the command with all below it, in order."""
    whole: Any = typer.main.get_command(app)
    whole.commands = {name: whole.commands[name] for name in ORDER}
    return whole


def run() -> None:
    """Run the command line."""
    try:
        fit(command())(prog_name="lemlist-async")
    except SystemExit as end:
        # typer tells a wrong option before a command begins
        if end.code == Exit.USAGE and "--json" in sys.argv and not has_written():
            dump_error("UsageError", "the command line is not valid: see standard error", Exit.USAGE)
        raise
