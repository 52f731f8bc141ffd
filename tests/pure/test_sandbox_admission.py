"""Admission before a route runs: the path, the key, the wording of the limit."""

import base64
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from lemlist_async.sandbox.auth import basic_header, credential
from lemlist_async.sandbox.limits import Decision
from lemlist_async.sandbox.ratelimit_headers import js_date, rate_headers
from lemlist_async.sandbox.route import Route
from lemlist_async.sandbox.router import Router


def route(method: str, template: str) -> Route:
    return Route(method, template, lambda context: None)


@pytest.fixture(scope="module")
def router() -> Router:
    return Router(
        [
            route("GET", "/campaigns"),
            route("GET", "/campaigns/reports"),
            route("GET", "/campaigns/{campaignId}"),
            route("POST", "/campaigns/{campaignId}/leads/"),
            route("DELETE", "/campaigns/{campaignId}/leads/{leadId}"),
            route("DELETE", "/campaigns/{campaignId}/leads/{email}"),
        ]
    )


@pytest.mark.parametrize(
    ("method", "path", "template", "ids"),
    [
        ("GET", "/campaigns", "/campaigns", {}),
        ("GET", "/campaigns/reports", "/campaigns/reports", {}),
        ("GET", "/campaigns/cam_1", "/campaigns/{campaignId}", {"campaignId": "cam_1"}),
        ("POST", "/campaigns/cam_1/leads/", "/campaigns/{campaignId}/leads/", {"campaignId": "cam_1"}),
        ("POST", "/campaigns/cam_1/leads", "/campaigns/{campaignId}/leads/", {"campaignId": "cam_1"}),
        ("GET", "/campaigns/a%2Fb%20%C3%A9", "/campaigns/{campaignId}", {"campaignId": "a/b é"}),
    ],
)
def test_a_path_finds_its_template(
    router: Router, method: str, path: str, template: str, ids: dict[str, str]
) -> None:
    match = router.find(method, path)
    assert match is not None
    assert (match.route.template, match.ids, match.verb_known) == (template, ids, True)


@pytest.mark.parametrize(("value", "name"), [("lea_1", "leadId"), ("a%40b.example", "email")])
def test_the_value_tells_which_of_two_templates_is_meant(router: Router, value: str, name: str) -> None:
    match = router.find("DELETE", f"/campaigns/cam_1/leads/{value}")
    assert match is not None
    assert match.route.names == ("campaignId", name)


def test_a_known_path_with_another_verb_is_told_from_an_unknown_path(router: Router) -> None:
    match = router.find("PUT", "/campaigns/cam_1")
    assert match is not None
    assert not match.verb_known
    assert router.find("GET", "/campaign") is None
    assert router.find("GET", "/campaigns/cam_1/leads/lea_1/more") is None


def test_only_basic_with_an_empty_user_name_carries_a_key() -> None:
    def basic(text: str) -> str:
        return "Basic " + base64.b64encode(text.encode()).decode()

    assert credential(basic_header("k?/>ö"), {}) == "k?/>ö"
    assert credential(basic(":a:b"), {}) == "a:b"
    unreadable = [
        "Bearer sandbox-key",
        basic("user:sandbox-key"),
        basic("sandbox-key"),
        "Basic %%%",
        "Basic /w==",
    ]
    assert [credential(header, {}) for header in unreadable] == [""] * 5
    assert credential(None, {"access_token": ["old"]}) == "old"
    assert credential(basic_header("new"), {"access_token": ["old"]}) == "new"
    assert credential(None, {}) is None


def test_the_reset_is_written_as_javascript_writes_a_date() -> None:
    at = int(datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC).timestamp())
    assert js_date(at) == "Tue Feb 03 2026 04:05:06 GMT+0000 (Coordinated Universal Time)"


def test_retry_after_is_a_whole_number_that_is_long_enough() -> None:
    wall = datetime(2026, 2, 3, tzinfo=UTC).timestamp()
    refused = rate_headers(20, Decision(False, 0, 0.2, 101.9), 100.0, wall)
    allowed = rate_headers(20, Decision(True, 7, 0.0, 101.9), 100.0, wall)
    assert (refused["Retry-After"], allowed["Retry-After"]) == ("1", "2")
    assert (allowed["X-RateLimit-Limit"], allowed["X-RateLimit-Remaining"]) == ("20", "7")
    assert allowed["X-RateLimit-Reset"] == "Tue Feb 03 2026 00:00:02 GMT+0000 (Coordinated Universal Time)"


def test_importing_the_sandbox_does_not_import_the_web_server() -> None:
    probe = "import sys, lemlist_async.sandbox; print('aiohttp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
