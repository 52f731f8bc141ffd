"""Enrichment in the sandbox: polling, credits, bulk, leads."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from lemlist_async.sandbox import Sandbox, Team
from lemlist_async.sandbox.outbox import is_here
from tests.support.sandbox_api import Api, connected

PERSON = {"firstName": "Ann", "lastName": "Bee", "companyName": "Acme", "companyDomain": "acme.example"}
PROFILE = {"linkedinUrl": "https://www.linkedin.com/in/ann"}


async def credit(api: Api) -> int:
    return (await api.ok("GET /team/credits"))["credits"]


async def finished(api: Api, enrichment_id: str) -> dict[str, Any]:
    answers = [await api(f"GET /enrich/{enrichment_id}") for _ in range(3)]
    assert [status for status, _ in answers] == [202, 202, 200]
    assert [body["enrichmentStatus"] for _, body in answers] == ["in-progress", "in-progress", "done"]
    assert await api.ok(f"GET /enrich/{enrichment_id}") == answers[-1][1]
    return answers[-1][1]


async def test_an_enrichment_is_polled_until_done_and_paid_once(api: Api) -> None:
    before = await credit(api)
    started = await api.ok("POST /enrich?" + urlencode(PERSON | {"findEmail": "true"}))
    assert set(started) == {"id"}
    done = await finished(api, started["id"])
    assert done["data"] == {"email": {"email": "ann.bee@acme.example", "notFound": False}}
    assert done["input"] == PERSON
    assert await credit(api) == before - 5


async def test_every_kind_has_its_own_result_and_price(api: Api) -> None:
    prices = {"verifyEmail": 1, "findPhone": 20, "linkedinEnrichment": 1}
    parts = {"verifyEmail": "email", "findPhone": "phone", "linkedinEnrichment": "linkedin"}
    for flag, price in prices.items():
        before = await credit(api)
        query = urlencode({flag: "true", "email": "ann@acme.example", **PROFILE})
        done = await finished(api, (await api.ok(f"POST /enrich?{query}"))["id"])
        assert list(done["data"]) == [parts[flag]]
        assert before - await credit(api) == price


async def test_a_miss_costs_nothing(api: Api) -> None:
    before = await credit(api)
    query = urlencode(PERSON | PROFILE | {"firstName": "Nobody", "findEmail": "true", "findPhone": "true"})
    done = await finished(api, (await api.ok(f"POST /enrich?{query}"))["id"])
    assert done["data"] == {"email": {"notFound": True}, "phone": {"notFound": True}}
    assert await credit(api) == before


async def test_the_number_of_polls_is_an_option() -> None:
    async with Sandbox(limit=None, polls=0) as sandbox, connected(sandbox) as session:
        client = Api(session, sandbox.url)
        started = await client.ok("POST /enrich?" + urlencode(PERSON | {"findEmail": "true"}))
        assert (await client(f"GET /enrich/{started['id']}"))[0] == 200


@pytest.mark.parametrize(
    "query",
    [
        "",
        "findEmail=True",
        "findEmail=true",
        "verifyEmail=true",
        "findPhone=true&email=a@b.example",
        "linkedinEnrichment=true",
    ],
)
async def test_an_enrichment_without_flag_or_input_is_refused(api: Api, team: Team, query: str) -> None:
    status, text = await api(f"POST /enrich?{query}")
    assert (status, text[:3]) in [(400, "No "), (400, "Bad")]
    assert not team.enrichments


async def test_a_webhook_address_is_checked(api: Api) -> None:
    query = urlencode(PERSON | {"findEmail": "true", "webhookUrl": "nowhere"})
    assert await api(f"POST /enrich?{query}") == (400, "Invalid webhookUrl")


async def test_an_unknown_enrichment_is_a_404_with_a_payload(api: Api) -> None:
    status, body = await api("GET /enrich/enr_none")
    assert (status, body["enrichmentStatus"]) == (404, "not-found")


async def test_an_address_is_found_by_name_and_domain_alone(api: Api) -> None:
    person = {"firstName": "Ann", "lastName": "Lee", "companyDomain": "b.example"}
    started = await api.ok("POST /enrich", params={**person, "findEmail": "true"})
    (row,) = await api.ok(
        "POST /v2/enrichments/bulk", json=[{"input": person, "enrichmentRequests": ["find_email"]}]
    )
    assert started["id"].startswith("enr_")
    assert row["id"].startswith("enr_")


async def test_a_bulk_answers_in_order_with_errors_among_the_ids(api: Api, team: Team) -> None:
    items = [
        {"input": PERSON, "enrichmentRequests": ["find_email"], "metadata": {"row": "1"}},
        {"input": {}, "enrichmentRequests": ["find_email"], "metadata": "2"},
        {"input": {}, "enrichmentRequests": ["verify"]},
        {"input": PERSON, "enrichmentRequests": ["find_phone"]},
        {"input": PROFILE, "enrichmentRequests": ["find_phone", "linkedin_enrichment"]},
    ]
    rows = await api.ok("POST /v2/enrichments/bulk", json=items)
    assert [row.get("error") for row in rows] == [
        None,
        "MISSING_INPUTS",
        "MISSING_EMAIL",
        "MISSING_LINKEDIN_URL",
        None,
    ]
    assert [row.get("metadata") for row in rows] == [{"row": "1"}, "2", None, None, None]
    assert [row["id"] for row in rows if "id" in row] == list(team.enrichments)


ITEM: dict[str, Any] = {"input": PERSON, "enrichmentRequests": ["find_email"]}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "WRONG_BODY_FORMAT"),
        ([1], "WRONG_BODY_FORMAT"),
        ([], "NO_ENRICHMENTS_REQUESTED"),
        ([ITEM] * 501, "TOO_MANY_ENRICHMENTS_REQUESTED"),
        ([ITEM | {"input": "Ann"}], "WRONG_INPUT_FORMAT"),
        ([ITEM | {"metadata": {"row": 1}}], "WRONG_METADATA_FORMAT"),
        ([{"input": PERSON}], "NO_WORKFLOW_REQUESTED"),
        ([ITEM | {"enrichmentRequests": "find_email"}], "WRONG_ENRICHMENT_REQUEST_FORMAT"),
        ([ITEM, ITEM | {"enrichmentRequests": ["verify_email"]}], "UNAUTHORIZED_WORKFLOW_REQUESTED"),
    ],
)
async def test_a_wrong_bulk_starts_nothing(api: Api, team: Team, body: Any, code: str) -> None:
    assert await api("POST /v2/enrichments/bulk", json=body) == (400, {"error": code})
    assert not team.enrichments


async def test_a_lead_is_enriched_in_place_and_once(api: Api, team: Team) -> None:
    lead = team.add_lead(team.add_campaign()["_id"], **PERSON, **PROFILE)
    path = f"POST /leads/{lead['_id']}/enrich?findEmail=true&findPhone=true"
    started = await api.ok(path)
    assert await api(path) == (409, {"error": "lead is already being enriched"})
    await finished(api, started["id"])
    assert (lead["variables"]["email"], lead["variables"]["phone"]) == (
        "ann.bee@acme.example",
        "+33100000000",
    )
    assert team.leads_by_email("ann.bee@acme.example") == [lead]
    status, body = await api(path)
    assert (status, body["code"]) == (409, "ALREADY_ENRICHED")
    await api.ok(f"{path}&force=true")


async def test_the_enrichment_of_a_lead_refuses_in_json(api: Api, team: Team) -> None:
    lead = team.add_lead(team.add_campaign()["_id"], "ann@b.example")
    missing = {"error": "Lead not found", "code": "LEAD_NOT_FOUND"}
    assert await api("POST /leads/lea_none/enrich?findEmail=true") == (404, missing)
    assert await api(f"POST /leads/{lead['_id']}/enrich") == (400, "Bad request")
    status, body = await api(f"POST /leads/{lead['_id']}/enrich?findEmail=true")
    assert (status, body["code"]) == (409, "ALREADY_ENRICHED")
    del team.contacts[lead["contactId"]]
    status, body = await api(f"POST /leads/{lead['_id']}/enrich?findEmail=true")
    assert (status, body["code"]) == (404, "CONTACT_NOT_FOUND")


async def test_flags_at_the_creation_of_a_lead_start_an_enrichment(api: Api, team: Team) -> None:
    campaign_id = team.add_campaign()["_id"]
    made = await api.ok(
        f"POST /campaigns/{campaign_id}/leads/?verifyEmail=true", json={"email": "ann@b.example"}
    )
    job = next(iter(team.enrichments.values()))
    assert (job["leadId"], job["requests"]) == (made["_id"], ["verify"])


async def test_a_balance_ends_at_zero(api: Api, team: Team) -> None:
    team.credits |= {"subscription": 0, "gifted": 3, "paid": 1}
    await finished(api, (await api.ok("POST /enrich?" + urlencode(PERSON | {"findEmail": "true"})))["id"])
    assert await credit(api) == 0


@contextlib.asynccontextmanager
async def hook() -> AsyncIterator[tuple[str, asyncio.Queue[Any]]]:
    """The address of a webhook on this machine, and what was posted to it."""
    posted: asyncio.Queue[Any] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        posted.put_nowait(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/results", take)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("/results")), posted


async def test_a_result_is_posted_to_the_webhook_in_other_words_than_a_poll_has(api: Api) -> None:
    async with hook() as (url, posted):
        row = {"input": PERSON, "enrichmentRequests": ["find_email"], "metadata": "row 1"}
        (started,) = await api.ok(f"POST /v2/enrichments/bulk?{urlencode({'webhookUrl': url})}", json=[row])
        body = await posted.get()
    assert body == {
        "data": [
            {
                "id": started["id"],
                "metadata": "row 1",
                "data": {"find_email": {"email": "ann.bee@acme.example", "notFound": False}},
            }
        ]
    }
    status, polled = await api(f"GET /enrich/{started['id']}")
    assert (status, polled["enrichmentStatus"]) == (200, "done")


async def test_what_was_polled_before_is_posted_all_the_same_and_paid_once(api: Api) -> None:
    before = await credit(api)
    async with hook() as (url, posted):
        query = urlencode(PROFILE | {"findPhone": "true", "webhookUrl": url})
        done = await finished(api, (await api.ok(f"POST /enrich?{query}"))["id"])
        body = await posted.get()
    assert body["data"][0]["data"] == {"find_phone": done["data"]["phone"]}
    assert before - await credit(api) == 20


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/nobody", "https://hooks.example/results"])
async def test_a_webhook_that_does_not_answer_or_lies_elsewhere_breaks_nothing(api: Api, url: str) -> None:
    query = urlencode(PROFILE | {"findPhone": "true", "webhookUrl": url})
    await finished(api, (await api.ok(f"POST /enrich?{query}"))["id"])


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:80/x", True),
        ("http://[::1]:80/x", True),
        ("http://127.9.9.9/x", True),
        ("http://10.0.0.1/x", False),
        ("https://localhost.example/x", False),
        ("http:///x", False),
    ],
)
def test_only_this_machine_is_written_to(url: str, here: bool) -> None:
    assert is_here(url) is here
