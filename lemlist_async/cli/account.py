"""`lemlist-async whoami` and `doctor`: first contact with an account."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import attrs
import typer

import lemlist_async
from lemlist_async.cli.confirm import Yes, confirm
from lemlist_async.cli.execute import execute, new_client, with_client
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.jobs import check_output
from lemlist_async.cli.options import Json
from lemlist_async.cli.show import Show, dump
from lemlist_async.cli.wording import counted
from lemlist_async.core.json import dumps
from lemlist_async.files import write_file

if TYPE_CHECKING:
    from lemlist_async import Lemlist

_SIGNS = {"ok": "ok   ", "note": "note ", "fault": "FAULT"}


def whoami(json: Json = False) -> None:
    """Print the team of the key, its members and its credits."""

    async def work(lemlist: Lemlist, show: Show) -> Exit:
        team, balance = await lemlist.team.get(), await lemlist.team.get_credits()
        members = [" ".join(filter(None, (one.name or one.user_id, one.role))) for one in team.users or ()]
        if json:
            dump("whoami", {"team": {"id": team.id, "name": team.name}, "members": members, "credits": balance.credits,
                  "base_url": lemlist.base_url})  # fmt: skip
            return Exit.OK
        show.say(f"team: {team.name or '?'} ({team.id})")
        show.say(f"members: {', '.join(members) or len(team.user_ids or ())}")
        if balance.credits is not None:
            show.say(f"enrichment credits: {balance.credits:,}")
        show.say(f"server: {lemlist.base_url}")
        return Exit.OK

    with_client(work, json=json)


def doctor(
    probe: Annotated[
        Path | None,
        typer.Option(
            "--probe",
            help="Record to this file how the server answers to reads: statuses, headers, wordings, how the limit "
            "counts. No values of your account are in it.",
        ),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="With --probe: print what a sandbox answers differently.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Check versions, key, network, account, clock and limit, and say what to do about each fault."""

    async def work(show: Show) -> Exit:
        from lemlist_async.cli.doctor import examine

        findings = [finding async for finding in examine()]
        if not json:
            for finding in findings:
                show.say(f"{_SIGNS[finding.state]} {finding.check}: {finding.text}")
        faults = any(finding.state == "fault" for finding in findings)
        probed = {} if probe is None or faults else await _probe(probe, show, compare=compare, yes=yes)
        if json:
            dump("doctor", {"findings": [attrs.asdict(finding) for finding in findings], **probed})
        return Exit.ERROR if faults else Exit.OK

    execute(work, json=json)


async def _probe(file: Path, show: Show, *, compare: bool, yes: bool) -> dict[str, Any]:
    """Record the facts about the server, and return what a program learns of it."""
    from lemlist_async.cli import probe

    check_output("--probe", file)
    key = os.environ["LEMLIST_API_KEY"]
    async with new_client(key) as lemlist:
        confirm(
            f"Send {probe.requests_of_probe()} reads to {lemlist.base_url}, one of them with a wrong key?",
            yes=yes,
        )
        found = await probe.probe(lemlist, key)
    write_file(file, [dumps(found, indent=True).decode() + "\n"])
    show.say(f"what the server answered, without values of your account: {file}")
    told: dict[str, Any] = {"probe": str(file)}
    if compare:
        from lemlist_async.sandbox import Sandbox

        async with Sandbox() as sandbox, lemlist_async.Lemlist(sandbox.key, base_url=sandbox.url) as lemlist:
            told["differences"] = list(probe.differences(found, await probe.probe(lemlist, sandbox.key)))
        for line in told["differences"]:
            show.say(line)
        show.say(f"{counted(len(told['differences']), 'difference')} from the sandbox")
    return told


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(whoami)
    app.command()(doctor)
