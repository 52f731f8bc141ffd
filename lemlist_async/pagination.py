"""Iterate over lists that span several responses."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Protocol, TypeVar, cast

import attrs

from lemlist_async.core.wire import ShapeError, is_array, is_object
from lemlist_async.errors import IncompleteListError, InvalidInputError

_log = logging.getLogger("lemlist_async.pagination")
T = TypeVar("T")

Cursor = Mapping[str, int]
"""Position in a list: plain JSON, such as ``{"offset": 200}``."""

_REMEMBERED_PAGES = 10
"""Pages whose ids are remembered: rows that shift reappear on the next page, not much later."""
_STALE_PAGES = 10
"""Consecutive pages without a new row after which the list ends: the server is looping."""


@attrs.frozen
class Totals:
    """Totals of the whole list as an envelope reports them, in any of its spellings."""

    rows: int | None = None
    pages: int | None = None
    next: int | None = None
    unreadable: bool = False
    """Whether the next page is named, but not by a number. Taking that for the end would silently lose rows."""
    says_next: bool = False
    """Whether the envelope has a key for the next page; null then means that there is none."""


@attrs.frozen
class Page(Generic[T]):
    """One response of a list endpoint."""

    items: list[T]
    total: int | None
    """Rows of the whole list, where lemlist reports them."""
    next: Cursor | None
    """Start of the next page; None if this is certainly the last page."""
    extra: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    """Other keys of the response, such as ``limitation``, the number of searches left."""
    totals: Totals = attrs.field(factory=Totals, repr=False)
    """Totals that the response reported for the whole list."""


class Scheme(Protocol):
    """Paging scheme of one endpoint."""

    @property
    def short(self) -> int | None:
        """Page size below which a page may be the last one; None where lemlist chooses the size."""
        ...

    def first(self) -> Cursor:
        """Return the start of the list."""
        ...

    def ask(self, cursor: Cursor) -> Mapping[str, int]:
        """Return the parameters that ask for the page at `cursor`."""
        ...

    def before(self, cursor: Cursor) -> int | None:
        """Return the number of rows before `cursor`, or None where the cursor does not tell."""
        ...

    def after(self, cursor: Cursor, count: int, reported: Totals) -> Cursor | None:
        """Return the start of the page after this one, which has `count` rows; None if this is the last page."""
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

    def after(self, cursor: Cursor, count: int, reported: Totals) -> Cursor | None:
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
        # the server may return fewer rows per page than requested, so later positions are unknown
        return 0 if cursor["page"] == self.start else None

    def after(self, cursor: Cursor, count: int, reported: Totals) -> Cursor | None:
        if not count:
            return None
        page = cursor["page"]
        # a nextPage that does not advance would loop for ever
        return {"page": reported.next if reported.next is not None and reported.next > page else page + 1}


@attrs.frozen
class Whole:
    """The whole list in one response."""

    @property
    def short(self) -> int | None:
        return None

    def first(self) -> Cursor:
        return {}

    def ask(self, cursor: Cursor) -> Mapping[str, int]:
        return {}

    def before(self, cursor: Cursor) -> int | None:
        return 0

    def after(self, cursor: Cursor, count: int, reported: Totals) -> Cursor | None:
        return None


def goes_on(
    scheme: Scheme, cursor: Cursor, count: int, reported: Totals, before: int | None, longest: int = 0
) -> bool:
    """Return whether there may be a page after this one, which has `count` rows.

    lemlist marks the end in up to three ways, which sometimes contradict one another: the list ends only if all of
    them say so. A lone total that a full page reaches may be the total of that page. Without any mark, the list ends
    with a page shorter than the `longest` before it; being shorter than requested proves nothing, since the server
    may cap the page size.

    `before` is how many rows came before this page, where that is known.
    """
    full = scheme.short is not None and count >= scheme.short
    signs: list[bool] = []
    if reported.says_next:
        signs.append(reported.next is not None)
    if reported.pages is not None and "page" in cursor:
        first = scheme.first()["page"]
        signs.append(cursor["page"] - first + 1 < reported.pages)
    if reported.rows is not None and before is not None:
        reached = before + count
        if reached > reported.rows:
            pass  # the number is not the total of this list
        elif reached == reported.rows and full and not signs:
            signs.append(True)
        else:
            signs.append(reached < reported.rows)
    if signs:
        return any(signs)
    return full or count >= longest


def read_totals(raw: Any) -> Totals:
    """Read the totals wherever they stand: at the top, under ``pagination`` or under ``meta``."""
    if not is_object(raw):
        return Totals()
    meta = raw.get("meta")
    inner = raw.get("pagination") or (meta.get("pagination") if is_object(meta) else None)
    reported = inner if is_object(inner) else raw
    return Totals(
        rows=_first(reported, "totalRecords", "totalItems", "total"),
        pages=_first(reported, "totalPages", "totalPage"),
        next=_first(reported, "nextPage"),
        says_next="nextPage" in reported,
        unreadable=reported.get("nextPage") is not None and _first(reported, "nextPage") is None,
    )


def _first(reported: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = reported.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.isdigit():
            return int(value)
    return None


def rows_of(raw: Any, *names: str) -> list[Any]:
    """Return the rows of a response: a bare list, or the list under one of `names`, or under a usual one.

    Raises:
        ShapeError: there is no list. Taking that for the end would silently lose rows.
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

    The list may change while it is read. When this client has changed it (completed tasks, deleted contacts), or its
    total became smaller, the remaining rows have moved up and some would be skipped: the list is then read again at
    its end, until nothing new appears. Changes by other programs are not seen unless the total changes.
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
        """Rows of the whole list, once a page has reported them."""
        self.incomplete_reason: str | None = None
        """Reason why rows may be missing, set at the end of the list; see `complete`."""

    if not TYPE_CHECKING:  # a type checker must not take the list for an iterable one

        def __iter__(self) -> NoReturn:
            raise TypeError("this list is read by `async for`, or page by page: its first page is `await`ed")

    def __repr__(self) -> str:
        told = "at its end" if self._ended else "not read yet" if self._reading is None else "being read"
        return f"<Pages {told}{'' if self.total is None else f', {self.total} in all'}>"

    @property
    def cursor(self) -> Cursor | None:
        """Position from which `resume` continues, as plain JSON; None once the end is reached."""
        if self._ended:
            return None
        return self._start if self._reading is None else self._reading.cursor

    @property
    def complete(self) -> bool | None:
        """Whether every row was returned: None before the end is reached, False where rows may be missing."""
        return self.incomplete_reason is None if self._ended else None

    def resume(self, cursor: Cursor) -> Pages[T]:
        """Return the same list from `cursor` on."""
        start = self._scheme.first()
        shaped = isinstance(cast("object", cursor), Mapping) and cursor.keys() == start.keys()
        if not shaped or not all(type(value) is int and value >= 0 for value in cursor.values()):
            raise InvalidInputError(f"a cursor of this list looks like {dict(start)}, not {cursor!r}")
        return self._like(cursor, strict=self._strict)

    def strict(self) -> Pages[T]:
        """Return the same list, which raises `IncompleteListError` at its end where rows may be missing."""
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
        """Yield each page, without rows that an earlier page had.

        Raises:
            IncompleteListError: at the end of a `strict` list, where rows may be missing.
        """
        self._ended, self.incomplete_reason = False, None
        seen = _Seen(self._key, forgets=self._changes is None)
        again = False
        while True:
            reading = _Reading(self._turn, self._scheme, self._start, seen, self._changes, again=again)
            self._reading = reading
            async for page in reading.pages():
                yield page
            again = reading.moved and reading.fresh > 0 and reading.incomplete_reason is None
            if not again:
                break
        self._end(reading.incomplete_reason)

    def _end(self, reason: str | None) -> None:
        self._ended, self.incomplete_reason = True, reason
        if reason is not None:
            _log.warning("rows may be missing from a list: %s", reason)
            if self._strict:
                raise IncompleteListError(f"rows may be missing from the list: {reason}")

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def collect(self, most: int | None = None) -> list[T]:
        """Return all items, or the first `most` of them, as a list."""
        found: list[T] = []
        if most is not None and most <= 0:
            return found
        async for item in self:
            found.append(item)
            if len(found) == most:
                break
        return found


class _Seen:
    """Keys of the rows seen so far: of the last pages, or of all."""

    def __init__(self, key: Callable[[Any], object], *, forgets: bool) -> None:
        self.key = key
        self._pages: deque[frozenset[object]] = deque(maxlen=_REMEMBERED_PAGES)
        self._all: set[object] | None = None if forgets else set()

    def fresh(self, items: list[Any]) -> list[Any]:
        """Return the rows not seen before, and remember them."""
        keys = [self.key(item) for item in items]
        known = frozenset[object]().union(*self._pages) if self._all is None else self._all
        found = [item for item, key in zip(items, keys, strict=True) if key is None or key not in known]
        came = frozenset(key for key in keys if key is not None)
        if self._all is None:
            self._pages.append(came)
        else:
            self._all |= came
        return found


class _Reading(Generic[T]):
    """One pass through a list, from its start to its end."""

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
        self.incomplete_reason: str | None = None
        self._before = scheme.before(start)
        """Rows before the next page, where the count is known."""
        self._last: list[T] | None = None
        self._total: int | None = None
        self._totals = Totals()
        self._longest = 0
        self._stale = 0
        """Consecutive pages without a new row."""
        self.fresh = 0
        """Rows in this pass that were not seen before."""
        self.moved = False
        """Whether rows may have moved up, so that some were skipped."""

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Read to the end; set `incomplete_reason` there if rows may be missing."""
        while self.cursor is not None:
            if self._last is not None and self._changes() != self._changed_before:
                self.moved = True
            page = await self._turn(self.cursor)
            if self._repeats(page):
                return
            following = self._following(self.cursor, page)
            # the cursor stays on this page until its rows are consumed: a caller may stop within it
            yield self._new_of(page)
            self.cursor = following
            if self._stale > _STALE_PAGES and not self._again:
                self.incomplete_reason = f"{self._stale} pages in a row repeat earlier rows"
                return
        self._check_end()

    def _repeats(self, page: Page[T]) -> bool:
        """Return whether a page equals the page before it, which ends the list."""
        if not page.items or not self._last or self._seen.key(page.items[0]) != self._seen.key(self._last[0]):
            return False  # told by the ids of two rows, without a look at all fields of them
        if page.items != self._last:
            return False
        short = self._scheme.short
        # a page below the page size was not cut off: it is the whole list
        if short is None or len(page.items) >= short:
            self.incomplete_reason = "a page repeats the one before it: the server ignores where to go on"
        return True

    def _following(self, cursor: Cursor, page: Page[T]) -> Cursor | None:
        """Return the start of the next page, and record what is needed to judge that page."""
        count, reported = len(page.items), page.totals
        following = self._scheme.after(cursor, count, reported)
        if not goes_on(self._scheme, cursor, count, reported, self._before, self._longest):
            following = None
        self.moved = self.moved or (
            self._total is not None and page.total is not None and page.total < self._total
        )
        self._before = None if self._before is None else self._before + count
        # a total below the number of rows returned counts something else
        credible = page.total is not None and page.total >= (self._before or 0)
        self._total = page.total if credible else None
        self._last, self._longest, self._totals = page.items, max(self._longest, count), reported
        return following

    def _new_of(self, page: Page[T]) -> Page[T]:
        items = self._seen.fresh(page.items)
        self.fresh += len(items)
        self._stale = 0 if items else self._stale + 1
        return attrs.evolve(page, items=items)

    def _check_end(self) -> None:
        reported, empty = self._totals, not self._last
        if self.moved:
            return
        if self._before is not None and reported.rows is not None and self._before < reported.rows:
            self.incomplete_reason = f"lemlist reported {reported.rows} rows and returned {self._before}"
        elif empty and reported.next is not None:
            self.incomplete_reason = "an empty page announces another one"


def _id(item: Any) -> object:
    found = item.get("_id") if is_object(item) else getattr(item, "id", None)
    # a missing id is an empty string; an id of an unexpected type may not be hashable
    return found if isinstance(found, str | int) and found != "" else None
