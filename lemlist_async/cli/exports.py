"""Exports to files, from the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lemlist_async import bulk
from lemlist_async.cli.execute import with_client
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.show import Show, dump

if TYPE_CHECKING:
    from lemlist_async import Lemlist


def save(make: Callable[[Lemlist], bulk.Export], out: Path, *, formulas: bool, bom: bool, json: bool) -> None:
    """Write an export to a file, and tell how many rows it has."""

    async def work(lemlist: Lemlist, show: Show) -> Exit:
        with show:
            count = await make(lemlist).save(out, guard=not formulas, bom=bom, progress=show.count)
        if json:
            dump({"rows": count, "file": str(out)})
        else:
            show.say(f"{count:,} rows: {out}")
        return Exit.OK

    with_client(work, json=json)
