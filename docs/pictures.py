"""Pictures of the command at work, as SVG: `python docs/pictures.py` runs an import on a sandbox and writes them."""

import asyncio
import io
import re
import sys
from pathlib import Path

from rich.console import Console

from lemlist_async import Lemlist, bulk
from lemlist_async.cli.terminal import Terminal
from lemlist_async.sandbox import Sandbox

WIDTH = 88
ROWS = 60
"""Rows of the example that are imported: enough for the limit to be felt."""
LEADS = Path(__file__).parents[1] / "examples" / "leads.csv"
# fonts from another host would be loaded by every reader of the page
FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def screen() -> Console:
    """Return a console that remembers what it shows."""
    return Console(
        record=True,
        width=WIDTH,
        file=io.StringIO(),
        force_terminal=False,
        color_system="truecolor",
        highlight=False,
    )


def save(console: Console, path: Path, title: str) -> None:
    """Write what a console has shown."""
    svg = console.export_svg(title=title, unique_id=path.stem)
    path.write_text(FONT_FACE.sub("", svg), encoding="utf-8")


async def run(folder: Path) -> None:
    """Import leads into a sandbox, and write pictures of the plan, of the middle and of the end."""
    file = folder / "leads.csv"
    file.write_text("".join(LEADS.read_text("utf-8").splitlines(keepends=True)[: ROWS + 1]), encoding="utf-8")
    plan_, middle, end = screen(), screen(), screen()
    command = "lemlist-async leads import leads.csv --campaign cam_…"
    try:
        async with Sandbox() as sandbox, Lemlist(sandbox.key, base_url=sandbox.url) as lemlist:
            campaign = await lemlist.campaigns.create(name="Spring")
            async with await lemlist.bulk.plan_leads(campaign.id, file) as plan:
                show = Terminal(plan_)
                if plan.mapping is not None:
                    show.mapping(plan.mapping, whole=True)
                show.forecast(plan.forecast, "20 requests per 2 s")
                save(plan_, folder / "plan.svg", f"{command} --dry-run")
                job = lemlist.bulk.run(plan)
                moving = Terminal(middle)
                async for _ in job:
                    if job.progress.done == ROWS // 2:
                        moving.progress(job.progress)
                        moving.still()
                save(middle, folder / "run.svg", command)
                Terminal(end).report(await job.report(), await refused(plan), [], {})
                save(end, folder / "report.svg", command)
    finally:
        file.unlink()


async def refused(plan: bulk.Plan) -> list[bulk.RowResult]:
    """Return the rows that were refused."""
    return [row async for row in plan.refused() if row.outcome.what == "refused"]


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent))
