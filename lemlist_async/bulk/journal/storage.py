"""Interface between a journal and the place of its rows: a file or a server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from lemlist_async.bulk.jobs.job import Outcome, Payload, State
from lemlist_async.bulk.journal.errors import JournalError
from lemlist_async.bulk.source.values import readable
from lemlist_async.core.json import dumps

PAGE = 500
"""Rows that are read at once."""
FIRST_PAGE = 64
"""Rows that are read first: the next pages have up to twice as many as the one before, since how many bytes they
have is found out by reading them."""
PAGE_BYTES = 4 * 2**20
"""Bytes of rows that are read or written at once, unless a single row has more."""
LEFT = frozenset({State.NEW, State.SENT, State.PENDING})
"""States of rows that another run would go on with."""
ENDED = "an earlier run ended before the response"
"""Reason of a row that was on its way when its run ended."""


def plain(text: str | None) -> str | None:
    """Return a text as every database can hold it: with a mark in place of lone surrogates and NUL."""
    return None if text is None else readable(text).replace("\x00", "\ufffd")


class JournalRow(NamedTuple):
    """One row of a job."""

    n: int
    line: int
    payload: Payload
    state: State
    what: str = ""
    reason: str | None = None
    id: str | None = None
    result: Any = None
    tries: int = 0
    size: int = 0
    """Bytes of the payload."""

    @property
    def outcome(self) -> Outcome:
        """Outcome of the row so far."""
        return Outcome(self.state, self.what or self.state, self.reason, self.id, self.result)


class NewRow(NamedTuple):
    """One row as the plan writes it, by the columns it goes into: refused with a reason, or to be done."""

    n: int
    line: int
    key: bytes | None
    payload: str
    state: str = State.NEW.value
    what: str = ""
    reason: str | None = None
    credits: int = 0


FinishedRow = tuple[int, str, str, str | None, str | None, str | None]
"""Number, state, what, reason, id and result of a row, as a database takes them."""


def finished_row(n: int, outcome: Outcome) -> FinishedRow:
    """Return the outcome of a row as a database takes it."""
    result = None if outcome.result is None else dumps(outcome.result).decode()
    return n, outcome.state.value, plain(outcome.what) or "", plain(outcome.reason), plain(outcome.id), result


class Storage(Protocol):
    """Rows and description of one job, used by one thread at a time.

    A method that writes returns when what it wrote survives a crash, and it writes all or nothing.
    """

    @property
    def name(self) -> str:
        """Name for messages, without a password."""
        ...

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """Errors of the database below, which `explain` puts into words."""
        ...

    def explain(self, error: Exception) -> JournalError:
        """Return the error to raise for one of `errors`."""
        ...

    def connect(self, new: bool) -> None:
        """Open the rows to run them, or (`new`) make an empty place for them."""
        ...

    def connect_to_read(self) -> None:
        """Open the rows to read only, even while a runner works on them."""
        ...

    def close(self) -> None:
        """Let go of the rows. May be called twice."""
        ...

    @property
    def guard(self) -> Callable[[], None] | None:
        """Check of a lease that raises JournalError once it may be over; None where no other runner can take over."""
        ...

    def gather(self) -> None:
        """Make the rows complete in one place, where they may be in several."""
        ...

    def meta(self) -> dict[str, str]:
        """Return the description of the job."""
        ...

    def describe(self, values: Mapping[str, str]) -> None:
        """Write parts of the description."""
        ...

    def forget(self) -> None:
        """Begin a plan: drop the rows of one that was never finished.

        Raises:
            DamagedError: rows of it were sent.
        """
        ...

    def add(self, rows: Sequence[NewRow]) -> None:
        """Append rows to a plan."""
        ...

    def complete(self, values: Mapping[str, str]) -> None:
        """End a plan: write parts of the description, after every row whose key an earlier one has was refused."""
        ...

    def recover(self, *, repeatable: bool, retry_failed: bool) -> None:
        """Make sent rows new if they may be repeated, else unknown; and failed ones as the options say."""
        ...

    def reopen(self) -> None:
        """Have the next run look up all unknown rows again."""
        ...

    def take(self, state: State, what: str | None, after: int, most: int) -> list[JournalRow]:
        """Return the next rows in a state (of unknown ones: those with this `what`), behind row number `after`.

        There are fewer than `most` where these are the last, or their bytes are many.
        """
        ...

    def pending(self, ids: Sequence[str]) -> list[JournalRow]:
        """Return the pending rows with these ids of lemlist."""
        ...

    def write(
        self,
        finished: Iterable[tuple[int, Outcome]],
        *,
        sent: Sequence[int],
        back: Sequence[int],
        expected: State,
    ) -> None:
        """In one transaction write outcomes, and mark rows about to be sent, or (`back`) certainly not sent.

        Raises:
            TakenError: a row to be sent is no longer in the state `expected`. Nothing was written.
        """
        ...

    def counts(self) -> Counter[tuple[str, str]]:
        """Return the number of rows in each (state, what)."""
        ...

    def credits(self) -> int:
        """Return the credits that the rows still to be sent may cost."""
        ...

    def rows(self, *, unfinished: bool, refused: bool) -> Iterator[JournalRow]:
        """Iterate over all rows, or those that are `unfinished` (not simply done) or `refused`, page by page."""
        ...

    def erase(self) -> None:
        """Remove payloads, reasons, results and ids from the rows. Line, state and `what` stay."""
        ...
