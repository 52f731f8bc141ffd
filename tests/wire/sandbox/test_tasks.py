"""Tasks, the people database and personas of the sandbox."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from lemlist_async.sandbox import Team
from tests.support.sandbox_api import Api

DUE = "2026-05-02T09:00:00.000Z"
FILTERS = [{"filterId": "country", "in": ["France"], "out": []}]


@pytest.fixture
def lead(team: Team) -> dict[str, Any]:
    return team.add_lead(team.add_campaign()["_id"], "ann@b.example", firstName="Ann", phone="+33 1")


@pytest.fixture
def task(team: Team, lead: dict[str, Any]) -> dict[str, Any]:
    """The body of a task that is right."""
    return {"recordId": lead["_id"], "type": "manual", "assignedTo": team.user_id, "dueDate": DUE}


async def listed(api: Api, *filters: dict[str, Any], page: int = 0) -> list[str]:
    body = await api.ok(f"GET /tasks?page={page}&filters={quote(json.dumps(filters))}")
    assert body["page"] == str(page)
    return [row["_id"] for row in body["results"]]


async def test_a_task_answers_under_other_names_than_it_was_asked(
    api: Api, lead: dict[str, Any], task: dict[str, Any]
) -> None:
    made = await api.ok("POST /tasks", json=task | {"message": "Call her", "title": "Call", "priority": "2"})
    assert (made["content"], made["userId"], made["priority"]) == ("Call her", task["assignedTo"], 2)
    assert (made["leadId"], made["campaignId"], made["contactId"]) == (
        lead["_id"],
        lead["campaignId"],
        lead["contactId"],
    )
    changed = await api.ok("PATCH /tasks", json={"id": made["_id"], "title": "Write", "priority": ""})
    assert (changed["title"], changed["priority"], changed["content"]) == ("Write", 0, "Call her")
    assert await api("PATCH /tasks", json={"id": "opp_x"}) == (400, "Bad team")


async def test_tasks_may_be_about_contacts_and_companies(api: Api, team: Team, task: dict[str, Any]) -> None:
    contact_id, company_id = team.add_contact("bo@b.example")["_id"], team.add_company("acme.example")["_id"]
    assert (await api.ok("POST /tasks", json=task | {"recordId": contact_id}))["contactId"] == contact_id
    assert (await api.ok("POST /tasks", json=task | {"recordId": company_id}))["companyId"] == company_id


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"recordId": None, "leadId": "lea_1"}, "recordId is required"),
        ({"recordId": "lea_x"}, "Bad params: recordId is unknown"),
        ({"type": "email2"}, "Bad params: type is invalid"),
        ({"assignedTo": "usr_x"}, "Bad params: assignedTo is unknown"),
        ({"dueDate": "soon"}, "Bad params: dueDate is invalid"),
        ({"priority": 2}, "Bad params: priority is invalid"),
    ],
)
async def test_a_wrong_task_is_not_made(
    api: Api, team: Team, task: dict[str, Any], change: dict[str, Any], refusal: str
) -> None:
    assert await api("POST /tasks", json=task | change) == (400, refusal)
    del task["dueDate"]
    assert (await api("POST /tasks", json=task))[0] == 400
    assert not team.tasks


@pytest.mark.parametrize(
    "query", ["", "?filters=", "?filters=%7B%7D", "?filters=%5B1%5D", "?filters=%5B%7B%7D%5D"]
)
async def test_filters_that_are_missing_or_malformed_are_refused(api: Api, query: str) -> None:
    assert await api(f"GET /tasks{query}") == (400, {"error": "Malformed filters"})


async def test_tasks_are_paged_from_zero_without_those_that_are_over(
    api: Api, team: Team, task: dict[str, Any]
) -> None:
    ids = [(await api.ok("POST /tasks", json=task))["_id"] for _ in range(103)]
    await api.ok("PATCH /tasks", json={"id": ids[0], "done": True})
    assert await api.ok("POST /tasks/ignore", json={"ids": [ids[1], "opp_x"]}) == {}
    assert await listed(api) == ids[2:102]
    assert await listed(api, page=1) == ids[102:]
    assert await listed(api, page=2) == []
    assert (await api("POST /tasks/ignore", json={}))[0] == 400


async def test_tasks_are_filtered(api: Api, team: Team, task: dict[str, Any], lead: dict[str, Any]) -> None:
    first = (await api.ok("POST /tasks", json=task))["_id"]
    second = {"type": "phone", "dueDate": "2026-06-01", "recordId": team.add_contact("bo@b.example")["_id"]}
    other = (await api.ok("POST /tasks", json=task | second))["_id"]
    assert await listed(api, {"filterId": "type", "in": ["phone"]}) == [other]
    assert await listed(api, {"filterId": "type", "out": ["phone"]}) == [first]
    assert await listed(api, {"filterId": "dueDate", "from": "2026-05-01", "to": "2026-05-02"}) == [first]
    assert await listed(api, {"filterId": "dueDate", "from": "2026-05-03"}) == [other]
    assert await listed(api, {"filterId": "assignedTo", "in": ["usr_x"]}) == []
    assert await listed(api, {"filterId": "campaignId", "in": [lead["campaignId"]]}) == [first]
    assert await listed(api, {"filterId": "campaignState", "in": ["draft"]}) == [first]
    assert await listed(api, {"filterId": "email", "value": "bo@b.example"}) == [other]
    await api.ok("POST /tasks", json=task | {"recordId": team.add_company("acme.example")["_id"]})
    assert await listed(api, {"filterId": "email", "regex": ".*"}) == [first, other]
    assert await listed(api, {"filterId": "fullName", "regex": "^an"}) == [first]
    assert (
        await listed(api, {"filterId": "phone", "value": "+33 1"}, {"filterId": "type", "in": ["phone"]})
        == []
    )
    broken = quote(json.dumps([{"filterId": "email", "regex": "("}]))
    assert (await api(f"GET /tasks?filters={broken}"))[0] == 400


async def test_people_are_searched_by_pages_at_the_cost_of_the_allowance(api: Api, team: Team) -> None:
    body = {"filters": FILTERS, "size": 20}
    first, second = [await api.ok("POST /database/people", json=body | {"page": page}) for page in (1, 2)]
    assert {row["country"] for row in first["results"]} == {"France"}
    assert first["total"] > 40
    assert not {row["_id"] for row in first["results"]} & {row["_id"] for row in second["results"]}
    assert (first["limitation"], second["limitation"], team.searches_left) == (1999, 1998, 1998)
    assert isinstance(first["results"][0]["lead_id"], int)
    names = await api.ok("POST /database/people", json=body | {"search": "ada"})
    assert 0 < names["total"] < first["total"]
    excludes = {"excludes": [first["results"][0]["_id"]]}
    assert (await api.ok("POST /database/people", json=body | excludes))["total"] == first["total"] - 1


async def test_companies_write_their_numbers_as_text(api: Api) -> None:
    filters = [{"filterId": "currentCompanyTechnologies", "in": ["Nginx"], "out": []}]
    found = await api.ok("POST /database/companies", json={"filters": filters, "page": 1, "size": 500})
    assert (found["total"], len(found["results"])) == (60, 60)
    assert isinstance(found["results"][0]["company_employee_count"], str)
    none = [{"filterId": "currentCompanyTechnologies", "in": ["Nginx"], "out": ["Postgres"]}]
    assert (await api.ok("POST /database/companies", json={"filters": none}))["total"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"filters": {}},
        {"filters": [{"filterId": "nonsense"}]},
        {"filters": [], "size": 101},
        {"filters": [], "page": 0},
    ],
)
async def test_a_wrong_search_is_refused(api: Api, team: Team, body: dict[str, Any]) -> None:
    assert (await api("POST /database/people", json=body))[0] == 400
    assert team.searches_left == 2000


async def test_filters_of_the_database_tell_their_modes(api: Api) -> None:
    modes = {row["filterId"]: row["mode"] for row in await api.ok("GET /database/filters")}
    assert (modes["country"], modes["department"]) == (["leads", "companies"], ["leads"])


async def test_personas_are_saved_listed_newest_first_and_deleted(api: Api) -> None:
    ids = []
    for name in ("Old", "New"):
        body = {"name": name, "mode": "leads", "filters": [*FILTERS, {"filterId": "unknown", "in": ["x"]}]}
        status, made = await api("POST /database/personas", json=body)
        assert (status, list(made["data"])) == (201, ["_id"])
        ids.append(made["data"]["_id"])
    rows = (await api.ok("GET /database/personas?mode=leads"))["data"]
    assert [row["name"] for row in rows] == ["New", "Old"]
    assert rows[0]["filters"] == FILTERS
    assert await api.ok(f"DELETE /database/personas/{ids[0]}") == {"data": {"_id": ids[0], "deleted": True}}
    status, refusal = await api(f"DELETE /database/personas/{ids[0]}")
    assert (status, refusal["code"]) == (404, "PEOPLE_DATABASE_PERSONA_NOT_FOUND")


async def test_personas_refuse_with_a_code(api: Api, team: Team) -> None:
    right = {"name": "One", "mode": "leads", "filters": FILTERS}
    await api("POST /database/personas", json=right)
    prefix = "PEOPLE_DATABASE_PERSONA_"
    refusals = [
        ("POST /database/personas", right, 409, f"{prefix}NAME_ALREADY_EXISTS"),
        ("POST /database/personas", right | {"name": " "}, 400, f"{prefix}API_INVALID_NAME"),
        ("POST /database/personas", right | {"filters": {}}, 400, f"{prefix}API_INVALID_FILTERS"),
        ("POST /database/personas", right | {"filters": [{}]}, 400, f"{prefix}API_INVALID_FILTERS"),
        ("POST /database/personas", right | {"mode": "companies"}, 400, f"{prefix}MODE_NOT_SUPPORTED"),
        ("POST /database/personas", right | {"filters": [{"filterId": "x"}]}, 400, "SEARCH_FILTERS_INVALID"),
        ("GET /database/personas?mode=companies", None, 400, f"{prefix}API_INVALID_MODE"),
        ("DELETE /database/personas/x", None, 400, "WRONG_PARAM_PEOPLE_DATABASE_PERSONA_ID"),
    ]
    for operation, body, status, code in refusals:
        got, refusal = await api(operation, json=body)
        assert (got, refusal["code"]) == (status, code)
    team.beta = False
    assert await api("GET /database/personas") == (
        403,
        {"error": "Beta is not enabled", "code": "BETA_NOT_ENABLED"},
    )
