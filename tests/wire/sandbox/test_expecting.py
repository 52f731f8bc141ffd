"""Expectations: requests by operation, body and query, told in words, in Python and over HTTP."""

import json

import pytest

from lemlist_async.sandbox import RequestLog, Sandbox, Team
from lemlist_async.sandbox.request_log import LoggedRequest
from tests.support.sandbox_api import Api

CREATE = "POST /campaigns/{campaignId}/leads/"


@pytest.fixture
async def campaign(api: Api, team: Team) -> str:
    home: str = team.add_campaign()["_id"]
    await api.ok(f"POST /campaigns/{home}/leads/", json={"email": "ann@b.example", "firstName": "Ann"})
    await api.ok(f"POST /campaigns/{home}/leads?deduplicate=true", json={"email": "bob@b.example"})
    await api(f"POST /campaigns/{home}/leads/", json={"email": "bob@b.example"})
    return home


async def test_requests_are_expected_by_operation_body_query_and_status(
    sandbox: Sandbox, campaign: str
) -> None:
    (made,) = sandbox.expect(CREATE, body={"email": "ann@b.example"}).once()
    assert made.body == {"email": "ann@b.example", "firstName": "Ann"}
    sandbox.expect(CREATE, body={"email": "bob@b.example"}).times(2)
    sandbox.expect(CREATE, body={"email": "bob@b.example"}, status=200).once()
    sandbox.expect(CREATE, query={"deduplicate": "true"}).once()
    sandbox.expect(f"POST /campaigns/{campaign}/leads").at_least(3)
    sandbox.expect("DELETE /campaigns/{campaignId}/leads/{leadId}").never()
    sandbox.expect("POST /campaigns/cam_other/leads/").never()


async def test_what_was_not_met_is_told_in_words(sandbox: Sandbox, campaign: str) -> None:
    with pytest.raises(AssertionError) as refused:
        sandbox.expect(CREATE, body={"email": "cid@b.example"}).once()
    text = str(refused.value)
    assert text.startswith(
        f"{CREATE} with the body {{'email': 'cid@b.example'}} was expected once, and came never; "
    )
    assert f"  200 /campaigns/{campaign}/leads/ body {{'email': 'ann@b.example', 'firstName': 'Ann'}}" in text
    assert "query {'deduplicate': 'true'}" in text
    with pytest.raises(
        AssertionError, match="expected at least twice, and came never; the operation was not called"
    ):
        sandbox.expect("GET /team").at_least(2)


async def test_an_operation_that_there_is_not_is_refused(sandbox: Sandbox) -> None:
    for match in ("GET /nothing", "PUT /team", "team", ""):
        with pytest.raises(ValueError, match="has no operation"):
            sandbox.expect(match)


async def test_requests_are_expected_over_http(sandbox: Sandbox, api: Api, campaign: str) -> None:
    order = Api(api.session, sandbox.url.removesuffix("/api") + "/_sandbox")
    body = {"email": "ann@b.example"}
    met = await order.ok("POST /expect", json={"match": CREATE, "body": body, "times": 1})
    assert met == {"met": True, "count": 1, "reason": None}
    missed = await order.ok("POST /expect", json={"match": CREATE, "query": {"deduplicate": "no"}})
    assert (missed["met"], missed["count"], "was expected at least once" in missed["reason"]) == (
        False,
        0,
        True,
    )
    for wrong in (
        {},
        {"match": 1},
        {"match": CREATE, "times": "1"},
        {"match": CREATE, "often": 1},
        {"match": "GET /x"},
    ):
        assert (await order("POST /expect", json=wrong))[0] == 400


async def test_the_log_has_what_was_sent_and_no_key(sandbox: Sandbox, api: Api, team: Team) -> None:
    await api.ok("GET /team", params={"version": "v2", "access_token": sandbox.key})
    await api("POST /campaigns", data=b"\xff no JSON")
    await api("GET /nowhere")
    order = Api(api.session, sandbox.url.removesuffix("/api") + "/_sandbox")
    first, second, third = await order.ok("GET /requests")
    assert first["query"] == {"version": "v2", "access_token": "(the key)"}
    assert (first["path"], first["team"], first["body"]) == ("/team", team.id, None)
    assert second["body"] == "� no JSON"
    assert (third["template"], third["path"], third["team"]) == ("", "/nowhere", "")
    assert sandbox.key not in json.dumps([first, second, third])
    assert "version" not in repr(sandbox.requests[0])


def test_bodies_are_kept_as_long_as_there_is_room() -> None:
    log = RequestLog()
    for _ in range(40):
        row = LoggedRequest("POST", "/campaigns", 0.0)
        log.append(row)
        log.keep_body(row, b"x" * (2 * 1024 * 1024))
    kept = [row for row in log if row.raw is not None]
    assert (len(log), len(kept), len(kept[0].raw or b"")) == (40, 32, 1024 * 1024)
    assert log[0].body is None
    log.clear()
    assert not log


async def test_the_team_is_told_and_changed_over_http(sandbox: Sandbox, api: Api) -> None:
    order = Api(api.session, sandbox.url.removesuffix("/api") + "/_sandbox")
    changed = await order.ok(
        "POST /team", json={"plan": "emailStarter", "credits": {"paid": 7}, "beta": False}
    )
    assert (changed["plan"], changed["beta"], changed["credits"]["paid"]) == ("emailStarter", False, 7)
    assert await order.ok("GET /team") == [changed]
    assert (await api.ok("GET /team/credits"))["details"]["remaining"]["paid"] == 7
    wrong = (
        {"plan": 1},
        {"credits": {"gold": 1}},
        {"credits": {"paid": -1}},
        {"credits": []},
        {"id": "x"},
        {"key": "no"},
    )
    for given in wrong:
        assert (await order("POST /team", json=given))[0] == 400, given
    assert await order.ok("GET /team") == [changed]
