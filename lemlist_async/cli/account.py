"""`lemlist-async whoami` and `doctor`: first contact with an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import typer

from lemlist_async.cli.execute import execute, with_client
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.options import Json
from lemlist_async.cli.show import Show, dump

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


def doctor(json: Json = False) -> None:
    """Check versions, key, network, account, clock and limit, and say what to do about each fault."""

    async def work(show: Show) -> Exit:
        from lemlist_async.cli.doctor import examine

        findings = [finding async for finding in examine()]
        if json:
            dump("doctor", {"findings": [attrs.asdict(finding) for finding in findings]})
        else:
            for finding in findings:
                show.say(f"{_SIGNS[finding.state]} {finding.check}: {finding.text}")
        return Exit.ERROR if any(finding.state == "fault" for finding in findings) else Exit.OK

    execute(work, json=json)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(whoami)
    app.command()(doctor)
