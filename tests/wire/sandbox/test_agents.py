"""Signal agents, signals, mailboxes and deliverability alerts of the sandbox."""

from typing import Any

import pytest

from lemlist_async.sandbox import Team
from tests.support.sandbox_api import Api

AGENT: dict[str, Any] = {
    "name": "New hires",
    "type": "newHire",
    "filters": [{"filterId": "companyIndustries", "in": ["Software"], "out": []}],
    "segmentType": "all",
    "signalProcessingType": "manual",
    "activate": True,
}
ALERT: dict[str, Any] = {
    "widget": "outreach",
    "metric": "bounceRate",
    "severity": "critical",
    "scope": "global",
    "threshold": 5,
    "comparisonOperator": "above",
    "periodDays": 1,
    "periodMode": "rolling",
}


async def agent(api: Api, **fields: Any) -> dict[str, Any]:
    status, body = await api("POST /watchlist", json=AGENT | fields)
    assert status == 201
    return body["data"]


async def test_agents_are_made_listed_and_edited_with_a_history(api: Api) -> None:
    made = await agent(api)
    assert (made["status"], made["entity"]) == ("active", "contact")
    draft = await agent(api, activate=False, type="companyIsHiring")
    assert (draft["status"], draft["entity"]) == ("draft", "company")
    page = await api.ok("GET /watchlist?limit=1&page=2")
    assert page["data"] == [draft]
    assert page["meta"]["pagination"] == {"page": 2, "limit": 1, "totalRecords": 2, "totalPages": 2}
    assert (await api.ok("GET /watchlist?type=newHire,jobChange"))["data"] == [made]
    changed = await api.ok("PATCH /watchlist", json={"watchListId": made["_id"], "name": "Renamed"})
    assert changed["data"] == made | {"name": "Renamed"}
    history = await api.ok(f"GET /watchlist/history?watchListId={made['_id']}")
    assert [row["name"] for row in history["data"]] == ["New hires"]


async def test_a_deleted_agent_is_listed_only_by_its_status(api: Api) -> None:
    made = await agent(api)
    path = f"DELETE /watchlist?watchListId={made['_id']}"
    assert (await api.ok(path))["data"] == {"_id": made["_id"], "deleted": True, "deletedCount": 1}
    assert (await api.ok(path))["data"] == {"_id": made["_id"], "deleted": False, "deletedCount": 0}
    assert (await api.ok("GET /watchlist"))["data"] == []
    assert len((await api.ok("GET /watchlist?status=delete"))["data"]) == 1
    assert await api("PATCH /watchlist", json={"watchListId": made["_id"]}) == (404, "Watch list not found")


@pytest.mark.parametrize(
    ("change", "status", "refusal"),
    [
        ({"name": " "}, 400, "name must be a non-empty string"),
        ({"type": "rain"}, 400, "Invalid type values"),
        ({"activate": None}, 400, "activate requires both segmentType and signalProcessingType"),
        ({"segmentType": "list"}, 400, "activate requires both segmentType and signalProcessingType"),
        ({"filters": None}, 400, "filters must be an array of { filterId, in, out } objects"),
        ({"filters": [{"in": []}]}, 400, "filters must be an array of { filterId, in, out } objects"),
        (
            {"filters": [{"filterId": "minJobCount", "in": [3]}]},
            400,
            "Values of filter minJobCount must be strings",
        ),
    ],
)
async def test_a_wrong_agent_is_not_made(
    api: Api, team: Team, change: dict[str, Any], status: int, refusal: str
) -> None:
    assert await api("POST /watchlist", json=AGENT | change) == (status, refusal)
    assert not team.agents


async def test_agents_cost_credits_and_are_limited_by_the_plan(api: Api, team: Team) -> None:
    for _ in range(10):
        await agent(api)
    assert await api("POST /watchlist", json=AGENT) == (429, "Monitoring limit exceeded")
    team.credits |= dict.fromkeys(team.credits, 0)
    assert await api("POST /watchlist", json=AGENT) == (402, "Insufficient credits")
    await agent(api, activate=False)


async def test_changes_of_an_agent_are_checked(api: Api) -> None:
    made = {"watchListId": (await agent(api))["_id"]}
    type_change = "Watch list type cannot be changed after creation"
    assert await api("PATCH /watchlist", json=made | {"type": "jobChange"}) == (409, type_change)
    assert await api("PATCH /watchlist", json=made | {"name": ""}) == (400, "name must be a non-empty string")
    assert (await api("PATCH /watchlist", json=made | {"filters": [3]}))[0] == 400
    assert (await api("PATCH /watchlist", json=made | {"signalProcessingType": "magic"}))[0] == 400
    assert await api("PATCH /watchlist", json={"name": "x"}) == (404, "Watch list not found")
    assert await api("DELETE /watchlist") == (400, "watchListId must be a valid watch list ID")
    assert await api("GET /watchlist/history?watchListId=wl_x") == (
        404,
        "WatchList not found or access denied",
    )
    assert await api("GET /watchlist?page=0") == (400, "page must be a positive integer")
    assert await api("GET /watchlist?limit=101") == (400, "limit must be between 1 and 100")
    assert await api("GET /watchlist?status=odd") == (400, "Invalid status values")


async def test_an_outside_signal_needs_somebody_the_team_knows(api: Api, team: Team) -> None:
    made = await agent(api, type="externalSignalContact")
    contact = team.add_contact("ann@b.example", firstName="Ann")
    contact["linkedinUrl"] = "https://www.linkedin.com/in/ann"
    path = f"POST /watchlist/{made['_id']}/external-signals"
    body = {"contact": {"linkedinUrl": contact["linkedinUrl"]}, "customFields": {"plan": "pro"}}
    done = await api.ok(path, json=body)
    assert (done["status"], done["entity"]["id"], done["creditsConsumed"]) == ("processed", contact["_id"], 0)
    stranger = {"contact": {"linkedinUrl": "https://www.linkedin.com/in/bo"}}
    ignored = {"status": "ignored", "reason": "no_entity_match", "creditsConsumed": 0}
    assert await api.ok(path, json=stranger) == ignored
    signal = (await api.ok("GET /watchlist/signals"))["data"][0]
    assert (signal["watchListId"], signal["contact"]["firstName"]) == (made["_id"], "Ann")
    assert signal["signalData"] == {"externalSignalCustomFields": {"plan": "pro"}}


async def test_outside_signals_have_a_daily_limit(api: Api, team: Team) -> None:
    made = await agent(api, type="externalSignalContact")
    team.add_contact("ann@b.example")
    for _ in range(1000):
        team.add_signal(team.agents[made["_id"]])
    person = {"contact": {"linkedinUrl": "https://www.linkedin.com/in/ann", "email": "ann@b.example"}}
    path = f"POST /watchlist/{made['_id']}/external-signals"
    ignored = {"status": "ignored", "reason": "daily_limit_reached", "creditsConsumed": 0}
    assert await api.ok(path, json=person) == ignored
    next(iter(team.signals.values()))["receivedAt"] = "2026-01-01T00:00:00.000Z"
    assert (await api.ok(path, json=person))["status"] == "processed"


async def test_an_outside_signal_about_a_company_is_matched_by_domain(api: Api, team: Team) -> None:
    made = await agent(api, type="externalSignalCompany")
    company = team.add_company("acme.example", name="Acme")
    path = f"POST /watchlist/{made['_id']}/external-signals"
    done = await api.ok(path, json={"company": {"domain": "www.acme.example", "name": "Acme"}})
    assert done["entity"] == {"type": "company", "id": company["_id"], "enriched": False}
    assert (await api(path, json={"company": {"domain": "acme.example"}}))[0] == 400
    assert (await api(path, json={"company": {"domain": "a.b", "name": "A", "linkedinUrl": "x"}}))[0] == 400


async def test_a_wrong_outside_signal_is_refused(api: Api, team: Team) -> None:
    ordinary, external = await agent(api), await agent(api, type="externalSignalContact")
    missing = "Watch list not found or not configured for external signals"
    assert await api(f"POST /watchlist/{ordinary['_id']}/external-signals", json={}) == (404, missing)
    path = f"POST /watchlist/{external['_id']}/external-signals"
    assert (await api(path, json={"contact": {"email": "ann@b.example"}}))[0] == 400
    person = {"contact": {"linkedinUrl": "https://www.linkedin.com/in/ann"}}
    for fields in ({"plan": 1}, {str(number): "x" for number in range(21)}):
        refusal = "Custom fields must have 20 keys or less with string values"
        assert await api(path, json=person | {"customFields": fields}) == (400, refusal)
    assert not team.signals


async def test_signals_are_filtered_sorted_and_paged(api: Api, team: Team) -> None:
    first, second = await agent(api), await agent(api, type="jobChange")
    rows = [
        team.add_signal(
            team.agents[source["_id"]], status=status, receivedAt=f"2026-05-0{day}T00:00:00.000Z"
        )["_id"]
        for day, (source, status) in enumerate([(first, "new"), (second, "old"), (second, "handled")], 1)
    ]

    async def listed(query: str) -> list[str]:
        return [row["_id"] for row in (await api.ok(f"GET /watchlist/signals?{query}"))["data"]]

    assert await listed("") == rows[::-1]
    assert await listed("sortOrder=asc&limit=2") == rows[:2]
    assert await listed("type=newHire") == rows[:1]
    assert await listed("type[]=newHire&type[]=jobChange&status[]=new&status[]=old&sortOrder=asc") == rows[:2]
    assert await listed(f"watchListId={second['_id']}&sortOrder=asc") == rows[1:]
    window = "receivedAtFrom=2026-05-02T00:00:00.000Z&receivedAtTo=2026-05-02T23:00:00.000Z"
    assert await listed(window) == rows[1:2]


@pytest.mark.parametrize(
    ("query", "status", "refusal"),
    [
        ("page=x", 400, "page must be a positive integer"),
        ("limit=200", 400, "limit must be between 1 and 100"),
        ("sortBy=name", 400, "sortBy must be either receivedAt or createdAt"),
        ("type=rain", 400, "Invalid type values: rain"),
        ("status=odd", 400, "Invalid status values: odd"),
        ("receivedAtFrom=soon", 400, "receivedAtFrom must be a valid ISO date string"),
        (
            "receivedAtFrom=2026-05-02&receivedAtTo=2026-05-01",
            400,
            "receivedAtFrom must be before receivedAtTo",
        ),
        ("watchListId=wl_x", 404, "Watchlist not found"),
    ],
)
async def test_signals_refuse_in_the_documented_words(
    api: Api, query: str, status: int, refusal: str
) -> None:
    assert await api(f"GET /watchlist/signals?{query}") == (status, refusal)


async def test_the_vocabulary_of_agents_can_be_read(api: Api) -> None:
    assert len((await api.ok("GET /watchlist/library"))["data"]) == 19
    assert list((await api.ok("GET /watchlist/filters?type=newHire"))["data"]) == ["newHire"]
    assert len((await api.ok("GET /watchlist/filters"))["data"]) == 19
    assert await api("GET /watchlist/filters?type=x") == (400, "Invalid type values")
    values = await api.ok("GET /watchlist/filter-values?filterId=companyIndustries&query=soft")
    assert values == {"data": {"filterId": "companyIndustries", "results": ["Software"]}}
    unknown = "filterId is not a supported watch list autocomplete filter"
    assert await api("GET /watchlist/filter-values?filterId=title") == (400, unknown)
    assert (await api("GET /watchlist/filter-values?filterId=seniority&query="))[0] == 400


async def test_warming_up_is_started_set_and_paused(api: Api, team: Team) -> None:
    box = team.users[team.user_id]["mailboxes"][0]
    path = f"/lemwarm/{box['_id']}"
    for _ in range(2):
        assert await api.ok(f"POST {path}/start") == {"ok": True}
    assert box["lemwarm"]["active"] is True
    assert await api.ok(f"PATCH {path}/settings", json={"warmEmailMax": 30, "warmUsePlaintext": True}) == {
        "ok": True
    }
    settings = await api.ok(f"GET {path}/settings")
    assert (settings["warmEmailMax"], settings["warmUsePlaintext"]) == (30, True)
    assert {"activeAt", "deliverability"} <= set(settings)
    await api.ok(f"POST {path}/pause")
    assert box["lemwarm"]["active"] is False
    wrong = "A provided field has the wrong type"
    assert await api(f"PATCH {path}/settings", json={"warmEmailMax": "30"}) == (400, wrong)
    assert await api(f"PATCH {path}/settings", json={"warmEmailMax": True}) == (400, wrong)
    assert (await api(f"PATCH {path}/settings", json={"warmEmailMax": 41}))[0] == 400
    assert await api("POST /lemwarm/usm_x/start") == (400, "invalid-usermailbox")


ACCOUNT: dict[str, Any] = {
    "sender_name": "Robin",
    "sender_email": "robin@mail.example",
    **{f"{kind}_host": f"{kind}.mail.example" for kind in ("smtp", "imap")},
    **{f"{kind}_port": port for kind, port in (("smtp", 587), ("imap", 993))},
    **{f"{kind}_login": "robin" for kind in ("smtp", "imap")},
    **{f"{kind}_password": "not-a-secret" for kind in ("smtp", "imap")},
}


async def test_a_mailbox_is_connected_tried_and_disconnected(api: Api, team: Team) -> None:
    status, made = await api("POST /user/email-accounts", json=ACCOUNT | {"imap_host": "down.mail.example"})
    assert (status, made["email"], made["provider"]) == (201, "robin@mail.example", "custom")
    shown = (await api.ok(f"GET /users/{team.user_id}"))["mailboxes"]
    assert [box["_id"] for box in shown][1:] == [made["id"]]
    assert "not-a-secret" not in str(shown)
    assert await api("POST /user/email-accounts", json=ACCOUNT) == (400, "This SMTP mailbox already exists")
    trial = await api.ok(f"POST /user/email-accounts/{made['id']}/test")
    assert trial == {"smtp": {"success": True}, "imap": {"success": False, "error": "Connection timeout"}}
    assert await api.ok(f"DELETE /user/email-accounts/{made['id']}") == {"ok": True}
    assert await api(f"DELETE /user/email-accounts/{made['id']}") == (404, "Email account not found")
    google = shown[0]["_id"]
    assert await api(f"DELETE /user/email-accounts/{google}") == (
        403,
        "You are not allowed to modify this mailbox",
    )


@pytest.mark.parametrize(
    ("change", "status", "refusal"),
    [
        ({"smtp_password": ""}, 400, "Missing required fields"),
        ({"smtp_port": "587"}, 400, "Missing required fields"),
        ({"sender_email": "robin"}, 400, "Invalid email"),
        ({"imap_host": "localhost"}, 400, "Invalid host"),
        ({"userId": "usr_x"}, 403, "User is not a member of this team"),
    ],
)
async def test_a_wrong_mailbox_is_not_connected(
    api: Api, change: dict[str, Any], status: int, refusal: str
) -> None:
    assert await api("POST /user/email-accounts", json=ACCOUNT | change) == (status, refusal)


async def test_an_alert_is_made_once_edited_and_deleted(api: Api, team: Team) -> None:
    status, made = await api("POST /deliverability/alerts", json=ALERT)
    assert (status, made["enabled"], made["channelConfig"]["inapp"]) == (201, True, {"enabled": True})
    assert await api("POST /deliverability/alerts", json=ALERT) == (409, "")
    assert await api.ok("GET /deliverability/alerts") == {"alerts": [made], "total": 1}
    path = f"/deliverability/alerts/{made['_id']}"
    changed = await api.ok(f"PATCH {path}", json={"threshold": 7, "enabled": False})
    assert (changed["threshold"], changed["enabled"], changed["periodDays"]) == (7, False, 1)
    assert await api.ok(f"GET {path}") == changed
    assert (await api(f"PATCH {path}", json={"threshold": 101}))[0] == 400
    assert (await api.ok(f"GET {path}"))["threshold"] == 7
    assert await api.ok(f"DELETE {path}") == {"deleted": True}
    assert await api(f"DELETE {path}") == (404, "")
    assert await api("GET /deliverability/alerts/x") == (400, "")
    team.beta = False
    assert await api("POST /deliverability/alerts", json=ALERT) == (403, "")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"widget": "other"}, "INVALID_WIDGET"),
        ({"metric": None}, "INVALID_METRIC"),
        ({"threshold": 101}, "INVALID_THRESHOLD"),
        ({"threshold": True}, "INVALID_THRESHOLD"),
        ({"periodDays": 0}, "INVALID_PERIOD_DAYS"),
        ({"scope": "mailbox"}, "INVALID_SCOPE"),
        ({"scope": "mailbox", "scopeEntities": ["usm_1"]}, "INVALID_SCOPE_ENTITY_FORMAT"),
        ({"channelConfig": {"inapp": {"enabled": False}}}, "NO_CHANNEL_ENABLED"),
        ({"channelConfig": {"email": {"enabled": True, "addresses": []}}}, "EMAIL_REQUIRED"),
        ({"channelConfig": {"email": {"enabled": True, "addresses": ["x"]}}}, "INVALID_EMAIL"),
    ],
)
async def test_a_wrong_alert_is_refused_with_its_code(api: Api, change: dict[str, Any], code: str) -> None:
    answer = await api("POST /deliverability/alerts", json=ALERT | change)
    assert answer == (400, {"error": f"DELIVERABILITY_ALERT_{code}"})
