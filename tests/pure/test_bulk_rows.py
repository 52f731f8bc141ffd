"""Rows out of files: each with its line, each fault told where it is."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from lemlist_async.bulk.jobs.leads import ImportLeads
from lemlist_async.bulk.source.csv_dialect import FileFormat
from lemlist_async.bulk.source.files import head_of, read_file
from lemlist_async.bulk.source.raw_row import RawRow, RowRefusedError
from lemlist_async.bulk.source.rows import read_rows
from lemlist_async.errors import ConfigurationError, InvalidInputError
from lemlist_async.files import write_file

JOB = ImportLeads(campaign_id="cam_1")


def columns_of(path: Path, **file_format: Any) -> list[str]:
    head = head_of(path, FileFormat(**file_format))
    assert head is not None
    return head.columns


def rows(path: Path, content: bytes, **options: Any) -> list[RawRow]:
    """Read the rows of a file."""
    path.write_bytes(content)
    return list(read_file(path, FileFormat(**options)))


def test_quotes_line_breaks_and_unicode_are_read_as_they_were_written(tmp_path: Path) -> None:
    found = rows(
        tmp_path / "a.csv", 'email,note\r\na@x.com,"two\r\nlines, ""quoted"""\r\nb@x.com,é\r\n'.encode()
    )
    assert [(row.line, row.values["note"]) for row in found] == [(2, 'two\r\nlines, "quoted"'), (4, "é")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header(tmp_path: Path, delimiter: str) -> None:
    text = f"email{delimiter}Company size\na@x.com{delimiter}5\n"
    assert rows(tmp_path / "a.csv", text.encode())[0].values == {"email": "a@x.com", "Company size": "5"}


def test_a_byte_order_mark_does_not_become_part_of_a_name(tmp_path: Path) -> None:
    assert rows(tmp_path / "a.csv", b"\xef\xbb\xbfemail\na@x.com\n")[0].values == {"email": "a@x.com"}


def test_rows_with_more_cells_are_refused_and_those_with_fewer_are_filled_up(tmp_path: Path) -> None:
    found = rows(tmp_path / "a.csv", b"email,name\na@x.com,A,extra\n\nb@x.com\nc@x.com,C\n")
    assert [(row.line, row.fault) for row in found] == [
        (2, "3 columns where the header has 2"),
        (4, None),
        (5, None),
    ]
    assert found[1].values == {"email": "b@x.com", "name": ""}
    assert found[1].note == "1 cell where the header has 2: the others are empty"
    assert found[2].note is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('email,name\na@x.com,"A"B\nb@x.com,B\n', "line 2: a quote stands inside a quoted cell"),
        ('email,note\na@x.io,"he said "hi" to\nnot-a-lead@x.io,foo\n"\n', "line 2: a quote stands inside"),
    ],
)
def test_text_of_a_broken_cell_never_becomes_a_lead(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        rows(tmp_path / "a.csv", content.encode())


def test_the_header_is_judged_by_itself_and_not_by_the_first_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("first,last,email\nAnn,Lee\nBob,Ray,bob@x.io\n")
    assert columns_of(tmp_path / "a.csv") == ["first", "last", "email"]
    (tmp_path / "b.csv").write_text("name,first\n")
    with pytest.raises(InvalidInputError, match="no column for the e-mail address"):
        JOB.map_columns(columns_of(tmp_path / "b.csv"))


def test_a_column_that_is_mapped_and_not_there_is_told() -> None:
    with pytest.raises(InvalidInputError, match="no column 'Emial': the file has 'email'"):
        ImportLeads(campaign_id="cam_1", columns={"Emial": "email"}).map_columns(["email"])


def test_an_empty_cell_of_pandas_is_empty() -> None:
    assert JOB.check({"email": "a@x.io", "first_name": float("nan")})["fields"] == {"email": "a@x.io"}


def test_a_pipe_is_refused_since_it_can_be_read_only_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InvalidInputError, match="read more than once"):
        head_of(tmp_path / "pipe.csv", FileFormat())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\n\n,,\n", "empty"),
        (b"email,email\n", "'email' is there twice"),
        (b"email,,name\n", "column 2 has no name"),
        (b'email,name\na@x.com,"open\nb@x.com,B\n', "line 2: a quote is opened and never closed"),
        (b"email\n\xff\xfe@x.com\n", "not utf-8: byte 0xff"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_and_where(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        rows(tmp_path / "a.csv", content)


def test_a_file_that_cannot_be_opened_or_an_unknown_encoding_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="No such file"):
        list(read_file(tmp_path / "none.csv", FileFormat()))
    with pytest.raises(InvalidInputError, match="no encoding 'utf-99'"):
        rows(tmp_path / "a.csv", b"email\n", encoding="utf-99")


def test_a_broken_character_in_json_lines_is_repaired_and_a_value_that_would_become_null_is_refused(
    tmp_path: Path,
) -> None:
    content = b'{"email": "a@x.com", "note": "Great \\ud83d"}\n{"email": "b@x.com", "score": NaN}\n'
    first, second = rows(tmp_path / "a.jsonl", content)
    assert first.values == {"email": "a@x.com", "note": "Great \ufffd"}
    assert (second.line, second.values, str(second.fault)[:8]) == (2, {}, "not JSON")


def test_json_lines_are_read_with_their_faults(tmp_path: Path) -> None:
    found = rows(tmp_path / "a.jsonl", b'{"email": "a@x.com"}\n\n{broken\n[1]\n')
    assert [(row.line, row.fault is None) for row in found] == [(1, True), (3, False), (4, False)]
    assert head_of(tmp_path / "a.jsonl", FileFormat()) is None


async def test_mappings_come_from_any_iterable() -> None:
    async def later() -> AsyncIterator[dict[str, str]]:
        yield {"email": "a@x.com"}

    given = [{"email": f"{name}@x.com"} for name in "abc"]
    chunks = [[row.line for row in rows] async for rows in read_rows(given, FileFormat(), most=2)]
    assert chunks == [[1, 2], [3]]
    assert [rows async for rows in read_rows(later(), FileFormat(), most=2)] == [
        [RawRow(1, {"email": "a@x.com"})]
    ]
    wrong: Any = [1]
    assert [row.fault async for rows in read_rows(wrong, FileFormat(), most=2) for row in rows] == [
        "a row is a mapping, not int"
    ]


def test_columns_become_fields_whatever_their_spelling_and_others_variables() -> None:
    payload = JOB.check(
        {"E-Mail": " a@x.com ", "First Name": "Ann", "jobTitle": "CTO", "Shoe size": 38, "x": ""}
    )
    assert payload == {
        "fields": {"email": "a@x.com", "first_name": "Ann", "job_title": "CTO"},
        "variables": {"Shoe size": 38},
    }


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"email": ""},
        {"email": "nope"},
        {"email": "a@x.com", "tags": ["a"]},
        {"email": "a@x.com", "n": "a\x00"},
    ],
)
def test_a_row_that_lemlist_could_not_use_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(RowRefusedError):
        JOB.check(values)


def test_a_lead_may_have_a_linkedin_url_in_place_of_an_address() -> None:
    payload = JOB.check({"LinkedIn": "https://linkedin.com/in/x"})
    assert JOB.key(payload) == "linkedin.com/in/x"


def test_the_header_is_looked_at_before_the_rows() -> None:
    with pytest.raises(InvalidInputError, match="no column for the e-mail address among 'name'"):
        JOB.map_columns(["name"])
    with pytest.raises(InvalidInputError, match="'Email' and 'e_mail' would both become 'email'"):
        JOB.map_columns(["Email", "e_mail"])
    ImportLeads(campaign_id="cam_1", columns={"Kontakt": "email"}).map_columns(["Kontakt"])


def test_a_campaign_id_without_its_prefix_is_refused() -> None:
    """lemlist answers 200 to it and creates nothing."""
    with pytest.raises(InvalidInputError, match="cam_"):
        ImportLeads(campaign_id="1234")
    with pytest.raises(ConfigurationError, match="on_duplicate"):
        ImportLeads(campaign_id="cam_1", on_duplicate="ignore")  # type: ignore[arg-type]  # that is the point


def test_flags_that_cost_credits_are_counted() -> None:
    assert JOB.credits({}) == 0
    assert ImportLeads(campaign_id="cam_1", find_email=True, verify_email=True).credits({}) == 6


def test_a_report_file_is_written_whole_or_not_at_all_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"

    def breaks() -> Any:
        yield "one\n"
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_file(path, breaks())
    assert list(tmp_path.iterdir()) == []
    write_file(path, ["one\n"])
    assert path.read_text() == "one\n"
    assert path.stat().st_mode & 0o777 == 0o600
