"""Every way in which lemlist pages, and the one iterator over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemlist_async import Pages
from lemlist_async.core.wire import ShapeError
from lemlist_async.errors import IncompleteListError, InvalidInputError
from lemlist_async.pagination import (
    Cursor,
    Numbered,
    Offset,
    Page,
    Scheme,
    Totals,
    Whole,
    read_totals,
    rows_of,
)
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

    return Pages(fetch, scheme)


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
    # a full page that reaches a lone total is no proof: the total may be that of the page
    certain = envelope == "data" and (size % limit or not size)
    assert len(server.asked) in ({needed} if certain else {needed, needed + 1})


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

    assert await Pages(fetch, Numbered(1)).collect() == [{"_id": "a"}]


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
    assert read_totals(raw) == told


def test_a_list_in_one_answer_asks_for_no_page() -> None:
    scheme = Whole()
    assert (scheme.first(), scheme.ask({}), scheme.after({}, 5, Totals(next=2))) == ({}, {}, None)


# Servers that mislead --------------------------------------------------------------------------------------

Answer = Callable[[int, int, int], Any]
"""(first row, page number from 1, rows asked for) to an answer."""


def rows(first: int, last: int) -> list[dict[str, str]]:
    return [{"_id": str(number)} for number in range(first, max(first, last))]


def misled(
    answer: Answer, scheme: Scheme, limit: int = 10, size: int = 35
) -> tuple[Pages[Any], list[Cursor]]:
    """A list behind a server that misleads, and what it was asked for."""
    asked: list[Cursor] = []

    async def fetch(cursor: Cursor) -> Page[Any]:
        asked.append(cursor)
        assert len(asked) < 40, "asks for ever"
        start = getattr(scheme, "start", 1)
        number = cursor.get("page", 0) - start + 1 if "page" in cursor else 1
        first = cursor.get("offset", (number - 1) * limit)
        return page_reader(dict[str, Any], scheme, cursor, "data")(answer(first, number, limit), {})

    return Pages(fetch, scheme), asked


@pytest.mark.parametrize("cap", [1, 5, 7, 10, 17, 28, 34, 35, 36, 99, 100])
@pytest.mark.parametrize("envelope", ["list", "total", "page total"])
async def test_a_server_that_gives_fewer_rows_a_page_than_asked_loses_none(cap: int, envelope: str) -> None:
    def answer(first: int, _number: int, _limit: int) -> Any:
        found = rows(first, min(35, first + cap))
        wrapped = {"data": found, "total": 35}
        return {"list": found, "total": wrapped, "page total": wrapped}[envelope]

    pages, _ = misled(answer, Offset(100))
    assert len(await pages.collect()) == 35
    assert pages.complete is True


@pytest.mark.parametrize("cap", [1, 5, 7, 10, 34, 35])
@pytest.mark.parametrize("beside", [{}, {"total": 35}])
async def test_numbered_pages_that_are_shorter_than_asked_lose_none(cap: int, beside: dict[str, Any]) -> None:
    def answer(_first: int, number: int, _limit: int) -> Any:
        return {"data": rows((number - 1) * cap, min(35, number * cap)), **beside}

    pages, _ = misled(answer, Numbered(100))
    assert len(await pages.collect()) == 35
    assert pages.complete is True


MISLEADING: dict[str, tuple[Scheme, Callable[[list[Any], int], Any]]] = {
    "a total that is that of the page": (Offset(10), lambda found, _: {"data": found, "total": len(found)}),
    "a total below what came": (Offset(10), lambda found, _: {"data": found, "total": 3}),
    "a total of nothing": (Offset(10), lambda found, _: {"data": found, "total": 0}),
    "numbered, a total that is that of the page": (
        Numbered(10),
        lambda found, _: {"data": found, "total": len(found)},
    ),
    "no next page although there are more": (
        Numbered(10),
        lambda found, _: {"data": found, "pagination": {"nextPage": None, "totalPages": 4}},
    ),
    "no next page although the total tells of more": (
        Numbered(10),
        lambda found, _: {"data": found, "pagination": {"nextPage": None, "totalItems": 35}},
    ),
    "a next page that stands still": (
        Numbered(10),
        lambda found, _: {"data": found, "pagination": {"nextPage": 1}},
    ),
    "one page although the total tells of more": (
        Numbered(10),
        lambda found, _: {"data": found, "meta": {"pagination": {"totalPages": 1, "totalRecords": 35}}},
    ),
    "pages that are all told and a next page": (
        Numbered(10),
        lambda found, number: {"data": found, "pagination": {"nextPage": number + 1, "totalPages": 1}},
    ),
}


@pytest.mark.parametrize("name", MISLEADING)
async def test_a_sign_of_the_end_that_another_one_contradicts_ends_nothing(name: str) -> None:
    scheme, wrap = MISLEADING[name]
    pages, asked = misled(lambda first, number, _: wrap(rows(first, min(35, first + 10)), number), scheme)
    assert [row["_id"] for row in await pages.collect()] == [str(number) for number in range(35)]
    assert len(asked) <= 5


async def test_signs_that_agree_end_a_list_after_a_full_page() -> None:
    pages, asked = misled(
        lambda first, _number, _limit: {
            "data": rows(first, first + 10),
            "pagination": {"nextPage": None, "totalPages": 1, "totalRecords": 10},
        },
        Numbered(10),
    )
    assert len(await pages.collect()) == 10
    assert (len(asked), pages.complete) == (1, True)


async def test_rows_that_are_told_of_and_do_not_come_make_the_list_incomplete() -> None:
    pages, _ = misled(
        lambda first, _n, _l: {"data": rows(first, min(35, first + 10)), "total": 50}, Offset(10)
    )
    assert len(await pages.collect()) == 35
    assert (pages.complete, pages.incomplete_reason) == (False, "lemlist reported 50 rows and returned 35")


@pytest.mark.parametrize(
    ("scheme", "size", "complete"),
    [
        (Offset(500), 500, False),
        (Offset(500), 30, True),
        (Offset(1000, documented=500), 500, False),
        (Offset(1000, documented=500), 499, True),
        (Numbered(start=0), 30, False),
    ],
)
async def test_a_list_that_does_not_page_is_whole_only_if_its_page_is_short(
    scheme: Scheme, size: int, complete: bool
) -> None:
    """Quirk: the lead list of a campaign may not page at all."""
    pages, asked = misled(lambda *_: rows(0, size), scheme)
    assert pages.complete is None
    assert len(await pages.collect()) == size
    assert (len(asked), pages.complete) == (2, complete)
    strict = pages.strict()
    if complete:
        assert len(await strict.collect()) == size
    else:
        with pytest.raises(IncompleteListError, match="the server ignores where to go on"):
            await strict.collect()


async def test_a_list_without_ids_that_does_not_page_ends() -> None:
    pages, asked = misled(lambda *_: [{"name": "a"}] * 10, Offset(10))
    assert len(await pages.collect()) == 10
    assert (len(asked), pages.complete) == (2, False)


async def test_a_server_that_goes_round_in_circles_is_left() -> None:
    pages, _ = misled(lambda first, _n, _l: rows(first % 30, first % 30 + 10), Offset(10))
    assert len(await pages.collect()) == 30
    assert pages.complete is False


async def test_an_empty_page_that_announces_another_one_makes_the_list_incomplete() -> None:
    def answer(_first: int, number: int, _limit: int) -> Any:
        found = rows(0, 10) if number == 1 else []
        return {"data": found, "pagination": {"nextPage": number + 1, "totalPages": 4}}

    pages, _ = misled(answer, Numbered(10))
    assert len(await pages.collect()) == 10
    assert (pages.complete, pages.incomplete_reason) == (False, "an empty page announces another one")


async def test_a_list_that_was_left_early_is_neither_whole_nor_not() -> None:
    pages, _ = misled(lambda first, _n, _l: rows(first, min(35, first + 10)), Offset(10))
    assert len(await pages.collect(12)) == 12
    assert (pages.complete, pages.incomplete_reason) == (None, None)


# Rows that leave while they are read -----------------------------------------------------------------------


class Shrinking:
    """Rows that leave a list as soon as they were handled."""

    def __init__(self, size: int, scheme: Scheme, *, total: bool, told: bool) -> None:
        self.left = [{"_id": str(number)} for number in range(size)]
        self.changes = 0
        self.asked = 0
        self._scheme = scheme
        self._total = total
        self.pages = Pages(self._fetch, scheme, changes=(lambda: self.changes) if told else None)

    async def _fetch(self, cursor: Cursor) -> Page[Any]:
        self.asked += 1
        first = cursor["offset"] if "offset" in cursor else cursor["page"] * 50
        raw: dict[str, Any] = {"data": self.left[first : first + 50]}
        if self._total:
            raw["total"] = len(self.left)
        return page_reader(dict[str, Any], self._scheme, cursor, "data")(raw, {})

    def handle(self, row: Any) -> None:
        self.left.remove(row)
        self.changes += 1


@pytest.mark.parametrize("scheme", [Numbered(start=0), Offset(50), Offset(20), Numbered(50, start=0)])
@pytest.mark.parametrize("total", [False, True])
@pytest.mark.parametrize("every", [1, 2, 3])
async def test_rows_that_are_handled_while_they_are_read_all_come_once(
    scheme: Scheme, total: bool, every: int
) -> None:
    server = Shrinking(250, scheme, total=total, told=True)
    came: list[str] = []
    async for row in server.pages:
        came.append(row["_id"])
        if len(came) % every == 0:
            server.handle(row)
    assert sorted(came, key=int) == [str(number) for number in range(250)]
    assert server.pages.complete is True


async def test_a_total_that_becomes_smaller_is_noticed_without_being_told_of_changes() -> None:
    server = Shrinking(250, Offset(50), total=True, told=False)
    came = [row["_id"] async for row in server.pages if server.handle(row) is None]
    assert sorted(came, key=int) == [str(number) for number in range(250)]


async def test_a_list_that_nothing_changes_is_read_once() -> None:
    server = Shrinking(250, Numbered(start=0), total=False, told=True)
    assert len(await server.pages.collect()) == 250
    assert server.asked == 6
