"""Setting of the demo: a sandbox with a few faults, and a campaign in it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from lemlist_async.client import Lemlist
from lemlist_async.options import Options, Timeouts
from lemlist_async.sandbox import Sandbox, Slow, gateway, lost_response

_NAMES = {
    "Status": "a response with status 502",
    "Reset": "a created lead whose response was lost",
    "Slow": "a slow response",
}
_CREATE = "POST /campaigns/{campaignId}/leads/"


@asynccontextmanager
async def stage() -> AsyncGenerator[tuple[Lemlist, str, Sandbox]]:
    """Give a client of a new sandbox, the id of an empty campaign in it, and the sandbox."""
    async with Sandbox(latency=(0.02, 0.06)) as sandbox:
        sandbox.faults.add(gateway(502), match=_CREATE, after=40)
        sandbox.faults.add(lost_response(), match=_CREATE, after=90)
        sandbox.faults.add(Slow(seconds=2.0), match=_CREATE, after=140)
        options = Options(timeouts=Timeouts(read=30.0))
        async with Lemlist(sandbox.key, base_url=sandbox.url, options=options) as lemlist:
            campaign = await lemlist.campaigns.create(name="Demo")
            yield lemlist, campaign.id, sandbox


def survived(sandbox: Sandbox) -> str:
    """Return a sentence about the faults that were injected."""
    names = [_NAMES[type(fault).__name__] for _, _, fault in sandbox.faults.injected]
    return f"faults met and survived: {', '.join(names) or 'nothing'}"
