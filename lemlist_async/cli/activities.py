"""`lemlist-async activities`: new events, appended to a file by each run."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from lemlist_async import bulk
from lemlist_async.cli.execute import with_client
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.options import STANDARD, Json
from lemlist_async.cli.show import Show, dump
from lemlist_async.cli.streams import DataFile
from lemlist_async.cli.wording import counted
from lemlist_async.core.json import dumps
from lemlist_async.errors import ConfigurationError

if TYPE_CHECKING:
    from lemlist_async import Lemlist

_DATABASES = frozenset({".db", ".sqlite", ".sqlite3"})

app: typer.Typer = typer.Typer(help="Activities: what happened to leads.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `sync` a command of its own, although it is the only one."""


@app.command()
def sync(
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="JSON lines, to which new events are appended: events.jsonl, or a file a day: "
            "events-%Y-%m-%d.jsonl. Or the table 'activities' of an SQLite file: events.db. - prints them, and "
            "remembers nothing.",
        ),
    ],
    cursor: Annotated[
        Path | None,
        typer.Option(help="Where the sync remembers how far it came; by default beside the files."),
    ] = None,
    since: Annotated[datetime | None, typer.Option(help="Where to begin the first time, in UTC.")] = None,
    overlap: Annotated[float, typer.Option(min=0, help="Minutes that an event may appear late.")] = 10,
    kind: Annotated[list[str] | None, typer.Option("--type", help="Only events of this type.")] = None,
    json: Json = False,
) -> None:
    """Append the events since the last run to files or to a table, each event once.

    If a run is killed, the next one resumes from the last complete batch. Files may be moved away in between.
    """

    async def work(lemlist: Lemlist, show: Show) -> Exit:
        with _store(out, cursor) as store:
            batches = lemlist.bulk.sync_activities(
                store.cursor,
                since=None if since is None else since.replace(tzinfo=UTC),
                overlap=timedelta(minutes=overlap),
                types=kind or None,
            )
            with show:
                async for batch in batches:
                    await asyncio.to_thread(store.store, batch)
                    show.count(store.added)
        if json:
            dump("sync", {"added": store.added, "file": str(out)})
        else:
            show.say(f"{counted(store.added, 'new event')}: {out}")
        return Exit.OK

    with_client(work, json=json, data=out == STANDARD)


class _Printed:
    """Events on standard output. Nothing is remembered: a pipe does not tell how much its reader has taken."""

    def __init__(self) -> None:
        self.added: int = 0
        self.cursor: dict[str, Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def store(self, batch: bulk.ActivityBatch) -> None:
        """Print events."""
        DataFile().write(b"".join(dumps(item.to_dict()) + b"\n" for item in batch.items))
        self.added += len(batch.items)


def _store(out: Path, cursor: Path | None) -> bulk.ActivityFiles | bulk.ActivityTable | _Printed:
    if out == STANDARD and cursor is not None:
        raise ConfigurationError("--cursor needs a file: a pipe does not tell how much its reader has taken")
    if out == STANDARD:
        return _Printed()
    if out.suffix.lower() not in _DATABASES:
        return bulk.ActivityFiles(out, cursor)
    if cursor is not None:
        raise ConfigurationError("--cursor is for files: a database holds its own")
    return bulk.ActivityTable(out)
