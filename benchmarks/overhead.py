"""CPU of one call: this library beside bare aiohttp with orjson, httpx, and the stacks of OpenAI and Stripe.

    python benchmarks/overhead.py [--rounds 15] [--calls 320] [--only CASE …] [--without-orjson] [--json FILE]

All clients meet the same server, in a process of its own. Each round measures every client once, one after the
other, so that what the machine does meanwhile falls on all of them; the medians over the rounds are compared.
This library runs with everything on: throttle (its limit raised), classifier, retries. It decodes a field on
first access, so it is measured as it is, and with every field read. Two further columns share the limit over the
ledger file of the host, and send through aiohttp's own `ClientSession`.
"""

import asyncio
import importlib
import operator
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime

import aiohttp
import attrs
import httpx
import orjson
from _server import served
from _tables import Cell, Table, parser_of, publish

if "--without-orjson" in sys.argv:
    importlib.import_module("tests.support.standard_json")

from lemlist_async import Lemlist, Throttle, ThrottleOptions
from lemlist_async.core.names import fields_of
from lemlist_async.resources.campaigns_models import Campaign
from lemlist_async.resources.leads import Lead

Call = Callable[[], Awaitable[object]]
KEY = "bench"
BARE = "aiohttp + orjson"
Seen = dict[str, dict[str, list[float]]]
"""CPU of a call in microseconds, by case, client and round."""
NEW = {
    "email": "ada@example.com",
    "firstName": "Ada",
    "lastName": "Lovelace",
    "companyName": "Analytical Engines",
}


@attrs.frozen
class Case:
    """One kind of call, made by so many tasks at once."""

    title: str
    call: str
    tasks: int = 1


CASES = {
    "get": Case("GET", "get"),
    "get-16": Case("16 GETs in flight", "get", 16),
    "post": Case("POST", "post"),
    "post-16": Case("16 POSTs in flight", "post", 16),
    "page": Case("page of 100 campaigns", "page"),
}


async def measure(call: Call, calls: int, tasks: int) -> float:
    """Microseconds of CPU for one call."""

    async def several() -> None:
        for _ in range(calls // tasks):
            await call()

    started = time.process_time()
    if tasks == 1:
        await several()
    else:
        await asyncio.gather(*(several() for _ in range(tasks)))
    return (time.process_time() - started) / (calls // tasks * tasks) * 1e6


def aiohttp_calls(session: aiohttp.ClientSession, url: str) -> dict[str, Call]:
    """The least that a program can do by hand."""
    headers = {"Authorization": aiohttp.encode_basic_auth("", KEY)}
    with_body = {**headers, "Content-Type": "application/json"}

    async def get(path: str) -> object:
        async with session.get(url + path, headers=headers) as response:
            response.raise_for_status()
            return orjson.loads(await response.read())

    async def post(path: str) -> object:
        async with session.post(url + path, headers=with_body, data=orjson.dumps(NEW)) as response:
            response.raise_for_status()
            return orjson.loads(await response.read())

    return {
        "get": lambda: get("/leads?id=lea_1"),
        "post": lambda: post("/campaigns/cam_1/leads/"),
        "page": lambda: get("/campaigns?limit=100"),
    }


def httpx_calls(client: httpx.AsyncClient) -> dict[str, Call]:
    """The usual other library."""

    async def send(method: str, path: str, body: object = None) -> object:
        response = await client.request(method, path, json=body)
        response.raise_for_status()
        return response.json()

    return {
        "get": lambda: send("GET", "/leads?id=lea_1"),
        "post": lambda: send("POST", "/campaigns/cam_1/leads/", NEW),
        "page": lambda: send("GET", "/campaigns?limit=100"),
    }


def openai_calls(url: str) -> dict[str, Call]:
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

    class Lead(BaseModel):
        id: str = Field(alias="_id")
        email: str | None = None
        first_name: str | None = Field(alias="firstName", default=None)
        last_name: str | None = Field(alias="lastName", default=None)
        created_at: datetime | None = Field(alias="createdAt", default=None)

    client = AsyncOpenAI(api_key=KEY, base_url=url)
    return {
        "get": lambda: client.get("/leads?id=lea_1", cast_to=Lead),
        "post": lambda: client.post("/campaigns/cam_1/leads/", cast_to=Lead, body=NEW),
        "page": lambda: client.get("/campaigns?limit=100", cast_to=Campaigns),
    }


def stripe_calls(url: str) -> dict[str, Call]:
    """Stripe's stack, through the door it has for any request; it sends forms."""
    import stripe

    client = stripe.StripeClient(
        KEY, http_client=stripe.HTTPXClient(), base_addresses={"api": url.removesuffix("/api")}
    )
    return {
        "get": lambda: client.raw_request_async("get", "/api/leads?id=lea_1"),
        "post": lambda: client.raw_request_async("post", "/api/campaigns/cam_1/leads/", **NEW),
        "page": lambda: client.raw_request_async("get", "/api/campaigns?limit=100"),
    }


def ours(lemlist: Lemlist) -> dict[str, Call]:
    """This library."""
    new = {
        "email": NEW["email"],
        "first_name": "Ada",
        "last_name": "Lovelace",
        "company_name": "Analytical Engines",
    }
    return {
        "get": lambda: lemlist.leads.get("lea_1"),
        "post": lambda: lemlist.leads.create("cam_1", **new),
        "page": lambda: lemlist.campaigns.list(),
    }


def ours_read(lemlist: Lemlist) -> dict[str, Call]:
    """This library, and a program that looks at every field."""
    of_lead = operator.attrgetter("extra", *(name for name, _, _ in fields_of(Lead)))
    of_campaign = operator.attrgetter("extra", *(name for name, _, _ in fields_of(Campaign)))
    calls = ours(lemlist)

    async def one(call: Call) -> object:
        return of_lead(await call())

    async def page() -> object:
        for row in (await lemlist.campaigns.list()).items:
            of_campaign(row)
            if row.creator is not None:
                _ = row.creator.user_id, row.creator.user_email
        return None

    return {"get": lambda: one(calls["get"]), "post": lambda: one(calls["post"]), "page": page}


def throttle(name: str | None = None) -> Throttle:
    """A throttle that never lets a call wait here."""
    return Throttle(ThrottleOptions(limit=1000, window=0.01), name=name)


async def main(rounds: int, calls: int, cases: list[Case]) -> list[Seen]:
    """Measure the cases, and return the CPU of a call by case, client and round: clients as they are, then readers."""
    os.environ.setdefault("OPENAI_API_KEY", KEY)
    async with AsyncExitStack() as stack:
        url = stack.enter_context(served())
        session = await stack.enter_async_context(aiohttp.ClientSession())
        borrowed = await stack.enter_async_context(aiohttp.ClientSession())
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, auth=("", KEY)))
        lemlist = await stack.enter_async_context(Lemlist(KEY, url, throttle=throttle()))
        shared = await stack.enter_async_context(Lemlist(KEY, url, throttle=throttle("benchmark")))
        through = await stack.enter_async_context(Lemlist(KEY, url, throttle=throttle(), session=borrowed))
        clients = {
            BARE: aiohttp_calls(session, url),
            "this library": ours(lemlist),
            "host's ledger file": ours(shared),
            "through ClientSession": ours(through),
            "httpx": httpx_calls(client),
            "OpenAI's SDK": openai_calls(url),
            "Stripe's SDK": stripe_calls(url),
        }
        # last, since a class of models remembers the fields that a program reads
        readers = {BARE: clients[BARE], "this library, all fields read": ours_read(lemlist)}
        return [
            {
                case.title: await compare(
                    {name: pair[case.call] for name, pair in each.items()}, rounds, calls, case.tasks
                )
                for case in cases
            }
            for each in (clients, readers)
        ]


async def compare(clients: Mapping[str, Call], rounds: int, calls: int, tasks: int) -> dict[str, list[float]]:
    """Measure all clients in rounds, and return the CPU of a call by client and round, without the first round."""
    seen: dict[str, list[float]] = {name: [] for name in clients}
    for _ in range(rounds + 1):
        for name, call in clients.items():
            seen[name].append(await measure(call, calls, tasks))
    return {name: times[1:] for name, times in seen.items()}


def ratio(times: list[float], base: list[float]) -> float:
    """Return how many times the base costs, as the median over the rounds."""
    return statistics.median(a / b for a, b in zip(times, base, strict=True))


def tables(seen: Seen, read: Seen, how: str) -> list[Table]:
    """Return the medians of each case, as ratios and in microseconds."""
    ratios: dict[str, list[Cell]] = {}
    micros: dict[str, list[Cell]] = {}
    for part in (seen, read):
        for clients in part.values():
            for name, times in clients.items():
                if name != BARE or part is seen:
                    ratios.setdefault(name, []).append(ratio(times, clients[BARE]))
                    micros.setdefault(name, []).append(round(statistics.median(times)))
    return [
        Table(f"CPU of one call, {how}× aiohttp + orjson", ["", *seen], _named(ratios)),
        Table(f"CPU of one call, {how}in µs", ["", *seen], _named(micros)),
    ]


def _named(figures: Mapping[str, list[Cell]]) -> list[list[Cell]]:
    return [[name, *row] for name, row in figures.items()]


if __name__ == "__main__":
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=320)
    parser.add_argument("--only", nargs="*", choices=CASES, default=list(CASES))
    parser.add_argument(
        "--without-orjson", action="store_true", help="in the library only; needs PYTHONPATH=."
    )
    given = parser.parse_args()
    found = asyncio.run(main(given.rounds, given.calls, [CASES[name] for name in given.only]))
    publish(tables(*found, "without orjson here, " if given.without_orjson else ""), given.json)
