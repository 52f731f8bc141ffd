"""Runs a plan: as many rows in flight as the limit can use, each one's fate written down before and after."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import attrs

from lemlist_async.bulk.job import CannotVerifyError, JobStoppedError, Outcome, State
from lemlist_async.bulk.journal import JournalError, JournalRow
from lemlist_async.bulk.plan import Plan, seconds_at_limit
from lemlist_async.errors import (
    AmbiguousError,
    APIStatusError,
    AuthenticationError,
    ClosedError,
    DeadlineExceededError,
    DecodeError,
    InvalidInputError,
    LeadAlreadyExistsError,
    LemlistError,
    NotSentError,
    PaymentRequiredError,
    PermissionDeniedError,
    QueueError,
    RateLimitError,
)

if TYPE_CHECKING:
    from lemlist_async.client import Lemlist

OnAmbiguous = Literal["verify", "report"]

_ROUNDS = 3
"""Times a row is sent at most, when a look-up says each time that it did not happen."""
_SPARE = 4
"""Rows in flight above the limit, so that somebody always waits in the throttle's queue."""
_WIDEST = 96
"""Rows in flight at most, however high the limit is set."""

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


@attrs.frozen
class RowResult:
    """What became of one row."""

    line: int
    payload: dict[str, Any]
    outcome: Outcome


@attrs.frozen(kw_only=True)
class Progress:
    """How far a run is."""

    total: int
    """Rows this run set out to do."""
    done: int
    """Rows it is through with, whatever came of them."""
    seconds: float
    """Since it began."""
    rate: float
    """Rows a second, over the last 10 s."""
    eta: float | None
    """Seconds until the end at that rate; None while it is not known."""
    quota: float
    """Share of the key's quota that was used over the last 10 s, from 0 to 1."""


@attrs.frozen(kw_only=True)
class Report:
    """What a run did; the journal has each row."""

    rows: int
    created: int
    """Rows done in this run or an earlier one of the same journal, duplicates left out."""
    duplicates: int
    """lemlist had them already."""
    refused: int
    """Not valid, so never sent."""
    failed: int
    """lemlist said no."""
    unknown: int
    """They may have happened, and nobody can tell."""
    left: int
    """Still to be sent: the run was stopped."""
    calls: int
    """Requests on the wire, repeats included."""
    rate_limited: int
    """Answers of 429."""
    retries: int
    """Requests that were sent again."""
    confirmed: int
    """Rows whose answer was lost, and which a look-up found done."""
    seconds: float
    seconds_at_limit: float
    """The least time that the limit allows for so many calls."""

    @property
    def complete(self) -> bool:
        """Whether every row is done or was there already."""
        return not (self.refused or self.failed or self.unknown or self.left)


@attrs.frozen
class _Mark:
    """Counters at an instant, to take rates from."""

    at: float
    rows: int
    grants: int


class Run:
    """One run of a plan: iterate over it for the rows, in the order they finish.

    Leaving the loop early stops it at once; what was in flight is looked up by the next run.
    """

    def __init__(self, lemlist: Lemlist, plan: Plan, *, on_ambiguous: OnAmbiguous = "verify") -> None:
        self._lemlist = lemlist.with_options(lane="bulk")
        self._plan = plan
        self._journal = plan.journal
        self._on_ambiguous = on_ambiguous
        self._stopping = False
        self._error: LemlistError | None = None
        self._feed: deque[list[JournalRow]] = deque()
        self._started: float | None = None
        self._ended: float | None = None
        self._count = 0
        self._retries = 0
        self._confirmed = 0
        self._marks: deque[_Mark] = deque()
        self._total = plan.forecast.to_send + plan.forecast.doubtful
        self._before = lemlist.throttle.stats

    def stop(self) -> None:
        """Begin no more rows; those in flight are finished first."""
        self._stopping = True

    @property
    def stopped(self) -> bool:
        """Whether it begins no more rows: `stop` was called, or an error ended it."""
        return self._stopping

    @property
    def progress(self) -> Progress:
        """How far it is."""
        now = self._ended or time.monotonic()
        seconds = now - self._started if self._started is not None else 0.0
        rate, calls = self._rates(now)
        left = self._total - self._count
        throttle = self._lemlist.throttle
        return Progress(
            total=self._total,
            done=self._count,
            seconds=seconds,
            rate=rate,
            eta=left / rate if rate else None,
            quota=min(1.0, calls * throttle.window / throttle.limit),
        )

    def _rates(self, now: float) -> tuple[float, float]:
        """Rows and calls a second, over the last 10 s."""
        while len(self._marks) > 1 and self._marks[0].at < now - 10:
            self._marks.popleft()
        if not self._marks or now <= self._marks[0].at:
            return 0.0, 0.0
        first, span = self._marks[0], now - self._marks[0].at
        grants = self._lemlist.throttle.stats.grants
        return (self._count - first.rows) / span, (grants - first.grants) / span

    async def report(self) -> Report:
        """What was done so far."""
        counts = await self._journal.counts()
        by_state: Counter[str] = Counter()
        for (state, _), count in counts.items():
            by_state[state] += count
        stats = self._lemlist.throttle.stats
        calls = stats.grants - self._before.grants - (stats.returned - self._before.returned)
        duplicates = counts[State.DONE, "duplicate"] + counts[State.REFUSED, "repeated"]
        throttle = self._lemlist.throttle
        return Report(
            rows=sum(counts.values()),
            created=by_state[State.DONE] - counts[State.DONE, "duplicate"],
            duplicates=duplicates,
            refused=by_state[State.REFUSED] - counts[State.REFUSED, "repeated"],
            failed=by_state[State.FAILED],
            unknown=by_state[State.UNKNOWN],
            left=by_state[State.NEW] + by_state[State.SENT],
            calls=calls,
            rate_limited=stats.refusals - self._before.refusals,
            retries=self._retries,
            confirmed=self._confirmed,
            seconds=self.progress.seconds,
            seconds_at_limit=seconds_at_limit(calls, throttle.limit, throttle.window),
        )

    async def __aiter__(self) -> AsyncIterator[RowResult]:
        """Run to the end.

        Raises:
            JobStoppedError: something that no further row would survive; what was in flight is finished first.
        """
        self._started = time.monotonic()
        self._marks.append(_Mark(self._started, 0, self._before.grants))
        off = self._lemlist.on("retry", self._saw_retry)
        try:
            await self._plan.job.prepare(self._lemlist)
            for doubtful in (True, False):
                async for result in self._pass(doubtful=doubtful):
                    yield result
        finally:
            self._ended = time.monotonic()
            off()
        if self._error is not None:
            raise JobStoppedError(f"the job stopped: {self._error}") from self._error

    def _saw_retry(self, _event: object) -> None:
        self._retries += 1

    async def _pass(self, *, doubtful: bool) -> AsyncIterator[RowResult]:
        """Work off the rows of an earlier run that nobody knows about, or the new ones."""
        width = min(self._lemlist.throttle.limit, _WIDEST) + _SPARE
        results: asyncio.Queue[RowResult | None] = asyncio.Queue(width)
        feed = _Feed(self._plan, State.UNKNOWN if doubtful else State.NEW)
        workers = [asyncio.create_task(self._work(feed, results, doubtful=doubtful)) for _ in range(width)]
        running = width
        try:
            while running:
                result = await results.get()
                if result is None:
                    running -= 1
                    continue
                self._count += 1
                self._mark()
                yield result
        finally:
            for worker in workers:
                worker.cancel()
            ended = await asyncio.gather(*workers, return_exceptions=True)
        for failed in ended:
            if isinstance(failed, Exception):
                raise failed

    def _mark(self) -> None:
        now = time.monotonic()
        if now - self._marks[-1].at >= 0.5:
            self._marks.append(_Mark(now, self._count, self._lemlist.throttle.stats.grants))

    async def _work(self, feed: _Feed, results: asyncio.Queue[RowResult | None], *, doubtful: bool) -> None:
        try:
            while not self._stopping and (rows := await feed.next()):
                outcomes = await self._settle(rows, doubtful=doubtful)
                for row, outcome in zip(rows, outcomes or (), strict=False):
                    await results.put(RowResult(row.line, row.payload, outcome))
        finally:
            # put_nowait: the loop that reads may be gone
            if not results.full():
                results.put_nowait(None)
            else:
                await results.put(None)

    async def _settle(self, rows: Sequence[JournalRow], *, doubtful: bool) -> Sequence[Outcome] | None:
        """Do a batch, and write down what came of it; None if it was put back."""
        numbers = [row.n for row in rows]
        try:
            outcomes = await self._outcomes(rows, doubtful=doubtful)
            await self._journal.finish(zip(numbers, outcomes, strict=True))
        except _STOPS as error:
            self._halt(error)
            if not isinstance(error, JournalError) and not doubtful:
                await self._journal.mark(numbers, State.NEW)
            return None
        except LeadAlreadyExistsError as error:
            # only where a duplicate was asked to end the job
            self._halt(error)
            outcomes = _all(rows, State.FAILED, "duplicate", str(error))
            await self._journal.finish(zip(numbers, outcomes, strict=True))
        return outcomes

    def _halt(self, error: LemlistError) -> None:
        self._error = self._error or error
        self._stopping = True

    async def _outcomes(self, rows: Sequence[JournalRow], *, doubtful: bool) -> Sequence[Outcome]:
        if doubtful:
            found = await self._look_up(rows, "an earlier run was ended before the answer")
            if found is not None:
                return found
        error: LemlistError | None = None
        for round_ in range(_ROUNDS):
            await self._journal.mark([row.n for row in rows], State.SENT)
            self._retries += round_ > 0
            again = doubtful or round_ > 0 or any(row.tries for row in rows)
            try:
                return await self._plan.job.do(self._lemlist, [row.payload for row in rows], again=again)
            except _STOPS:
                if round_ or doubtful:
                    # an earlier try of these rows may have happened: they must not look as if never sent
                    return _all(rows, State.UNKNOWN, "unknown", "a try was lost, and the next one not sent")
                raise
            except (AmbiguousError, DecodeError) as lost:
                error = lost
                found = await self._look_up(rows, str(lost))
                if found is not None:
                    return found
            except DeadlineExceededError as late:
                if late.phase == "queue":
                    raise
                return _all(rows, State.FAILED, "failed", str(late))
            except LeadAlreadyExistsError:
                raise
            except APIStatusError as refused:
                return _all(rows, State.FAILED, "failed", str(refused))
        return _all(rows, State.FAILED, "failed", f"not done after {_ROUNDS} tries: {error}")

    async def _look_up(self, rows: Sequence[JournalRow], why: str) -> Sequence[Outcome] | None:
        """What became of rows that were sent; None if they surely were not done."""
        if self._on_ambiguous == "report":
            return _all(rows, State.UNKNOWN, "unknown", why)
        found: list[Outcome | None] = []
        for row in rows:
            try:
                outcome = await self._plan.job.verify(self._lemlist, row.payload)
                self._confirmed += outcome is not None
                found.append(outcome)
            except CannotVerifyError as cannot:
                found.append(Outcome(State.UNKNOWN, "unknown", f"{why}; {cannot}"))
            except LemlistError as failed:
                found.append(Outcome(State.UNKNOWN, "unknown", f"{why}; the look-up failed: {failed}"))
        if all(outcome is None for outcome in found):
            return None
        return [outcome or Outcome(State.UNKNOWN, "unknown", why) for outcome in found]


class _Feed:
    """Hands out batches of rows in order, read from the journal page by page."""

    def __init__(self, plan: Plan, state: State) -> None:
        self._journal = plan.journal
        self._batch = plan.job.batch if state is State.NEW else 1
        self._state = state
        self._rows: deque[JournalRow] = deque()
        self._after = 0
        self._lock = asyncio.Lock()

    async def next(self) -> list[JournalRow]:
        async with self._lock:
            if len(self._rows) < self._batch:
                page = await self._journal.take(self._state, self._after, max(500, self._batch))
                if page:
                    self._after = page[-1].n
                    self._rows.extend(page)
            return [self._rows.popleft() for _ in range(min(self._batch, len(self._rows)))]


def _all(rows: Sequence[JournalRow], state: State, what: str, reason: str) -> Sequence[Outcome]:
    return [Outcome(state, what, reason)] * len(rows)
