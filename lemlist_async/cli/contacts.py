"""`lemlist-async contacts`: create, change, list and export contacts."""

from __future__ import annotations

from typing import Annotated

import typer

from lemlist_async import bulk
from lemlist_async.cli.exports import save
from lemlist_async.cli.options import Bom, FormatOption, Formulas, Json, Out
from lemlist_async.cli.row_jobs import Columns, row_job

app: typer.Typer = typer.Typer(help="Contacts: the people of the CRM.", no_args_is_help=True)

ListId = Annotated[str, typer.Option("--list", help="Id of a static list, clt_….")]


@row_job(app, "upsert")
def upsert(columns: Columns) -> bulk.Job:
    """Create contacts, or change those with the same email, LinkedIn page or contact id."""
    return bulk.UpsertContacts(**columns)


@row_job(app, "add-to-list")
def add_to_list(
    list_id: ListId,
    create: Annotated[bool, typer.Option(help="Make a contact of an address that has none.")] = False,
) -> bulk.Job:
    """Add contacts to a list, by contact id or email."""
    return bulk.ListContacts(list_id=list_id, create=create)


@row_job(app, "remove-from-list")
def remove_from_list(list_id: ListId) -> bulk.Job:
    """Remove contacts from a list, by contact id or email."""
    return bulk.ListContacts(list_id=list_id, action="remove")


@app.command()
def export(
    out: Out,
    list_id: Annotated[str, typer.Option("--list", help="Only the contacts of this list.")] = "all",
    format: FormatOption = None,  # noqa: A002  # as the option
    formulas: Formulas = False,
    bom: Bom = True,
    json: Json = False,
) -> None:
    """Write all contacts, or those of a list, to a file."""
    save(
        lambda lemlist: lemlist.bulk.export_contacts(list_id),
        out,
        format=format,
        formulas=formulas,
        bom=bom,
        json=json,
    )
