"""The rows and the models against the vendor's document, where LEMLIST_OPENAPI names a copy of it."""

from __future__ import annotations

import copy
import os
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from lemlist_async import Page
from lemlist_async.core.model import unstructure
from tests.contract.comparison import NOT_OFFERED, NOT_SENT, UNDECLARED, rows_of, undeclared_keys, unsent
from tests.contract.document import Operation, load
from tests.contract.operations import ROWS, UNDOCUMENTED
from tests.contract.recording import call_of

pytestmark = pytest.mark.skipif(
    "LEMLIST_OPENAPI" not in os.environ, reason="LEMLIST_OPENAPI names no document"
)
OPERATIONS: list[Operation] = load() if "LEMLIST_OPENAPI" in os.environ else []
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=[one.wire for one in OPERATIONS])

_BESIDE = {"success", "message", "total", "limit", "offset"}
"""Fields beside a result that are not kept: they confirm the call or repeat its arguments."""


def test_the_document_has_every_row_and_the_rows_every_operation() -> None:
    assert len(OPERATIONS) == 143
    assert {one.wire for one in OPERATIONS} | UNDOCUMENTED == {row.wire for row in ROWS} | NOT_OFFERED.keys()
    assert not {one.wire for one in OPERATIONS} & UNDOCUMENTED


@each_operation
def test_every_parameter_and_field_of_the_document_can_be_sent(operation: Operation) -> None:
    if operation.wire in NOT_OFFERED:
        return
    query, body = unsent(operation)
    assert query == NOT_SENT.get(operation.wire, {}).keys()
    assert body == set()


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


def test_every_key_that_the_document_names_in_an_answer_is_a_field() -> None:
    missing, looked_at = undeclared_keys()
    assert looked_at > 80
    assert missing.keys() == UNDECLARED.keys()
