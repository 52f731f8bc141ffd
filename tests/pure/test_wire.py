"""Calls and replies as values."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemlist_async import Call, Effect
from lemlist_async.core.wire import Response, Upload, encode_query, fill
from lemlist_async.errors import InvalidInputError

SENDABLE = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\x7f"), min_size=1)


def test_only_reads_and_idempotent_operations_are_repeatable() -> None:
    assert {effect for effect in Effect if effect.repeatable} == {Effect.READ, Effect.IDEMPOTENT}


def test_a_call_is_named_by_its_template_and_sent_with_its_values() -> None:
    call = Call[None]("GET", "/leads/{email}", ("ann+x@example.com",), query=[("version", "v2")])
    assert call.operation == "GET /leads/{email}"
    assert call.target == "/leads/ann%2Bx%40example.com?version=v2"


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("@example.com", "%40example.com"),
        ("https://linkedin.com/in/a b", "https%3A%2F%2Flinkedin.com%2Fin%2Fa%20b"),
        ("+33 6", "%2B33%206"),
        ("é", "%C3%A9"),
    ],
)
def test_path_values_are_quoted_whole(value: str, quoted: str) -> None:
    """Quirk: addresses, domains, LinkedIn pages and phone numbers are parts of paths."""
    assert fill("/v2/unsubscribes/variables/{value}", (value,)) == f"/v2/unsubscribes/variables/{quoted}"


@pytest.mark.parametrize("value", ["", ".", "..", "a\nb", "\x00", "\ud800", 5, None])
def test_a_value_that_would_name_another_route_or_not_arrive_is_refused(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"\{id\}"):
        fill("/campaigns/{id}", (value,))  # type: ignore[arg-type]  # that is the point


@given(SENDABLE.filter(lambda text: text not in {".", ".."}))
def test_the_server_decodes_a_path_value_to_what_was_given(text: str) -> None:
    quoted = fill("/a/{value}/b", (text,)).removeprefix("/a/").removesuffix("/b")
    assert "/" not in quoted
    assert unquote(quoted) == text


@given(st.lists(st.tuples(SENDABLE, st.text(st.characters(exclude_categories=["Cs"])))))
def test_the_server_decodes_a_query_to_what_was_given(query: list[tuple[str, str]]) -> None:
    assert parse_qsl(encode_query(query), keep_blank_values=True, strict_parsing=bool(query)) == query


def test_a_lone_surrogate_in_a_query_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="surrogate"):
        encode_query([("a", "\ud800")])


@pytest.mark.parametrize("field", ["name", "filename", "content_type"])
@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "\x1f", "\x7f", "\ud800", chr(0xDFFF)])
def test_what_no_header_of_an_upload_can_carry_is_refused_with_its_place(field: str, bad: str) -> None:
    fields = {"name": "file", "filename": "a.csv", field: f"ab{bad}X: y"}
    with pytest.raises(InvalidInputError, match=rf"Upload\.{field} holds .* at index 2") as caught:
        Upload(content=b"", **fields)
    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()


def test_a_path_is_no_name_of_an_upload() -> None:
    with pytest.raises(InvalidInputError, match=r"Upload\.filename must be a string, not PurePosixPath"):
        Upload("file", PurePosixPath("a.csv"), b"")  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize("filename", ["", "é.csv", 'a"b\\c/d.csv', "tab\t.csv", "\U0001f600", "\x85"])
def test_any_other_name_of_a_file_is_taken(filename: str) -> None:
    assert Upload("file", filename, b"").filename == filename


def test_a_reply_tells_its_media_type_and_its_text() -> None:
    response = Response(200, {"Content-Type": "Application/JSON; charset=utf-8"}, "é".encode() + b"\xff")
    assert (response.content_type, response.text(), Response(204, {}).content_type) == (
        "application/json",
        "é\ufffd",
        "",
    )
