"""Rows out of pieces of CSV."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemlist_async.errors import DecodeError
from lemlist_async.resources._csv import RowParser


def rows(*pieces: bytes) -> list[dict[str, str]]:
    parser = RowParser("GET /contacts/export")
    return [row for piece in pieces for row in parser.feed(piece)] + list(parser.close())


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_data() -> None:
    assert rows(b"\xef\xbb\xbfemail,name\r\na@example.com,Ann\r\n\r\n") == [
        {"email": "a@example.com", "name": "Ann"}
    ]


def test_quotes_commas_and_line_breaks_stay_in_their_cell() -> None:
    """Quirk: exports hold whole messages; splitting at commas or lines breaks them."""
    assert rows(b'a,b\n"x, ""y""\r\nz",2\n') == [{"a": 'x, "y"\r\nz', "b": "2"}]


def test_a_column_name_that_comes_again_is_numbered() -> None:
    """Quirk: a custom variable may be named as a column of lemlist's own."""
    assert rows(b"email,email,email\n1,2,3\n") == [{"email": "1", "email (2)": "2", "email (3)": "3"}]


def test_unusual_separators_of_unicode_do_not_end_a_row() -> None:
    assert rows("a,b\nx\u2028y\x0bz,2\n".encode()) == [{"a": "x\u2028y\x0bz", "b": "2"}]


def test_an_empty_export_has_no_rows() -> None:
    assert rows() == rows(b"") == rows(b"a,b\n") == rows(b"a,b") == []


@pytest.mark.parametrize(
    "body",
    [b"a,b\n1,2\n3", b"a,b\n1,2,3\n", b'a,b\n1,"2', b'a,b\n"1"x,2\n'],
    ids=["cut", "wide", "open", "odd"],
)
def test_a_broken_row_raises_and_shows_no_data(body: bytes) -> None:
    with pytest.raises(DecodeError, match="the CSV is broken near row") as broken:
        rows(body)
    assert broken.value.operation == "GET /contacts/export"


def test_the_rows_before_a_break_are_given() -> None:
    parser = RowParser("GET /contacts/export")
    assert list(parser.feed(b"a,b\n1,2\n3")) == [{"a": "1", "b": "2"}]
    with pytest.raises(DecodeError):
        list(parser.close())


def test_the_parser_keeps_no_more_than_an_unfinished_row() -> None:
    parser = RowParser("GET /contacts/export")
    list(parser.feed(b"a,b\n"))
    for _ in range(1_000):
        list(parser.feed(b'"x\ny",2\n3,'))
        assert list(parser.feed(b"4\n")) == [{"a": "3", "b": "4"}]
    assert parser._rest == ""


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00\ufeff"), max_size=6)


@given(
    st.lists(st.tuples(CELL, CELL.map(lambda cell: cell or "-")), max_size=6),
    st.integers(1, 7),
    st.sampled_from(["\n", "\r\n"]),
)
def test_any_table_is_read_however_it_is_cut_into_pieces(
    table: list[tuple[str, str]], size: int, line_end: str
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=line_end).writerows([("a", "b"), *table])
    body = text.getvalue().encode()
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    assert [(row["a"], row["b"]) for row in rows(*pieces)] == table
