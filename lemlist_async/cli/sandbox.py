"""The sandbox command: every option of a sandbox, served until Ctrl-C."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from lemlist_async.cli.execute import execute
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.show import Show
from lemlist_async.sandbox import POLICIES

__all__ = ["add_to"]


LIMIT: Final = "Rate limit"
NETWORK: Final = "Network"
EVENTS: Final = "Events"
DEMO_RATES: Final = {
    "bounces": 0.04,
    "opens": 0.6,
    "clicks": 0.25,
    "replies": 0.2,
    "unsubscribes": 0.03,
    "accepts": 0.4,
}
DEMO_SPEED: Final = 3600.0


def share(about: str) -> Any:
    """Return an option that takes a share."""
    return typer.Option(min=0, max=1, help=f"{about}, from 0 to 1.", rich_help_panel=EVENTS)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(sandbox)


def sandbox(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0 takes a free one.", rich_help_panel=NETWORK)
    ] = 8765,
    host: Annotated[str, typer.Option(help="Address to listen on.", rich_help_panel=NETWORK)] = "127.0.0.1",
    tls: Annotated[bool, typer.Option("--tls", help="Speak HTTPS.", rich_help_panel=NETWORK)] = False,
    proxy_port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Port of a proxy that leads api.lemlist.com here.", rich_help_panel=NETWORK
        ),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(help="Write the throw-away authority's certificate there.", rich_help_panel=NETWORK),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Another machine whose hooks are called; repeatable.", rich_help_panel=NETWORK),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", "--keys", help="A key it takes; repeatable.", show_default="sandbox-key"),
    ] = None,
    blocked_key: Annotated[
        list[str] | None, typer.Option(help="A key whose user is blocked; repeatable.")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=0, help="Requests per window and key; 0 for no limit.", rich_help_panel=LIMIT)
    ] = 20,
    window: Annotated[float, typer.Option(help="Seconds.", rich_help_panel=LIMIT)] = 2.0,
    policy: Annotated[
        str, typer.Option(help=f"Way of counting: {', '.join(POLICIES)}.", rich_help_panel=LIMIT)
    ] = "fixed-first",
    latency: Annotated[str, typer.Option(help="Seconds of each answer, or LOW-HIGH.")] = "0",
    seed: Annotated[int, typer.Option(help="The same seed gives the same ids.")] = 0,
    seed_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A snapshot to start from.")
    ] = None,
    document: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="The vendor's OpenAPI document: requests are held against it."
        ),
    ] = None,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo", help="Start with a campaign that runs an hour per second, and people who react."
        ),
    ] = False,
    speed: Annotated[
        float | None,
        typer.Option(
            min=0, help="Seconds of its clock per second.", show_default="1", rich_help_panel=EVENTS
        ),
    ] = None,
    list_shape: Annotated[str, typer.Option(help="Shape of GET /campaigns?version=v2: v2 or bare.")] = "v2",
    duplicate_status: Annotated[
        int, typer.Option(help="Status for a lead that is in another campaign: 409 or 500.")
    ] = 409,
    polls: Annotated[
        int, typer.Option(min=0, help="Polls during which an export or enrichment is unfinished.")
    ] = 2,
    webhook_delay: Annotated[
        float, typer.Option(min=0, help="Seconds until the result of an enrichment is posted.")
    ] = 0.1,
    hook_retries: Annotated[
        int, typer.Option(min=0, help="Repeats of a post to a hook that failed.", rich_help_panel=EVENTS)
    ] = 5,
    delete_gone_hooks: Annotated[
        bool, typer.Option(help="404 and 410 delete a hook.", rich_help_panel=EVENTS)
    ] = True,
    first_per: Annotated[
        str, typer.Option(help="Scope of isFirst: lead or step.", rich_help_panel=EVENTS)
    ] = "lead",
    complete_per: Annotated[
        str, typer.Option(help="Occasion of campaignComplete: campaign or lead.", rich_help_panel=EVENTS)
    ] = "campaign",
    stop_on_click: Annotated[
        bool,
        typer.Option(
            "--stop-on-click",
            help="A click stops a campaign that does not say otherwise.",
            rich_help_panel=EVENTS,
        ),
    ] = False,
    stop_on_meeting: Annotated[
        bool,
        typer.Option(
            "--stop-on-meeting",
            help="A meeting stops a campaign that does not say otherwise.",
            rich_help_panel=EVENTS,
        ),
    ] = False,
    bounce_limit: Annotated[float, share("Share of bounces above which a campaign is paused")] = 0.5,
    rank: Annotated[
        list[str] | None,
        typer.Option(help="Rank of a class of states, as in opened=2; repeatable.", rich_help_panel=EVENTS),
    ] = None,
    bounces: Annotated[float | None, share("Share of e-mails that bounce")] = None,
    opens: Annotated[float | None, share("Share of delivered messages that are opened")] = None,
    clicks: Annotated[float | None, share("Share of opened e-mails in which a link is clicked")] = None,
    replies: Annotated[float | None, share("Share of opened messages that are answered")] = None,
    unsubscribes: Annotated[float | None, share("Share of opened e-mails whose reader unsubscribes")] = None,
    accepts: Annotated[float | None, share("Share of LinkedIn invitations that are accepted")] = None,
) -> None:
    """Serve the sandbox, a local imitation of lemlist, until Ctrl-C. Its page is at /_sandbox."""
    shares = {
        "bounces": bounces,
        "opens": opens,
        "clicks": clicks,
        "replies": replies,
        "unsubscribes": unsubscribes,
        "accepts": accepts,
    }
    given = {name: share for name, share in shares.items() if share is not None}
    _serve(
        port=port,
        host=host,
        tls=tls,
        proxy_port=proxy_port,
        ca_file=ca_file,
        allow_hosts=tuple(allow_host or ()),
        keys=tuple(key or ("sandbox-key",)),
        blocked_keys=tuple(blocked_key or ()),
        limit=limit or None,
        window=window,
        policy=policy,
        latency=_latency(latency),
        seed=seed,
        seed_file=seed_file or (_demo_file() if demo else None),
        document=document,
        speed=speed if speed is not None else (DEMO_SPEED if demo else 1.0),
        list_shape=list_shape,
        duplicate_status=duplicate_status,
        polls=polls,
        webhook_delay=webhook_delay,
        hook_retries=hook_retries,
        delete_gone_hooks=delete_gone_hooks,
        lifecycle={
            "first_per": first_per,
            "complete_per": complete_per,
            "stop_on_click": stop_on_click,
            "stop_on_meeting": stop_on_meeting,
            "bounce_limit": bounce_limit,
            "ranks": _ranks(rank or []),
        },
        recipients=(DEMO_RATES if demo else {}) | given,
    )


def _demo_file() -> Path:
    from lemlist_async.sandbox.demo import DEMO_FILE

    return DEMO_FILE


def _ranks(given: list[str]) -> dict[str, int]:
    from lemlist_async.sandbox.lifecycle.options import RANKS

    ranks = dict(RANKS)
    for text in given:
        name, _, number = text.partition("=")
        if name not in ranks or not number.isdecimal():
            raise typer.BadParameter(
                f"is one of {', '.join(ranks)} with a number, as in opened=2", param_hint="--rank"
            )
        ranks[name] = int(number)
    return ranks


def _latency(text: str) -> tuple[float, float]:
    low, _, high = text.partition("-")
    try:
        return float(low), float(high or low)
    except ValueError:
        raise typer.BadParameter(
            "is a number of seconds, or two as in 0.1-0.5", param_hint="--latency"
        ) from None


def _serve(*, lifecycle: dict[str, Any], recipients: dict[str, float], **options: Any) -> None:
    from lemlist_async.sandbox import LifecycleOptions, Recipients, Sandbox, serve

    try:
        options["lifecycle"], options["recipients"] = LifecycleOptions(**lifecycle), Recipients(**recipients)
        Sandbox(**options)
    except (ValueError, ImportError) as error:
        raise typer.BadParameter(str(error.args[0])) from None

    async def work(show: Show) -> Exit:
        await serve(ready=lambda box: _tell(show, box), **options)
        return Exit.OK

    execute(work, json=False)


def _tell(show: Show, box: Any) -> None:
    show.say(f"export LEMLIST_BASE_URL={box.url} LEMLIST_API_KEY={box.key}")
    show.say(f"the page is {box.url.removesuffix('/api')}/_sandbox")
    if box.proxy_port is not None:
        show.say(f"export HTTPS_PROXY={box.proxy_url}")
    if box.ca_file is not None:
        show.say(f"export SSL_CERT_FILE={box.ca_file} NODE_EXTRA_CA_CERTS={box.ca_file}")
