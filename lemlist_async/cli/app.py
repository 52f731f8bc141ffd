"""The commands and their options."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from lemlist_async import __version__
from lemlist_async.bulk.journal import Journal
from lemlist_async.bulk.plan import Plan
from lemlist_async.bulk.report import lines
from lemlist_async.cli.exits import Exit, exit_of
from lemlist_async.cli.jobs import Wishes, carry_out, summary
from lemlist_async.cli.show import Show, choose, dump
from lemlist_async.client import Lemlist
from lemlist_async.errors import ConfigurationError, LemlistError
from lemlist_async.sandbox import POLICIES

app = typer.Typer(
    name="lemlist-async",
    help="Bulk jobs for lemlist that keep to its rate limit, and a sandbox to try them on.\n\n"
    "The API key is read from LEMLIST_API_KEY.",
    epilog="Exit codes: 0 done, 2 bad usage, 3 partly done, 4 key refused, 5 no connection, 6 some rows "
    "unknown, 130 interrupted, 1 anything else.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
leads = typer.Typer(help="Leads: the people in a campaign.", no_args_is_help=True)
app.add_typer(leads, name="leads")

File = Annotated[
    Path, typer.Argument(help="CSV, TSV or JSON lines; the first line of a CSV names the columns.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Send nothing; tell requests, time and refused rows.")
]
ReportFile = Annotated[
    Path | None, typer.Option("--report", help="Write what became of each row: .csv, else JSON lines.")
]
JournalFile = Annotated[
    Path | None, typer.Option("--journal", help="Keep the job's state here, to go on after a crash.")
]
JournalArgument = Annotated[Path, typer.Argument(help="The journal of a job.")]
OnDuplicate = Annotated[
    Literal["skip", "raise"],
    typer.Option(help="What a lead that is there already does: nothing, or end the job."),
]
OnAmbiguousOption = Annotated[
    Literal["verify", "report"],
    typer.Option(
        help="A row whose answer was lost: look it up (and send it again), or report it as unknown."
    ),
]
Encoding = Annotated[str, typer.Option(help="Encoding of the file.")]
Map = Annotated[
    list[str] | None, typer.Option("--map", help="COLUMN=FIELD, where the column's name does not tell.")
]
RetryFailed = Annotated[bool, typer.Option(help="Send the rows again that lemlist refused.")]


@app.callback(invoke_without_command=True)
def _main(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log retries and waits.")] = False,
) -> None:
    if version:
        print(f"lemlist-async {__version__}")
        raise typer.Exit
    # a retry is in the report; on the screen it would only be noise between the bar and its end
    logging.basicConfig(
        level=logging.INFO if verbose else logging.ERROR, format="%(levelname)s %(name)s: %(message)s"
    )


@leads.command("import")
def import_leads(
    file: File,
    campaign: Annotated[str, typer.Option(help="Id of the campaign, cam_….")],
    on_duplicate: OnDuplicate = "skip",
    deduplicate: Annotated[bool, typer.Option(help="Skip people who are in another campaign.")] = False,
    encoding: Encoding = "utf-8",
    columns: Map = None,
    dry_run: DryRun = False,
    report: ReportFile = None,
    journal: JournalFile = None,
    on_ambiguous: OnAmbiguousOption = "verify",
    retry_failed: RetryFailed = False,
    json: Json = False,
) -> None:
    """Import leads from a file into a campaign.

    Each row is checked before anything is sent. A column that lemlist knows (email, First Name, jobTitle …)
    becomes that field, any other one a custom variable.
    """
    wishes = Wishes(dry_run=dry_run, json=json, report=report, journal=journal, on_ambiguous=on_ambiguous)

    async def work(lemlist: Lemlist, show: Show) -> Exit:
        def make() -> Awaitable[Plan]:
            return lemlist.bulk.plan_leads(
                campaign,
                file,
                journal=journal,
                encoding=encoding,
                on_duplicate=on_duplicate,
                columns=_columns(columns),
                retry_failed=retry_failed,
                deduplicate=deduplicate,
            )

        return await carry_out(lemlist, make, wishes, show)

    _with_client(work, json=json, offline=dry_run)


@app.command()
def resume(
    journal: JournalArgument,
    on_ambiguous: OnAmbiguousOption = "verify",
    retry_failed: RetryFailed = False,
    report: ReportFile = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Go on with a job from its journal."""
    wishes = Wishes(dry_run=dry_run, json=json, report=report, journal=journal, on_ambiguous=on_ambiguous)

    async def work(lemlist: Lemlist, show: Show) -> Exit:
        return await carry_out(
            lemlist, lambda: lemlist.bulk.resume(journal, retry_failed=retry_failed), wishes, show
        )

    _with_client(work, json=json, offline=dry_run)


@app.command()
def status(journal: JournalArgument, json: Json = False) -> None:
    """Tell how far a job is, from its journal."""

    async def work(_show: Show) -> Exit:
        opened = await Journal.open(journal, new=False)
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

    _execute(work, json=json)


@app.command(name="report")
def report_(
    journal: JournalArgument,
    format: Annotated[Literal["csv", "json"], typer.Option(help="CSV, or JSON lines.")] = "csv",  # noqa: A002
    formulas: Annotated[
        bool, typer.Option(help="Write cells that begin with = + - @ as they are, without a quote.")
    ] = False,
) -> None:
    """Print what became of each row of a job."""

    async def work(_show: Show) -> Exit:
        opened = await Journal.open(journal, new=False)
        try:
            await opened.in_thread(
                lambda: sys.stdout.writelines(lines(opened.rows(), format, guard=not formulas))
            )
        finally:
            await opened.close()
        return Exit.OK

    _execute(work, json=False)


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
    """Serve the sandbox, a lemlist to try things on, until Ctrl-C."""
    if policy not in POLICIES:
        raise typer.BadParameter(f"there are {', '.join(POLICIES)}", param_hint="--policy")

    async def work(show: Show) -> Exit:
        from lemlist_async.sandbox import serve

        def ready(box: Any) -> None:
            show.say(f"export LEMLIST_BASE_URL={box.url} LEMLIST_API_KEY={key}")

        await serve(ready=ready, port=port, keys=(key,), policy=policy, latency=latency, seed=seed)
        return Exit.OK

    _execute(work, json=False)


@app.command()
def demo(
    file: Annotated[Path, typer.Argument(help="The leads to import.")] = Path("examples/leads.csv"),
    campaign: Annotated[
        str | None, typer.Option(help="A campaign of yours: with LEMLIST_API_KEY, import there instead.")
    ] = None,
    report: ReportFile = None,
    json: Json = False,
) -> None:
    """Import a file of leads into a campaign of the sandbox, faults included.

    With --campaign and LEMLIST_API_KEY the same import goes to lemlist itself. On the sandbox, rows that are
    refused for what they hold count as done: the file has some to show.
    """
    if campaign is not None:
        import_leads(file, campaign, report=report, json=json)
        return

    async def work(show: Show) -> Exit:
        from lemlist_async.cli.demo import stage, survived

        async with stage() as (lemlist, campaign_id, box):
            show.say(f"the sandbox answers at {lemlist.base_url}; three of its answers will go wrong")
            code = await carry_out(
                lemlist,
                lambda: lemlist.bulk.plan_leads(campaign_id, file),
                Wishes(report=report, json=json, refused_is_fine=True),
                show,
            )
            show.say(survived(box))
            return code

    _execute(work, json=json)


def run() -> None:
    """The entry point."""
    app()


def _with_client(work: Callable[[Lemlist, Show], Awaitable[Exit]], *, json: bool, offline: bool) -> None:
    async def with_client(show: Show) -> Exit:
        # a dry run sends nothing, so it needs no key
        key = os.environ.get("LEMLIST_API_KEY") or ("dry-run" if offline else None)
        async with Lemlist(key) as lemlist:
            return await work(lemlist, show)

    _execute(with_client, json=json)


def _execute(work: Callable[[Show], Coroutine[Any, Any, Exit]], *, json: bool) -> None:
    """Run to an exit code; an error of ours is one line and not a traceback."""
    show = choose(json=json)
    try:
        code = asyncio.run(work(show))
    except LemlistError as error:
        print(f"lemlist-async: {error}", file=sys.stderr)
        code = exit_of(error)
    except (KeyboardInterrupt, asyncio.CancelledError):
        code = Exit.INTERRUPTED
    raise typer.Exit(int(code))


def _columns(given: list[str] | None) -> dict[str, str]:
    pairs = [text.partition("=") for text in given or ()]
    for column, equals, field in pairs:
        if not (column and equals and field):
            raise ConfigurationError(f"--map wants COLUMN=FIELD, not {column + equals + field!r}")
    return {column: field for column, _, field in pairs}
