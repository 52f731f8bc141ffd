"""Files as people have them: each is read as meant, or refused with what is wrong and where."""

import csv
import io
import json
import re
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemlist_async.bulk.jobs.leads import ImportLeads
from lemlist_async.bulk.source.csv_dialect import FileFormat
from lemlist_async.bulk.source.files import LONGEST_CELL, head_of, read_file
from lemlist_async.bulk.source.raw_row import RawRow
from lemlist_async.errors import ConfigurationError, InvalidInputError
from lemlist_async.export.spreadsheets import csv_line, guard, unguard

GOOD = "email,firstName\nann@x.com,Ann\n"
ANN = {"email": "ann@x.com", "firstName": "Ann"}


def rows(folder: Path, content: str | bytes, name: str = "a.csv", **options: Any) -> list[RawRow]:
    """Read the rows of a file."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_file(path, FileFormat(**options)))


def columns_of(path: Path, **file_format: Any) -> list[str]:
    head = head_of(path, FileFormat(**file_format))
    assert head is not None
    return head.columns


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (GOOD, 2),
        (GOOD.replace(",", ";"), 2),
        (GOOD.replace(",", "\t"), 2),
        (GOOD.replace(",", "|"), 2),
        (GOOD.replace("\n", "\r"), 2),
        (GOOD.replace("\n", "\r\n"), 2),
        (GOOD.encode("utf-8-sig"), 2),
        (b"\xef\xbb\xbf" + GOOD.encode("utf-8-sig"), 2),
        (GOOD.encode("utf-16"), 2),
        (GOOD.encode("utf-32"), 2),
        ("sep=;\n" + GOOD.replace(",", ";"), 3),
        ('"sep=;"\r\n' + GOOD.replace(",", ";"), 3),
        ("sep=,\r\n" + GOOD, 3),
        ("\ufeffsep=\t\n" + GOOD.replace(",", "\t"), 3),
        ("\n  \n" + GOOD, 4),
        (",,\n,,\n" + GOOD, 4),
        ("email,firstName,,\nann@x.com,Ann,,\n", 2),
        ("email,firstName,\nann@x.com,Ann,\n", 2),
        ("email,firstName\nann@x.com,Ann,,\n", 2),
        ("email,firstName\n,\nann@x.com,Ann\n,,\n \n\x1a", 3),
        ('email, firstName\nann@x.com, "Ann"\n', 2),
        ('"email", "firstName"\n"ann@x.com", "Ann"\n', 2),
        ('"email" ;firstName\n'.replace('" ;', '";') + "ann@x.com;Ann\n", 2),
        ("email,firstName\n'=x,y\n".replace("'=x,y", "ann@x.com,Ann"), 2),
        ("\u200bemail\u200b,firstName\nann@x.com,Ann\n", 2),
    ],
)
def test_the_same_row_comes_out_of_every_usual_way_to_write_it(
    tmp_path: Path, content: str | bytes, line: int
) -> None:
    assert rows(tmp_path, content) == [RawRow(line, ANN)]


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ('"email";"Name, first";"City, State, Zip"\na@x.com;Ann;"Rome, IT"\n',
         {"email": "a@x.com", "Name, first": "Ann", "City, State, Zip": "Rome, IT"}),
        ("email;Vorname, Name, Titel\na@x.com;Ann\n", {"email": "a@x.com", "Vorname, Name, Titel": "Ann"}),
        ('email,"tags (a;b;c;d)",firstName\na@x.com,x;y,Ann\n',
         {"email": "a@x.com", "tags (a;b;c;d)": "x;y", "firstName": "Ann"}),
        ("email;price\na@x.com;1,50\n", {"email": "a@x.com", "price": "1,50"}),
        ('"First\nname";email\nAnn;a@x.com\n', {"First name": "Ann", "email": "a@x.com"}),
        ('email, companyName\na@x.com, "Smith, Inc"\n', {"email": "a@x.com", "companyName": "Smith, Inc"}),
        ("email,note\na@x.com,x\u2028y\n", {"email": "a@x.com", "note": "x\u2028y"}),
    ],
)  # fmt: skip
def test_the_delimiter_is_the_one_under_which_records_agree(
    tmp_path: Path, content: str, values: dict[str, str]
) -> None:
    assert [row.values for row in rows(tmp_path, content)] == [values]


def workbook(name: str = "xl/workbook.xml") -> bytes:
    """A zip archive with one file in it."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr(name, "<x/>")
    return sink.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (workbook(), "is an Excel workbook"),
        (workbook("a.csv"), "another zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "an old Excel workbook"),
        (b"\x1f\x8b\x08" + bytes(20), "compressed by gzip"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"PAR1" + bytes(20), "a Parquet file"),
        (b"<!DOCTYPE html><table>", "a web page"),
        (b"  <HTML><table>", "a web page"),
        (GOOD.encode("utf-16-le"), "UTF-16 without its byte order mark"),
        (GOOD.encode("utf-16-be"), "UTF-16 without its byte order mark"),
        ('[{"email":"ann@x.com"}]', "holds JSON: name it .json"),
        ('{"email":"ann@x.com"}\n', "holds JSON: name it .json"),
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("sep=;\n", "is empty"),
        ("email,,firstName\na@x.com,x,Ann\n", "line 1: column 2 has no name"),
        ("\n\nemail,email\n", "line 3: the column 'email' is there twice"),
        ("ann@x.com,Ann\nbob@x.com,Bob\n", r"line 1: 'ann@x.com' is a value and no column's name"),
        ("Ann,https://www.linkedin.com/in/ann\n", "is a value and no column's name"),
        ("rival.example\nother.example\n", "may be a column's name or the first value"),
        (b"\xff\xfe\x00", "is not utf"),
    ],
)
def test_what_is_no_table_is_refused_by_what_it_is(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        rows(tmp_path, content)


@pytest.mark.parametrize(
    ("first", "column"),
    [
        ("ann@x.com", "email"),
        ("@rival.example", "value"),
        ("https://www.linkedin.com/in/ann", "linkedin_url"),
        ("linkedin.com/in/ann", "linkedin_url"),
        ("+33 6 12 34 56 78", "value"),
    ],
)
def test_a_list_without_a_header_keeps_its_first_value(tmp_path: Path, first: str, column: str) -> None:
    found = rows(tmp_path, f"{first}\nsecond@x.com\n")
    assert [(row.line, row.values) for row in found] == [(1, {column: first}), (2, {column: "second@x.com"})]
    assert columns_of(tmp_path / "a.csv") == [column]


def test_the_caller_may_say_that_there_is_no_header(tmp_path: Path) -> None:
    assert [row.values for row in rows(tmp_path, "rival.example\nb.example\n", header=False)] == [
        {"value": "rival.example"},
        {"value": "b.example"},
    ]
    assert rows(tmp_path, "\nann@x.com,Ann\n", header=False) == [RawRow(2, {"1": "ann@x.com", "2": "Ann"})]
    job = ImportLeads(campaign_id="cam_1", columns={"1": "email"})
    job.map_columns(columns_of(tmp_path / "a.csv", header=False))


def test_the_caller_may_name_the_delimiter(tmp_path: Path) -> None:
    assert rows(tmp_path, "email:firstName\nann@x.com:Ann\n", delimiter=":") == [RawRow(2, ANN)]
    for wrong in ("", ";;", '"', "\n"):
        with pytest.raises(ConfigurationError, match="a delimiter is one character"):
            FileFormat(delimiter=wrong)


def test_a_cell_that_is_too_long_refuses_its_row_and_no_other(tmp_path: Path) -> None:
    limit = csv.field_size_limit()
    long = "x" * 10_000_000
    found = rows(
        tmp_path, f'email,note\na@x.com,{long}\nb@x.com,"{long[:200_000]}\nc@x.com,no lead\n"\nd@x.com,y\n'
    )
    assert [(row.line, row.fault) for row in found] == [
        (2, f"a cell of 10,000,000 characters, and {LONGEST_CELL:,} is the most"),
        (3, f"a cell of 200,017 characters, and {LONGEST_CELL:,} is the most"),
        (6, None),
    ]
    assert csv.field_size_limit() == limit
    assert sum(len(text) for row in found for text in row.values.values()) < 1_000


def test_a_json_array_is_read_item_by_item_with_the_line_of_each(tmp_path: Path) -> None:
    text = '\n[\n {"email": "a@x.com"},\n\n {"email":\n "b@x.com"}, 7, "x"\n]\n'
    found = rows(tmp_path, text, "a.json")
    assert [(row.line, row.values.get("email"), row.fault) for row in found] == [
        (3, "a@x.com", None), (5, "b@x.com", None), (6, None, "not a JSON object"), (6, None, "not a JSON object"),
    ]  # fmt: skip
    assert head_of(tmp_path / "a.json", FileFormat()) is None
    assert rows(tmp_path, " [ ] ", "a.json") == []
    assert rows(tmp_path, '{"email": "a@x.com"}\n{"email": "b@x.com"}\n', "a.json") == [
        RawRow(1, {"email": "a@x.com"}),
        RawRow(2, {"email": "b@x.com"}),
    ]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_number_that_would_lose_digits_stays_as_it_is_for_the_plan_to_refuse(
    tmp_path: Path, name: str
) -> None:
    text = '{"id": 12345678901234567890123, "in": [12345678901234567890124]}\n'
    (row,) = rows(tmp_path, f"[{text}]" if name == "a.json" else text, name)
    assert row.values == {"id": 12345678901234567890123, "in": [12345678901234567890124]}


whole = st.integers(-(2**63) + 1, 2**63 - 1)


@given(st.lists(st.dictionaries(st.text(), st.one_of(st.text(), whole, st.none()))), st.booleans())
def test_any_array_of_objects_comes_back_whole(tmp_path_factory: Any, items: list[Any], pretty: bool) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(items, indent=2 if pretty else None))
    assert [row.values for row in read_file(path, FileFormat())] == items


def test_items_longer_than_a_piece_and_many_short_ones_are_read_in_little_memory(tmp_path: Path) -> None:
    items = [{"note": "é" * 300_000}, *({"n": n} for n in range(100_000))]
    (tmp_path / "a.json").write_text(json.dumps(items, ensure_ascii=False))
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_file(tmp_path / "a.json", FileFormat()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == len(items)
    assert peak < 16_000_000  # all items at once take twice as much


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"email": "a@x.com"}', "line 1: the JSON is broken: a comma or the closing bracket"),
        ('[\n{"email": "a@x.com"}\n{"email"', "line 3: the JSON is broken: a comma"),
        ('[{"email": "a@x.com"},]', "the JSON is broken"),
        ('[{"email": ', "the JSON is broken"),
        ("[" * 100_000, "nested too deeply"),
        ('{\n "email": "a@x.com"\n}', "holds a single object"),
        ('"email"', "holds no array of objects"),
        ("", "holds no array of objects"),
    ],
)
def test_json_that_is_no_list_of_rows_is_refused_with_the_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        rows(tmp_path, text, "a.json")


@pytest.mark.parametrize(
    "text", ["=1+1", "-cmd|' /C calc'!A0", "+1+cmd", "@SUM(A1)", "＝1+1", "'=1+1", "''=1", "+-1", '="1"']
)
def test_a_cell_that_a_spreadsheet_would_run_gets_a_quote(text: str) -> None:
    assert guard(text) == f"'{text}"
    assert unguard(guard(text)) == text


@pytest.mark.parametrize("split", [";", "|", "\t", "\n", "\r"])
def test_no_formula_begins_behind_a_sign_that_splits_cells_elsewhere(split: str) -> None:
    assert guard(f"x{split}=1+1") == f"x{split}'=1+1"
    assert unguard(f"x{split}'=1+1") == f"x{split}=1+1"


@pytest.mark.parametrize(
    "text",
    ["+33612345678", "+33 6 12 34 56 78", "+1 (555) 010-9999", "@competitor.example", "@a-b.co.uk",
     "-5", "+1.5", "-1,000.5", "'quoted'", "'tis", "a=b", "a;b", ""],
)  # fmt: skip
def test_telephone_numbers_domains_and_numbers_are_no_formulas(text: str) -> None:
    assert guard(text) == text
    assert unguard(text) == text


def test_excels_spelling_of_a_text_is_that_text() -> None:
    assert unguard('="0049123"') == "0049123"


odd_texts = st.text(st.sampled_from("'=+-@;|\t\r\n\"1a. "))


@given(st.one_of(st.text(), odd_texts), st.booleans())
def test_any_text_comes_back_from_a_file_as_it_went_guarded_or_not(text: str, formulas: bool) -> None:
    assert unguard(guard(text, formulas=formulas)) == text


@given(odd_texts)
def test_no_reading_of_a_guarded_text_has_a_cell_that_runs(text: str) -> None:
    if guard(text) != text or any(one in text for one in ";|\t\r\n"):
        for cell in re.split(r"[;|\t\r\n]", guard(text)):
            assert cell[:1] not in {"=", "+", "-", "@"}


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_a_csv_line_is_read_as_it_was_written(cells: list[str]) -> None:
    read = next(csv.reader(io.StringIO(csv_line(cells), newline=""), strict=True))
    assert [unguard(cell) for cell in read] == cells


@pytest.mark.parametrize("cell", ["a;b", "a|b", "a\tb", "a,b", 'a"b', "a\nb", " a", "a "])
def test_a_cell_that_another_countrys_spreadsheet_would_split_is_quoted(cell: str) -> None:
    assert csv_line([cell]).startswith('"')
