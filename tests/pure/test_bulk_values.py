"""Odd values of rows: sent exactly as they were given, or their row is refused with its number and the reason."""

import dataclasses
import datetime as dt
import decimal
import enum
import math
import sys
import types
import uuid
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lemlist_async import Effect, Lemlist
from lemlist_async.bulk import BlockValues, ImportLeads, Job
from lemlist_async.bulk.jobs.function_job import FunctionJob
from lemlist_async.bulk.journal.storage import NewRow
from lemlist_async.bulk.plan import Digest, as_json, check
from lemlist_async.bulk.source.csv_dialect import FileFormat
from lemlist_async.bulk.source.raw_row import RawRow
from lemlist_async.bulk.source.rows import check_source, read_rows
from lemlist_async.bulk.source.values import exact, shown
from lemlist_async.core.json import loads

LEADS = ImportLeads(campaign_id="cam_1")


async def nothing(*_: object) -> None:
    """A function for rows that are never done."""


OWN = FunctionJob(each=nothing, effect=Effect.READ)


class Colour(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    BIG = 3


@dataclasses.dataclass
class Point:
    x: int
    y: Any


class Shouting(str):
    __slots__ = ()


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def numpy_scalar(name: str, kind: str, plain: object) -> Any:
    """A stand-in for a scalar of numpy, which these tests do without."""
    made = type(name, (), {
        "__module__": "numpy", "shape": (), "dtype": types.SimpleNamespace(kind=kind), "item": lambda _: plain,
    })  # fmt: skip
    return made()


NA = type("NAType", (), {"__eq__": lambda self, _: self, "__bool__": lambda _: 1 / 0, "__hash__": None})()
NAT = type("NaTType", (dt.datetime,), {})(2026, 1, 1)

GOOD: list[tuple[Any, Any]] = [
    ("x", "x"), (Shouting("x"), "x"), ("é🎉", "é🎉"), (True, True), (None, None), (0, 0), (1.5, 1.5),
    (2**64 - 1, 2**64 - 1), (-(2**63), -(2**63)), (decimal.Decimal("1.10"), "1.10"), (Colour.RED, "red"),
    (Size.BIG, 3), (uuid.UUID(int=5), str(uuid.UUID(int=5))), (dt.date(2026, 1, 2), "2026-01-02"),
    (dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC), "2026-01-02T03:04:00+00:00"), ((1, [2]), [1, [2]]),
    ({"a": {"b": 1}}, {"a": {"b": 1}}), (Point(1, "y"), {"x": 1, "y": "y"}),
    (numpy_scalar("int64", "i", 7), 7), (numpy_scalar("float32", "f", 1.5), 1.5),
    (numpy_scalar("bool_", "b", True), True),
]  # fmt: skip
BAD: list[tuple[Any, str]] = [
    ("half \ud83d", "lone surrogate"), (2**64, "64 bits"), (-(2**63) - 1, "64 bits"), (math.inf, "no inf"),
    (-math.inf, "no -inf"), (NA, "empty cell of pandas"), (decimal.Decimal("sNaN"), "is no number"),
    (decimal.Decimal("Infinity"), "is no number"), (b"x", "bytes"), (bytearray(b"x"), "bytes"),
    (memoryview(b"x"), "bytes"), (object(), "JSON has no object"), ({1, 2}, "JSON has no set"),
    (1j, "JSON has no complex"), (lambda: 1, "JSON has no function"), (Broken(), "<Broken>"),
    (numpy_scalar("datetime64", "M", 5), "JSON has no datetime64"),
    (numpy_scalar("longdouble", "f", object()), "JSON has no longdouble"),
    ([b"x"], "bytes"), ({"a": math.nan}, "no nan"), ({1: 2}, "column name 1 is not a text"),
]  # fmt: skip


def planned(job: Job, values: Mapping[Any, Any]) -> NewRow:
    """A row as the plan of a job has it."""
    return check(job, 7, as_json(RawRow(7, values))[0])


@pytest.mark.parametrize(("value", "becomes"), GOOD, ids=lambda value: type(value).__name__)
def test_what_json_can_carry_stays_what_it_is(value: Any, becomes: Any) -> None:
    found = exact(value)
    assert found == becomes
    assert type(found) is type(becomes)
    row = planned(OWN, {"n": value})
    assert (row.reason, loads(row.payload)) == (None, {"n": becomes})


@pytest.mark.parametrize(("value", "why"), BAD, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("job", [LEADS, OWN], ids=["leads", "own"])
@pytest.mark.parametrize("column", ["firstName", "note"])
def test_what_would_change_refuses_its_row_with_column_and_reason(
    value: Any, why: str, job: Job, column: str
) -> None:
    row = planned(job, {"email": "a@x.example", column: value})
    assert (row.state, row.line) == ("refused", 7)
    assert why in (row.reason or "")
    assert repr(column) in (row.reason or "")
    kept = loads(row.payload)
    assert kept["email"] == "a@x.example"
    assert column in kept


@pytest.mark.parametrize("name", [1, None, ("a",), b"x", "half \ud83d", NA])
@pytest.mark.parametrize("job", [LEADS, OWN], ids=["leads", "own"])
def test_a_column_whose_name_is_no_text_refuses_its_row(name: Any, job: Job) -> None:
    if name is NA:
        pytest.skip("it cannot be a key of a mapping")
    row = planned(job, {"email": "a@x.example", name: "x"})
    assert row.state == "refused"
    assert "column name" in (row.reason or "")


def test_nan_is_an_empty_cell_of_a_lead_and_no_value_of_an_own_row() -> None:
    for missing in (math.nan, NAT):
        row = planned(LEADS, {"email": "a@x.example", "firstName": missing, "note": missing})
        assert loads(row.payload) == {"fields": {"email": "a@x.example"}, "variables": {}}
        assert "no nan" in (planned(OWN, {"n": missing}).reason or "")


def test_a_key_function_that_a_row_does_not_fit_refuses_the_row() -> None:
    job = FunctionJob(each=nothing, effect=Effect.READ, by=lambda row: row["email"])
    assert planned(job, {"email": "a@x.example"}).state == "new"
    assert planned(job, {"n": 1}).reason == "key= raised KeyError: 'email'"


def test_a_payload_of_another_job_that_is_no_json_refuses_the_row() -> None:
    class Odd(BlockValues):
        def check(self, values: Mapping[str, Any]) -> Any:
            return {"value": self, **values}

    assert "not JSON serializable" in (planned(Odd(), {"a": 1}).reason or "")


def test_a_refused_row_is_shown_shortened_and_never_fails() -> None:
    found = shown(
        {"long": "x" * 10_000_000, "odd": Broken(), "n": 2**70, 5: math.nan, "half\ud83d": "\ud83d"}
    )
    assert len(found["long"]) == 2_000
    assert (found["odd"], found["n"], found["5"], found["half?"]) == ("<Broken>", str(2**70), "nan", "?")
    assert len(shown({str(n): n for n in range(500)})) == 100


def test_deep_values_are_refused_before_python_gives_up() -> None:
    deep: Any = []
    for _ in range(sys.getrecursionlimit() * 2):
        deep = [deep]
    assert "nested in more than" in (planned(OWN, {"n": deep}).reason or "")


async def digest_of(rows: Any) -> str:
    """The digest of rows."""
    mark = Digest()
    async for _ in mark.read(OWN, rows, FileFormat()):
        pass
    return mark.value


async def test_the_digest_of_rows_is_that_of_what_they_hold() -> None:
    one = await digest_of([{"a": 1, "b": "x"}, {"a": 2}])
    assert one == await digest_of(row for row in ({"a": 1, "b": "x"}, {"a": 2}))
    for other in (
        [{"a": 1, "b": "x"}], [{"a": 2}, {"a": 1, "b": "x"}], [{"a": 1, "b": "y"}, {"a": 2}],
        [{"a": 1, "b": "x"}, {"a": "2"}], [],
    ):  # fmt: skip
        assert one != await digest_of(other)
    assert await digest_of([{"a": b"x"}, 5]) == await digest_of([{"a": b"x"}, 5])


# Whole sources ---------------------------------------------------------------------------------------------


class Lazy:
    """A frame of polars that has no rows yet."""

    def lazy(self) -> "Lazy":
        return self

    def collect(self) -> None:
        """Compute the rows."""


@pytest.mark.parametrize(
    ("source", "instead"),
    [
        (Lazy(), r"frame.collect\(\)"),
        ({"email": "a@x.example"}, r"\[row\]"),
        (b"email\na@x.example", "path of a file"),
        (bytearray(b"email"), "path of a file"),
        (5, "list of mappings"),
        (None, "list of mappings"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_container_that_holds_rows_in_another_way_is_a_typeerror_that_says_what_to_pass(
    source: object, instead: str
) -> None:
    with pytest.raises(TypeError, match=instead):
        check_source(source)


@pytest.mark.parametrize("good", [[], iter(()), (), "a.csv", Path("a.csv"), [{"a": 1}], ({} for _ in ())])
def test_a_path_or_an_iterable_is_a_source(good: object) -> None:
    check_source(good)


async def test_texts_are_rows_only_of_jobs_of_one_value() -> None:
    async def later() -> AsyncIterator[str]:
        yield "a@x.example"

    for texts in (["a@x.example"], later()):
        with pytest.raises(TypeError, match=r"pass \{'email': …\} for each"):
            _ = [one async for one in read_rows(texts, FileFormat(), most=10, texts=False)]
    mixed: Any = [{"email": "a@x.example"}, "b@x.example"]
    ((_, second),) = [one async for one in read_rows(mixed, FileFormat(), most=10, texts=False)]
    assert second.fault == "a row is a mapping, not str"
    ((first,),) = [one async for one in read_rows(["a@x.example"], FileFormat(), most=10)]
    assert first.values == {"value": "a@x.example"}
    assert (BlockValues.takes_texts, LEADS.takes_texts) == (True, False)


@pytest.mark.parametrize(
    "number", ["18446744073709551616", "-9223372036854775809", "123456789012345678901234567890"]
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
async def test_a_long_whole_number_of_a_json_file_refuses_its_row_and_becomes_no_float(
    tmp_path: Path, number: str, name: str
) -> None:
    text = f'{{"email": "a@x.example", "n": {number}}}'
    _ = (tmp_path / name).write_text(text + "\n" if name.endswith("l") else f"[{text}]")
    ((row,),) = [one async for one in read_rows(tmp_path / name, FileFormat(), most=10)]
    assert row.values["n"] == int(number)
    assert "64 bits" in (planned(LEADS, row.values).reason or "")


async def test_an_option_that_there_is_not_is_refused_and_a_function_has_its_own_method() -> None:
    async with Lemlist("k", base_url="http://127.0.0.1:9") as lemlist:
        with pytest.raises(TypeError, match="there is no option 'jornal'; there are journal, encoding"):
            await lemlist.bulk.plan(LEADS, [], jornal="j")  # type: ignore[call-arg]  # on purpose
        with pytest.raises(TypeError, match="'jornal'"):
            lemlist.bulk.run_function([], nothing, effect=Effect.READ, jornal="j")  # type: ignore[call-arg]  # on purpose
        with pytest.raises(TypeError, match="for rows and a function of your own there is bulk"):
            lemlist.bulk.run([{"n": 1}])  # type: ignore[arg-type]  # on purpose
        with pytest.raises(TypeError, match="jornal"):
            await lemlist.bulk.plan_leads("cam_1", [], jornal="j")  # type: ignore[call-arg]  # on purpose
