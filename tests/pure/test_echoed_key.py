"""An echoed key is removed before a text is cut, since a part of a key could not be recognised."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from lemlist_async import errors
from lemlist_async.core.classify import BODY_READ, refusal, refusal_inside, unlike_the_api
from lemlist_async.core.json import dumps
from lemlist_async.core.wire import Call, Response
from lemlist_async.credentials import ApiKey
from lemlist_async.errors import BODY_KEPT, LINE_KEPT

CANARY = "canary-key/of+32~characters!#"
KEY = ApiKey(CANARY)
ENCODED = KEY.authorization.removeprefix("Basic ")
FORMS = {
    "plain": CANARY,
    "base64": ENCODED,
    "quoted": quote(CANARY, safe=""),
    "quoted base64": quote(ENCODED, safe=""),
}
CALL: Call[Any] = Call("GET", "/team")
PLAIN = {"Content-Type": "text/plain"}


def refused(text: str) -> errors.APIStatusError:
    """An error whose message and body are the text."""
    return refusal(CALL, Response(401, PLAIN, text.encode()))


def refused_in_json(text: str) -> errors.APIStatusError:
    """An error whose message and code are the text."""
    return refusal(CALL, Response(400, {}, dumps({"message": text, "code": text})))


def refused_inside(text: str) -> errors.APIStatusError:
    """An error that came with a 200."""
    body = {"ok": False, "message": text}
    found = refusal_inside(CALL, Response(200, {}, dumps(body)), body)
    assert found is not None
    return found


def no_api(text: str) -> errors.DecodeError:
    """A page in place of an answer."""
    return unlike_the_api(CALL, Response(200, {"Content-Type": "text/html"}, text.encode()))


def not_json(text: str) -> errors.DecodeError:
    """Bodies that are not JSON."""
    return errors.DecodeError("the answer is not JSON", status=200, body=text)


CUTS: list[tuple[Callable[[str], errors.LemlistError], str, int]] = [
    (refused, "message", LINE_KEPT),
    (refused, "body", BODY_KEPT),
    (refused_in_json, "message", LINE_KEPT),
    (refused_in_json, "code", LINE_KEPT),
    (refused_inside, "message", LINE_KEPT),
    (no_api, "body", BODY_KEPT),
    (not_json, "body", BODY_KEPT),
]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(
    ("make", "name", "kept"), CUTS, ids=[f"{make.__name__} {name}" for make, name, _ in CUTS]
)
def test_a_key_is_taken_out_wherever_the_cut_would_go_through_it(
    form: str, make: Callable[[str], errors.LemlistError], name: str, kept: int
) -> None:
    for before in range(kept - len(form) - 2, kept + 3):
        error = make("_" * before + form + "_" * 50)
        error.scrub(KEY.redact)
        assert getattr(error, name) == ("_" * before + "…" + "_" * 50)[:kept]
        assert form[:4] not in f"{error} {error!r} {error.__dict__} {error.args}"
        assert form[:4].encode() not in pickle.dumps(error)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_many_keys_before_the_cut_do_not_bring_one_from_behind_it_into_view(form: str) -> None:
    error = refused(f"_{form}_" * 200)
    error.scrub(KEY.redact)
    assert error.body == "_…_" * 200
    assert error.message == "_…_" * 100


def test_a_key_that_control_characters_hold_apart_is_found_once_they_are_gone() -> None:
    error = refused("_" * 290 + "\x1b".join(CANARY))
    error.scrub(KEY.redact)
    assert error.message == "_" * 290 + "…"


def test_no_more_of_a_body_is_looked_through_than_could_matter() -> None:
    response = Response(200, {"Content-Type": "text/html"}, b"x" * BODY_READ * 2)
    assert len(unlike_the_api(CALL, response).body) == BODY_READ


def test_a_message_beyond_the_line_does_not_decide_what_the_error_means() -> None:
    assert type(refused("_" * 280 + " bad team ")) is errors.AuthenticationError
    assert type(refused("_ " * 120 + "lead already in the campaign")) is errors.LeadAlreadyExistsError
    assert type(refused("_ " * 160 + "lead already in the campaign")) is errors.AuthenticationError


def test_a_key_echoed_in_a_header_that_is_kept_is_taken_out_too() -> None:
    error = refusal(CALL, Response(400, {"Content-Type": f"text/{CANARY}"}, b"no"))
    error.scrub(KEY.redact)
    assert error.headers == {"Content-Type": "text/…"}
