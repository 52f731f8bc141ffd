"""Long answers are made in slices, and read like those that are made at once."""

import csv
import io
import json
from typing import Any

import pytest

from lemlist_async.sandbox.routes.long_files import csv_file, json_rows
from lemlist_async.sandbox.slices import chosen
from lemlist_async.sandbox.tables import iso
from tests.support.long_work import done

RECORDS: list[dict[str, Any]] = [{"_id": str(number), "name": f"N {number}, é"} for number in range(2500)]


def test_records_are_chosen_in_slices_while_the_table_may_change() -> None:
    table = {record["_id"]: record for record in RECORDS}
    work = chosen(
        table.values(), [lambda record: record["_id"].endswith("9"), lambda record: len(record["_id"]) == 4]
    )
    next(work)
    table.clear()
    found, turns = done(work)
    assert [record["_id"] for record in found] == [str(number) for number in range(1009, 2500, 10)]
    assert turns == 2


def test_enough_records_end_the_search() -> None:
    found, turns = done(chosen(RECORDS, [], 10))
    assert (len(found), turns) == (1000, 0)


@pytest.mark.parametrize("count", [0, 1, 1000, 2500])
def test_a_list_in_slices_is_one_list(count: int) -> None:
    response, turns = done(json_rows(RECORDS[:count], lambda record: {"id": record["_id"]}))
    assert json.loads(response.body) == [{"id": record["_id"]} for record in RECORDS[:count]]
    assert turns == -(-count // 1000)


@pytest.mark.parametrize("count", [0, 1, 2500])
def test_a_csv_file_in_slices_has_one_header(count: int) -> None:
    content, _ = done(csv_file(["_id", "name", "none"], RECORDS[:count], lambda record: record))
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    assert [(row["_id"], row["name"], row["none"]) for row in rows] == [
        (record["_id"], record["name"], "") for record in RECORDS[:count]
    ]
    assert content.startswith(b"_id,name,none\r\n")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_772_442_000.123, "2026-03-02T09:00:00.123Z"),
        (1_772_442_000.9999, "2026-03-02T09:00:00.999Z"),
    ],
)
def test_a_time_has_whole_milliseconds(seconds: float, text: str) -> None:
    assert iso(seconds) == text
