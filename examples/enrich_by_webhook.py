"""People to find, whose results lemlist posts to this program instead of being asked for each; on the sandbox.

python examples/enrich_by_webhook.py
"""

import asyncio
import tempfile
from pathlib import Path

from aiohttp import web

from lemlist_async import Lemlist
from lemlist_async.bulk import EnrichPeople
from lemlist_async.sandbox import Sandbox
from lemlist_async.webhooks import WebhookReceiver

PATH = "/lemlist"
PEOPLE = [{"linkedin": f"https://www.linkedin.com/in/ann-{n}", "First Name": "Ann"} for n in range(5)]


async def enrich(lemlist: Lemlist, receiver: WebhookReceiver, address: str) -> None:
    """Submit all people in one request, and take the results as they are posted."""
    # lemlist posts results without a secret: a parameter of the address stands for it
    job = EnrichPeople(find=["find_email"], webhook_url=receiver.results_url(address))
    async with await lemlist.bulk.plan(job, PEOPLE) as plan:
        run = lemlist.bulk.run(plan, poll_every=60)
        end = receiver.feed(run)
        async for row in run:
            print(row.line, row.outcome.what, row.outcome.result["email"])
        end()


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        receiver = WebhookReceiver(Path(folder) / "hooks.db", secret="s3cret-shared-with-lemlist")
        app = web.Application()
        receiver.add_to(app, PATH)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        async with Sandbox() as sandbox, Lemlist(sandbox.key, base_url=sandbox.url) as lemlist:
            await enrich(lemlist, receiver, f"http://{host}:{port}{PATH}")
            print(len(sandbox.requests), "requests")
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
