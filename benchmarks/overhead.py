"""CPU of one call: this library beside bare aiohttp with orjson, httpx, and the stacks of OpenAI and Stripe.

    python benchmarks/overhead.py [--rounds 15] [--calls 300]

All clients meet the same server, in a process of its own. Each round measures every client once, one after the
other, so that what the machine does meanwhile falls on all of them; the medians over the rounds are compared.
This library runs with everything on: throttle (its limit raised), classifier, retries. It decodes
times and nested models on first access, so it has two rows: as it is, and with every field read.
"""

import argparse
import asyncio
import operator
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

import aiohttp
import httpx
import orjson
from _server import served

from lemlist_async import Lemlist, Throttle, ThrottleOptions
from lemlist_async.core.names import fields_of
from lemlist_async.resources.campaigns_models import Campaign

Call = Callable[[], Awaitable[object]]
KEY = "bench"


async def measure(call: Call, calls: int) -> float:
    """Microseconds of CPU for one call."""
    started = time.process_time()
    for _ in range(calls):
        await call()
    return (time.process_time() - started) / calls * 1e6


def aiohttp_calls(session: aiohttp.ClientSession, url: str) -> tuple[Call, Call]:
    """The least that a program can do by hand."""
    headers = {"Authorization": aiohttp.encode_basic_auth("", KEY)}

    async def get(path: str) -> object:
        async with session.get(url + path, headers=headers) as response:
            response.raise_for_status()
            return orjson.loads(await response.read())

    return lambda: get("/campaigns/cam_1"), lambda: get("/campaigns?limit=100")


def httpx_calls(client: httpx.AsyncClient) -> tuple[Call, Call]:
    """The usual other library."""

    async def get(path: str) -> object:
        response = await client.get(path)
        response.raise_for_status()
        return response.json()

    return lambda: get("/campaigns/cam_1"), lambda: get("/campaigns?limit=100")


def openai_calls(url: str) -> tuple[Call, Call]:
    """The OpenAI SDK's stack, through the door it has for any request, into models of its own kind."""
    from openai import AsyncOpenAI
    from openai._models import BaseModel
    from pydantic import Field

    class Creator(BaseModel):
        user_id: str | None = Field(alias="userId", default=None)
        user_email: str | None = Field(alias="userEmail", default=None)

    class Campaign(BaseModel):
        id: str = Field(alias="_id")
        name: str | None = None
        status: str | None = None
        created_at: datetime | None = Field(alias="createdAt", default=None)
        labels: list[str] | None = None
        creator: Creator | None = None
        timezone: str | None = None
        created_by: str | None = Field(alias="createdBy", default=None)
        team_id: str | None = Field(alias="teamId", default=None)
        has_error: bool | None = Field(alias="hasError", default=None)
        errors: list[str] | None = None

    class Campaigns(BaseModel):
        campaigns: list[Campaign]

    client = AsyncOpenAI(api_key=KEY, base_url=url)
    return (
        lambda: client.get("/campaigns/cam_1", cast_to=Campaign),
        lambda: client.get("/campaigns?limit=100", cast_to=Campaigns),
    )


def stripe_calls(url: str) -> tuple[Call, Call]:
    """Stripe's stack, through the door it has for any request."""
    import stripe

    client = stripe.StripeClient(
        KEY, http_client=stripe.HTTPXClient(), base_addresses={"api": url.removesuffix("/api")}
    )

    def get(path: str) -> Awaitable[object]:
        return client.raw_request_async("get", f"/api{path}")

    return lambda: get("/campaigns/cam_1"), lambda: get("/campaigns?limit=100")


def ours(lemlist: Lemlist) -> tuple[Call, Call]:
    """This library."""
    return lambda: lemlist.campaigns.get("cam_1"), lambda: lemlist.campaigns.list()


def ours_read(lemlist: Lemlist) -> tuple[Call, Call]:
    """This library, and a program that looks at every field."""
    fields = operator.attrgetter("extra", *(name for name, _, _ in fields_of(Campaign)))

    async def small() -> object:
        return fields(await lemlist.campaigns.get("cam_1"))

    async def page() -> object:
        for row in (await lemlist.campaigns.list()).items:
            fields(row)
            if row.creator is not None:
                _ = row.creator.user_id, row.creator.user_email
        return None

    return small, page


async def main(rounds: int, calls: int) -> None:
    os.environ.setdefault("OPENAI_API_KEY", KEY)
    with served() as url:
        throttle = Throttle(ThrottleOptions(limit=1000, window=0.01))
        async with (
            aiohttp.ClientSession() as session,
            httpx.AsyncClient(base_url=url, auth=("", KEY)) as client,
            Lemlist(KEY, url, throttle=throttle) as lemlist,
        ):
            clients = {
                "aiohttp + orjson": aiohttp_calls(session, url),
                "lemlist_async": ours(lemlist),
                "  all fields read": ours_read(lemlist),
                "httpx": httpx_calls(client),
                "openai SDK": openai_calls(url),
                "stripe SDK": stripe_calls(url),
            }
            for index, title in enumerate(("one small call", "one page of 100")):
                await compare(title, {name: pair[index] for name, pair in clients.items()}, rounds, calls)


async def compare(title: str, clients: dict[str, Call], rounds: int, calls: int) -> None:
    """Measure in rounds, and print medians with their ratios."""
    seen: dict[str, list[float]] = {name: [] for name in clients}
    for _ in range(rounds + 1):
        for name, call in clients.items():
            seen[name].append(await measure(call, calls))
    base, mine = seen["aiohttp + orjson"][1:], seen["lemlist_async"][1:]
    print(f"\n{title}: CPU per call, median of {rounds} rounds of {calls}")
    for name, times in seen.items():
        ratio = statistics.median(a / b for a, b in zip(times[1:], base, strict=True))
        ours_ = statistics.median(a / b for a, b in zip(times[1:], mine, strict=True))
        print(
            f"  {name:18} {statistics.median(times[1:]):8.0f} µs   {ratio:5.2f} × aiohttp   {ours_:5.2f} × ours"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=300)
    given = parser.parse_args()
    asyncio.run(main(given.rounds, given.calls))
