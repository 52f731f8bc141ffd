"""Lists that go over several answers: each paging scheme a small value, and one iterator for all of them."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping
from typing import Any, Generic, Protocol, TypeVar, cast

import attrs

from lemlist_async.core.wire import ShapeError, is_array, is_object
from lemlist_async.errors import IncompleteListError, InvalidInputError

_log = logging.getLogger("lemlist_async.pagination")
T = TypeVar("T")

Cursor = Mapping[str, int]
"""Where a list goes on: plain JSON, such as ``{"offset": 200}``."""

_REMEMBERED_PAGES = 10
"""Pages whose ids are remembered: a server that shifts repeats rows of the page before, not of long ago."""
_STALE_PAGES = 10
"""Pages in a row without a new row after which a list ends: the server goes round in circles."""


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


@attrs.frozen
class Page(Generic[T]):
    """One answer of a list."""

    items: list[T]
    total: int | None
    """Rows of the whole list, where lemlist tells."""
    next: Cursor | None
    """Where the next page begins; None where this is surely the last one."""
    extra: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    """What stood beside the rows in the answer, such as ``limitation``, the searches that are left."""
    told: Totals = attrs.field(factory=Totals, repr=False)
    """What the answer told of the whole list."""


class Scheme(Protocol):
    """How one endpoint pages."""

    @property
    def short(self) -> int | None:
        """A page with fewer rows may be the last one; None where the page size is lemlist's own."""
        ...

    def first(self) -> Cursor:
        """Where the list begins."""
        ...

    def ask(self, cursor: Cursor) -> Mapping[str, int]:
        """Parameters that ask for the page at `cursor`."""
        ...

    def before(self, cursor: Cursor) -> int | None:
        """Rows before `cursor`, where it tells."""
        ...

    def after(self, cursor: Cursor, count: int, told: Totals) -> Cursor | None:
        """Where the page after this one begins, if there is one; `count` rows came."""
        ...


@attrs.frozen
class Offset:
    """``offset`` (or ``skip``) and ``limit``."""

    limit: int
    name: str = "offset"
    documented: int | None = None
    """The largest `limit` that lemlist documents, where a larger one may be asked for."""

    @property
    def short(self) -> int | None:
        return self.limit if self.documented is None else min(self.limit, self.documented)

    def first(self) -> Cursor:
        return {self.name: 0}

    def ask(self, cursor: Cursor) -> Mapping[str, int]:
        return {**cursor, "limit": self.limit}

    def before(self, cursor: Cursor) -> int | None:
        return cursor[self.name]

    def after(self, cursor: Cursor, count: int, told: Totals) -> Cursor | None:
        return {self.name: cursor[self.name] + count} if count else None


@attrs.frozen
class Numbered:
    """``page`` numbers."""

    size: int | None = None
    """Rows to ask for; None where the page size is lemlist's own."""
    start: int = 1
    size_name: str = "limit"

    @property
    def short(self) -> int | None:
        return self.size

    def first(self) -> Cursor:
        return {"page": self.start}

    def ask(self, cursor: Cursor) -> Mapping[str, int]:
        return dict(cursor) if self.size is None else {**cursor, self.size_name: self.size}

    def before(self, cursor: Cursor) -> int | None:
        # of later pages it is not known: the server may give fewer rows a page than it was asked for
        return 0 if cursor["page"] == self.start else None

    def after(self, cursor: Cursor, count: int, told: Totals) -> Cursor | None:
        if not count:
            return None
        page = cursor["page"]
        # a nextPage that does not move on would be asked for for ever
        return {"page": told.next if told.next is not None and told.next > page else page + 1}


@attrs.frozen
class Whole:
    """Everything in one answer."""

    @property
    def short(self) -> int | None:
        return None

    def first(self) -> Cursor:
        return {}

    def ask(self, cursor: Cursor) -> Mapping[str, int]:
        return {}

    def before(self, cursor: Cursor) -> int | None:
        return 0

    def after(self, cursor: Cursor, count: int, told: Totals) -> Cursor | None:
        return None


def goes_on(
    scheme: Scheme, cursor: Cursor, count: int, told: Totals, before: int | None, longest: int = 0
) -> bool:
    """Whether there may be a page after this one, which has `count` rows.

    lemlist tells of the end in up to three ways, and they contradict one another now and then: only if all of
    them tell of the end is it one. A lone total that a full page reaches may be that of the page. Where nothing
    is told, a page is the last one that is shorter than the `longest` before it; being shorter than asked for
    proves nothing, since the server may give fewer rows to everybody.

    `before` is how many rows came before this page, where that is known.
    """
    full = scheme.short is not None and count >= scheme.short
    signs: list[bool] = []
    if told.says_next:
        signs.append(told.next is not None)
    if told.pages is not None and "page" in cursor:
        first = scheme.first()["page"]
        signs.append(cursor["page"] - first + 1 < told.pages)
    if told.rows is not None and before is not None:
        reached = before + count
        if reached > told.rows:
            pass  # it is not the total of this list
        elif reached == told.rows and full and not signs:
            signs.append(True)
        else:
            signs.append(reached < told.rows)
    if signs:
        return any(signs)
    return full or count >= longest


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

    Rows may be changed while they are read: where this client has changed what the list shows (completed tasks,
    deleted contacts), or its total became smaller, the rows behind have moved up, and some would be skipped. The
    list is then read again at its end, until nothing new appears. What other programs change without a change of
    the total cannot be seen.
    """

    def __init__(
        self,
        fetch: Callable[[Cursor], Awaitable[Page[T]]],
        scheme: Scheme,
        *,
        start: Cursor | None = None,
        key: Callable[[T], object] | None = None,
        changes: Callable[[], int] | None = None,
        strict: bool = False,
    ) -> None:
        self._fetch = fetch
        self._scheme = scheme
        self._start = scheme.first() if start is None else start
        self._reading: _Reading[T] | None = None
        self._key = key or _id
        self._changes = changes
        self._strict = strict
        self._ended = False
        self.total: int | None = None
        """Rows of the whole list, once a page has told it."""
        self.doubt: str | None = None
        """Why rows may be missing, once the list has ended so; see `complete`."""

    @property
    def cursor(self) -> Cursor | None:
        """Where to go on later with `resume`; None once the end was reached. Plain JSON."""
        if self._ended:
            return None
        return self._start if self._reading is None else self._reading.cursor

    @property
    def complete(self) -> bool | None:
        """Whether every row has come: None before the end was reached, False where `doubt` says why not."""
        return self.doubt is None if self._ended else None

    def resume(self, cursor: Cursor) -> Pages[T]:
        """The same list from `cursor` on."""
        start = self._scheme.first()
        shaped = isinstance(cast("object", cursor), Mapping) and cursor.keys() == start.keys()
        if not shaped or not all(type(value) is int and value >= 0 for value in cursor.values()):
            raise InvalidInputError(f"a cursor of this list looks like {dict(start)}, not {cursor!r}")
        return self._like(cursor, strict=self._strict)

    def strict(self) -> Pages[T]:
        """The same list, which raises `IncompleteListError` at its end where rows may be missing."""
        return self._like(self._start, strict=True)

    def _like(self, start: Cursor, *, strict: bool) -> Pages[T]:
        return Pages(
            self._fetch, self._scheme, start=start, key=self._key, changes=self._changes, strict=strict
        )

    def __await__(self) -> Generator[Any, None, Page[T]]:
        return self._turn(self._start).__await__()

    async def _turn(self, cursor: Cursor) -> Page[T]:
        page = await self._fetch(cursor)
        if page.total is not None:
            self.total = page.total
        return page

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Page after page, without the rows that an earlier page had.

        Raises:
            IncompleteListError: at the end of a `strict` list, where rows may be missing.
        """
        self._ended, self.doubt = False, None
        seen = _Seen(self._key, forgets=self._changes is None)
        again = False
        while True:
            reading = _Reading(self._turn, self._scheme, self._start, seen, self._changes, again=again)
            self._reading = reading
            async for page in reading.pages():
                yield page
            again = reading.moved and reading.fresh > 0 and reading.doubt is None
            if not again:
                break
        self._end(reading.doubt)

    def _end(self, doubt: str | None) -> None:
        self._ended, self.doubt = True, doubt
        if doubt is not None:
            _log.warning("rows may be missing from a list: %s", doubt)
            if self._strict:
                raise IncompleteListError(f"rows may be missing from the list: {doubt}")

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


class _Seen:
    """Keys of the rows that came, of the last pages or of all."""

    def __init__(self, key: Callable[[Any], object], *, forgets: bool) -> None:
        self._key = key
        self._pages: deque[frozenset[object]] = deque(maxlen=_REMEMBERED_PAGES)
        self._all: set[object] | None = None if forgets else set()

    def fresh(self, items: list[Any]) -> list[Any]:
        """The rows that did not come before; they have then."""
        keys = [self._key(item) for item in items]
        known = frozenset[object]().union(*self._pages) if self._all is None else self._all
        found = [item for item, key in zip(items, keys, strict=True) if key is None or key not in known]
        came = frozenset(key for key in keys if key is not None)
        if self._all is None:
            self._pages.append(came)
        else:
            self._all |= came
        return found


class _Reading(Generic[T]):
    """One way through a list, from its start to its end."""

    def __init__(
        self,
        turn: Callable[[Cursor], Awaitable[Page[T]]],
        scheme: Scheme,
        start: Cursor,
        seen: _Seen,
        changes: Callable[[], int] | None,
        *,
        again: bool = False,
    ) -> None:
        self._turn = turn
        self._scheme = scheme
        self._seen = seen
        self._changes = changes or (lambda: 0)
        self._again = again
        self._changed_before = self._changes()
        self.cursor: Cursor | None = start
        """The page that is being read, or that comes next."""
        self.doubt: str | None = None
        self._before = scheme.before(start)
        """Rows that came, where that is known."""
        self._last: list[T] | None = None
        self._total: int | None = None
        self._told = Totals()
        self._longest = 0
        self._stale = 0
        """Pages in a row without a new row."""
        self.fresh = 0
        """New rows that came."""
        self.moved = False
        """Whether rows may have moved up, so that some were skipped."""

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Read to the end, and leave a `doubt` there."""
        while self.cursor is not None:
            if self._last is not None and self._changes() != self._changed_before:
                self.moved = True
            page = await self._turn(self.cursor)
            if self._repeats(page):
                return
            following = self._following(self.cursor, page)
            # while its rows are looked at, a page is where to go on: not all of them may have been
            yield self._new_of(page)
            self.cursor = following
            if self._stale > _STALE_PAGES and not self._again:
                self.doubt = f"{self._stale} pages in a row repeat earlier rows"
                return
        self._doubt_end()

    def _repeats(self, page: Page[T]) -> bool:
        """Whether a page is the one before it once more; the list has ended then."""
        if not page.items or page.items != self._last:
            return False
        short = self._scheme.short
        # shorter than any page that lemlist would cut off, it was all there is
        if short is None or len(page.items) >= short:
            self.doubt = "a page repeats the one before it: the server ignores where to go on"
        return True

    def _following(self, cursor: Cursor, page: Page[T]) -> Cursor | None:
        """Where the next page begins; notes what is needed to judge that one."""
        count, told = len(page.items), page.told
        following = self._scheme.after(cursor, count, told)
        if not goes_on(self._scheme, cursor, count, told, self._before, self._longest):
            following = None
        self.moved = self.moved or (
            self._total is not None and page.total is not None and page.total < self._total
        )
        self._before = None if self._before is None else self._before + count
        # a total below what has come is that of something else
        credible = page.total is not None and page.total >= (self._before or 0)
        self._total = page.total if credible else None
        self._last, self._longest, self._told = page.items, max(self._longest, count), told
        return following

    def _new_of(self, page: Page[T]) -> Page[T]:
        items = self._seen.fresh(page.items)
        self.fresh += len(items)
        self._stale = 0 if items else self._stale + 1
        return attrs.evolve(page, items=items)

    def _doubt_end(self) -> None:
        told, empty = self._told, not self._last
        if self.moved:
            return
        if self._before is not None and told.rows is not None and self._before < told.rows:
            self.doubt = f"lemlist told of {told.rows} rows, and gave {self._before}"
        elif empty and told.next is not None:
            self.doubt = "an empty page announces another one"


def _id(item: Any) -> object:
    found = item.get("_id") if is_object(item) else getattr(item, "id", None)
    # a row without an id has an empty one; an odd one need not be hashable
    return found if isinstance(found, str | int) and found != "" else None
