"""One text where a list is meant is refused by every method, before its characters count as items."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Any, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from lemlist_async import Pages
from lemlist_async.core.payload import encode
from lemlist_async.errors import InvalidInputError
from tests.contract.recording import Recorder
from tests.contract.samples import sample
from tests.contract.test_operations import methods

ONE = ("ann@example.com", b"ann@example.com", bytearray(b"a"))
NO_LIST = (*ONE, 5, {"a": 1}, object())
_SAMPLES: dict[str, Any] = {
    "campaign_id": "cam_1",
    "target_url": "https://hooks.example",
    "contact_id": "ctc_1",
    "lead_id": "lea_1",
    "list_id": "clt_1",
}


def parts(hint: Any) -> list[Any]:
    """The types of an annotation, without marks, and those of a union one by one."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated or str(origin) in {"typing.Required", "typing.NotRequired"}:
        return parts(args[0])
    return [one for arg in args for one in parts(arg)] if origin in {Union, types.UnionType} else [hint]


def is_list(hint: Any) -> bool:
    """Whether an annotation takes several values, and no text beside them."""
    found = parts(hint)
    return str not in found and any(get_origin(one) in {Sequence, Iterable, list} for one in found)


def lists_of(spec: type, path: tuple[str, ...] = ()) -> Iterator[tuple[type, str]]:
    """(TypedDict, field) of each list in a TypedDict, and in those within it."""
    for name, hint in get_type_hints(spec, include_extras=True).items():
        if name in path:
            continue
        if is_list(hint):
            yield spec, name
        for part in parts(hint):
            inner = get_args(part)[0] if get_origin(part) is Sequence else part
            for one in parts(inner):
                if is_typeddict(one):
                    yield from lists_of(one, (*path, name))


METHODS = {name: cast("Callable[..., Any]", method) for name, method in methods()}
PARAMETERS = [
    (name, parameter)
    for name, method in METHODS.items()
    for parameter, hint in get_type_hints(method, include_extras=True).items()
    if parameter != "return" and is_list(hint)
]
SPECS = sorted(
    {
        (f"{spec.__name__}.{field}", spec, field)
        for method in METHODS.values()
        for parameter in inspect.signature(method).parameters.values()
        if parameter.kind is parameter.VAR_KEYWORD
        for spec, field in lists_of(get_args(get_type_hints(method, include_extras=True)[parameter.name])[0])
    },
    key=lambda found: found[0],
)


async def run(method: Callable[..., Any], *args: Any, **fields: Any) -> None:
    """Call a method of any kind, down to the first request."""
    made = method(*args, **fields)
    await (made.collect() if isinstance(made, Pages) else made)


def test_there_are_lists_to_look_at() -> None:
    assert len(PARAMETERS) > 8
    assert len(SPECS) > 20


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS)
async def test_a_parameter_that_is_a_list_refuses_what_is_none(name: str, parameter: str) -> None:
    method = METHODS[name]
    required = {
        one.name: _SAMPLES.get(one.name, "x")
        for one in inspect.signature(method).parameters.values()
        if one.default is one.empty and one.kind is not one.VAR_KEYWORD
    }
    spans = {"start_date": "2026-03-04", "end_date": "2026-03-05"} if name == "campaigns.list_stats" else {}
    for value in NO_LIST:
        with pytest.raises(InvalidInputError, match=parameter):
            await run(method, **{**required, **spans, parameter: value})


@pytest.mark.parametrize(
    ("spec", "field"), [(spec, field) for _, spec, field in SPECS], ids=[s[0] for s in SPECS]
)
def test_a_field_that_is_a_list_refuses_what_is_none(spec: type, field: str) -> None:
    for value in NO_LIST:
        with pytest.raises(InvalidInputError, match=field):
            encode(spec, {**sample(spec), field: value})


@pytest.mark.parametrize(
    ("spec", "field"), [(spec, field) for _, spec, field in SPECS], ids=[s[0] for s in SPECS]
)
def test_a_field_that_is_a_list_takes_tuples_and_iterators(spec: type, field: str) -> None:
    whole = sample(spec)
    assert encode(spec, {**whole, field: tuple(whole[field])}) == encode(spec, whole)
    assert encode(spec, {**whole, field: iter(whole[field])}) == encode(spec, whole)


@pytest.mark.parametrize("value", [b"all", 5, {"a": 1}, [5], []])
async def test_states_are_one_text_or_a_list_of_texts(value: Any) -> None:
    client = Recorder("a-key", "http://localhost:1")
    for use in (client.campaigns.export_leads, client.campaigns.export_leads_csv, client.leads.list):
        with pytest.raises(InvalidInputError, match="state"):
            await run(use, "cam_1", state=value)


async def test_an_item_that_is_no_text_is_told_with_its_place() -> None:
    client: Any = Recorder("a-key", "http://localhost:1")
    with pytest.raises(InvalidInputError, match=r"campaign_ids\[1\] must be a text, not int"):
        await client.campaigns.list_reports(["cam_1", 5])
