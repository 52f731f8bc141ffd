"""People to find, for credits: the price first, each one submitted once, results beside the rows; on the sandbox.

python examples/enrich_people.py
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from lemlist_async import Lemlist
from lemlist_async.bulk import EnrichPeople
from lemlist_async.sandbox import Sandbox

PEOPLE = [
    {"linkedin": "https://www.linkedin.com/in/ann", "First Name": "Ann", "our id": "17"},
    {"linkedin": "https://www.linkedin.com/in/bob", "First Name": "Nobody", "our id": "18"},
    {"First Name": "Cleo", "our id": "19"},
]


async def main(journal: Path) -> None:
    async with Sandbox() as sandbox, Lemlist(sandbox.key, base_url=sandbox.url) as lemlist:
        job = EnrichPeople(find=["find_email"], max_credits=10)
        async with await lemlist.bulk.plan(job, PEOPLE, journal=journal) as plan:
            print(plan.forecast.to_send, "people to submit, up to", plan.forecast.credits, "credits")
            run = lemlist.bulk.run(plan, poll_every=0.2)
            async for row in run:
                found = row.outcome.result or {}
                print(row.payload["other"]["our id"], row.outcome.what, found.get("email"))
            report = await run.report()
            print("done:", dict(report.done), "refused:", report.refused)


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder) / "people.db"))
