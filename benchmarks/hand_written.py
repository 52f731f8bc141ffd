"""A hand-written client, that of docs/coming-from.md, and this library on the same sandbox.

python benchmarks/hand_written.py [--json FILE]
"""

import asyncio
import base64
import contextlib
import re
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import attrs

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._tables import Table, parser_of, publish
from lemlist_async import Lemlist
from lemlist_async.errors import LemlistError
from lemlist_async.sandbox import Sandbox, gateway

PAGE = Path(__file__).parents[1] / "docs" / "coming-from.md"
CALLS = 100


@attrs.frozen
class Figures:
    """Figures of one client, as the sandbox saw them."""

    seconds: float
    """Time of the calls of one program."""
    refused: int
    """429s among them."""
    refused_beside: int
    """429s of two programs with one key."""
    campaigns: int
    """Campaigns that exist after one was asked for, and a gateway answered 502 in place of lemlist."""
    leaks: bool
    """Whether the representation of an error holds the key."""


def old_client() -> Any:
    """Return the class of the page's first program."""
    names: dict[str, Any] = {}
    [source, *_] = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    exec(compile(source, PAGE.name, "exec"), names)
    return names["LemlistClient"]


async def calls(sandbox: Sandbox, *programs: Callable[[], Awaitable[Any]]) -> tuple[float, int]:
    """Let each program make its calls at once, and return the time and the refusals."""
    await asyncio.sleep(2.1)  # a window in which nothing was sent
    sandbox.requests.clear()
    begun = time.monotonic()
    await asyncio.gather(*(program() for program in programs for _ in range(CALLS)))
    return time.monotonic() - begun, sum(request.status == 429 for request in sandbox.requests)


def shows_key(error: Exception, key: str) -> bool:
    """Return whether the key is in what loggers and error trackers print of an error."""
    coded = base64.b64encode(f":{key}".encode()).decode()
    request = getattr(error, "request_info", None)
    return any(word in text for word in (key, coded) for text in (repr(error), str(error), repr(request)))


async def figures(
    sandbox: Sandbox,
    team: tuple[Callable[[], Awaitable[Any]], Callable[[], Awaitable[Any]]],
    create: Callable[[str], Awaitable[Any]],
    wrong: Callable[[], Awaitable[Any]],
) -> Figures:
    """Measure one client: two programs of it that read, one that creates, one that fails."""
    seconds, refused = await calls(sandbox, team[0])
    _, beside = await calls(sandbox, *team)
    sandbox.faults.add(gateway(502, effect=True), match="POST /campaigns")
    with contextlib.suppress(LemlistError):
        await create("Spring")
    made = sum(campaign["name"] == "Spring" for campaign in sandbox.team().campaigns.values())
    try:
        await wrong()
    except (LemlistError, aiohttp.ClientError) as error:
        return Figures(seconds, refused, beside, made, shows_key(error, sandbox.key))
    raise AssertionError("a wrong id was accepted")


async def old() -> Figures:
    """Figures of the hand-written client."""
    async with Sandbox() as sandbox:
        kind = old_client()
        one, two = kind(sandbox.key, sandbox.url), kind(sandbox.key, sandbox.url)
        try:
            return await figures(
                sandbox,
                (lambda: one.request("GET", "/team"), lambda: two.request("GET", "/team")),
                one.create_campaign,
                lambda: one.request("GET", "/campaigns/cam_1"),
            )
        finally:
            await one.session.close()
            await two.session.close()


async def new() -> Figures:
    """Figures of this library."""
    async with (
        Sandbox() as sandbox,
        Lemlist(sandbox.key, sandbox.url) as one,
        Lemlist(sandbox.key, sandbox.url) as two,
    ):
        return await figures(
            sandbox,
            (one.team.get, two.team.get),
            lambda name: one.campaigns.create(name=name),
            lambda: one.campaigns.get("cam_1"),
        )


async def main() -> Table:
    """Measure both."""
    found = [await old(), await new()]
    return Table(
        "beside",
        ["", "hand-written", "this library"],
        [
            [f"{CALLS} calls at once", *(f"{one.seconds:.1f} s, {one.refused} refused" for one in found)],
            [
                f"two programs with one key, {CALLS} calls each",
                *(f"{one.refused_beside} refused" for one in found),
            ],
            [
                "campaigns after one `create`, and a 502 that came after the work",
                *(one.campaigns for one in found),
            ],
            ["the key in `repr(error)`", *("yes" if one.leaks else "no" for one in found)],
        ],
    )


if __name__ == "__main__":
    given = parser_of(__doc__).parse_args()
    publish([asyncio.run(main())], given.json)
