"""`lemlist-async jobs`: the jobs whose journals are in the user's state directory."""

from __future__ import annotations

import functools
from typing import Annotated

import typer

from lemlist_async import bulk
from lemlist_async.cli.confirm import Yes, confirm
from lemlist_async.cli.execute import execute
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.fleet import fleet_jobs, line_of
from lemlist_async.cli.job_store import StoredJob, remove, stored_jobs
from lemlist_async.cli.options import Json
from lemlist_async.cli.show import Show, dump

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
        dump({"jobs": [job.as_json() for job in found]})
        return Exit.OK
    for job in found:
        show.say(line_of(job))
    if not found:
        show.say("there are no jobs")
    return Exit.OK


async def _list(show: Show, *, json: bool) -> Exit:
    found = await stored_jobs()
    if json:
        dump({"jobs": [job.as_json() for job in found]})
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
    state = f"{job.left:,} of {job.rows:,} rows left" if job.left else f"{job.rows:,} rows, finished"
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
            if due and not (erase and job.erased) and await _prune(job, erase=erase):
                pruned.append(job.name)
        if json:
            dump({"pruned": pruned, "erased_only": erase})
        else:
            what = "erased the personal data of" if erase else "removed"
            show.say(f"{what} {len(pruned):,} job{'' if len(pruned) == 1 else 's'}")
        return Exit.OK

    execute(work, json=json)


async def _prune(job: StoredJob, *, erase: bool) -> bool:
    try:
        journal = await bulk.Journal.open(job.path, new=False)  # refused while a runner has it
    except bulk.JournalError:
        return False
    try:
        if erase:
            await journal.erase()
    finally:
        await journal.close()
    if not erase:
        remove(job.path)
    return True
