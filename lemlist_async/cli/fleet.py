"""`lemlist-async worker` and `submit`: jobs that any of several machines carries on."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from lemlist_async import bulk
from lemlist_async.cli.confirm import Yes, confirm
from lemlist_async.cli.contacts import add_to_list, remove_from_list, upsert
from lemlist_async.cli.execute import execute, with_client
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.leads import REMOVE, import_leads, pause, remove, unsubscribe, update
from lemlist_async.cli.options import (
    Delimiter,
    Encoding,
    File,
    Json,
    NoHeader,
    OnAmbiguousOption,
    delimiter_of,
)
from lemlist_async.cli.row_jobs import row_job
from lemlist_async.cli.show import Show, dump
from lemlist_async.cli.unsubscribes import add
from lemlist_async.cli.unsubscribes import remove as unblock
from lemlist_async.errors import ConfigurationError

if TYPE_CHECKING:
    from lemlist_async import Lemlist
    from lemlist_async.fleet import FleetJob

T = TypeVar("T")

Url = Annotated[
    str,
    typer.Option(
        help="Database of the fleet, postgresql://host/database; the rest comes from PGHOST, PGPASSWORD, …",
        envvar="LEMLIST_FLEET_URL",
    ),
]
submit: typer.Typer = typer.Typer(
    help="Hand a file of rows to the workers of a fleet, and return.", no_args_is_help=True
)
_NEEDED = {"procrastinate", "psycopg", "psycopg_pool"}


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(worker)
    app.add_typer(submit, name="submit")


def _installed(load: Callable[[], T]) -> T:
    """Import a part of the fleet.

    Raises:
        ConfigurationError: its packages are not installed.
    """
    try:
        return load()
    except ModuleNotFoundError as missing:
        if missing.name not in _NEEDED:
            raise
        raise ConfigurationError("fleets need the extra: pip install 'lemlist_async[fleet]'") from None


def worker(
    url: Url,
    keys: Annotated[
        str | None,
        typer.Option(
            help="package.module:function that returns the key of a tenant; by default LEMLIST_API_KEY, and "
            "LEMLIST_API_KEY_ACME for the tenant acme."
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Jobs that run at a time.")] = 20,
    lease: Annotated[
        float,
        typer.Option(
            min=1.5, help="Seconds after which another worker takes over from one that stands still."
        ),
    ] = 20.0,
    scope: Annotated[
        str,
        typer.Option(
            help="Sharing of each key's limit: auto (this host), postgresql://…, redis://… or process."
        ),
    ] = "auto",
    on_ambiguous: OnAmbiguousOption = "verify",
    look_up_after: Annotated[
        float, typer.Option(min=0, help="Seconds between a lost response and each look-up.")
    ] = 30.0,
) -> None:
    """Carry on the jobs of a fleet, until SIGTERM or Ctrl-C.

    It then finishes the rows in flight, for 5 seconds at most, and hands its jobs over.
    """

    async def work(show: Show) -> Exit:
        fleet, carrier, keys_of = _installed(_modules)
        options = fleet.WorkerOptions(
            jobs=jobs,
            scope=scope,
            runs=carrier.RunOptions(lease=lease, on_ambiguous=on_ambiguous, look_up_after=look_up_after),
        )
        made = fleet.Worker(
            url,
            fleet.environment_key if keys is None else keys_of.key_source(keys),
            options=options,
        )
        with made.stopped_by_signals():
            await _told(made.run(lambda: show.say(f"carrying on up to {jobs} jobs at a time")))
        show.say("all jobs are handed over")
        return Exit.OK

    execute(work, json=False)


def _modules() -> tuple[Any, Any, Any]:
    from lemlist_async import fleet
    from lemlist_async.fleet import carrier, keys, worker

    del worker  # imported to find out whether the packages are there
    return fleet, carrier, keys


async def _told(work: Awaitable[T]) -> T:
    """Await, and raise an error of the database as one of this library.

    Raises:
        JournalUnavailableError: the database is away, or refuses the user.
    """
    import psycopg

    try:
        return await work
    except psycopg.Error as error:
        raise bulk.JournalUnavailableError(
            f"the database: {str(error).strip().partition(chr(10))[0]}"
        ) from None


def submit_rows(
    make: Callable[[], bulk.Job],
    file: File,
    url: Url,
    name: Annotated[str | None, typer.Option(help="Name of the job; by default its time and kind.")] = None,
    tenant: Annotated[str, typer.Option(help="Name by which the workers find the key.")] = "default",
    encoding: Encoding = "utf-8",
    delimiter: Delimiter = None,
    no_header: NoHeader = False,
    yes: Yes = False,
    json: Json = False,
    *,
    question: str | None = None,
) -> None:
    """Check a file and hand it over; `question` is asked before a job that cannot be undone."""

    async def work(lemlist: Lemlist, show: Show) -> Exit:
        fleet, *_ = _installed(_modules)
        job = make()
        if question is not None:
            confirm(question, yes=yes)
        chosen = (
            name or f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{job.kind.replace('.', '-')}-{secrets.token_hex(2)}"
        )
        submitted = fleet.submit(
            lemlist,
            job,
            file,
            to=url,
            name=chosen,
            tenant=tenant,
            encoding=encoding,
            delimiter=delimiter_of(delimiter),
            header=not no_header,
        )
        await _told(submitted)
        found = await _told(_job(url, chosen))
        if json:
            dump("fleet-job", {"job": found.as_json()})
        else:
            show.say(line_of(found))
        return Exit.OK if found.state("refused") == 0 else Exit.PARTIAL

    with_client(work, json=json)


for _name, _make, _question in (
    ("import", import_leads, None), ("update", update, None), ("remove", remove, REMOVE),
    ("unsubscribe", unsubscribe, None), ("pause", pause, None), ("upsert", upsert, None),
    ("add-to-list", add_to_list, None), ("remove-from-list", remove_from_list, None),
    ("block", add, None), ("unblock", unblock, None),
):  # fmt: skip
    row_job(submit, _name, question=_question, run=submit_rows)(_make)


@submit.command(name="job")
def again(
    name: Annotated[str, typer.Argument(help="Name of the job.")], url: Url, json: Json = False
) -> None:
    """Hand over a job that is in the database: one that was given up, or never submitted."""

    async def work(show: Show) -> Exit:
        fleet, *_ = _installed(_modules)

        async def want() -> FleetJob:
            async with fleet.Jobs.at(url) as jobs:
                await jobs.want(name)
                found: FleetJob = await jobs.get(name)
                return found

        found = await _told(want())
        if json:
            dump("fleet-job", {"job": found.as_json()})
        else:
            show.say(line_of(found))
        return Exit.OK

    execute(work, json=json)


async def _job(url: str, name: str) -> FleetJob:
    from lemlist_async.fleet import Jobs

    async with Jobs.at(url) as jobs:
        return await jobs.get(name)


async def fleet_jobs(url: str) -> list[FleetJob]:
    """Return the jobs of a database, the oldest first.

    Raises:
        JournalUnavailableError: the database is away, or has no tables of a fleet.
    """
    fleet, *_ = _installed(_modules)

    async def read() -> list[FleetJob]:
        async with fleet.Jobs.at(url) as jobs:
            return list(await jobs.all())

    return await _told(read())


def line_of(job: FleetJob) -> str:
    """Return a job as a line for people."""
    rows = f"{job.left:,} of {job.rows:,} rows left" if job.left else f"{job.rows:,} rows"
    refused = f", {count:,} refused" if (count := job.state("refused")) else ""
    unknown = f", {job.unknown:,} unknown" if job.unknown else ""
    who = f" at {job.holder.rpartition(':')[0]}" if job.holder else ""
    trouble = f": {job.trouble}" if job.trouble else ""
    source = Path(job.source).name
    return f"{job.name}  {job.kind} from {source}: {job.phase}{who}, {rows}{refused}{unknown}{trouble}"
