"""`lemlist-async webhooks`: events printed as they come, and dead letters of a receiver."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lemlist_async import webhooks
from lemlist_async.cli.execute import execute
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.options import Json
from lemlist_async.cli.show import Show
from lemlist_async.cli.streams import write_data
from lemlist_async.core.json import dumps
from lemlist_async.errors import ConfigurationError

if TYPE_CHECKING:
    from lemlist_async.webhooks import Event, Stored

app: typer.Typer = typer.Typer(
    help="Webhooks: events as they come, and events that could not be handled.", no_args_is_help=True
)
StoreArgument = Annotated[Path, typer.Argument(help="The file of a WebhookReceiver.")]
_SECRET = "LEMLIST_WEBHOOK_SECRET"  # noqa: S105  # the name of a variable
_HELP = """listening on {url}
lemlist does not reach this machine by itself: forward a public address to it, for example with
  cloudflared tunnel --url {url}
  ssh -R 80:localhost:{port} localhost.run
and register that address: await lemlist.webhooks.ensure("https://…")"""


@app.command()
def listen(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8766,
    kind: Annotated[list[str] | None, typer.Option("--type", help="Only events of this type.")] = None,
    json: Json = False,
) -> None:
    """Print events that lemlist posts to this machine, each once, until Ctrl-C; for development.

    Events without the secret in LEMLIST_WEBHOOK_SECRET are refused, if that is set.
    """

    async def work(show: Show) -> Exit:
        from lemlist_async.webhooks import WebhookReceiver
        from lemlist_async.webhooks.aiohttp_web import serve

        with tempfile.TemporaryDirectory(prefix="lemlist-async-") as folder:
            made = WebhookReceiver(Path(folder) / "hooks.db", secret=os.environ.get(_SECRET) or None)

            @made.on(*(kind or ()))
            async def show_event(event: Event) -> None:
                write_data([dumps(event.to_dict()).decode() + "\n" if json else f"{line_of(event)}\n"])
                sys.stdout.flush()

            async with serve(made, port) as url:
                show.say(_HELP.format(url=url, port=url.rpartition(":")[2].strip("/")))
                with contextlib.suppress(
                    asyncio.CancelledError
                ):  # Ctrl-C is its end, and no error among the events
                    await asyncio.Event().wait()
        return Exit.INTERRUPTED

    execute(work, json=json)


def line_of(event: Event) -> str:
    """Return an event as a line for people."""
    at = event.created_at if isinstance(event.created_at, datetime) else datetime.now(UTC)
    about = (event.lead_email, event.campaign_name or event.campaign_id, event.subject)
    return "  ".join([f"{at:%H:%M:%S}", str(event.type), *(str(one) for one in about if one)])


@app.command()
def dead(file: StoreArgument, json: Json = False) -> None:
    """Print the events whose handler failed at every attempt; with --json, their bodies too."""

    async def work(_show: Show) -> Exit:
        letters = await asyncio.to_thread(webhooks.dead_letters, _there(file))
        write_data(_as_json(one) if json else _as_line(one) for one in letters)
        return Exit.OK

    execute(work, json=json)


@app.command(name="requeue")
def requeue_(
    file: StoreArgument,
    numbers: Annotated[
        list[int] | None, typer.Argument(help="Numbers of events, as `dead` prints them.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All dead letters.")] = False,
) -> None:
    """Have dead letters handled again, from the first attempt on, by the processes that share the file."""

    async def work(show: Show) -> Exit:
        if bool(numbers) is everything:
            raise ConfigurationError("give numbers of dead letters, or --all")
        count = await asyncio.to_thread(webhooks.requeue, _there(file), numbers or None)
        show.say(f"put back: {count:,}")
        return Exit.OK

    execute(work, json=False)


def _there(file: Path) -> Path:
    if not file.is_file():
        raise ConfigurationError(f"there is no file {file}")
    return file


def _as_line(letter: Stored) -> str:
    came = datetime.fromtimestamp(letter.received_at, UTC)
    erased = "" if letter.text is not None else "  (erased)"
    return f"{letter.n}  {came:%Y-%m-%d %H:%M:%S}  {letter.type}  {letter.attempts} attempts  {letter.error}{erased}\n"


def _as_json(letter: Stored) -> str:
    return dumps(letter._asdict()).decode() + "\n"
