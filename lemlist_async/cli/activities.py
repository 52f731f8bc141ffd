"""`lemlist-async activities`: new events, appended to a file by each run."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import attrs
import typer

from lemlist_async import bulk
from lemlist_async.cli.execute import with_client
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.options import Json
from lemlist_async.cli.show import Show, dump
from lemlist_async.core.json import dumps, loads
from lemlist_async.errors import InvalidInputError
from lemlist_async.files import write_file

if TYPE_CHECKING:
    from lemlist_async import Lemlist

app: typer.Typer = typer.Typer(help="Activities: what happened to leads.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `sync` a command of its own, although it is the only one."""


@app.command()
def sync(
    out: Annotated[Path, typer.Option("--out", help="JSON lines; new events are appended.")],
    cursor: Annotated[Path, typer.Option(help="Where the sync remembers how far it came.")],
    since: Annotated[datetime | None, typer.Option(help="Where to begin the first time, in UTC.")] = None,
    overlap: Annotated[float, typer.Option(min=0, help="Minutes that an event may appear late.")] = 10,
    kind: Annotated[list[str] | None, typer.Option("--type", help="Only events of this type.")] = None,
    json: Json = False,
) -> None:
    """Append the events since the last run to a file, each event once.

    If a run is killed, the next one resumes from the last complete batch in the file.
    """

    async def work(lemlist: Lemlist, show: Show) -> Exit:
        ledger = _Ledger(out, cursor)
        place = await asyncio.to_thread(ledger.open)
        batches = lemlist.bulk.sync_activities(
            place,
            since=None if since is None else since.replace(tzinfo=UTC),
            overlap=timedelta(minutes=overlap),
            types=kind or None,
        )
        with show:
            async for batch in batches:
                await asyncio.to_thread(ledger.append, batch)
                show.count(ledger.added)
        if json:
            dump({"added": ledger.added, "file": str(out), "cursor": str(cursor)})
        else:
            show.say(f"{ledger.added:,} new events: {out}")
        return Exit.OK

    with_client(work, json=json)


@attrs.define
class _Ledger:
    """File of events, with the cursor and its file size in a second file beside it."""

    out: Path
    cursor: Path
    added: int = 0

    def open(self) -> dict[str, Any] | None:
        """Return the cursor to resume from, and cut off events that a killed run wrote after it."""
        if not self.cursor.exists():
            if self.out.exists() and self.out.stat().st_size:
                raise InvalidInputError(f"{self.out} is there, and {self.cursor} is not: take another --out")
            os.close(os.open(self.out, os.O_CREAT | os.O_WRONLY, 0o600))
            return None
        try:
            kept = loads(self.cursor.read_bytes())
            place, size = dict(kept["cursor"]), int(kept["size"])
        except (ValueError, KeyError, TypeError):
            raise InvalidInputError(f"{self.cursor} is not the cursor of a sync") from None
        if self.out.stat().st_size < size:
            raise InvalidInputError(f"{self.out} is shorter than {self.cursor} knows it")
        os.truncate(self.out, size)
        return place

    def append(self, batch: bulk.ActivityBatch) -> None:
        """Write the events, then the cursor. Both are on the disk before the next batch."""
        with self.out.open("ab") as file:
            file.writelines(dumps(item.to_dict()) + b"\n" for item in batch.items)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        write_file(self.cursor, [dumps({"cursor": batch.cursor, "size": size}).decode()])
        self.added += len(batch.items)
