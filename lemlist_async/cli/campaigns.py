"""`lemlist-async campaigns`: figures of campaigns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from lemlist_async import bulk
from lemlist_async.cli.execute import with_client
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.jobs import RunSettings, run_plan
from lemlist_async.cli.options import Json, ReportFile
from lemlist_async.cli.show import Show

if TYPE_CHECKING:
    from lemlist_async import Lemlist

app: typer.Typer = typer.Typer(help="Campaigns, and what came of them.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `stats` a command of its own, although it is the only one."""


@app.command()
def stats(
    since: Annotated[datetime, typer.Option(help="First day, or time in UTC.")],
    until: Annotated[datetime | None, typer.Option(help="Last day, or time in UTC; by default now.")] = None,
    campaign: Annotated[
        list[str] | None, typer.Option(help="Id of a campaign, cam_…; by default all of them.")
    ] = None,
    report: ReportFile = None,
    json: Json = False,
) -> None:
    """Read the figures of campaigns over a span of time, 100 campaigns a call."""
    job = bulk.ReadStats(
        start_date=since.replace(tzinfo=UTC),
        end_date=until.replace(tzinfo=UTC) if until is not None else datetime.now(UTC),
    )
    settings = RunSettings(json=json, report=report, results=True)

    async def work(lemlist: Lemlist, show: Show) -> Exit:
        def plan() -> Awaitable[bulk.Plan]:
            return lemlist.bulk.plan(job, campaign or _all(lemlist))

        return await run_plan(lemlist, plan, settings, show)

    with_client(work, json=json)


async def _all(lemlist: Lemlist) -> AsyncIterator[str]:
    async for campaign in lemlist.with_options(lane="bulk").campaigns.list():
        yield campaign.id
