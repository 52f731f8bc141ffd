"""Posted bodies: accepted, refused, and what their events hold."""

import json
import time
import traceback
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemlist_async.errors import ConfigurationError
from lemlist_async.resources.webhooks import EventType
from lemlist_async.webhooks import (
    MAX_BODY,
    RETIRED,
    BodyTooLargeError,
    ClickEvent,
    EmailEvent,
    EnrichmentEvent,
    Event,
    LinkedinEvent,
    MalformedBodyError,
    ReplyEvent,
    SecretMismatchError,
    WebhookError,
    parse,
)
from lemlist_async.webhooks.parsing import Delivery, Secrets, delivery_of
from tests.support.posted import PRIVATE, SECRET, event, posted, results

TYPES = get_args(EventType)


def delivered(body: bytes) -> Delivery:
    return delivery_of(body, Secrets(None), MAX_BODY)


def test_lemlist_posts_75_types() -> None:
    assert len(TYPES) == len(set(TYPES)) == 75


@pytest.mark.parametrize("kind", TYPES)
def test_an_event_of_every_type_is_read_and_comes_back_unchanged(kind: str) -> None:
    found = parse(posted(7, kind, Gender="x"), secret=SECRET)
    assert (found.type, found.id, found.campaign_id, found.lead_email) == (kind, "act_7", "cam_1", PRIVATE)
    assert found.created_at is not None
    assert found.created_at.year == 2026
    assert found.extra == {"email": PRIVATE, "Gender": "x"}
    assert found.to_dict() == event(7, kind, Gender="x")


@pytest.mark.parametrize("kind", TYPES)
def test_only_the_type_is_required_of_an_event(kind: str) -> None:
    found = parse(json.dumps({"type": kind, "secret": SECRET}), secret=SECRET)
    assert (found.type, found.id, found.to_dict()) == (kind, "", {"type": kind})


@pytest.mark.parametrize("kind", ["somethingNew", "Ωmega", *RETIRED])
def test_an_unknown_or_retired_type_is_accepted(kind: str) -> None:
    found = parse(posted(1, kind), secret=SECRET)
    assert type(found) in {Event, EmailEvent}
    assert found.type == kind


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        ("emailsReplied", ReplyEvent),
        ("emailsClicked", ClickEvent),
        ("emailsBounced", EmailEvent),
        ("linkedinSent", LinkedinEvent),
        ("enrichmentDone", EnrichmentEvent),
        ("sendLimitReached", Event),
    ],
)
def test_a_type_with_fields_of_its_own_has_its_model(kind: str, model: type[Event]) -> None:
    assert type(parse(posted(1, kind), secret=SECRET)) is model


def test_a_reply_has_its_text_and_addresses() -> None:
    mail = {
        "fromEmail": "a@b.test",
        "messagePreview": "Hi",
        "text": "Hi\n> you",
        "to": [{"address": "c@d.test", "name": ""}],
    }
    found = parse(posted(**mail), secret=SECRET)
    assert isinstance(found, ReplyEvent)
    assert (found.from_email, found.message_preview, found.text) == ("a@b.test", "Hi", "Hi\n> you")
    assert [one.address for one in found.to or ()] == ["c@d.test"]


@pytest.mark.parametrize("key", ["linkUrl", "clickedUrl", "url"])
def test_the_address_of_a_click_is_found_under_each_of_its_names(key: str) -> None:
    found = parse(posted(kind="emailsClicked", **{key: "https://x.test"}), secret=SECRET)
    assert isinstance(found, ClickEvent)
    assert found.link == "https://x.test"


def test_a_reply_from_another_address_has_no_campaign() -> None:
    body = {"_id": "act_1", "type": "emailsReplied", "isThirdPartyReply": True, "secret": SECRET}
    found = parse(json.dumps(body), secret=SECRET)
    assert (found.is_third_party_reply, found.campaign_id, found.lead_id) == (True, None, None)


def test_a_variable_that_has_the_name_of_a_core_key_does_not_stand_in_its_place() -> None:
    shadows = {"type": "Customer", "campaignId": "mine", "leadId": 7, "teamId": None}
    found = parse(posted(**shadows), secret=SECRET)
    assert (found.type, found.campaign_id, found.lead_id, found.team_id) == (
        "emailsReplied",
        "cam_1",
        "lea_1",
        "tea_1",
    )
    assert isinstance(found, ReplyEvent)


def test_a_variable_of_another_type_than_the_field_is_kept_as_it_is() -> None:
    found = parse(posted(bot="yes", createdAt="soon", to="x", sequenceStep=[1]), secret=SECRET)
    assert (found.bot, found.created_at, found.sequence_step) == ("yes", "soon", [1])
    assert found.to_dict()["to"] == "x"


@pytest.mark.parametrize("kind", [None, "enrichmentDone"])
def test_posted_results_are_enrichments(kind: str | None) -> None:
    body = results("enr_1", "enr_2") | ({} if kind is None else {"type": kind})
    found = parse(json.dumps(body), secret=None)
    assert isinstance(found, EnrichmentEvent)
    assert found.type == "enrichmentDone"
    assert [(one.enrichment_id, one.email, one.metadata) for one in found.results] == [
        ("enr_1", PRIVATE, "1"),
        ("enr_2", PRIVATE, "1"),
    ]


@pytest.mark.parametrize("data", [None, [], "x", [{"id": 1}]])
def test_an_enrichment_without_results_has_none(data: Any) -> None:
    found = parse(json.dumps({"type": "enrichmentError", "data": data}), secret=None)
    assert isinstance(found, EnrichmentEvent)
    assert found.results == []


# Secrets ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent", ["guess", "", SECRET[:-1], SECRET + "x", SECRET.upper(), None, 1, [SECRET], {}, True]
)
def test_a_forged_secret_is_refused(sent: Any) -> None:
    with pytest.raises(SecretMismatchError) as caught:
        parse(posted(secret=sent), secret=SECRET)
    assert caught.value.status == 401


def test_a_missing_secret_is_refused() -> None:
    with pytest.raises(SecretMismatchError):
        parse(json.dumps(event()), secret=SECRET)


def test_two_secrets_are_accepted_while_they_are_exchanged() -> None:
    for sent in ("new", "old"):
        assert parse(posted(secret=sent), secret=["new", "old"]).id == "act_1"
    with pytest.raises(SecretMismatchError):
        parse(posted(secret="older"), secret=["new", "old"])


@pytest.mark.parametrize("secret", ["", [], ["a", ""], [None], 7, [b"x"]])
def test_an_empty_secret_is_no_secret(secret: Any) -> None:
    with pytest.raises((ConfigurationError, TypeError)):
        parse(posted(), secret=secret)


@pytest.mark.parametrize("accepted", [SECRET, None])
def test_the_secret_is_nowhere_in_the_event(accepted: str | None) -> None:
    found = parse(posted(), secret=accepted)
    assert SECRET not in f"{found!r} {found.to_dict()} {found.extra} {vars(type(found))} {found._raw}"


@given(st.text(min_size=1), st.text())
def test_only_the_very_secret_is_accepted(secret: str, other: str) -> None:
    assert Secrets(secret).admits(other) is (secret == other)
    assert Secrets(["x", secret]).admits(secret)


def test_a_token_tells_no_secret_and_belongs_to_one() -> None:
    old, both = Secrets("old"), Secrets(["new", "old"])
    assert both.admits_token(old.token())
    assert both.admits_token(both.token())
    assert not old.admits_token(both.token())
    assert not old.admits_token("ünknown\ud800")
    assert "old" not in old.token()
    assert "old" not in repr(vars(old))


# What is no event ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b'"x"', b"<html>", b"\xff\xfe", b"[" * 200_000, b"secret=x"]
)
def test_what_is_no_json_object_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBodyError) as caught:
        parse(body, secret=SECRET)
    assert caught.value.status == 400


@pytest.mark.parametrize("kind", [None, 1, "", [], {}])
def test_an_object_without_a_type_is_malformed(kind: Any) -> None:
    with pytest.raises(MalformedBodyError):
        parse(json.dumps({"type": kind}), secret=None)


def test_an_object_that_is_too_deep_to_be_stored_is_malformed() -> None:
    deep = '{"type":"x","a":' + "[" * 600 + "]" * 600 + "}"
    with pytest.raises(MalformedBodyError):
        parse(deep, secret=None)


@pytest.mark.parametrize("body", [b"x" * 300_000, "x" * 300_000, "é" * (MAX_BODY // 2 + 1)])
def test_a_large_body_is_refused_before_it_is_parsed(body: bytes | str) -> None:
    with pytest.raises(BodyTooLargeError) as caught:
        parse(body, secret=SECRET)
    assert caught.value.status == 413


def test_damage_costs_the_field_and_not_the_event() -> None:
    body = posted(note="NOTE").replace(b"NOTE", b"cut \\ud83d here \xff")
    assert parse(body, secret=SECRET).note == "cut � here �"
    assert parse(bytearray(body), secret=SECRET).id == "act_1"


@pytest.mark.parametrize("piece", [b'{"a":', b"[", b"{", b"NaN,", b"\\q"])
def test_a_body_that_is_made_to_keep_the_parser_busy_does_not(piece: bytes) -> None:
    body = (b'{"a":"' if piece == b"\\q" else b'{"a":[') + piece * (MAX_BODY // len(piece) - 8)
    closed = body + (b'"}' if piece == b"\\q" else b"1]}")
    began = time.process_time()
    with pytest.raises(WebhookError):
        parse(closed, secret=SECRET)
    assert (
        time.process_time() - began < 2
    )  # about 0.1 s; without a bound such bodies take quadratic time or more


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_an_error_of_webhooks(body: bytes) -> None:
    with pytest.raises(WebhookError):
        parse(body, secret=SECRET)


@pytest.mark.parametrize(
    "body",
    [
        posted(secret="x" + SECRET),
        posted(type=None, metaData=None),
        PRIVATE.encode() * 20_000,
        b"{" + posted(),
    ],
)
def test_no_error_tells_the_secret_or_the_body(body: bytes) -> None:
    with pytest.raises(WebhookError) as caught:
        parse(body, secret=SECRET)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
    assert SECRET not in told
    assert PRIVATE not in told


# Keys ---------------------------------------------------------------------------------------------------


def test_the_key_is_of_id_and_type() -> None:
    first = delivered(posted(1))
    assert first.key == delivered(posted(1, subject="other", secret="other")).key
    assert first.key != delivered(posted(2)).key
    assert first.key != delivered(posted(1, "warmed")).key
    assert len(first.key) == 16


@pytest.mark.parametrize("name", [None, "", 7])
def test_the_key_is_of_the_whole_body_where_there_is_no_id(name: Any) -> None:
    body = {"type": "sendLimitReached", "a": 1, "b": 2, "_id": name}
    turned = dict(reversed(body.items()))
    first, second = (
        delivered(json.dumps(one | {"secret": n}).encode()) for n, one in enumerate((body, turned))
    )
    assert first.key == second.key
    assert not first.named
    assert first.key != delivered(json.dumps(body | {"a": 2}).encode()).key


def test_what_is_stored_has_no_secret() -> None:
    assert SECRET not in delivered(posted()).text
    assert json.loads(delivered(posted()).text) == event()
    assert PRIVATE not in repr(delivered(posted()))
