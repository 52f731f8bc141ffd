"""Process whose files cannot grow beyond a limit, as on a full disk. Arguments: STORE BYTES.

It receives events until one is refused twice, lifts the limit, and receives that one again. Prints, as JSON, the
number of accepted events, the error, and the counts at the end.
"""

import asyncio
import json
import resource
import sys

from lemlist_async.webhooks import Event, ReceiverOptions, StoreError, WebhookReceiver
from tests.support.posted import SECRET, posted


async def main(store: str, limit: int) -> None:
    """Fill the disk, make room, go on."""
    made = WebhookReceiver(store, secret=SECRET, options=ReceiverOptions(poll_every=0.05))
    handled: list[str] = []
    async with made:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        accepted, refused = 0, list[str]()
        while len(refused) < 2:
            try:
                await made.receive(posted(accepted, text="x" * 10_000))
                accepted, refused = accepted + 1, []
            except StoreError as error:
                refused.append(error.message)

        @made.on()
        async def handle(event: Event) -> None:
            handled.append(event.id)

        await asyncio.sleep(0.3)
        while_full = len(handled)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await made.receive(posted(accepted, text="x" * 10_000))
        async with asyncio.timeout(20):
            while (counts := await made.counts())["waiting"]:  # noqa: ASYNC110  # a file sets no event
                await asyncio.sleep(0.02)
    again = len(handled) - len(set(handled))
    print(
        json.dumps(
            {
                "accepted": accepted,
                "refused": refused[0],
                "while_full": while_full,
                "counts": counts,
                "again": again,
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
