"""Lists that go over several answers: each paging scheme a small value, and one iterator for all of them."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping
from typing import Any, Generic, Protocol, TypeVar, cast

import attrs

from lemlist_async.core.wire import ShapeError, is_array, is_object
from lemlist_async.errors import InvalidInputError

_log = logging.getLogger("lemlist_async.pagination")
T = TypeVar("T")

Cursor = Mapping[str, int]
"""Where a list goes on: plain JSON, such as ``{"offset": 200}``."""

_REMEMBERED_PAGES = 10
"""Pages whose ids are remembered: a server that shifts repeats rows of the page before, not of long ago."""


@attrs.frozen
class Page(Generic[T]):
    """One answer of a list."""

    items: list[T]
    total: int | None
    """Rows of the whole list, where lemlist tells."""
    next: Cursor | None
    """Where the next page begins; None on the last one."""
    extra: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    """What stood beside the rows in the answer, such as ``limitation``, the searches that are left."""


class Scheme(Protocol):
    """How one endpoint pages."""

    def first(self) -> Cursor:
        """Where the list begins."""
        ...

    def ask(self, cursor: Cursor) -> Mapping[str, int]:
        """Parameters that ask for the page at `cursor`."""
        ...

    def after(self, cursor: Cursor, count: int, raw: Any) -> Cursor | None:
        """Where the page after this one begins, if there is one; `count` rows came."""
        ...


@attrs.frozen
class Offset:
    """``offset`` (or ``skip``) and ``limit``; ends at the total, or at a short page where there is none."""

    limit: int
    name: str = "offset"

    def first(self) -> Cursor:
        return {self.name: 0}

    def ask(self, cursor: Cursor) -> Mapping[str, int]:
        return {**cursor, "limit": self.limit}

    def after(self, cursor: Cursor, count: int, raw: Any) -> Cursor | None:
        reached, told = cursor[self.name] + count, totals(raw)
        if not count or (told.rows is not None and reached >= told.rows):
            return None
        if told.rows is None and count < self.limit:
            return None
        return {self.name: reached}


@attrs.frozen
class Numbered:
    """``page`` numbers; ends where lemlist says so, else at a short page."""

    size: int | None = None
    """Rows to ask for; None where the page size is lemlist's own: then only an empty page ends the list."""
    start: int = 1
    size_name: str = "limit"

    def first(self) -> Cursor:
        return {"page": self.start}

    def ask(self, cursor: Cursor) -> Mapping[str, int]:
        return dict(cursor) if self.size is None else {**cursor, self.size_name: self.size}

    def after(self, cursor: Cursor, count: int, raw: Any) -> Cursor | None:
        page, told = cursor["page"], totals(raw)
        if not count:
            return None
        if told.unreadable:
            raise ShapeError("the next page is named by no number")
        if told.says_next:
            # a nextPage that does not move on would be asked for for ever
            return {"page": told.next} if told.next is not None and told.next > page else None
        if told.pages is not None:
            more = page - self.start + 1 < told.pages
        elif self.size is None:
            more = True
        elif told.rows is not None:
            more = (page - self.start + 1) * self.size < told.rows
        else:
            more = count >= self.size
        return {"page": page + 1} if more else None


@attrs.frozen
class Whole:
    """Everything in one answer."""

    def first(self) -> Cursor:
        return {}

    def ask(self, cursor: Cursor) -> Mapping[str, int]:
        return {}

    def after(self, cursor: Cursor, count: int, raw: Any) -> Cursor | None:
        return None


@attrs.frozen
class Totals:
    """What an envelope tells of the whole list, in any of its spellings."""

    rows: int | None = None
    pages: int | None = None
    next: int | None = None
    unreadable: bool = False
    """Whether that word is there and is no number: taken for the end, it would lose rows in silence."""
    says_next: bool = False
    """Whether it has a word for the next page at all; null then means that there is none."""


def totals(raw: Any) -> Totals:
    """Read them wherever they stand: at the top, under ``pagination`` or under ``meta``."""
    if not is_object(raw):
        return Totals()
    meta = raw.get("meta")
    inner = raw.get("pagination") or (meta.get("pagination") if is_object(meta) else None)
    told = inner if is_object(inner) else raw
    return Totals(
        rows=_first(told, "totalRecords", "totalItems", "total"),
        pages=_first(told, "totalPages", "totalPage"),
        next=_first(told, "nextPage"),
        says_next="nextPage" in told,
        unreadable=told.get("nextPage") is not None and _first(told, "nextPage") is None,
    )


def _first(told: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = told.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.isdigit():
            return int(value)
    return None


def rows_of(raw: Any, *names: str) -> list[Any]:
    """The rows of an answer: a bare list, or the list under one of `names`, or under a usual one.

    Raises:
        ShapeError: there is no list. A client that took this for the end would lose rows in silence.
    """
    if is_array(raw):
        return raw
    if is_object(raw):
        for name in (*names, "data", "results"):
            if is_array(rows := raw.get(name)):
                return rows
    raise ShapeError("a list was promised")


class Pages(Generic[T]):
    """A list of the API: `await` it for its first page, `async for` over it for every item.

    Each row comes once, even if rows move between pages while they are read. Iterating again starts again.
    """

    def __init__(
        self,
        fetch: Callable[[Cursor], Awaitable[Page[T]]],
        start: Cursor,
        key: Callable[[T], object] | None = None,
    ) -> None:
        self._fetch = fetch
        self._cursor: Cursor | None = start
        self._start = start
        self._key = key or _id
        self.total: int | None = None
        """Rows of the whole list, once a page has told it."""

    @property
    def cursor(self) -> Cursor | None:
        """Where to go on later with `resume`; None once the end was reached. Plain JSON."""
        return self._cursor

    def resume(self, cursor: Cursor) -> Pages[T]:
        """The same list from `cursor` on."""
        shaped = isinstance(cast("object", cursor), Mapping) and cursor.keys() == self._start.keys()
        if not shaped or not all(type(value) is int and value >= 0 for value in cursor.values()):
            raise InvalidInputError(f"a cursor of this list looks like {dict(self._start)}, not {cursor!r}")
        return Pages(self._fetch, cursor, self._key)

    def __await__(self) -> Generator[Any, None, Page[T]]:
        return self._turn(self._start).__await__()

    async def _turn(self, cursor: Cursor) -> Page[T]:
        page = await self._fetch(cursor)
        if page.total is not None:
            self.total = page.total
        return page

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Page after page, without the rows that an earlier page had."""
        seen: deque[frozenset[object]] = deque(maxlen=_REMEMBERED_PAGES)
        self._cursor = self._start
        while self._cursor is not None:
            page = await self._turn(self._cursor)
            keys = [self._key(item) for item in page.items]
            known = frozenset[object]().union(*seen)
            fresh = [
                item for item, key in zip(page.items, keys, strict=True) if key is None or key not in known
            ]
            if page.items and not fresh:
                _log.warning("a page repeats the ones before it: the server ignores where to go on; stopped")
                self._cursor = None
                return
            yield attrs.evolve(page, items=fresh)
            seen.append(frozenset(key for key in keys if key is not None))
            self._cursor = page.next

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def collect(self, most: int | None = None) -> list[T]:
        """All items, or the first `most` of them, as a list."""
        found: list[T] = []
        if most is not None and most <= 0:
            return found
        async for item in self:
            found.append(item)
            if len(found) == most:
                break
        return found


def _id(item: Any) -> object:
    found = item.get("_id") if is_object(item) else getattr(item, "id", None)
    # a row without an id has an empty one; an odd one need not be hashable
    return found if isinstance(found, str | int) and found != "" else None
