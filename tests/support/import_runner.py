"""A process that imports a file of leads with a journal, to be killed: URL CAMPAIGN FILE JOURNAL."""

import asyncio
import sys

from lemlist_async import Lemlist, Options, Retry, Throttle, ThrottleOptions
from lemlist_async.bulk import JobStoppedError


async def main(url: str, campaign: str, file: str, journal: str) -> None:
    throttle = Throttle(
        ThrottleOptions(limit=200, pacer=None)
    )  # faster than lemlist allows, for the test's sake
    options = Options(retry=Retry(base=0.01, cap=0.05))
    lemlist = Lemlist("sandbox-key", url, options=options, throttle=throttle)
    async with lemlist, await lemlist.bulk.plan_leads(campaign, file, journal=journal) as plan:
        print("planned", flush=True)
        try:
            async for _ in lemlist.bulk.run(plan):
                pass
        except JobStoppedError as stopped:
            print(stopped, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
