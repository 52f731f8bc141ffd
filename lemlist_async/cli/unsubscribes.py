"""`lemlist-async unsubscribes`: the do-not-contact list."""

from __future__ import annotations

import typer

from lemlist_async import bulk
from lemlist_async.cli.exports import save
from lemlist_async.cli.options import Bom, FormatOption, Formulas, Json, Out
from lemlist_async.cli.row_jobs import row_job

app: typer.Typer = typer.Typer(
    help="Unsubscribes: addresses, @domains, LinkedIn pages and phone numbers that nothing is sent to.",
    no_args_is_help=True,
)


@row_job(app, "add")
def add() -> bulk.Job:
    """Block values: the column 'value' of a file, or its only one."""
    return bulk.BlockValues()


@row_job(app, "remove")
def remove() -> bulk.Job:
    """Unblock values; those that the person or an abuse report blocked are protected."""
    return bulk.UnblockValues()


@app.command()
def export(
    out: Out,
    format: FormatOption = None,  # noqa: A002  # as the option
    formulas: Formulas = False,
    bom: Bom = True,
    json: Json = False,
) -> None:
    """Write all blocked values to a file."""
    save(
        lambda lemlist: lemlist.bulk.export_unsubscribes(),
        out,
        format=format,
        formulas=formulas,
        bom=bom,
        json=json,
    )
