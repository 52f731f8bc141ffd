"""Sends a batch of rows until each one's fate is known."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from lemlist_async.bulk.job import CannotVerifyError, EndJobError, Job, Outcome, State, failed
from lemlist_async.bulk.journal import Journal, JournalError
from lemlist_async.bulk.posted import Posted
from lemlist_async.bulk.tables import JournalRow
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

_ROUNDS = 3
"""Times a row is sent at most, when each time it is known not to have happened, or harmless to repeat."""
_SPLITS = 64
"""Times the parts of one batch are halved at most, to find the rows that lemlist refuses the batch for."""

# Nothing happened, and the next row would fare the same: the row stays new and the job stops.
_STOPS = (
    AuthenticationError,
    ClosedError,
    InvalidInputError,
    JournalError,
    NotSentError,
    PaymentRequiredError,
    PermissionDeniedError,
    QueueError,
    RateLimitError,
)


class Settled:
    """What became of a batch: rows without an outcome surely did not happen, and wait for another run."""

    __slots__ = ("lost", "outcomes", "splits", "stop")

    def __init__(self, lost: Iterable[int] = ()) -> None:
        self.outcomes: dict[int, Outcome] = {}
        """By the number of the row."""
        self.lost: set[int] = set(lost)
        """Rows of which an earlier try may have happened."""
        self.stop: BaseException | None = None
        """What ends the job."""
        self.splits: int = _SPLITS

    def all_are(self, rows: Iterable[JournalRow], outcome: Outcome) -> None:
        """Note one outcome for several rows."""
        self.outcomes.update((row.n, outcome) for row in rows)


class Settler:
    """Sends batches for one run."""

    def __init__(
        self, lemlist: Lemlist, job: Job, journal: Journal, on_ambiguous: OnAmbiguous, posted: Posted
    ) -> None:
        self._lemlist = lemlist
        self._job = job
        self._journal = journal
        self._on_ambiguous = on_ambiguous
        self._posted = posted
        self.retries: int = 0
        """Rows that were sent again after a look-up."""
        self.confirmed: int = 0
        """Rows that a look-up found done."""

    def send(self, rows: Sequence[JournalRow]) -> Awaitable[Settled]:
        """Do rows that are marked as sent."""
        return self._settle(rows, Settled(), None)

    def doubt(self, rows: Sequence[JournalRow]) -> Awaitable[Settled]:
        """Find out about rows of an earlier run, and do those that were not done."""
        batch = Settled(row.n for row in rows)
        return self._settle(rows, batch, "an earlier run was ended before the answer")

    async def follow(self, rows: Sequence[JournalRow]) -> Settled:
        """Ask for the results of pending rows."""
        batch = Settled()
        try:
            for row in rows:
                batch.outcomes[row.n] = await self._result(row)
        except _STOPS as error:
            batch.stop = error
        return batch

    async def _result(self, row: JournalRow) -> Outcome:
        if (told := self._posted.of(row)) is not None:
            return told
        try:
            return await self._job.follow(self._lemlist, row.payload, row.outcome)
        except NotFoundError as gone:
            # not failed: that could be sent, and paid for, again
            return Outcome(State.UNKNOWN, "unknown", f"its result is gone: {gone}", row.id)
        except _STOPS:
            raise
        except LemlistError:
            # asking changes nothing: the next round asks again
            return row.outcome

    async def _settle(self, rows: Sequence[JournalRow], batch: Settled, lost: str | None) -> Settled:
        try:
            await self._do(rows, batch, lost)
        except (*_STOPS, DeadlineExceededError) as error:
            batch.stop = error
        if batch.lost:
            # unknown though it may be repeated, too: `new` would say that no try was made
            unknown = Outcome(State.UNKNOWN, "unknown", "a try was lost, and the next one not sent")
            left = [row for row in rows if row.n in batch.lost and row.n not in batch.outcomes]
            batch.all_are(left, unknown)
        return batch

    async def _do(self, rows: Sequence[JournalRow], batch: Settled, lost: str | None = None) -> None:
        left = rows
        for round_ in range(_ROUNDS):
            if lost is not None:
                left = await self._not_done(left, lost, batch)
                if not left:
                    return
                await self._journal.write(sent=[row.n for row in left])
                self.retries += len(left) if round_ else 0
            lost = await self._try(left, batch)
            if lost is None:
                return
        # sent again it does no harm, so the next run may; any other row was looked up, and is not done
        state = State.UNKNOWN if self._job.effect.repeatable else State.FAILED
        batch.all_are(left, Outcome(state, state, f"not done after {_ROUNDS} tries: {lost}"))

    async def _try(self, rows: Sequence[JournalRow], batch: Settled) -> str | None:
        """Send rows; how the answer was lost, or None once each row has its outcome."""
        again = any(row.tries or row.n in batch.lost for row in rows)
        try:
            outcomes = await self._job.do(self._lemlist, [row.payload for row in rows], again=again)
        except _STOPS:
            raise
        except EndJobError as ended:
            batch.all_are(rows, ended.outcome)
            batch.stop = ended.__cause__ or ended
        except MissingIdError as nameless:
            for row in rows:
                batch.outcomes[row.n] = await self._without_id(row, nameless)
        except (AmbiguousError, DecodeError, TransportError) as lost:
            batch.lost.update(row.n for row in rows)
            return str(lost)
        except DeadlineExceededError as late:
            if late.phase == "queue":
                raise
            batch.all_are(rows, failed(str(late)))
        except BadRequestError as refused:
            await self._refused(rows, batch, refused)
        except APIStatusError as refused:
            batch.all_are(rows, failed(str(refused)))
        else:
            batch.outcomes.update(zip([row.n for row in rows], outcomes, strict=True))
        return None

    async def _refused(self, rows: Sequence[JournalRow], batch: Settled, error: BadRequestError) -> None:
        """One bad row has the whole batch refused: its halves are sent by themselves, down to that row."""
        if len(rows) == 1 or not batch.splits or isinstance(error, BadTeamError):
            batch.all_are(rows, failed(str(error)))
            return
        batch.splits -= 1
        middle = len(rows) // 2
        for half in (rows[:middle], rows[middle:]):
            await self._do(half, batch)

    async def _not_done(self, rows: Sequence[JournalRow], why: str, batch: Settled) -> Sequence[JournalRow]:
        """Those of the rows that may be sent again; the others get their outcome."""
        if self._job.effect.repeatable:
            return rows
        if self._on_ambiguous == "report":
            batch.all_are(rows, Outcome(State.UNKNOWN, "unknown", why))
            return ()
        for row in rows:
            if (outcome := await self._look_up(row, why)) is not None:
                batch.outcomes[row.n] = outcome
        return [row for row in rows if row.n not in batch.outcomes]

    async def _without_id(self, row: JournalRow, error: MissingIdError) -> Outcome:
        """The outcome of a row that lemlist reported as done without naming it: found by a look-up, or not.

        Never sent again. Rows that wait for a result have none without an id, so they end as unknown.
        """
        if self._on_ambiguous == "verify" and self._job.verifiable:
            found = await self._look_up(row, error.message)
            if found is None:
                return Outcome(State.UNKNOWN, "unknown", f"{error.message}; a look-up does not find it")
            if found.state is not State.UNKNOWN:
                return found
        return Outcome(State.UNKNOWN if self._job.follows else State.DONE, "unnamed", error.message)

    async def _look_up(self, row: JournalRow, why: str) -> Outcome | None:
        try:
            outcome = await self._job.verify(self._lemlist, row.payload)
        except CannotVerifyError as cannot:
            return Outcome(State.UNKNOWN, "unknown", f"{why}; {cannot}", row.id)
        except LemlistError as error:
            return Outcome(State.UNKNOWN, "unknown", f"{why}; the look-up failed: {error}", row.id)
        self.confirmed += outcome is not None
        return outcome
