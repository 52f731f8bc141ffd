"""Sending of rows, and recovery of rows whose response was lost.

One rule holds for every row with an ambiguous outcome. Its cause may be a lost response, a 5xx, a deadline, a crash or
another runner that took over:

1. A row that may be repeated is sent again.
2. Any other row waits for `look_up_after` seconds. Behind a gateway that has given up, lemlist may still be at work,
   and the row may appear a moment later.
3. Then the row is looked up. A row that is found is done.
4. A row that is not found is looked up once more after another such wait.
5. A row that two look-ups do not find is sent again only if lemlist itself refuses duplicates. Any other row ends as
   unknown.

`failed` means that lemlist refused the row. "Not done" means that no request of the row left, or that lemlist refused
every one of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import attrs

from lemlist_async.bulk.jobs.job import (
    ABSENT,
    IN_DOUBT,
    CannotVerifyError,
    EndJobError,
    Job,
    JobStoppedError,
    Outcome,
    State,
    failed,
)
from lemlist_async.bulk.journal.errors import JournalError
from lemlist_async.bulk.journal.storage import JournalRow
from lemlist_async.bulk.run.webhook_results import WebhookResults
from lemlist_async.bulk.source.raw_row import RowRefusedError
from lemlist_async.bulk.source.values import exact
from lemlist_async.core.send_observer import SEND_OBSERVER
from lemlist_async.core.wire import Effect
from lemlist_async.errors import (
    AmbiguousError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    BadTeamError,
    ClosedError,
    DeadlineExceededError,
    DecodeError,
    InvalidInputError,
    LemlistError,
    MissingIdError,
    NotFoundError,
    NotSentError,
    PaymentRequiredError,
    PermissionDeniedError,
    QueueError,
    RateLimitError,
    TransportError,
)

if TYPE_CHECKING:
    from lemlist_async.client import Lemlist

OnAmbiguous = Literal["verify", "report"]
Guard = Callable[[], None]
"""Raises JournalError where another worker may have taken the job over."""

_LATER = "; since then: "
ROUNDS = 3
"""Attempts of a row that may be repeated, one right after the other. For any other row: how often it is looked up, and
sent once more where that is allowed."""
_SPLITS = 64
"""Most halvings of one batch, to find the rows that lemlist refuses the batch for."""

# The next row would end the same way, so the job stops. The row stays new if no request of it left before.
_STOPS = (
    AuthenticationError,
    ClosedError,
    InvalidInputError,
    JobStoppedError,
    JournalError,
    NotSentError,
    PaymentRequiredError,
    PermissionDeniedError,
    QueueError,
    RateLimitError,
)
_LOST = (AmbiguousError, DeadlineExceededError, DecodeError, TransportError)
"""Errors after which the request may have been carried out."""


class Marks(Protocol):
    """Marking of rows as sent by their worker."""

    async def mark(self, numbers: Sequence[int]) -> None:
        """Mark rows on the disk; raise JournalError if another runner took one of them."""
        ...

    def take_back(self, numbers: Iterable[int]) -> None:
        """Return rows that were marked, and of which certainly no request left."""
        ...


class BatchResult:
    """Outcomes of a batch. Rows without an outcome were certainly not done, and wait for another run."""

    __slots__ = ("lost", "marked", "outcomes", "splits", "stop")

    def __init__(self) -> None:
        self.outcomes: dict[int, Outcome] = {}
        """Outcomes by the number of the row."""
        self.lost: dict[int, str] = {}
        """Reasons why responses were lost, by the number of the row. Such a row may have been done."""
        self.marked: set[int] = set()
        """Rows that were marked as sent by their worker."""
        self.stop: BaseException | None = None
        """Error that ends the job."""
        self.splits: int = _SPLITS

    def all_are(self, rows: Iterable[JournalRow], outcome: Outcome) -> None:
        """Note one outcome for several rows."""
        self.outcomes.update((row.n, outcome) for row in rows)


class Batch:
    """One attempt to send rows. It marks them before the first changing request leaves, and counts such requests."""

    __slots__ = ("_dispatcher", "_guard", "_marking", "_result", "_rows", "left")

    def __init__(
        self, rows: Sequence[JournalRow], result: BatchResult, dispatcher: Marks | None, guard: Guard | None
    ) -> None:
        self._rows = rows
        self._result = result
        self._dispatcher = dispatcher
        self._guard = guard
        self._marking = None if dispatcher is None else asyncio.Lock()
        self.left: int = 0
        """Requests that left, and that lemlist did not refuse."""

    async def sending(self) -> None:
        """Mark the rows that are not marked yet."""
        self.left += 1
        if self._dispatcher is None or self._marking is None:
            return
        # a job may send several requests at once: each of them must wait until the mark is on the disk
        async with self._marking:
            numbers = [row.n for row in self._rows if row.n not in self._result.marked]
            if numbers:
                # noted first: if this worker is cancelled while it waits, the mark may still reach the disk
                self._result.marked.update(numbers)
                await self._dispatcher.mark(numbers)

    def leaving(self) -> None:
        """Refuse a request that another worker may have made already."""
        if self._guard is not None:
            self._guard()

    def not_done(self) -> None:
        """Note that one request was not carried out."""
        self.left -= 1

    def give_up(self) -> None:
        """Take back the rows of a cancelled run if no request of them left."""
        if self._dispatcher is not None and self.left < 1:
            self._dispatcher.take_back(self._result.marked - self._result.lost.keys())


class Executor:
    """Sender of batches for one run."""

    def __init__(
        self,
        lemlist: Lemlist,
        job: Job,
        on_ambiguous: OnAmbiguous,
        posted: WebhookResults,
        guard: Guard | None = None,
    ) -> None:
        self._lemlist = lemlist
        self._job = job
        self._on_ambiguous = on_ambiguous
        self._webhook_results = posted
        self._guard = guard
        self.retries: int = 0
        """Rows that were sent again."""
        self.confirmed: int = 0
        """Rows that a look-up found done."""

    @property
    def looks_up(self) -> bool:
        """Whether a row with an ambiguous outcome is looked up at lemlist."""
        return self._job.verifiable and self._on_ambiguous == "verify"

    # The passes ----------------------------------------------------------------------------------------

    async def send(self, rows: Sequence[JournalRow], dispatcher: Marks) -> BatchResult:
        """Send rows. They are marked as sent already, unless the job lets them be marked late."""
        return await self._execute(rows, BatchResult(), dispatcher if self._job.marks_late else None)

    async def look_up(self, rows: Sequence[JournalRow], dispatcher: Marks) -> BatchResult:
        """Look up rows with an ambiguous outcome. `look_again` looks up once more those that are not found."""
        del dispatcher
        batch = BatchResult()
        for row in rows:
            outcome = await self._found(row, batch)
            batch.outcomes[row.n] = outcome or Outcome(State.UNKNOWN, ABSENT, row.reason, row.id)
        return batch

    async def look_again(self, rows: Sequence[JournalRow], dispatcher: Marks) -> BatchResult:
        """Look up rows a second time, and send those that are not found if lemlist refuses duplicates."""
        batch = BatchResult()
        absent: list[JournalRow] = []
        for row in rows:
            if (outcome := await self._found(row, batch)) is not None:
                batch.outcomes[row.n] = outcome
            elif self._job.effect is Effect.DEDUPABLE and batch.stop is None:
                absent.append(row)
                # noted before the request: whatever becomes of it, the earlier attempt may have been carried out
                batch.lost[row.n] = _why(row)
            else:
                why = _with(_why(row), "two look-ups did not find it, and sending it again might do it twice")
                batch.outcomes[row.n] = Outcome(State.UNKNOWN, "unknown", why, row.id)
        if absent:
            self.retries += len(absent)
            await self._execute(absent, batch, dispatcher)
        return batch

    async def follow(self, rows: Sequence[JournalRow], dispatcher: Marks) -> BatchResult:
        """Ask for the results of pending rows."""
        del dispatcher
        batch = BatchResult()
        try:
            for row in rows:
                batch.outcomes[row.n] = await self._result(row)
        except _STOPS as error:
            batch.stop = error
        return batch

    async def _result(self, row: JournalRow) -> Outcome:
        if (posted := self._webhook_results.of(row)) is not None:
            return posted
        try:
            return writable(await self._job.follow(self._lemlist, row.payload, row.outcome))
        except NotFoundError as gone:
            # not `failed`: a failed row may be sent, and paid for, again
            return Outcome(State.UNKNOWN, "unknown", f"its result is gone: {gone}", row.id)
        except _STOPS:
            raise
        except LemlistError:
            # asking changes nothing: the next round asks again
            return row.outcome

    # Sending --------------------------------------------------------------------------------------------

    async def _execute(
        self, rows: Sequence[JournalRow], batch: BatchResult, dispatcher: Marks | None
    ) -> BatchResult:
        try:
            await self._do(rows, batch, dispatcher)
        # not raised to the worker: outcomes that are known by now must still be written
        except (*_STOPS, DeadlineExceededError) as error:
            batch.stop = error
        for row in rows:
            if row.n in batch.lost and row.n not in batch.outcomes:
                batch.outcomes[row.n] = await self._ambiguous(row, batch.lost[row.n])
        return batch

    async def _do(self, rows: Sequence[JournalRow], batch: BatchResult, dispatcher: Marks | None) -> None:
        repeatable = self._job.effect.repeatable
        lost = None
        for round_ in range(ROUNDS if repeatable else 1):
            self.retries += len(rows) if round_ else 0
            if (lost := await self._attempt(rows, batch, dispatcher)) is None:
                return
        if repeatable:
            batch.lost.update((row.n, f"not done after {ROUNDS} tries: {lost}") for row in rows)

    async def _ambiguous(self, row: JournalRow, why: str) -> Outcome:
        """Return the outcome of a row whose response was lost: to be looked up, or unknown."""
        if self.looks_up:
            return Outcome(State.UNKNOWN, IN_DOUBT, why, row.id)
        if self._job.effect.repeatable or self._job.verifiable:
            return Outcome(State.UNKNOWN, "unknown", why, row.id)
        return await self._looked_up(row, why) or Outcome(State.UNKNOWN, "unknown", why, row.id)

    async def _attempt(
        self, rows: Sequence[JournalRow], batch: BatchResult, dispatcher: Marks | None
    ) -> str | None:
        """Send rows. Return how the response was lost, or None once each row has its outcome."""
        # tells the job that "exists already" may be the work of an earlier attempt of the same row
        again = any(row.tries or row.n in batch.lost for row in rows)
        sending = Batch(rows, batch, dispatcher, self._guard)
        # rows that may be repeated need no count of requests: sending them twice does no harm
        unobserved = self._job.effect.repeatable and self._guard is None
        token = None if unobserved else SEND_OBSERVER.set(sending)
        try:
            outcomes = await self._job.do(self._lemlist, [row.payload for row in rows], again=again)
        except EndJobError as ended:
            batch.all_are(rows, ended.outcome)
            batch.stop = ended.__cause__ or ended
            return None
        except MissingIdError as nameless:
            for row in rows:
                batch.outcomes[row.n] = await self._without_id(row, nameless)
            return None
        except asyncio.CancelledError as cancelled:
            # asyncio raises the same error for the run that was left and for a task that the job awaited
            if _is_leaving():
                sending.give_up()
                raise
            stop = JobStoppedError(
                f"line {rows[0].line}: something that was awaited for this row was cancelled"
            )
            if not self._job.effect.repeatable:
                # the point of the interruption is not known: a request may have left
                batch.lost.update((row.n, str(stop)) for row in rows)
            raise stop from cancelled
        except (RowRefusedError, LemlistError) as error:
            return await self._ended(rows, batch, sending, error, dispatcher)
        finally:
            if token is not None:
                SEND_OBSERVER.reset(token)
        numbers = [row.n for row in rows]
        batch.outcomes.update(zip(numbers, map(writable, outcomes), strict=True))
        return None

    async def _ended(
        self,
        rows: Sequence[JournalRow],
        batch: BatchResult,
        sending: Batch,
        error: RowRefusedError | LemlistError,
        dispatcher: Marks | None,
    ) -> str | None:
        """Decide the outcomes of rows whose attempt ended with an error."""
        begun = self._has_begun(sending, error)
        if begun:
            batch.lost.update(
                (row.n, f"a request of the row was made before the row ended: {error}") for row in rows
            )
        if isinstance(error, _STOPS) or (_in_queue(error) and not begun):
            raise error
        if isinstance(error, _LOST):
            batch.lost.update((row.n, str(error)) for row in rows)
            return str(error)
        if begun:
            return str(error)
        if isinstance(error, RowRefusedError):
            batch.all_are(rows, Outcome(State.REFUSED, "refused", str(error)))
        elif isinstance(error, BadRequestError):
            await self._refused(rows, batch, error, dispatcher)
        elif isinstance(error, APIStatusError):
            batch.all_are(rows, failed(str(error)))
        else:
            raise error
        return None

    def _has_begun(self, sending: Batch, error: Exception) -> bool:
        """Return whether part of a row was done before its attempt ended, and must not be done again."""
        if self._job.effect.repeatable or sending.left < 1:
            return False
        # a single request that lemlist refuses changed nothing, even where the refusal has status 200
        return not (self._job.single_request and isinstance(error, APIStatusError))

    async def _refused(
        self, rows: Sequence[JournalRow], batch: BatchResult, error: BadRequestError, dispatcher: Marks | None
    ) -> None:
        """Find the row for which lemlist refused the batch, by sending its halves separately."""
        # without a bound, a batch of nothing but bad rows would cost two requests for each of them
        if len(rows) == 1 or not batch.splits or isinstance(error, BadTeamError):
            batch.all_are(rows, failed(str(error)))
            return
        batch.splits -= 1
        middle = len(rows) // 2
        for half in (rows[:middle], rows[middle:]):
            await self._do(half, batch, dispatcher)

    # Looking up -----------------------------------------------------------------------------------------

    async def _found(self, row: JournalRow, batch: BatchResult) -> Outcome | None:
        """Look up a row with an ambiguous outcome; None if lemlist does not have it."""
        if self._job.verifiable and not self.looks_up:
            return Outcome(State.UNKNOWN, "unknown", row.reason, row.id)
        if batch.stop is not None:
            return row.outcome
        try:
            return await self._looked_up(row, _why(row))
        except _STOPS as error:
            batch.stop = error
            return row.outcome

    async def _without_id(self, row: JournalRow, error: MissingIdError) -> Outcome:
        """Return the outcome of a row that lemlist reported as done without an id. A look-up may find the row.

        The row is never sent again. Without an id no result can be fetched, so a job with results ends it as unknown.
        """
        if self.looks_up:
            found = await self._looked_up(row, error.message)
            if found is None:
                return Outcome(State.UNKNOWN, "unknown", f"{error.message}; a look-up does not find it")
            if found.state is not State.UNKNOWN:
                return found
        return Outcome(State.UNKNOWN if self._job.follows else State.DONE, "unnamed", error.message)

    async def _looked_up(self, row: JournalRow, why: str) -> Outcome | None:
        try:
            outcome = await self._job.verify(self._lemlist, row.payload)
        except CannotVerifyError as cannot:
            return Outcome(State.UNKNOWN, "unknown", _with(why, str(cannot)), row.id)
        except LemlistError as error:
            # invalid input is a fault of this row, and the next look-up may succeed
            if isinstance(error, _STOPS) and not isinstance(error, InvalidInputError):
                raise
            return Outcome(State.UNKNOWN, "unknown", _with(why, f"the look-up failed: {error}"), row.id)
        except asyncio.CancelledError as cancelled:
            if _is_leaving():
                raise
            raise JobStoppedError(f"line {row.line}: its look-up was cancelled from within") from cancelled
        self.confirmed += outcome is not None
        return None if outcome is None else writable(outcome)


def _with(why: str, more: str) -> str:
    """Return a reason with the latest finding, in place of the finding of an earlier run."""
    return f"{why.split(_LATER, maxsplit=1)[0]}{_LATER}{more}"


def _why(row: JournalRow) -> str:
    return row.reason or "the response was lost"


def _is_leaving() -> bool:
    """Return whether the run cancels this worker. Else something that the worker awaited was cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _in_queue(error: Exception) -> bool:
    return isinstance(error, DeadlineExceededError) and error.phase == "queue"


def writable(outcome: Outcome) -> Outcome:
    """Return an outcome that the journal can hold. A result that is not JSON is left out, and the reason says so."""
    if outcome.result is None:
        return outcome
    try:
        return attrs.evolve(outcome, result=exact(outcome.result))
    except ValueError as error:
        why = f"its result was not kept: {error}"
        return attrs.evolve(
            outcome, result=None, reason=f"{outcome.reason}; {why}" if outcome.reason else why
        )
