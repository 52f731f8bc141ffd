"""Fields decoded on first access behave like any others."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest

from lemlist_async.core import decode as decode_module
from lemlist_async.core.decode import decoder
from lemlist_async.core.model import Model, model
from lemlist_async.core.names import Id, Secret
from lemlist_async.core.wire import UnexpectedTypes


@model
class Part(Model):
    value: int | None = None
    at: datetime | None = None


@model
class Whole(Model):
    id: Id
    count: int | None = None
    at: datetime | None = None
    part: Part | None = None
    parts: list[Part] | None = None

    @property
    def first(self) -> int | None:
        return (self.parts or [Part()])[0].value


DATA: dict[str, Any] = {
    "_id": "x",
    "count": "7",
    "at": "2026-03-04T05:06:07Z",
    "part": {"value": "1", "at": None, "odd": [1]},
    "parts": [{"value": 2}],
    "Team size": 3,
}


def read(data: Any = DATA) -> tuple[Whole, UnexpectedTypes]:
    unexpected_types: UnexpectedTypes = {}
    found: Whole = decoder(Whole)(copy.deepcopy(data), unexpected_types)
    return found, unexpected_types


def test_a_nested_value_is_read_once_and_then_the_same() -> None:
    found, _ = read()
    assert found.part is found.part
    assert found.parts is found.parts
    assert (found.at, found.first) == (datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC), 2)


def test_surprises_in_what_is_read_late_are_counted_when_it_is_read_and_once() -> None:
    found: Any
    found, unexpected_types = read({"_id": "x", "at": "yesterday", "part": 5})
    assert unexpected_types == {}
    for _ in range(2):
        assert (found.at, found.part) == ("yesterday", 5)
    assert unexpected_types == {"Whole.at": 1, "Part": 1}


def test_what_is_assigned_before_anybody_looked_stays() -> None:
    found, unexpected_types = read({**DATA, "part": 5})
    found.part, found.extra, found.at = None, {"a": 1}, None
    assert (found.part, found.extra, found.at, unexpected_types) == (None, {"a": 1}, None, {})
    assert found.to_dict() == {"_id": "x", "count": "7", "parts": [{"value": 2}], "a": 1}


def test_a_change_inside_of_a_nested_value_is_given_back() -> None:
    found, _ = read()
    assert found.part is not None
    found.part.value, found.extra["Team size"] = 5, 4
    assert found.to_dict() == {**DATA, "part": {**DATA["part"], "value": 5}, "Team size": 4}


def test_the_json_that_is_given_back_is_a_copy() -> None:
    found, _ = read()
    found.to_dict()["part"]["odd"].append(2)
    assert found.to_dict() == DATA


def test_a_change_of_the_given_object_after_from_dict_changes_nothing() -> None:
    data = copy.deepcopy(DATA)
    found = Whole.from_dict(data)
    data["parts"].clear()
    data["part"]["value"] = 9
    assert found.to_dict() == DATA


@pytest.mark.parametrize("touch", [False, True], ids=["untouched", "touched"])
def test_copies_and_pickles_are_equal_and_give_back_the_same_json(touch: bool) -> None:
    found, unexpected_types = read({**DATA, "part": 5})
    if touch:
        repr(found)
    for twin in (copy.copy(found), copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert twin == found
        assert repr(twin) == repr(found)
        assert twin.to_dict() == {**DATA, "part": 5}
    assert unexpected_types == {"Part": 1}


def test_a_deep_copy_is_changed_alone() -> None:
    found, _ = read()
    twin = copy.deepcopy(found)
    assert twin.part is not None
    twin.part.value = 5
    assert twin != found
    assert found.to_dict() == DATA


def test_equality_and_repr_see_what_nobody_has_looked_at() -> None:
    assert read()[0] == read()[0]
    assert read()[0] != read({**DATA, "parts": []})[0]
    assert "part=Part(value=1, extra={'odd': …})" in repr(read()[0])


@model
class Heir(Whole):
    more: datetime | None = None


def test_a_subclass_reads_inherited_fields_late_under_its_own_name() -> None:
    unexpected_types: UnexpectedTypes = {}
    found = decoder(Heir)({"_id": "x", "at": "yesterday", "more": "2026-03-04", "part": {}}, unexpected_types)
    assert (found.at, found.more, found.part) == ("yesterday", datetime(2026, 3, 4, tzinfo=UTC), Part())
    assert unexpected_types == {"Heir.at": 1}


def test_objects_that_a_program_makes_are_whole_and_pickle_too() -> None:
    made = Whole(id="x", parts=[Part(value=1)])
    assert pickle.loads(pickle.dumps(made)) == copy.copy(made) == made
    assert made.to_dict() == {"_id": "x", "parts": [{"value": 1}]}


@pytest.mark.parametrize("found", [read()[0], Whole(id="x")], ids=["read", "made"])
def test_an_unknown_attribute_is_an_error_that_names_the_class(found: Any) -> None:
    with pytest.raises(AttributeError, match=r"'Whole' object has no attribute 'nmae'"):
        _ = found.nmae
    assert not hasattr(found, "__deepcopy__")


def test_threads_that_look_at_once_get_one_object() -> None:
    with ThreadPoolExecutor(8) as threads:
        for _ in range(50):
            found, unexpected_types = read({**DATA, "parts": [{"value": "many"}]})
            seen = list(threads.map(lambda _, row=found: (id(row.part), id(row.parts)), range(16)))
            assert len(set(seen)) == 1
            assert set(threads.map(lambda _, row=found: row.first, range(16))) == {"many"}
            assert unexpected_types == {"Part.value": 1}


@model
class Looked(Model):
    """Every kind of field."""

    id: Id
    name: str | None = None
    share: float | None = None
    count: int | None = None
    at: datetime | None = None
    tags: list[str] | None = None
    anything: Any = None
    key: Annotated[str | None, Secret()] = None
    part: Part | None = None
    parts: list[Part] | None = None
    by_name: dict[str, Part] | None = None
    inner: Looked | None = None


FIELDS = (
    "id", "name", "share", "count", "at", "tags", "anything", "key", "part", "parts", "by_name", "inner", "extra",
)  # fmt: skip
USUAL: dict[str, Any] = {
    "_id": "x",
    "name": "Ann",
    "share": 1,
    "count": 7,
    "at": "2026-03-04T05:06:07Z",
    "tags": ["a"],
    "anything": {"b": None},
    "key": "hush",
    "part": {"value": 1},
    "parts": [{"value": 2}, {"at": "2026-03-04"}],
    "byName": {"a": {"value": 3}},
    "inner": {"_id": "y", "inner": {"_id": "z"}},
    "Team size": 3,
    "apiToken": "hush",
}
STRANGE: dict[str, Any] = {
    "_id": 5,
    "name": ["Ann"],
    "share": "half",
    "count": "many",
    "at": "yesterday",
    "tags": "a",
    "key": {"a": 1},
    "part": [1],
    "parts": [{"value": "two"}, None],
    "byName": [],
    "inner": "y",
}
ROWS: list[dict[str, Any]] = [
    USUAL,
    STRANGE,
    dict.fromkeys(USUAL),
    {},
    {"_id": "x"},
    dict(reversed(USUAL.items())),
]


def fresh() -> type[Looked]:
    """A class that no program has looked at."""
    return type("Looked", (Looked,), {"__slots__": ()})


def looked_at(names: Sequence[str], row: Any) -> tuple[Any, UnexpectedTypes, Any]:
    """Values of a row after a program has looked at these fields of many others."""
    unexpected_types: UnexpectedTypes = {}
    decode = decoder(list[fresh()])  # type: ignore[misc]  # a class made at run time
    for _ in range(2):
        for found in decode([copy.deepcopy(USUAL) for _ in range(decode_module.LOOKS)], {}):
            for name in names:
                getattr(found, name)
    (found,) = decode([copy.deepcopy(row)], unexpected_types)
    assert unexpected_types == {}
    return found, unexpected_types, found.to_dict()


@pytest.mark.parametrize("row", ROWS, ids=["usual", "strange", "null", "empty", "short", "reversed"])
@pytest.mark.parametrize(
    "names", [*((name,) for name in FIELDS), FIELDS[:4], FIELDS], ids=lambda names: " ".join(names)
)
def test_what_a_program_looks_at_changes_no_value_and_no_count(names: Sequence[str], row: Any) -> None:
    never, counted, plain = looked_at((), row)
    often, again, same = looked_at(names, row)
    for name in FIELDS:
        assert repr(getattr(often, name)) == repr(getattr(never, name))
    assert (counted, plain) == (again, same) == (counted, row)


def test_a_field_that_was_assigned_stays_when_others_are_looked_at() -> None:
    (found,) = decoder(list[Looked])([dict(USUAL)], {})
    found.name, found.part = "Bob", None
    assert (found.id, found.count, found.name, found.part) == ("x", 7, "Bob", None)
    assert found.to_dict() == {**{key: value for key, value in USUAL.items() if key != "part"}, "name": "Bob"}


def is_filled(found: Looked, name: str) -> bool:
    try:
        vars(Looked)[name].__get__(found)
    except AttributeError:
        return False
    return True


def test_slots_are_filled_only_for_the_fields_that_are_looked_at() -> None:
    cls = fresh()
    for _ in range(decode_module.LOOKS):
        _ = decoder(cls)(dict(USUAL), {}).name
    found = decoder(cls)(dict(USUAL), {})
    assert (is_filled(found, "name"), is_filled(found, "count")) == (True, False)


@pytest.mark.parametrize("size", [1, 100])
def test_a_slot_that_is_no_longer_looked_at_is_no_longer_filled(size: int) -> None:
    decode = decoder(list[fresh()])  # type: ignore[misc]  # a class made at run time

    def rows(count: int) -> Iterator[Looked]:
        for _ in range(-(-count // size)):
            yield from decode([{"_id": "x", "name": "Ann", "count": 7}] * size, {})

    for found in rows(3 * decode_module.REVIEW):
        _ = found.name, found.count
    (last,) = decode([dict(USUAL)], {})
    assert (is_filled(last, "name"), is_filled(last, "count")) == (True, True)
    for found in rows(3 * decode_module.REVIEW):
        _ = found.name
    (last,) = decode([dict(USUAL)], {})
    assert (is_filled(last, "name"), is_filled(last, "count")) == (True, False)


def test_a_model_is_of_its_class_before_and_after_a_look() -> None:
    found = decoder(Looked)(dict(USUAL), {})
    for _ in range(2):
        assert type(found) is Looked
        match found:
            case Looked(name="Ann", count=7):
                pass
            case _:
                pytest.fail("a pattern sees the fields")


class Failing(Whole):
    __slots__ = ()

    @property
    def wrong(self) -> int:
        raise AttributeError("nonsense")


def test_the_error_of_a_property_is_its_own() -> None:
    with pytest.raises(AttributeError, match=r"^nonsense$"):
        _ = Failing(id="x").wrong


def test_a_field_that_was_deleted_is_an_ordinary_error_in_what_a_program_made() -> None:
    made = Whole(id="x")
    del made.count
    with pytest.raises(AttributeError):
        _ = made.count
