"""A job whose rows are done by a function of the caller's."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from lemlist_async.bulk.job import (
    CannotVerifyError,
    Job,
    JobStoppedError,
    Outcome,
    Payload,
    RowRefusedError,
    State,
    done,
)
from lemlist_async.bulk.plan import Plan
from lemlist_async.bulk.progress import Progress, Report
from lemlist_async.bulk.runner import RowResult, Run
from lemlist_async.core.json import dumps, loads
from lemlist_async.core.structure import without_secrets
from lemlist_async.core.wire import Effect
from lemlist_async.errors import InvalidInputError

if TYPE_CHECKING:
    from lemlist_async.client import Lemlist

Each = Callable[["Lemlist", dict[str, Any]], Awaitable[Any]]
"""Does a row: its result is plain JSON, a model, None, or an `Outcome`."""
Key = Callable[[dict[str, Any]], str]
"""What makes two rows the same."""


@attrs.frozen(kw_only=True)
class OwnJob(Job):
    """Calls a function for each row, one row at a time in each worker.

    Errors of lemlist's make the row fail, and end the job where no other row would fare better. Values that do not
    fit make it refused. Any other exception ends the job at once, and is raised from the run.
    """

    kind = "own"

    each: Each
    effect: Effect
    by: Key | None = None
    look_up: Each | None = None
    name: str = ""
    """What the journal knows the job by; the function's name by default."""

    @property
    def verifiable(self) -> bool:
        """Whether a row may be in doubt, and there is a function to look it up."""
        return self.look_up is not None and not self.effect.repeatable

    def options(self) -> dict[str, Any]:
        """What is compared when a journal is taken up again; the functions cannot be written down."""
        name = self.name or getattr(self.each, "__qualname__", type(self.each).__name__)
        return {"name": name, "effect": self.effect.value}

    def check(self, values: Mapping[str, Any]) -> Payload:
        """Any row will do that is JSON: that is how the function gets it, after a crash too."""
        try:
            found: Payload = loads(dumps({str(name): value for name, value in values.items()}))
        except TypeError as error:
            raise RowRefusedError(f"the row cannot be written as JSON: {error}") from None
        return found

    def key(self, payload: Payload) -> str:
        """As the caller says; the whole row where nothing is said."""
        if self.by is not None:
            return self.by(payload)
        return dumps(payload, sort_keys=True).decode()

    async def do(self, lemlist: Lemlist, payloads: Sequence[Payload], *, again: bool) -> Sequence[Outcome]:
        """Call the function."""
        try:
            return [_outcome(await self.each(lemlist, payloads[0]), lemlist)]
        except InvalidInputError as error:
            return [Outcome(State.REFUSED, "refused", str(error))]

    async def verify(self, lemlist: Lemlist, payload: Payload) -> Outcome | None:
        """Call the caller's look-up, which gives None for a row that was not done."""
        if self.look_up is None:
            raise CannotVerifyError("no function to look it up was given")
        found = await self.look_up(lemlist, payload)
        return None if found is None else _outcome(found, lemlist)


_DONE = done("done")


def _outcome(result: Any, lemlist: Lemlist) -> Outcome:
    """The outcome to write down: a journal holds no key, and no secret of a model."""
    if result is None:
        return _DONE
    if isinstance(result, Outcome):
        reason = None if result.reason is None else lemlist.redact(result.reason)
        return attrs.evolve(result, reason=reason, result=without_secrets(result.result, lemlist.redact))
    found = without_secrets(result, lemlist.redact)
    return done("done", getattr(result, "id", None), result=found)


class OwnRun:
    """One run of such a job: iterate over it for the rows, in the order they finish; once.

    It plans when the iteration begins, and lets go of its journal when that ends.
    """

    def __init__(self, make: Callable[[], Awaitable[Plan]], start: Callable[[Plan], Run]) -> None:
        self._make = make
        self._start = start
        self._run: Run | None = None
        self._report: Report | None = None
        self._stopped = False

    def stop(self) -> None:
        """Begin no more rows; those in flight are finished first."""
        self._stopped = True
        if self._run is not None:
            self._run.stop()

    @property
    def progress(self) -> Progress | None:
        """How far it is; None before it has begun."""
        return None if self._run is None else self._run.progress

    async def report(self) -> Report:
        """What was done so far.

        Raises:
            JobStoppedError: it has not begun.
        """
        if self._report is not None:
            return self._report
        if self._run is None:
            raise JobStoppedError("the job has not begun: iterate over it")
        return await self._run.report()

    async def __aiter__(self) -> AsyncIterator[RowResult]:
        """Plan, and run to the end; raises what `Bulk.plan` and `Run` raise."""
        async with await self._make() as plan:
            self._run = run = self._start(plan)
            if self._stopped:
                run.stop()
            try:
                async with contextlib.aclosing(aiter(run)) as results:
                    async for result in results:
                        yield result
            finally:
                self._report = await run.report()
