"""`lemlist-async campaigns`: figures of campaigns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lemlist_async import bulk
from lemlist_async.cli.confirm import Yes, confirm
from lemlist_async.cli.execute import with_client
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.jobs import RunSettings, run_plan
from lemlist_async.cli.options import STANDARD, Bom, Json, ReportFile
from lemlist_async.cli.show import Show, dump

if TYPE_CHECKING:
    from lemlist_async import Lemlist
    from lemlist_async.resources.campaigns_models import CampaignState

CampaignArgument = Annotated[str, typer.Argument(help="Id of the campaign, cam_….")]

app: typer.Typer = typer.Typer(
    help="Campaigns: make them, start and pause them, read their statistics.", no_args_is_help=True
)


@app.command(name="list")
def list_(
    status: Annotated[str | None, typer.Option(help="Only those with this status: running, draft …")] = None,
    json: Json = False,
) -> None:
    """Print id, status and name of each campaign."""

    async def work(lemlist: Lemlist, show: Show) -> Exit:
        wanted: Any = {"status": status} if status else {}
        found = [campaign async for campaign in lemlist.campaigns.list(**wanted)]
        if json:
            dump("campaigns", {"campaigns": [campaign.to_dict() for campaign in found]})
            return Exit.OK
        for campaign in found:
            show.say(f"{campaign.id}  {campaign.status or campaign.state or '?'}  {campaign.name or ''}")
        if not found:
            show.say("there are no campaigns")
        return Exit.OK

    with_client(work, json=json)


@app.command()
def create(name: Annotated[str, typer.Argument(help="Its name.")], json: Json = False) -> None:
    """Create a campaign, which is a draft: its messages are written in lemlist."""

    async def work(lemlist: Lemlist, show: Show) -> Exit:
        made = await lemlist.campaigns.create(name=name)
        if json:
            dump("campaign", {"campaign": made.to_dict()})
        else:
            show.say(f"{made.id}  {name}")
        return Exit.OK

    with_client(work, json=json)


@app.command()
def start(campaign: CampaignArgument, yes: Yes = False, json: Json = False) -> None:
    """Start a campaign: lemlist begins to send its messages. One that runs already stays as it is."""

    async def work(lemlist: Lemlist, show: Show) -> Exit:
        found = await lemlist.campaigns.get(campaign)
        confirm(f"Start {found.name or campaign}? lemlist will send its messages to real people.", yes=yes)
        return _tell(await lemlist.campaigns.ensure_started(campaign), show, json=json)

    with_client(work, json=json)


@app.command()
def pause(campaign: CampaignArgument, json: Json = False) -> None:
    """Pause a campaign. One that is paused already stays as it is."""

    async def work(lemlist: Lemlist, show: Show) -> Exit:
        return _tell(await lemlist.campaigns.ensure_paused(campaign), show, json=json)

    with_client(work, json=json)


def _tell(state: CampaignState, show: Show, *, json: bool) -> Exit:
    if json:
        dump("campaign", {"campaign": state.to_dict()})
    else:
        show.say(f"{state.id}  {state.state or '?'}")
    return Exit.OK


@app.command()
def stats(
    since: Annotated[datetime, typer.Option(help="First day, or time in UTC.")],
    until: Annotated[datetime | None, typer.Option(help="Last day, or time in UTC; by default now.")] = None,
    campaign: Annotated[
        list[str] | None, typer.Option(help="Id of a campaign, cam_…; by default all of them.")
    ] = None,
    report: ReportFile = None,
    bom: Bom = True,
    json: Json = False,
) -> None:
    """Read the figures of campaigns over a span of time, 100 campaigns a call."""
    job = bulk.ReadStats(
        start_date=since.replace(tzinfo=UTC),
        end_date=until.replace(tzinfo=UTC) if until is not None else datetime.now(UTC),
    )
    settings = RunSettings(json=json, report=report, bom=bom, results=True)

    async def work(lemlist: Lemlist, show: Show) -> Exit:
        def plan() -> Awaitable[bulk.Plan]:
            return lemlist.bulk.plan(job, _named(lemlist, campaign))

        return await run_plan(lemlist, plan, settings, show)

    with_client(work, json=json, data=report == STANDARD)


async def _named(lemlist: Lemlist, wanted: list[str] | None) -> AsyncIterator[dict[str, str]]:
    """Yield id and name of all campaigns, or of the wanted ones; one that is not listed has no name."""
    left = dict.fromkeys(wanted or ())
    async for campaign in lemlist.with_options(lane="bulk").campaigns.list():
        if wanted is None or campaign.id in left:
            left.pop(campaign.id, None)
            yield {"campaign_id": campaign.id, "name": campaign.name or ""}
        if wanted is not None and not left:
            return
    for campaign_id in left:
        yield {"campaign_id": campaign_id, "name": ""}
