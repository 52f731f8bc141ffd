"""Keyword arguments to query and body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, Required, TypedDict

import pytest

from lemlist_async.core.json import loads
from lemlist_async.core.names import Wire
from lemlist_async.core.payload import InQuery, Payload, encode, query_value, to_json
from lemlist_async.core.validation import Between, Length
from lemlist_async.errors import InvalidInputError
from lemlist_async.resources._base import custom_fields, custom_query, not_a_route, with_custom, within


class Inner(TypedDict, total=False):
    filter_id: Required[str]
    include: Annotated[Sequence[str], Wire("in")]


class Spec(TypedDict, total=False):
    first_name: Required[str]
    is_paused: bool
    due_date: datetime | str
    filters: Sequence[Inner]
    nested: Inner
    weekdays: Annotated[Sequence[int], Between(1, 7)]
    percent: Annotated[int, Between(0, 100)]
    at_least: Annotated[int, Between(1)]
    title: Annotated[str, Length(2, 5)]
    ids: Annotated[Sequence[str], Length(1, 2)]
    meta: Mapping[str, Any]
    deduplicate: Annotated[bool, InQuery()]
    states: Annotated[Sequence[str] | str, InQuery()]
    kinds: Annotated[Sequence[str], Wire("type[]"), InQuery("repeated")]
    conditions: Annotated[Sequence[Inner], InQuery("json")]
    since: Annotated[datetime | date | int | str, InQuery()]


class OnlyQuery(TypedDict, total=False):
    variant: Annotated[Literal["A", "B"], InQuery()]


def sent(**fields: Any) -> Payload:
    return encode(Spec, {"first_name": "Ann", **fields})


def test_body_fields_travel_under_their_wire_names_and_missing_ones_do_not() -> None:
    assert sent(is_paused=False).body == {"firstName": "Ann", "isPaused": False}


def test_none_is_null_in_a_body_and_nothing_in_a_query() -> None:
    payload = sent(due_date=None, deduplicate=None)
    assert payload == Payload([], {"firstName": "Ann", "dueDate": None})


def test_nested_fields_are_renamed_too() -> None:
    """Quirk: `in` is no name that Python takes."""
    condition = {"filter_id": "country", "include": ("France",)}
    body = sent(filters=(condition,), nested=condition).body
    wire = {"filterId": "country", "in": ["France"]}
    assert body == {"firstName": "Ann", "filters": [wire], "nested": wire}


@pytest.mark.parametrize(
    ("field", "value", "query"),
    [
        ("deduplicate", True, [("deduplicate", "true")]),
        ("states", ["a", "b"], [("states", "a,b")]),
        ("states", "a,b", [("states", "a,b")]),
        ("kinds", ["a", "b"], [("type[]", "a"), ("type[]", "b")]),
        ("conditions", [{"filter_id": "x"}], [("conditions", '[{"filterId":"x"}]')]),
        ("conditions", [], [("conditions", "[]")]),
        ("since", datetime(2026, 3, 4, tzinfo=UTC), [("since", "2026-03-04T00:00:00.000Z")]),
        ("since", date(2026, 3, 4), [("since", "2026-03-04")]),
        ("since", 1_700_000_000, [("since", "1700000000")]),
    ],
)
def test_a_query_carries_text(field: str, value: Any, query: list[tuple[str, str]]) -> None:
    """Quirk: true in lower case; lists by comma, repeated, or as JSON, as each route wants them."""
    assert list(sent(**{field: value}).query) == query


def test_a_spec_without_body_fields_has_no_body() -> None:
    assert encode(OnlyQuery, {"variant": "A"}) == Payload([("variant", "A")], None)


def test_a_typo_is_told_with_the_nearest_name() -> None:
    with pytest.raises(TypeError, match=r"'is_pausd'; did you mean 'is_paused'\?"):
        sent(is_pausd=True)
    with pytest.raises(TypeError, match=r"unknown argument 'zzz'$"):
        sent(zzz=True)


def test_a_missing_required_field_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="first_name"):
        encode(Spec, {})


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("percent", 101, "percent must be from 0 to 100, not 101"),
        ("percent", -1, "from 0 to 100"),
        ("percent", True, "must be a whole number, not True"),
        ("percent", "5", "must be a whole number, not '5'"),
        ("at_least", 0, "at least 1, not 0"),
        ("weekdays", [1, 8], "weekdays must be from 1 to 7, not 8"),
        ("title", "a", "at least 2 characters, not 1"),
        ("title", "abcdef", "at most 5 characters, not 6"),
        ("ids", [], "at least 1 item, not 0"),
        ("ids", ["a", "b", "c"], "at most 2 items, not 3"),
        ("ids", 5, "must be a list, not int"),
    ],
)
def test_what_is_out_of_its_documented_range_is_not_sent(field: str, value: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        sent(**{field: value})


@pytest.mark.parametrize("value", [{"a": 1}, None, b"x", object()])
def test_a_query_refuses_what_it_cannot_carry(value: Any) -> None:
    with pytest.raises(InvalidInputError):
        query_value(value)


def test_json_takes_times_sets_and_tuples() -> None:
    value = {
        "at": datetime(2026, 3, 4, tzinfo=UTC),
        "on": date(2026, 3, 4),
        "ids": {"b", "a"},
        "pair": (1, 2),
    }
    assert loads(to_json(value)) == {
        "at": "2026-03-04T00:00:00.000Z",
        "on": "2026-03-04",
        "ids": ["a", "b"],
        "pair": [1, 2],
    }


@pytest.mark.parametrize("value", [object(), "\ud800", {1: "a"}])
def test_json_refuses_what_it_does_not_know(value: Any) -> None:
    with pytest.raises(InvalidInputError):
        to_json(value)


@pytest.mark.parametrize("value", [{"a": 1}, ["a"], ("a",), {"a"}])
def test_a_nested_variable_is_refused(value: Any) -> None:
    """Quirk: lemlist would keep it as the text [object Object]."""
    with pytest.raises(InvalidInputError, match=r"\[object Object\]"):
        custom_fields({"Company": value})


def test_variables_go_into_the_body_under_their_own_names_once() -> None:
    payload = with_custom(Payload([], {"firstName": "Ann"}), {"Company name": "Acme"})
    assert payload.body == {"firstName": "Ann", "Company name": "Acme"}
    with pytest.raises(InvalidInputError, match="'firstName' is given as a field and as a custom one"):
        with_custom(payload, {"firstName": "Bob"})


def test_variables_in_a_query_are_its_keys() -> None:
    """Quirk: the document shows three sample names there."""
    assert list(custom_query({"Company name": "A & B", "score": 7}).query) == [
        ("Company name", "A & B"),
        ("score", "7"),
    ]
    with pytest.raises(InvalidInputError):
        custom_query({})


def test_the_name_of_another_route_is_no_id() -> None:
    """Quirk: /contacts/lists and /contacts/{idOrEmail} are two routes at one place."""
    assert not_a_route("ctc_1", "lists") == "ctc_1"
    with pytest.raises(InvalidInputError, match="'lists' is another route"):
        not_a_route("lists", "lists", "export")


def test_a_page_size_has_a_range() -> None:
    assert within("page_size", 100, 1, 100) == 100
    with pytest.raises(InvalidInputError, match="page_size must be from 1 to 100, not 0"):
        within("page_size", 0, 1, 100)
