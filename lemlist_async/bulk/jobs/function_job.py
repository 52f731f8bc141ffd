"""Job whose rows are done by a function of the caller."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from lemlist_async.bulk.jobs.job import (
    CannotVerifyError,
    Job,
    JobStoppedError,
    Outcome,
    Payload,
    RowResult,
    State,
    done,
)
from lemlist_async.bulk.plan import Plan
from lemlist_async.bulk.run.progress import Progress, Report
from lemlist_async.bulk.run.run import Run
from lemlist_async.bulk.source.raw_row import RowRefusedError
from lemlist_async.bulk.source.values import exact
from lemlist_async.core.json import dumps
from lemlist_async.core.model import without_secrets
from lemlist_async.core.wire import Effect
from lemlist_async.errors import InvalidInputError

if TYPE_CHECKING:
    from lemlist_async.client import Lemlist

Each = Callable[["Lemlist", dict[str, Any]], Awaitable[Any]]
"""Function that does a row and returns plain JSON, a model, None, or an `Outcome`."""
Key = Callable[[dict[str, Any]], str]
"""Function that returns the identity of a row."""


@attrs.frozen(kw_only=True)
class FunctionJob(Job):
    """Call a function for each row, one row at a time in each worker.

    An error of lemlist makes the row fail, and ends the job where every other row would meet it too. A row with values
    that do not fit is refused. Any other exception ends the job at once, and the run raises it.
    """

    kind = "own"
    takes_texts: ClassVar[bool] = True

    each: Each
    effect: Effect
    by: Key | None = None
    look_up: Each | None = None
    name: str = ""
    """Name of the job in the journal; the function's name by default."""

    @property
    def verifiable(self) -> bool:
        """Whether an outcome may be ambiguous, and there is a function to look it up."""
        return self.look_up is not None and not self.effect.repeatable

    def options(self) -> dict[str, Any]:
        """Return the options that are compared when a journal is resumed. Functions cannot be written down."""
        name = self.name or getattr(self.each, "__qualname__", type(self.each).__name__)
        return {"name": name, "effect": self.effect.value}

    def check(self, values: Mapping[str, Any]) -> Payload:
        """Accept any row that is JSON, since the function gets it from the journal after a crash."""
        try:
            found: Payload = exact(values)
        except ValueError as error:
            raise RowRefusedError(f"the row cannot be written as JSON: {error}") from None
        return found

    def key(self, payload: Payload) -> str:
        """Return the identity by the caller's function, or by default the whole row."""
        if self.by is None:
            return dumps(payload, sort_keys=True).decode()
        try:
            return str(self.by(payload))
        except Exception as error:  # noqa: BLE001  # a row that the function does not fit is refused, whatever it raises
            raise RowRefusedError(f"key= raised {type(error).__name__}: {error}") from None

    async def do(self, lemlist: Lemlist, payloads: Sequence[Payload], *, again: bool) -> Sequence[Outcome]:
        """Call the function."""
        try:
            return [_safe(await self.each(lemlist, payloads[0]), lemlist)]
        except InvalidInputError as error:
            raise RowRefusedError(str(error)) from error

    async def verify(self, lemlist: Lemlist, payload: Payload) -> Outcome | None:
        """Call the caller's look-up, which gives None for a row that was not done."""
        if self.look_up is None:
            raise CannotVerifyError("no function to look it up was given")
        found = await self.look_up(lemlist, payload)
        return None if found is None else _outcome(found, lemlist)


_DONE = done("done")
_ENDS = frozenset({State.DONE, State.FAILED, State.REFUSED, State.UNKNOWN})


def _safe(result: Any, lemlist: Lemlist) -> Outcome:
    """Return the outcome of a row that was done, even if its result cannot be written down."""
    try:
        return _outcome(result, lemlist)
    except RecursionError:
        return done("done", reason="its result was not kept: it is nested too deeply, or in itself")


def _outcome(result: Any, lemlist: Lemlist) -> Outcome:
    """Return the outcome to write down, without the API key and the secrets of a model."""
    if result is None:
        return _DONE
    if isinstance(result, Outcome):
        if result.state not in _ENDS:
            raise ValueError(f"the outcome of a row is one of {', '.join(sorted(_ENDS))}, not {result.state}")
        reason = None if result.reason is None else lemlist.redact(result.reason)
        return attrs.evolve(result, reason=reason, result=without_secrets(result.result, lemlist.redact))
    found = without_secrets(result, lemlist.redact)
    return done("done", getattr(result, "id", None), result=found)


class FunctionRun:
    """One run of a function job. Iterate over it once for the rows, in the order they finish.

    The run is planned when the iteration begins, and its journal is closed when the iteration ends.
    """

    def __init__(self, make: Callable[[], Awaitable[Plan]], start: Callable[[Plan], Run]) -> None:
        self._make = make
        self._start = start
        self._run: Run | None = None
        self._report: Report | None = None
        self._stopped = False
        self._begun = False

    def stop(self) -> None:
        """Begin no more rows; those in flight are finished first."""
        self._stopped = True
        if self._run is not None:
            self._run.stop()

    @property
    def progress(self) -> Progress | None:
        """State of the run in numbers; None before it has begun."""
        return None if self._run is None else self._run.progress

    async def finish(self) -> Report:
        """Run to the end without looking at the rows, and return the report. Raises as the iteration does."""
        async for _ in self:
            pass
        return await self.report()

    async def report(self) -> Report:
        """Return the report of the run so far.

        Raises:
            JobStoppedError: the run has not begun.
        """
        if self._report is not None:
            return self._report
        if self._run is None:
            raise JobStoppedError("the job has not begun: iterate over it, or await finish()")
        return await self._run.report()

    async def __aiter__(self) -> AsyncIterator[RowResult]:
        """Plan, and run to the end. Raises as `Bulk.plan` and `Run` do."""
        if self._begun:
            raise JobStoppedError("a job of rows runs once: make another one with bulk.run(rows, …)")
        self._begun = True
        async with await self._make() as plan:
            run = self._start(plan)
            if self._stopped:
                run.stop()
            self._run = run
            try:
                async with contextlib.aclosing(aiter(run)) as results:
                    async for result in results:
                        yield result
            finally:
                if run.begun:
                    self._report = await run.report()
