"""`lemlist-async jobs`: the jobs whose journals are in the user's state directory."""

from __future__ import annotations

import functools
from typing import Annotated

import typer

from lemlist_async.cli import retention
from lemlist_async.cli.confirm import Yes, confirm
from lemlist_async.cli.execute import execute
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.fleet import fleet_jobs, line_of
from lemlist_async.cli.job_store import StoredJob, stored_jobs
from lemlist_async.cli.options import Json
from lemlist_async.cli.retention import tell_erased
from lemlist_async.cli.show import Show, dump
from lemlist_async.cli.wording import counted
from lemlist_async.errors import ConfigurationError

app: typer.Typer = typer.Typer(
    help="Jobs of this command: list them, remove old ones.", invoke_without_command=True
)


@app.callback()
def jobs(
    context: typer.Context,
    url: Annotated[
        str | None, typer.Option(help="List the jobs of a fleet: those in this database, postgresql://…")
    ] = None,
    json: Json = False,
) -> None:
    """List the jobs whose journals are kept, the oldest first."""
    if context.invoked_subcommand is None:
        work = _list if url is None else functools.partial(_list_fleet, url)
        execute(lambda show: work(show, json=json), json=json)


async def _list_fleet(url: str, show: Show, *, json: bool) -> Exit:
    found = await fleet_jobs(url)
    if json:
        dump("fleet-jobs", {"jobs": [job.as_json() for job in found]})
        return Exit.OK
    for job in found:
        show.say(line_of(job))
    if not found:
        show.say("there are no jobs")
    return Exit.OK


async def _list(show: Show, *, json: bool) -> Exit:
    await tell_erased(show)
    found = await stored_jobs()
    if json:
        dump("jobs", {"jobs": [job.as_json() for job in found]})
        return Exit.OK
    for job in found:
        show.say(_line(job))
    if not found:
        show.say("there are no jobs")
    elif any(not job.finished for job in found):
        show.say("resume one with:  lemlist-async resume JOB")
    return Exit.OK


def _line(job: StoredJob) -> str:
    if job.fault:
        return f"{job.name}  cannot be read: {job.fault}"
    state = f"{job.left:,} of {job.rows:,} rows left" if job.left else f"{counted(job.rows, 'row')}, finished"
    unknown = f", {job.unknown:,} unknown" if job.unknown else ""
    erased = ", personal data erased" if job.erased else ""
    return f"{job.name}  {job.kind} from {job.source}: {state}{unknown}{erased}"


@app.command()
def prune(
    older_than: Annotated[float, typer.Option(min=0, help="Days since the job last changed.")] = 30,
    erase: Annotated[
        bool, typer.Option("--erase", help="Keep the counts, and remove the personal data only.")
    ] = False,
    unfinished: Annotated[
        bool,
        typer.Option("--unfinished", help="Also jobs with rows left, which cannot be resumed after that."),
    ] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Remove finished jobs with their personal data. Jobs that run are left alone."""

    async def work(show: Show) -> Exit:
        if unfinished:
            confirm("Remove jobs that have rows left, which then cannot be resumed?", yes=yes)
        pruned: list[str] = []
        for job in await stored_jobs():
            due = job.days >= older_than and (job.finished or (unfinished and not erase))
            if due and not (erase and job.erased) and await retention.let_go(job.path, erase=erase):
                pruned.append(job.name)
        if json:
            dump("pruned", {"pruned": pruned, "erased_only": erase})
        else:
            what = "erased the personal data of" if erase else "removed"
            show.say(f"{what} {len(pruned):,} job{'' if len(pruned) == 1 else 's'}")
        return Exit.OK

    execute(work, json=json)


@app.command()
def keep(
    days: Annotated[
        float | None,
        typer.Argument(min=0, help="Days after which a finished job loses its personal data; 0 is at once."),
    ] = None,
    forever: Annotated[bool, typer.Option("--forever", help="Erase nothing by itself.")] = False,
    json: Json = False,
) -> None:
    """Set or print how long finished jobs keep their rows; LEMLIST_KEEP_DAYS takes precedence.

    What is older is erased when one of the next commands runs a job or lists them. Counts, lines and states stay.
    """

    async def work(show: Show) -> Exit:
        if days is not None and forever:
            raise ConfigurationError("give either a number of days or --forever")
        if days is not None or forever:
            retention.keep(days)
        found = retention.days_to_keep()
        if json:
            dump("kept", {"keep_days": found})
        else:
            show.say("for ever" if found is None else f"{found:g} days")
        return Exit.OK

    execute(work, json=json)
