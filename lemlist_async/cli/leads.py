"""`lemlist-async leads`: import, change, remove and export leads of a campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lemlist_async import bulk
from lemlist_async.cli.execute import with_client
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.exports import save
from lemlist_async.cli.options import Bom, Campaign, FormatOption, Formulas, Json, Out
from lemlist_async.cli.row_jobs import Columns, row_job
from lemlist_async.cli.show import Show, dump
from lemlist_async.cli.wording import counted

if TYPE_CHECKING:
    from lemlist_async import Lemlist

app: typer.Typer = typer.Typer(help="Leads: the people in a campaign.", no_args_is_help=True)

REMOVE = "Remove the leads of this file from the campaign, with their history there?"

OnDuplicate = Annotated[
    Literal["skip", "raise"],
    typer.Option(help="For a lead that exists already: skip it, or end the job."),
]


@row_job(app, "import")
def import_leads(
    campaign: Campaign,
    columns: Columns,
    on_duplicate: OnDuplicate = "skip",
    deduplicate: Annotated[bool, typer.Option(help="Skip people who are in another campaign.")] = False,
) -> bulk.Job:
    """Import leads from a file into a campaign.

    Each row is checked before anything is sent. Columns become fields by their names, whichever tool wrote them
    (First Name, E-Mail-Adresse, Person Linkedin Url …), any other one a custom variable; --dry-run shows how.
    """
    return bulk.ImportLeads(
        campaign_id=campaign, on_duplicate=on_duplicate, deduplicate=deduplicate, **columns
    )


@row_job(app, "update")
def update(campaign: Campaign, columns: Columns) -> bulk.Job:
    """Change leads of a campaign, found by their email or lead id.

    Columns become fields and variables as in an import; empty cells change nothing.
    """
    return bulk.UpdateLeads(campaign_id=campaign, **columns)


@row_job(app, "remove", question=REMOVE)
def remove(campaign: Campaign, columns: Columns) -> bulk.Job:
    """Remove leads from a campaign, with their history there. It cannot be undone."""
    return bulk.StopLeads(campaign_id=campaign, action="remove", **columns)


@row_job(app, "unsubscribe")
def unsubscribe(campaign: Campaign, columns: Columns) -> bulk.Job:
    """Unsubscribe leads from a campaign: they stay in it, and get no further messages."""
    return bulk.StopLeads(campaign_id=campaign, action="unsubscribe", **columns)


@row_job(app, "pause")
def pause(campaign: Campaign, columns: Columns) -> bulk.Job:
    """Pause leads of a campaign."""
    return bulk.StopLeads(campaign_id=campaign, action="pause", **columns)


@app.command(name="list")
def list_(
    campaign: Campaign,
    state: Annotated[str, typer.Option(help="Only leads in these states, with commas between.")] = "all",
    json: Json = False,
) -> None:
    """Print id, state, address and name of each lead of a campaign; `export` has all their fields."""

    async def work(lemlist: Lemlist, show: Show) -> Exit:
        # the list of a campaign's leads has ids only
        found = [row async for row in lemlist.bulk.export_leads(campaign, state=state.split(","))]
        if json:
            dump("leads", {"leads": found})
            return Exit.OK
        for row in found:
            show.say(_line(row))
        show.say(counted(len(found), "lead"))
        return Exit.OK

    with_client(work, json=json)


def _line(row: dict[str, str | None]) -> str:
    name = " ".join(filter(None, (row.get("firstName"), row.get("lastName"))))
    who = row.get("email") or row.get("linkedinUrl") or "?"
    return (
        f"{row.get('_id') or '?'}  {row.get('lastState') or row.get('status') or '?'}  {who}  {name}".rstrip()
    )


@app.command()
def export(
    campaign: Campaign,
    out: Out,
    state: Annotated[str, typer.Option(help="Only leads in these states, with commas between.")] = "all",
    format: FormatOption = None,  # noqa: A002  # as the option
    formulas: Formulas = False,
    bom: Bom = True,
    json: Json = False,
) -> None:
    """Write all leads of a campaign to a file, with their variables."""
    save(
        lambda lemlist: lemlist.bulk.export_leads(campaign, state=state),
        out,
        format=format,
        formulas=formulas,
        bom=bom,
        json=json,
    )
