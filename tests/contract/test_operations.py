"""Each method puts on the wire what its row says, its docstring names the same call, and no method is left out."""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Iterator

import pytest

from lemlist_async import Effect, Lemlist
from lemlist_async.core.operation_names import OPERATION_NAMES
from lemlist_async.resources._base import Resource
from tests.contract.operations import ROWS
from tests.contract.recording import RecordedError, Recorder, Row, body_names, call_of, query_names

WIRE_LINE = re.compile(r"^(GET|POST|PUT|PATCH|DELETE) /\S*$", re.MULTILINE)
each_row = pytest.mark.parametrize("row", ROWS, ids=[f"{row.name}-{i}" for i, row in enumerate(ROWS)])


def methods() -> Iterator[tuple[str, object]]:
    """Every public method of every area, as ``leads.create``."""
    client = Recorder("a-key", "http://localhost:1")
    for area in dir(Lemlist):
        if isinstance(resource := getattr(client, area, None), Resource):
            for name, method in inspect.getmembers(resource, callable):
                if not name.startswith("_"):
                    yield f"{area}.{name}", method


def wire_lines(method: object) -> list[str]:
    return [match[0] for match in WIRE_LINE.finditer(inspect.getdoc(method) or "")]


@each_row
async def test_a_method_makes_the_call_of_its_row(row: Row) -> None:
    call = await call_of(row)
    assert (call.operation, call.effect) == (row.wire, row.effect)
    assert (query_names(call), body_names(call)) == (row.query, row.body)
    assert call.path.count("{") == len(call.ids)


@each_row
async def test_what_may_not_be_repeated_says_how_to_find_out(row: Row) -> None:
    call = await call_of(row)
    assert call.effect.repeatable or call.verify or call.effect is Effect.DEDUPABLE


def test_every_operation_has_a_row_and_the_wire_line_of_its_docstring() -> None:
    documented = {name: wire_lines(method) for name, method in methods()}
    operations = {name: lines for name, lines in documented.items() if lines}
    assert operations == {row.name: [row.wire] for row in ROWS}


def test_every_public_method_has_a_docstring() -> None:
    assert [name for name, method in methods() if not inspect.getdoc(method)] == []


async def use(row: Row) -> None:
    made = row.make(Recorder("a-key", "http://localhost:1"))
    if inspect.iscoroutine(made):
        with contextlib.suppress(RecordedError):
            await made


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.name.endswith("_legacy")], ids=lambda row: row.name
)
async def test_a_retired_route_warns_where_it_is_used(row: Row) -> None:
    """Quirk: the five routes of the first unsubscribe list stop on 1 November 2026."""
    with pytest.warns(DeprecationWarning, match="1 November 2026") as caught:
        await use(row)
    assert caught[0].filename.endswith(("operations.py", "test_operations.py"))


def test_every_operation_has_the_name_of_its_first_method() -> None:
    first: dict[str, str] = {}
    for row in ROWS:
        first.setdefault(row.wire, row.name)
    assert dict(OPERATION_NAMES) == first
