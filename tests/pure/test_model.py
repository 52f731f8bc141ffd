"""Models: lenient in, exact out."""

from __future__ import annotations

import ast
import copy
import enum
import inspect
import itertools
import pickle
import pprint
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, Literal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemlist_async.core import decode as decode_module
from lemlist_async.core.decode import decoder
from lemlist_async.core.model import Model, SnakeModel, model, unstructure, write_time
from lemlist_async.core.names import Id, Secret, Wire, camel
from lemlist_async.core.wire import UnexpectedTypes
from lemlist_async.errors import InvalidInputError
from lemlist_async.resources.activities import Activity, ActivityLead
from lemlist_async.resources.campaigns_models import Campaign
from lemlist_async.resources.inbox import Conversation, Message
from lemlist_async.resources.team import Invitation, Member, Team
from lemlist_async.resources.users import ChannelAccount, LinkedIn, Mailbox, User


@model
class Inner(Model):
    value: int | None = None


@model
class Sample(Model):
    id: Id
    first_name: str | None = None
    status: Literal["on", "off"] | str | None = None
    count: int | None = None
    share: float | None = None
    is_paused: bool | None = None
    created_at: datetime | None = None
    inner: Inner | None = None
    inners: list[Inner] | None = None
    by_name: dict[str, Inner] | None = None
    anything: Any = None
    mixed: bool | str | None = None
    hook: Annotated[str | None, Secret()] = None
    odd_name: Annotated[str | None, Wire("Odd-Name")] = None


@model
class Tree(Model):
    id: Id
    parent: Tree | None = None


@model
class Snake(SnakeModel):
    company_name: str | None = None


FULL: dict[str, Any] = {
    "_id": "x_1",
    "firstName": "Ann",
    "status": "on",
    "count": 3,
    "share": 0.5,
    "isPaused": False,
    "createdAt": "2026-03-04T05:06:07.089Z",
    "inner": {"value": 1},
    "inners": [{"value": 2}, {}],
    "byName": {"a": {"value": 3}},
    "anything": [1, {"b": None}],
    "mixed": "A",
    "hook": "https://hooks.example/secret",
    "Odd-Name": "odd",
}


def read(data: Any, cls: Any = Sample) -> tuple[Any, UnexpectedTypes]:
    unexpected_types: UnexpectedTypes = {}
    return decoder(cls)(copy.deepcopy(data), unexpected_types), unexpected_types


def test_every_kind_of_field_is_read() -> None:
    found, unexpected_types = read(FULL)
    assert (found.id, found.first_name, found.count, found.is_paused) == ("x_1", "Ann", 3, False)
    assert found.created_at == datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC)
    assert found.inner == Inner(value=1)
    assert found.inners == [Inner(value=2), Inner()]
    assert found.by_name == {"a": Inner(value=3)}
    assert (found.mixed, found.odd_name, found.extra) == ("A", "odd", {})
    assert unexpected_types == {}


def test_what_came_can_be_given_back() -> None:
    assert read(FULL)[0].to_dict() == FULL


def test_what_was_changed_is_given_back_changed() -> None:
    found, _ = read({**FULL, "count": "7", "firstName": None})
    found.count, found.first_name, found.inner = 8, "Bob", None
    expected = {**FULL, "count": 8, "firstName": "Bob"}
    del expected["inner"]
    assert found.to_dict() == expected


def test_reading_leaves_the_given_object_alone() -> None:
    given_ = copy.deepcopy(FULL)
    Sample.from_dict(given_)
    assert given_ == FULL


class Word(enum.StrEnum):
    NAME = "firstName"
    NEW = "new key"


class Posing(str):
    """A key that is written as code."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "1 / 0"

    def __str__(self) -> str:
        return "another"


@pytest.mark.parametrize("sparse", [False, True], ids=["of its own shape", "of any shape"])
def test_keys_that_only_derive_from_str_are_read_as_the_text_they_hold(
    sparse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sparse:
        monkeypatch.setattr(decode_module, "LONGEST", 0)
    key = Posing("it's \\ \n \ud800 {0}\"")
    found = Sample.from_dict({"_id": "x_1", Word.NAME: "Ann", Word.NEW: [{key: 1}], key: {Word.NEW: 2}})
    assert (found.first_name, found.extra) == ("Ann", {"new key": [{key: 1}], key: {"new key": 2}})
    inside = [*found.extra["new key"][0], *found.extra[key]]
    assert {type(one) for one in [*found.extra, *inside, *found.to_dict()]} == {str}


def test_even_what_never_passed_from_dict_writes_no_code() -> None:
    key = Posing("key")
    assert decoder(Sample)({"_id": "x_1", key: 1}, {}).extra == {"key": 1}


@pytest.mark.parametrize("key", [1, None, True, 1.5, (1, 2), b"_id", object()])
@pytest.mark.parametrize("where", [lambda bad: bad, lambda bad: {"inner": bad}, lambda bad: {"new": [[bad]]}])
def test_keys_that_are_no_strings_are_refused_at_any_depth(key: object, where: Callable[[Any], Any]) -> None:
    with pytest.raises(InvalidInputError, match=f"keys .* of type {type(key).__name__}$"):
        Sample.from_dict(where({key: 1}))


def test_models_and_times_within_the_given_object_are_read_too() -> None:
    given_ = {"_id": "x_1", "inner": Inner(value=1), "createdAt": datetime(2026, 3, 4, tzinfo=UTC)}
    found = Sample.from_dict(given_)
    assert (found.inner, found.created_at) == (Inner(value=1), given_["createdAt"])
    with pytest.raises(InvalidInputError):
        Sample.from_dict({"new": Inner(extra={"a": {1: 2}})})


def test_unknown_keys_are_kept_under_their_own_names() -> None:
    """Quirk: lead keys are free text, and new keys appear without notice."""
    data = {"_id": "x_1", "Company name": "Acme", "firstName": "Ann", "first name": "Anne", "extra": {"a": 1}}
    found, unexpected_types = read(data)
    assert found.extra == {"Company name": "Acme", "first name": "Anne", "extra": {"a": 1}}
    assert (found.to_dict(), unexpected_types) == (data, {})


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("count", "7", 7),
        ("count", "-7", -7),
        ("count", 7.5, 7.5),
        ("share", 1, 1),
        ("createdAt", "2026-03-04", datetime(2026, 3, 4, tzinfo=UTC)),
        ("createdAt", "2026-03-04T05:06:07+02:00", datetime(2026, 3, 4, 3, 6, 7, tzinfo=UTC)),
        ("createdAt", "2026-03-04 05:06:07.089Z", datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC)),
    ],
)
def test_another_spelling_of_the_promised_type_is_read_and_given_back(
    key: str, value: Any, kept: Any
) -> None:
    """Quirk: a limit is 50 for one mailbox and "50" for another."""
    found, unexpected_types = read({"_id": "x_1", key: value})
    name = {"createdAt": "created_at"}.get(key, key)
    assert (getattr(found, name), unexpected_types) == (kept, {})
    assert found.to_dict()[key] == value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("count", "many"),
        ("count", True),
        ("count", "9" * 30),
        ("firstName", 5),
        ("isPaused", "yes"),
        ("share", "half"),
        ("createdAt", "yesterday"),
        ("createdAt", 5),
        ("createdAt", True),
        ("createdAt", 10**30),
        ("createdAt", "1 2 3"),
        ("inner", "text"),
        ("inners", {"value": 1}),
        ("inners", ["text"]),
        ("byName", [1]),
    ],
)
def test_a_value_of_another_type_is_kept_as_it_came_and_counted(key: str, value: Any) -> None:
    """Quirk: response schemas are not kept to, so nothing may raise on them."""
    found, unexpected_types = read({"_id": "x_1", key: value})
    assert found.to_dict() == {"_id": "x_1", key: value}
    assert sum(unexpected_types.values()) == 1


def test_an_unknown_value_of_an_enumeration_is_no_surprise() -> None:
    """Quirk: new statuses and event types appear monthly."""
    found, unexpected_types = read({"_id": "x_1", "status": "brand-new"})
    assert (found.status, unexpected_types) == ("brand-new", {})


def test_null_is_told_from_a_missing_key() -> None:
    """Quirk: hardly anything is marked as nullable, and anything may be null."""
    nulls = {"_id": "x_1", **dict.fromkeys(list(FULL)[1:])}
    found, unexpected_types = read(nulls)
    assert (found.first_name, found.inner, found.anything, unexpected_types) == (None, None, None, {})
    assert found.to_dict() == nulls
    assert read({"_id": "x_1"})[0].to_dict() == {"_id": "x_1"}


@pytest.mark.parametrize("data", [{}, {"_id": None}])
def test_a_missing_id_is_empty_and_counted(data: dict[str, Any]) -> None:
    found, unexpected_types = read(data)
    assert (found.id, unexpected_types) == ("", {"Sample.id": 1})
    assert found.to_dict() == data


def test_what_is_no_object_at_all_is_kept_and_counted() -> None:
    assert read([1]) == ([1], {"Sample": 1})
    assert read("text", list[Sample]) == ("text", {"list[Sample]": 1})


def test_a_model_may_hold_itself() -> None:
    found, _ = read({"_id": "a", "parent": {"_id": "b"}}, Tree)
    assert found.parent.id == "b"


def test_snake_case_keys_are_read_where_lemlist_spells_them_so() -> None:
    assert read({"company_name": "Acme"}, Snake)[0].company_name == "Acme"
    assert not hasattr(Snake(), "__dict__")


def test_repr_hides_secrets_and_the_values_of_unknown_keys() -> None:
    shown = repr(read({**FULL, "apiToken": "hush"})[0])
    assert "hooks.example" not in shown
    assert "hush" not in shown
    assert "hook=…" in shown
    assert "extra={'apiToken': …}" in shown


def test_only_the_first_orders_of_keys_get_their_own_function_and_all_read_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decode_module, "SHAPES", 2)

    @model
    class Fresh(Sample):
        """One that no other test has shown any order of keys."""

    values: dict[str, Any] = {**FULL, "Company name": "Acme", "count": None}
    for keys in itertools.permutations(["_id", "firstName", "count", "Company name"]):
        data = {key: values[key] for key in keys}
        unexpected_types: UnexpectedTypes = {}
        found: Fresh = decoder(Fresh)(data, unexpected_types)
        assert (found.to_dict(), found.extra, unexpected_types) == (data, {"Company name": "Acme"}, {})


def test_rows_of_any_orders_of_keys_are_read_alike_one_by_one_and_as_a_list() -> None:
    rows: list[Any] = [
        *(dict(reversed(FULL.items())) if n % 3 else dict(FULL) for n in range(7)),
        {"_id": "short"},
        "no object",
        None,
        {**FULL, "count": "many"},
    ]
    apart: UnexpectedTypes = {}
    together: UnexpectedTypes = {}
    single = [decoder(Sample)(row, apart) for row in rows]
    assert decoder(list[Sample])(rows, together) == single
    assert together == apart == {"Sample": 2, "Sample.count": 1}


def test_an_object_with_very_many_keys_is_read_too() -> None:
    data = {"_id": "x_1", **{f"Variable {number}": "x" for number in range(2_000)}}
    assert read(data)[0].to_dict() == data


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(list(FULL)) | st.text(max_size=6), JSON, max_size=10))
def test_any_object_is_read_without_an_error_and_given_back_whole(data: dict[str, Any]) -> None:
    found, _ = read(data)
    assert found.to_dict() == data
    assert Sample.from_dict(found.to_dict()).to_dict() == data


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2026, 3, 4, 5, 6, 7, 89_123, tzinfo=UTC), "2026-03-04T05:06:07.089Z"),
        (datetime(2026, 3, 4, 5, 6, 7), "2026-03-04T05:06:07.000Z"),  # noqa: DTZ001  # naive is the point
        (datetime(2026, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))), "2026-03-04T03:00:00.000Z"),
    ],
)
def test_times_are_written_in_utc_with_milliseconds(value: datetime, text: str) -> None:
    assert write_time(value) == unstructure(value) == text


def test_names_become_camel_case() -> None:
    assert [camel(name) for name in ("id", "first_name", "linkedin_url_sales_nav")] == [
        "id", "firstName", "linkedinUrlSalesNav",
    ]  # fmt: skip


NINE = datetime(2021, 2, 16, 9, 2, 42, tzinfo=UTC)


@pytest.mark.parametrize(
    ("came", "read"),
    [
        (
            "Tue Feb 16 2021 09:02:42 GMT+0100 (Central European Standard Time)",
            NINE - timedelta(hours=1),
        ),
        ("Tue Feb 16 2021 09:02:42 GMT+0000", NINE),
        ("Tue, 16 Feb 2021 09:02:42 GMT", NINE),
        ("2021-02-16 09:02:42 UTC", NINE),
        (1_613_466_162_000, NINE),
        (1_613_466_162, NINE),
        (1_613_466_162_000.0, NINE),
        ("1613466162000", NINE),
        ("1711111112345", datetime(2024, 3, 22, 12, 38, 32, 345_000, tzinfo=UTC)),
        ("20210216", datetime(2021, 2, 16, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_in_every_form_that_javascript_writes(came: Any, read: datetime) -> None:
    unexpected_types: UnexpectedTypes = {}
    found: Sample = decoder(Sample)({"_id": "a", "createdAt": came}, unexpected_types)
    assert found.created_at == read
    assert unexpected_types == {}
    assert found.to_dict() == {"_id": "a", "createdAt": came}


RAW = {"_id": "a", "firstName": "Ann", "count": "50", "isPaused": None, "Odd": 1, "inner": {"value": "7"}}


def test_a_changed_copy_keeps_the_form_in_which_the_rest_came() -> None:
    found = Sample.from_dict(RAW)
    assert attrs.evolve(found).to_dict() == RAW
    changed = attrs.evolve(found, first_name="Bob", count=51)
    assert changed.to_dict() == {**RAW, "firstName": "Bob", "count": 51}
    assert found.to_dict() == RAW
    assert attrs.evolve(changed, count=50).to_dict() == {**RAW, "firstName": "Bob"}
    assert attrs.evolve(Sample(id="a"), first_name="Ann").to_dict() == {"_id": "a", "firstName": "Ann"}


@pytest.mark.parametrize("same", [copy.copy, copy.deepcopy, lambda found: pickle.loads(pickle.dumps(found))])
def test_a_copy_keeps_the_form_in_which_it_came(same: Callable[[Sample], Sample]) -> None:
    found = same(Sample.from_dict(RAW))
    assert found == Sample.from_dict(RAW)
    assert found.to_dict() == RAW


def test_the_json_that_a_model_came_as_is_shown_by_nothing() -> None:
    found = Sample.from_dict(
        {**RAW, "hook": "https://secret.example", "createdAt": "kept only in the raw form"}
    )
    found.created_at = None
    for shown in (repr(attrs.asdict(found)), repr(attrs.astuple(found)), repr(found), pprint.pformat(found)):
        assert "kept only in the raw form" not in shown
        assert "secret.example" not in shown
    assert "_raw" not in attrs.asdict(found)


def test_a_model_says_why_it_has_no_hash() -> None:
    for kind in (Sample, Inner, Model):
        with pytest.raises(
            TypeError, match=f"a {kind.__name__} can be changed, and has no hash: take its id"
        ):
            hash(kind(id="a") if kind is Sample else kind())


DEEP: Any = [[[[[["x"] * 9] * 9] * 9] * 9] * 9] * 9


@pytest.mark.parametrize(
    "value",
    [
        "x" * 10**6,
        ["x" * 10**6] * 1000,
        {str(number): "x" * 1000 for number in range(5000)},
        DEEP,
    ],
)
def test_what_repr_shows_of_a_large_value_is_short(value: Any) -> None:
    found = Sample(id="a", anything=value, extra={f"key {number}" * 100: 1 for number in range(1000)})
    assert len(repr(found)) < 40_000
    assert "…" in repr(found)
    assert found.to_dict()["anything"] == value


def test_repr_shows_small_values_whole() -> None:
    found = Sample(id="a", anything={"a": [1, "b", None]}, inner=Inner(value=1))
    assert repr(found) == "Sample(id='a', inner=Inner(value=1), anything={'a': [1, 'b', None]})"


READ_MOST = (
    Campaign, User, Mailbox, LinkedIn, ChannelAccount, Team, Member, Invitation, Activity, ActivityLead,
    Message, Conversation,
)  # fmt: skip


@pytest.mark.parametrize("kind", READ_MOST)
def test_every_field_of_the_models_that_people_read_most_is_described(kind: type) -> None:
    (body,) = (node for node in ast.parse(inspect.getsource(kind)).body if isinstance(node, ast.ClassDef))
    fields = [
        (node, after)
        for node, after in zip(body.body, [*body.body[1:], None], strict=True)
        if isinstance(node, ast.AnnAssign)
    ]
    assert [
        ast.unparse(node.target)
        for node, after in fields
        if not isinstance(after, ast.Expr) and ast.unparse(node.target) != "id"
    ] == []
