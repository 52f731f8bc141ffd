"""People to find, whose results lemlist posts to this program instead of being asked for each; on the sandbox.

python examples/enrich_by_webhook.py
"""

import asyncio

from aiohttp import web

from lemlist_async import Lemlist
from lemlist_async.bulk import EnrichPeople, Run
from lemlist_async.sandbox import Sandbox

RUN = web.AppKey("run", dict[str, Run])
PATH = "/lemlist/something-nobody-can-guess"
PEOPLE = [{"linkedin": f"https://www.linkedin.com/in/ann-{n}", "First Name": "Ann"} for n in range(5)]


async def posted(request: web.Request) -> web.Response:
    """Hand it over and answer at once; the rows follow in the run."""
    request.app[RUN]["now"].receive(await request.read())
    return web.Response()


async def main() -> None:
    app = web.Application()
    app[RUN] = {}
    app.router.add_post(PATH, posted)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with Sandbox() as sandbox, Lemlist(sandbox.key, base_url=sandbox.url) as lemlist:
        job = EnrichPeople(find=["find_email"], webhook_url=f"http://{host}:{port}{PATH}")
        async with await lemlist.bulk.plan(job, PEOPLE) as plan:
            app[RUN]["now"] = lemlist.bulk.run(plan, poll_every=60)
            async for row in app[RUN]["now"]:
                print(row.line, row.outcome.what, row.outcome.result["email"])
        print(len(sandbox.requests), "requests")
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
