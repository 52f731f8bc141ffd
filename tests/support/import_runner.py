"""Process that runs a job over a file with a journal, to be killed. Arguments: URL KIND TARGET FILE JOURNAL."""

import asyncio
import sys

from lemlist_async import Lemlist, Options, Retry, Throttle, ThrottleOptions
from lemlist_async.bulk import BlockValues, EnrichPeople, ImportLeads, Job, JobStoppedError


def job_of(kind: str, target: str) -> Job:
    """Make the job to run; `target` is the campaign of an import."""
    if kind == "block":
        return BlockValues()
    return EnrichPeople(find=["find_email"]) if kind == "enrich" else ImportLeads(campaign_id=target)


async def main(url: str, kind: str, target: str, file: str, journal: str) -> None:
    # faster than lemlist allows, to keep the test short
    throttle = Throttle(ThrottleOptions(limit=200, pacer=None))
    options = Options(retry=Retry(base=0.01, cap=0.05))
    lemlist = Lemlist("sandbox-key", url, options=options, throttle=throttle)
    async with lemlist, await lemlist.bulk.plan(job_of(kind, target), file, journal=journal) as plan:
        print("planned", flush=True)
        try:
            # the slowest answer of the sandboxes that are used here takes less than 0.5 s
            await lemlist.bulk.run(plan, poll_every=0.05, look_up_after=0.5).finish()
        except JobStoppedError as stopped:
            print(stopped, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
