"""Exports to files and to standard output, from the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lemlist_async import bulk
from lemlist_async.cli.execute import with_client
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.options import STANDARD, ExportFormat
from lemlist_async.cli.show import Show, dump
from lemlist_async.cli.streams import DataFile
from lemlist_async.cli.wording import counted
from lemlist_async.errors import ConfigurationError

if TYPE_CHECKING:
    from lemlist_async import Lemlist


def save(
    make: Callable[[Lemlist], bulk.Export],
    out: Path,
    *,
    format: ExportFormat | None,  # noqa: A002  # as on the command line
    formulas: bool,
    bom: bool,
    json: bool,
) -> None:
    """Write an export to a file or to standard output, and tell how many rows it has."""

    async def work(lemlist: Lemlist, show: Show) -> Exit:
        if out == STANDARD and json:
            raise ConfigurationError("--json and --out - would both write to standard output")
        options: bulk.ExportOptions = {
            "format": format, "guard": not formulas, "bom": bom and out != STANDARD, "progress": show.count
        }  # fmt: skip
        with show:
            if out == STANDARD:
                count = await make(lemlist).write(DataFile(), **options)
            else:
                count = await make(lemlist).save(out, **options)
        if json:
            dump("export", {"rows": count, "file": str(out)})
        else:
            show.say(f"{counted(count, 'row')}: {'standard output' if out == STANDARD else out}")
        return Exit.OK

    with_client(work, json=json, data=out == STANDARD)
