"""Every way in which lemlist pages, and the one iterator over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemlist_async import Pages
from lemlist_async.core.wire import ShapeError
from lemlist_async.errors import InvalidInputError
from lemlist_async.pagination import Cursor, Numbered, Offset, Page, Scheme, Totals, Whole, rows_of, totals
from lemlist_async.resources._base import page_reader


@attrs.define
class Server:
    """A list of `size` rows behind one endpoint, in one of the envelopes."""

    size: int
    envelope: str
    limit: int = 10
    asked: list[Mapping[str, int]] = attrs.field(factory=list)

    def answer(self, query: Mapping[str, int]) -> Any:
        self.asked.append(query)
        limit = query.get("limit", query.get("size", self.limit))
        page = query.get("page", 0) - (0 if self.envelope == "tasks" else 1)
        start = query.get("offset", query.get("skip", page * limit))
        rows = [{"_id": str(number)} for number in range(start, min(start + limit, self.size))]
        return self.wrap(rows, page + 1, -(-self.size // limit))

    def wrap(self, rows: list[Any], number: int, pages: int) -> Any:
        following = number + 1 if number < pages else None
        return {
            "list": rows,
            "tasks": {"results": rows, "page": str(number - 1)},
            "data": {"data": rows, "total": self.size},
            "database": {"results": rows, "total": self.size, "limitation": 1999},
            "campaigns": {
                "campaigns": rows,
                "pagination": {"totalRecords": self.size, "nextPage": following},
            },
            "inbox": {"data": rows, "pagination": {"totalItems": self.size, "nextPage": following}},
            "watchlist": {
                "data": rows,
                "meta": {"pagination": {"totalRecords": self.size, "totalPages": pages}},
            },
            "schedules": {
                "schedules": rows,
                "pagination": {"totalRecords": str(self.size), "totalPage": pages},
            },
        }[self.envelope]


def pages_of(server: Server, scheme: Scheme) -> Pages[dict[str, Any]]:
    async def fetch(cursor: Cursor) -> Page[dict[str, Any]]:
        read = page_reader(dict[str, Any], scheme, cursor, server.envelope)
        return read(server.answer(scheme.ask(cursor)), {})

    return Pages(fetch, scheme.first())


SCHEMES: list[tuple[str, Scheme]] = [
    ("list", Offset(10)),
    ("data", Offset(10)),
    ("data", Numbered(10)),
    ("inbox", Offset(10, "skip")),
    ("inbox", Numbered(10)),
    ("campaigns", Numbered(10)),
    ("list", Numbered(10)),
    ("schedules", Numbered(10)),
    ("watchlist", Numbered(10)),
    ("database", Numbered(10, size_name="size")),
    ("tasks", Numbered(start=0)),
]


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 20, 35])
@pytest.mark.parametrize(("envelope", "scheme"), SCHEMES)
async def test_every_row_comes_once_under_every_scheme(envelope: str, scheme: Scheme, size: int) -> None:
    """Quirk: nine spellings of paging, and two shapes of the campaign list."""
    server = Server(size, envelope)
    pages = pages_of(server, scheme)
    assert [row["_id"] async for row in pages] == [str(number) for number in range(size)]
    assert pages.cursor is None
    assert len(server.asked) <= size // 10 + 2


@given(st.integers(0, 60), st.integers(1, 20), st.sampled_from(["list", "data"]))
def test_an_offset_list_is_read_with_the_fewest_calls(size: int, limit: int, envelope: str) -> None:
    server, scheme = Server(size, envelope), Offset(limit)
    cursor: Cursor | None = scheme.first()
    while cursor is not None:
        cursor = page_reader(dict[str, Any], scheme, cursor, "data")(
            server.answer(scheme.ask(cursor)), {}
        ).next
    needed = max(1, -(-size // limit))
    assert len(server.asked) in ({needed} if envelope == "data" else {needed, needed + 1})


async def test_awaiting_gives_the_first_page_with_what_stood_beside_the_rows() -> None:
    """Quirk: the searches that are left today stand beside the rows."""
    server = Server(35, "database")
    pages = pages_of(server, Numbered(10, size_name="size"))
    page = await pages
    assert (len(page.items), page.total, page.next) == (10, 35, {"page": 2})
    assert page.extra == {"total": 35, "limitation": 1999}
    assert len(server.asked) == 1


async def test_an_early_break_asks_for_nothing_more_and_the_cursor_goes_on() -> None:
    server = Server(35, "list")
    pages = pages_of(server, Offset(10))
    async for page in pages.pages():
        if page.items[-1]["_id"] == "19":
            break
    assert (pages.cursor, len(server.asked)) == ({"offset": 10}, 2)
    rest = [row["_id"] async for row in pages.resume({"offset": 20})]
    assert rest == [str(number) for number in range(20, 35)]


@pytest.mark.parametrize("cursor", [{"page": 2}, {}, {"offset": "20"}, {"offset": True}])
async def test_a_cursor_of_another_list_is_refused(cursor: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"looks like \{'offset': 0\}"):
        pages_of(Server(1, "list"), Offset(10)).resume(cursor)


async def test_rows_that_move_to_the_next_page_meanwhile_come_once() -> None:
    class Growing(Server):
        def answer(self, query: Mapping[str, int]) -> Any:
            shifted = {**query, "offset": max(0, query["offset"] - 3 * len(self.asked))}
            return super().answer(shifted)

    found = [row["_id"] async for row in pages_of(Growing(25, "list"), Offset(10))]
    assert found == [str(number) for number in range(25)]


async def test_a_server_that_ignores_the_offset_is_noticed(caplog: pytest.LogCaptureFixture) -> None:
    """Quirk: the lead list of a campaign may not page at all."""

    class Deaf(Server):
        def answer(self, query: Mapping[str, int]) -> Any:
            return super().answer({**query, "offset": 0})

    server = Deaf(35, "list")
    assert len(await pages_of(server, Offset(10)).collect()) == 10
    assert len(server.asked) == 2
    assert "repeats" in caplog.text


async def test_a_next_page_that_does_not_move_on_ends_the_list() -> None:
    async def fetch(cursor: Cursor) -> Page[dict[str, Any]]:
        raw = {"data": [{"_id": "a"}], "pagination": {"nextPage": 1}}
        return page_reader(dict[str, Any], Numbered(1), cursor, "data")(raw, {})

    assert await Pages(fetch, {"page": 1}).collect() == [{"_id": "a"}]


@pytest.mark.parametrize(("most", "calls"), [(0, 0), (-1, 0), (5, 1), (10, 1), (11, 2), (None, 4)])
async def test_collecting_stops_where_it_was_told_to(most: int | None, calls: int) -> None:
    server = Server(35, "list")
    found = await pages_of(server, Offset(10)).collect(most)
    assert (len(found), len(server.asked)) == (35 if most is None else max(0, most), calls)


async def test_iterating_again_starts_again() -> None:
    pages = pages_of(Server(12, "list"), Offset(10))
    assert await pages.collect() == await pages.collect()
    assert pages.total is None


@pytest.mark.parametrize("raw", [None, "text", 5, {}, {"data": {"a": 1}}, {"ok": True}])
def test_an_answer_without_a_list_is_an_error_and_not_the_end(raw: Any) -> None:
    """Quirk: a client that took another shape for the end returned no rows at all."""
    with pytest.raises(ShapeError):
        rows_of(raw, "campaigns")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ([], Totals()),
        ({"total": 3}, Totals(rows=3)),
        (
            {"pagination": {"totalRecords": "7", "totalPage": 2, "nextPage": None}},
            Totals(7, 2, None, says_next=True),
        ),
        ({"meta": {"pagination": {"totalPages": 4}}}, Totals(pages=4)),
        ({"total": True, "pagination": "odd", "meta": "odd"}, Totals()),
    ],
)
def test_totals_are_read_in_every_spelling(raw: Any, told: Totals) -> None:
    assert totals(raw) == told


def test_a_list_in_one_answer_asks_for_no_page() -> None:
    scheme = Whole()
    assert (scheme.first(), scheme.ask({}), scheme.after({}, 5, {"nextPage": 2})) == ({}, {}, None)
