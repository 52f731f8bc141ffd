"""A service that receives webhooks: on the disk before the answer, each event handled once; on the sandbox.

python examples/webhook_receiver.py
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from aiohttp import web

from lemlist_async import Lemlist
from lemlist_async.sandbox import Sandbox
from lemlist_async.webhooks import Event, ReplyEvent, WebhookReceiver

SECRET = "s3cret-shared-with-lemlist"  # in a service: from the environment
PATH = "/lemlist/events"


def make_app(lemlist: Lemlist, file: Path, address: str) -> web.Application:
    """The application; lemlist posts to `address`, which leads to PATH."""
    receiver = WebhookReceiver(file, secret=SECRET)

    @receiver.on(ReplyEvent)
    async def replied(reply: ReplyEvent) -> None:
        """Called after the answer, and again if it raises. `reply.campaign_id` is None for a third party's reply."""
        print("replied:", reply.lead_email, "-", reply.message_preview)

    @receiver.on("meetingBooked", "outOfOffice")  # no hook posts these: the sweep brings them
    async def noticed(event: Event) -> None:
        print(f"{event.type}:", event.lead_email)

    async def hooked(_: web.Application) -> AsyncIterator[None]:
        await receiver.ensure(lemlist, address, ["emailsReplied"])
        receiver.sweep_every(300, lemlist)
        yield

    app = web.Application()
    receiver.add_to(app, PATH)  # opens and closes the receiver with the application
    app.cleanup_ctx.append(hooked)
    return app


async def main() -> None:
    """Serve, and post as lemlist does: one event twice, and one that is forged."""
    with tempfile.TemporaryDirectory() as folder:
        async with Sandbox() as sandbox, Lemlist(sandbox.key, base_url=sandbox.url) as lemlist:
            runner = web.AppRunner(make_app(lemlist, Path(folder) / "hooks.db", "https://example.com" + PATH))
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
            reply = {
                "_id": "act_1",
                "type": "emailsReplied",
                "leadEmail": "ann@example.com",
                "messagePreview": "Yes",
            }
            async with aiohttp.ClientSession() as poster:
                for body in (
                    reply | {"secret": SECRET},
                    reply | {"secret": SECRET},
                    reply | {"secret": "guess"},
                ):
                    async with poster.post(url, json=body) as answer:
                        print("answered", answer.status)
            await asyncio.sleep(0.3)  # handlers run after the answer
            print("hooks:", [hook.type async for hook in lemlist.webhooks.list()])
            await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
