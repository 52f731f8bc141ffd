"""The rows and the models against the vendor's document, where LEMLIST_OPENAPI names a copy of it."""

from __future__ import annotations

import copy
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_type_hints

import pytest

from lemlist_async import Page
from lemlist_async.core.model import Model, unstructure
from lemlist_async.core.names import fields_of, hints_of
from tests.contract.document import Operation, answers, load
from tests.contract.operations import ROWS, UNDOCUMENTED
from tests.contract.recording import Row, call_of
from tests.contract.test_lists_of_values import METHODS

pytestmark = pytest.mark.skipif(
    "LEMLIST_OPENAPI" not in os.environ, reason="LEMLIST_OPENAPI names no document"
)
OPERATIONS: list[Operation] = load() if "LEMLIST_OPENAPI" in os.environ else []
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=[one.wire for one in OPERATIONS])

NOT_OFFERED = {
    "DELETE /campaigns/{campaignId}/leads/": "it does not say which lead",
}
NOT_SENT = {
    "GET /campaigns": {"offset": "pages are numbered"},
    "GET /schedules": {"offset": "pages are numbered"},
    "POST /leads/{leadId}/variables": {"customField2": "an example of a name", "customField3": "another"},
    "PATCH /leads/{leadId}/variables": {"customField2": "an example of a name", "customField3": "another"},
    "DELETE /leads/{leadId}/variables": {"customField2": "an example of a name", "customField3": "another"},
}
_BESIDE = {"success", "message", "total", "limit", "offset"}
"""Fields beside a result that are not kept: they confirm the call or repeat its arguments."""


def rows_of(operation: Operation) -> list[Row]:
    return [row for row in ROWS if row.wire == operation.wire]


def test_the_document_has_every_row_and_the_rows_every_operation() -> None:
    assert len(OPERATIONS) == 143
    assert {one.wire for one in OPERATIONS} | UNDOCUMENTED == {row.wire for row in ROWS} | NOT_OFFERED.keys()
    assert not {one.wire for one in OPERATIONS} & UNDOCUMENTED


@each_operation
def test_every_parameter_and_field_of_the_document_can_be_sent(operation: Operation) -> None:
    if operation.wire in NOT_OFFERED:
        return
    rows = rows_of(operation)
    query = {name.removesuffix("[]") for row in rows for name in row.query.split()}
    body = {name for row in rows for name in row.body.split()}
    assert operation.query - query == NOT_SENT.get(operation.wire, {}).keys()
    # a free mapping has a name of ours below its own
    assert {
        name for name in operation.body if not any(f"{sent}.".startswith(f"{name}.") for sent in body)
    } == set()


@each_operation
async def test_every_example_decodes_with_nothing_lost_and_nothing_strange(operation: Operation) -> None:
    unexpected_types: Counter[str] = Counter()
    for row in rows_of(operation):
        call = await call_of(row)
        for status, example in operation.examples:
            decode = call.decode
            assert decode is not None
            found = decode(copy.deepcopy(example), unexpected_types)
            assert whole(found, example), (row.name, status, unstructure(found))
    assert not unexpected_types


def whole(found: Any, example: Any) -> bool:
    """Whether all of `example` can be had from what was decoded."""
    if isinstance(found, Page):
        return (
            unstructure(found.items) == example
            if isinstance(example, list)
            else _standing_in(unstructure(found.items), example, set(found.extra))
            and all(example[name] == value for name, value in found.extra.items())
        )
    # one record where several are promised becomes a list of one
    return unstructure(found) in (example, [example]) or (
        isinstance(example, Mapping) and _standing_in(unstructure(found), example, _BESIDE)
    )


def _standing_in(value: Any, envelope: Mapping[str, Any], beside: set[str]) -> bool:
    return [inner for name, inner in envelope.items() if name not in beside] == [value]


UNDECLARED = {
    "Lead.Company name": "an example of a custom variable",
}


def test_every_key_that_the_document_names_in_an_answer_is_a_field() -> None:
    missing: dict[str, None] = {}
    looked_at = 0
    for wire, schema in answers():
        for row in (row for row in ROWS if row.wire == wire):
            kind = get_type_hints(METHODS[row.name]).get("return")
            for model in models_in(kind):
                # the answer itself, or what stands in it under the one key that is given to the caller
                inside = [schema, *schema.get("properties", {}).values()]
                best = max((fit(one, model) for one in inside), key=lambda found: found[0])
                looked_at += best[0] > 0
                if best[0]:
                    missing.update(dict.fromkeys(undeclared(best[1], model)))
    assert looked_at > 80
    assert missing.keys() == UNDECLARED.keys()


def models_in(hint: Any) -> list[type[Model]]:
    """The models of an annotation: of a list, a mapping, pages, a union."""
    if isinstance(hint, type) and issubclass(hint, Model):
        return [hint]
    return [model for arg in get_args(hint) for model in models_in(arg)]


def object_of(schema: Any) -> Any:
    """The schema of an object, or of the items of an array, or of the values of a mapping."""
    if not isinstance(schema, dict):
        return {}
    if schema.get("type") == "array":
        return object_of(schema.get("items", {}))
    return schema if "properties" in schema else schema.get("additionalProperties", {})


def fit(schema: Any, model: type[Model]) -> tuple[int, Any]:
    """Count the fields of a model that a schema names, and return the schema too."""
    found = object_of(schema)
    names = found.get("properties", {}) if isinstance(found, dict) else {}
    return len(names.keys() & {wire for _, wire, _ in fields_of(model)}), found


def undeclared(schema: Any, model: type[Model]) -> Iterator[str]:
    """``Model.key`` of each property that is no field of the model, or of one within it."""
    fields = {wire: name for name, wire, _ in fields_of(model)}
    for key, inner in schema.get("properties", {}).items():
        if key not in fields:
            yield f"{model.__name__}.{key}"
            continue
        for within in models_in(hints_of(model)[fields[key]]):
            found = object_of(inner)
            if isinstance(found, dict) and "properties" in found:
                yield from undeclared(found, within)
