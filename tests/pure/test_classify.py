"""From an answer to the error it means: the message first, the status second."""

from typing import Any

import pytest

from lemlist_async import errors
from lemlist_async.core.classify import (
    by_limiter,
    is_html,
    read_message,
    refusal,
    refusal_inside,
    unlike_the_api,
)
from lemlist_async.core.json import dumps
from lemlist_async.core.wire import Call, Effect, Response

GET: Call[Any] = Call("GET", "/campaigns/{campaignId}", ("cam_1",))
SEND: Call[Any] = Call("POST", "/inbox/email", effect=Effect.UNSAFE, verify="look into the inbox")
WATCH: Call[Any] = Call("POST", "/watchlist", effect=Effect.UNSAFE, plan_limited=True)
LIMITED = {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0", "Retry-After": "2"}


def answer(status: int, body: Any = "", **headers: str) -> Response:
    """An answer as lemlist gives it: plain text, unless the body is given as JSON."""
    text = isinstance(body, str)
    kind = "text/plain" if text else "application/json"
    return Response(status, {"Content-Type": kind, **headers}, body.encode() if text else dumps(body))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.BadRequestError),
        (401, errors.AuthenticationError),
        (402, errors.PaymentRequiredError),
        (403, errors.PermissionDeniedError),
        (404, errors.NotFoundError),
        (405, errors.MethodNotAllowedError),
        (409, errors.ConflictError),
        (429, errors.RateLimitError),
        (500, errors.ServerError),
        (503, errors.ServerError),
        (302, errors.RedirectError),
        (418, errors.UnexpectedStatusError),
        (999, errors.ServerError),
    ],
)
def test_a_status_without_a_telling_message_gives_its_own_error(
    status: int, kind: type[errors.APIStatusError]
) -> None:
    found = refusal(GET, answer(status))
    assert type(found) is kind
    assert found.status == status
    assert found.message


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "Bad team", errors.BadTeamError),
        (400, "Bad params. name is missing", errors.BadParamsError),
        (400, "Bad request", errors.BadRequestError),
        (400, "No API key provided", errors.AuthenticationError),
        (404, "No user found for this API key", errors.AuthenticationError),
        (403, "User linked to this API key is blocked", errors.UserBlockedError),
        (400, "Lead already in the campaign", errors.LeadAlreadyExistsError),
        (500, "Lead already in other campaign", errors.LeadAlreadyExistsError),
        (409, "Lead already in other campaign", errors.LeadAlreadyExistsError),
        (500, "Lead in graveyard", errors.LeadInGraveyardError),
        (400, "Campaign is already running", errors.AlreadyDoneError),
        (400, "You can't start campaigns that are already running.", errors.AlreadyDoneError),
        (403, "route is available starting emailPro plan", errors.PaymentRequiredError),
        (400, "Upgrade your plan to use LinkedIn steps", errors.PaymentRequiredError),
        (404, "Endpoint not available", errors.PermissionDeniedError),
        (401, "Route unauthorized", errors.PermissionDeniedError),
        (401, "This endpoint is not part of your team's rights", errors.PermissionDeniedError),
        (401, "Your plan does not include the API", errors.PermissionDeniedError),
        (401, "Unauthorized", errors.AuthenticationError),
        (401, "The authentication you supplied is incorrect", errors.AuthenticationError),
    ],
)
def test_the_message_decides_before_the_status(
    status: int, message: str, kind: type[errors.APIStatusError]
) -> None:
    found = refusal(GET, answer(status, message))
    assert type(found) is kind
    assert found.message == message
    assert str(found) == f"{status} GET /campaigns/{{campaignId}}: {message}"


@pytest.mark.parametrize(
    "kind", ["text/html", "text/html; charset=utf-8", "application/json", "text/plain", ""]
)
@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_bare_sentence_is_a_message_whatever_its_label(kind: str, status: int) -> None:
    """Node's frameworks label a text as HTML by default."""
    found = refusal(GET, Response(status, {"Content-Type": kind}, b"Lead already in other campaign"))
    assert type(found) is errors.LeadAlreadyExistsError
    assert found.message == "Lead already in other campaign"


@pytest.mark.parametrize("kind", ["text/html", "application/json", "text/plain", ""])
@pytest.mark.parametrize(
    "page",
    ["<!doctype html>", " \n<html>", "\ufeff<HTML>", "<?xml version='1.0'?>", "<h1>no</h1>", "<!-- x -->"],
)
def test_markup_is_a_page_whatever_its_label(kind: str, page: str) -> None:
    message, _ = read_message(Response(502, {"Content-Type": kind}, page.encode()))
    assert "HTML page" in message


def test_a_limiter_that_recommends_a_larger_plan_is_a_limiter() -> None:
    assert type(refusal(GET, answer(429, "Too many; upgrade your plan", **LIMITED))) is errors.RateLimitError


def test_the_scope_of_a_duplicate_is_told() -> None:
    here = refusal(GET, answer(400, "Lead already in the campaign"))
    there = refusal(GET, answer(500, "Lead already in other campaign"))
    assert isinstance(here, errors.LeadAlreadyExistsError)
    assert isinstance(there, errors.LeadAlreadyExistsError)
    assert (here.scope, there.scope) == ("campaign", "other")


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        ("Campaign not found", "Campaign not found", None),
        ({"error": "Malformed filters"}, "Malformed filters", None),
        ({"error": "BadRequest", "message": "start is wrong"}, "start is wrong", "BadRequest"),
        ({"error": "Name taken", "code": "PERSONA_EXISTS"}, "Name taken", "PERSONA_EXISTS"),
        ({"error": "WRONG_INPUT_FORMAT"}, "WRONG_INPUT_FORMAT", "WRONG_INPUT_FORMAT"),
        ({"success": False, "error": {"code": "COMPANY_HAS_CONTACTS", "message": "Has contacts"}},
         "Has contacts", "COMPANY_HAS_CONTACTS"),
        ({"success": False, "error": "Bad entity"}, "Bad entity", None),
        ({"ok": False, "message": "Export not found"}, "Export not found", None),
        ("\"a bare JSON string\"", "a bare JSON string", None),
        ("line one\n  line two", "line one line two", None),
        ({"message": "no", "code": "A_\x1b[2J\nB"}, "no", "A_[2J B"),
        ({"unheard": "of"}, "", None),
        ([1, 2], "", None),
    ],
)  # fmt: skip
def test_each_of_the_shapes_of_an_error_is_read(body: Any, message: str, code: str | None) -> None:
    assert read_message(answer(400, body)) == (message, code)


def test_a_gateways_page_is_named_as_such_and_never_parsed() -> None:
    page = Response(502, {"Content-Type": "text/html"}, b"<html><h1>Bad gateway</h1></html>")
    message, code = read_message(page)
    assert "HTML page" in message
    assert code is None


def test_a_server_error_to_what_may_not_be_repeated_is_ambiguous_too() -> None:
    found = refusal(SEND, answer(502))
    assert isinstance(found, errors.ServerError)
    assert isinstance(found, errors.AmbiguousError)
    assert found.verify == "look into the inbox"
    assert not isinstance(refusal(GET, answer(502)), errors.AmbiguousError)


def test_a_plan_limit_is_told_from_the_rate_limit() -> None:
    assert type(refusal(WATCH, answer(429, "Monitoring limit exceeded"))) is errors.PlanLimitError
    spare = {**LIMITED, "X-RateLimit-Remaining": "7"}
    assert type(refusal(WATCH, answer(429, "Monitoring limit exceeded", **spare))) is errors.PlanLimitError
    assert type(refusal(WATCH, answer(429, "Too many", **LIMITED))) is errors.RateLimitError
    assert type(refusal(GET, answer(429, "Too many"))) is errors.RateLimitError


def test_the_edges_429_is_told_from_the_limiters() -> None:
    assert by_limiter(answer(429, "Too many", **LIMITED))
    assert by_limiter(answer(429, "Too many"))
    assert not by_limiter(Response(429, {"Content-Type": "text/html"}, b"<html>"))


def test_a_redirect_names_the_host_of_its_location_and_nothing_else() -> None:
    found = refusal(GET, answer(302, Location="https://evil.example.com/steal?token=secret"))
    assert "evil.example.com" in str(found)
    assert "secret" not in f"{found!r} {found} {found.headers}"


def test_a_page_of_html_under_200_is_no_answer() -> None:
    page = Response(200, {"Content-Type": "text/html; charset=utf-8"}, b"<!doctype html>")
    assert is_html(page)
    assert "does the path exist?" in str(unlike_the_api(GET, page))
    assert is_html(Response(200, {"Content-Type": "application/json"}, b"  <HTML>"))
    assert not is_html(Response(200, {"Content-Type": "application/json"}, b"{}"))


def test_a_refusal_inside_a_success_is_found() -> None:
    """The documents of 2024 let an export fail with ok: false under a 200."""
    found = {"ok": False, "message": "Export failed"}
    assert isinstance(refusal_inside(GET, answer(200, found), found), errors.UnexpectedStatusError)
    there = {"success": False, "message": "Lead already in the campaign"}
    assert type(refusal_inside(GET, answer(200, there), there)) is errors.LeadAlreadyExistsError
    for fine in ({"ok": True}, {"deleted": False}, {"smtp": {"success": False}}, [], "x", None):
        assert refusal_inside(GET, answer(200, fine), fine) is None


def test_an_error_keeps_only_harmless_headers_and_a_short_body() -> None:
    found = refusal(GET, answer(400, "x" * 10_000, **LIMITED, **{"Set-Cookie": "session=1"}))
    assert "Set-Cookie" not in found.headers
    assert found.headers["X-RateLimit-Limit"] == "20"
    found.scrub(str)
    assert len(found.body) == 2_000
    assert len(found.message) == 300
    assert found.retry_after == 2.0


@pytest.mark.parametrize(("status", "message"), [(400, "Bad team"), (404, "Campaign not found")])
def test_a_refusal_names_the_only_record_of_its_path(status: int, message: str) -> None:
    call: Call[Any] = Call("GET", "/campaigns/{campaignId}/stats", ("cam_1",))
    error = refusal(call, answer(status, message, text=True))
    assert error.__notes__ == ["campaign cam_1 is not in the team of this key, or there is none"]


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("/campaigns/{campaignId}/leads/{leadId}", ("cam_1", "lea_1")),
        ("/leads/{email}", ("a@x.io",)),
        ("/team", ()),
    ],
)
def test_a_refusal_names_no_record_where_it_is_not_certain_or_personal(
    path: str, ids: tuple[str, ...]
) -> None:
    error = refusal(Call("GET", path, ids), answer(400, "Bad team", text=True))
    assert not getattr(error, "__notes__", [])
