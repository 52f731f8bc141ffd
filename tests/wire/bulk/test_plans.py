"""Plans of the rows that programs have: files with a mapping, and what else holds rows."""

import io
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from aiohttp.web import FileField
from starlette.datastructures import UploadFile

from lemlist_async import Lemlist
from lemlist_async.bulk import ImportLeads
from lemlist_async.errors import ConfigurationError, InvalidInputError

JOB = ImportLeads(campaign_id="cam_1")


async def planned(rows: Any, job: Any = JOB, **options: Any) -> list[dict[str, Any]]:
    """Plan rows, and return their payloads."""
    async with Lemlist("key") as lemlist, await lemlist.bulk.plan(job, rows, **options) as plan:
        return await plan.journal.in_thread(lambda: [row.payload for row in plan.journal.rows()])


async def test_a_mapping_that_was_looked_at_is_the_one_that_is_used(tmp_path: Path) -> None:
    file, other = tmp_path / "a.csv", tmp_path / "b.csv"
    file.write_text("E-Mail,Stage\na@x.io,won\n")
    other.write_text("E-Mail,Phase\na@x.io,won\n")
    async with Lemlist("key") as lemlist:
        mapping = lemlist.bulk.map_columns(JOB, file)
    assert await planned(file, mapping=mapping) == [{"fields": {"email": "a@x.io"}, "variables": {}}]
    with pytest.raises(InvalidInputError, match="the columns differ"):
        await planned(other, mapping=mapping)


# File objects -------------------------------------------------------------------------------------------

CSV = "E-Mail,Name,Größe,Stage\na@x.io,Ann Lee,43,won\nb@x.io,,,\n"
LEADS: list[dict[str, Any]] = [
    {"fields": {"email": "a@x.io", "first_name": "Ann", "last_name": "Lee"}, "variables": {"Größe": "43"}},
    {"fields": {"email": "b@x.io"}, "variables": {}},
]


def spooled(data: bytes) -> Any:
    file = tempfile.SpooledTemporaryFile(max_size=10)  # noqa: SIM115  # the upload of a form is closed by its framework
    file.write(data)
    file.seek(0)
    return file


class Pipe(io.RawIOBase):
    """A stream that cannot be put back to its beginning."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._data.readinto(buffer)


@pytest.mark.parametrize(
    "upload",
    [
        io.BytesIO(CSV.encode()),
        io.BytesIO(CSV.encode("utf-16")),
        io.StringIO(CSV),
        spooled(CSV.encode()),
        Pipe(CSV.encode()),
        UploadFile(spooled(CSV.encode()), filename="C:\\leads\\Export März.CSV"),
        FileField("f", "leads.csv", io.BufferedReader(Pipe(CSV.encode())), "text/csv", None),  # type: ignore[arg-type]
    ],
    ids=lambda upload: type(upload).__name__,
)
async def test_a_file_object_is_a_source_and_stays_where_it_was(upload: Any) -> None:
    assert await planned(upload) == LEADS
    file = getattr(upload, "file", upload)
    if file.seekable():
        assert file.tell() == 0
        assert await planned(upload) == LEADS


async def test_a_file_object_of_json_is_known_by_its_first_character_and_a_journal_by_what_it_holds(
    tmp_path: Path,
) -> None:
    rows = [{"email": "a@x.io", "unused": 1}]
    as_json = '\ufeff [{"email": "a@x.io", "unused": 1}]'
    assert await planned(io.StringIO(as_json)) == await planned(rows)
    assert await planned(io.BytesIO(b'{"email": "a@x.io", "unused": 1}\n')) == await planned(rows)
    journal = tmp_path / "j"
    await planned(io.BytesIO(CSV.encode()), journal=journal)
    assert await planned(io.BytesIO(CSV.encode()), journal=journal) == LEADS
    with pytest.raises(ConfigurationError, match="another file"):
        await planned(io.BytesIO(CSV.replace("43", "44").encode()), journal=journal)


async def test_an_error_about_a_file_object_names_it_and_no_copy_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    broken = UploadFile(io.BytesIO(b'email,note\na@x.io,"open\n'), filename="../leads.csv")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match=r"^leads.csv, line 2: a quote is opened"):
        await planned(broken)
    with pytest.raises(InvalidInputError, match=r"^upload.csv is empty"):
        await planned(io.BytesIO())
    with pytest.raises(InvalidInputError, match="lone surrogate"):
        await planned(io.StringIO("email\n\ud83d@x.io\n"))
    async with Lemlist("key") as lemlist:
        mapping = lemlist.bulk.map_columns(JOB, io.StringIO(CSV))
    assert mapping is not None
    assert [use.role for use in mapping.uses] == ["field", "field", "variable", "ignored"]
    assert not os.listdir(tmp_path)


# Tables in memory ---------------------------------------------------------------------------------------

COLUMNS = {
    "E-Mail": ["a@x.io", "b@x.io"],
    "Name": ["Ann Lee", None],
    "Größe": ["43", None],
    "Stage": ["won", None],
}


@pytest.mark.parametrize(
    ("library", "make"), [("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "table")]
)
async def test_a_table_in_memory_is_read_as_a_file_with_its_columns_is(library: str, make: str) -> None:
    frame = getattr(pytest.importorskip(library), make)(COLUMNS)
    assert await planned(frame) == LEADS
    async with Lemlist("key") as lemlist, await lemlist.bulk.plan(JOB, frame) as plan:
        assert plan.mapping is not None
        assert [use.role for use in plan.mapping.uses] == ["field", "field", "variable", "ignored"]
        assert plan.mapping.uses[0].samples == ("a@x.io", "b@x.io")


async def test_values_of_tables_are_plain_json_and_their_empty_cells_are_empty() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {"email": ["a@x.io", "b@x.io"], "n": pd.array([1, None], dtype="Int64"), "f": [0.5, None],
         "at": [pd.Timestamp("2026-01-02"), pd.NaT], "ok": [True, False]}
    )  # fmt: skip
    first, second = await planned(frame)
    assert first["variables"] == {"n": 1, "f": 0.5, "at": "2026-01-02T00:00:00", "ok": True}
    assert second["variables"] == {"ok": False}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["email", "email"], "'email' is there twice"),
        (None, "the column 0 has no text for a name"),
        (["name", "city"], "no column for the e-mail address"),
    ],
)
async def test_a_table_that_cannot_be_used_is_refused(columns: list[str] | None, said: str) -> None:
    frame = pytest.importorskip("pandas").DataFrame([["a@x.io", "b"]], columns=columns)
    with pytest.raises(InvalidInputError, match=said):
        await planned(frame)
