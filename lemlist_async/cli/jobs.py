"""Run of a plan from the command line: signals, progress, report, exit code."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from lemlist_async import bulk
from lemlist_async.cli.exits import Exit, exit_of
from lemlist_async.cli.job_store import shown
from lemlist_async.cli.messages import spoken
from lemlist_async.cli.options import STANDARD
from lemlist_async.cli.show import Show, as_json, columns_as_json, dump
from lemlist_async.cli.standard import print_rejects, print_report
from lemlist_async.cli.wording import bad_lines, counted
from lemlist_async.errors import ConfigurationError, InvalidInputError

if TYPE_CHECKING:
    from lemlist_async import Lemlist

_NO_ROWS = "there are no rows: the file has nothing below its column names"
_KEPT = 1_000
"""Rows that were not done and are kept for the printed report."""


@attrs.frozen(kw_only=True)
class RunSettings:
    """Settings of a run from the command line. Its files are checked when it is made.

    Raises:
        InvalidInputError: the folder of an output does not exist or cannot be written to, or a file that is read or
            written otherwise would be overwritten.
    """

    dry_run: bool = False
    json: bool = False
    source: Path | None = None
    """File of the rows; None for those of a journal."""
    journal: Path | bulk.PostgresJournal | None = None
    report: Path | None = None
    rejects: Path | None = None
    save_mapping: Path | None = None
    bom: bool = False
    """Whether a report in CSV begins with a byte order mark."""
    on_ambiguous: bulk.OnAmbiguous = "verify"
    look_up_after: float = attrs.field(factory=lambda: bulk.LOOK_UP_AFTER)
    """Seconds between a lost response and each look-up."""
    results: bool = False
    """Whether to print lemlist's response for each row."""
    paid: bool = False
    """Whether rows cost credits once they are sent."""
    refused_is_fine: bool = False
    """Whether the job succeeds although rows were refused before sending."""

    def __attrs_post_init__(self) -> None:
        taken = {one.resolve() for one in (self.source, self.journal) if isinstance(one, Path)}
        outputs = (
            ("--report", self.report), ("--rejects", self.rejects), ("--save-mapping", self.save_mapping),
        )  # fmt: skip
        for option, path in outputs:
            if path == STANDARD and self.json:
                raise ConfigurationError(f"--json and {option} - would both write to standard output")
            if path is None:
                continue
            check_output(option, path)
            if path.resolve() in taken:
                raise InvalidInputError(f"{option} would overwrite {path}, which is used otherwise")
            taken.add(path.resolve())


def check_output(option: str, path: Path) -> None:
    """Check that a file can be written.

    Raises:
        InvalidInputError: its folder does not exist, or it cannot be written.
    """
    if path == STANDARD:
        return
    if not path.parent.is_dir():
        raise InvalidInputError(f"{option}: there is no folder {path.parent}")
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise InvalidInputError(f"{option}: {path} cannot be written")


async def run_plan(
    lemlist: Lemlist, make: Callable[[], Awaitable[bulk.Plan]], settings: RunSettings, show: Show
) -> Exit:
    """Plan, run and report."""
    async with await make() as plan:
        throttle = lemlist.throttle
        limit = f"{throttle.limit} requests per {throttle.window:g} s"
        if settings.dry_run:
            return await _dry_run(plan, settings, show, limit)
        show.forecast(plan.forecast, limit)
        if not plan.forecast.rows:
            show.say(_NO_ROWS)
        elif settings.journal is not None:
            show.say(f"if it is interrupted, resume with:  {resume_command(settings.journal)}")
        run = lemlist.bulk.run(plan, on_ambiguous=settings.on_ambiguous, look_up_after=settings.look_up_after)
        try:
            stopped = await _run(run, show, settings)
        except asyncio.CancelledError:
            for line in await _write(plan.journal, settings):  # of what was done until then
                show.say(line)
            raise
        report = await run.report()
        if stopped is not None and exit_of(stopped) is Exit.USAGE and not await _has_begun(plan.journal):
            raise stopped  # no other run of the same job could get further
        results = await _results(plan.journal) if settings.results else []
        # before anything is printed, since printing may fail and results may have cost credits
        written = await _write(plan.journal, settings)
        show.report(report, await _not_done(plan.journal), results, _end_of(stopped, settings))
        for line in written:
            show.say(line)
        if stopped is not None:
            show.say(spoken(str(stopped)))
        if report.left:
            show.say(_how_to_go_on(report, settings))
        return _exit(report, stopped, settings, interrupted=run.stopped)


def _end_of(stopped: bulk.JobStoppedError | None, settings: RunSettings) -> dict[str, str | None]:
    """Return what a program learns of the end of a run, beside its counts."""
    return {
        "stopped": None if stopped is None else spoken(str(stopped)),
        "journal": None if settings.journal is None else shown(settings.journal),
    }


async def _has_begun(journal: bulk.Journal) -> bool:
    return any(state not in {"new", "refused"} for state, _ in await journal.counts())


async def _dry_run(plan: bulk.Plan, settings: RunSettings, show: Show, limit: str) -> Exit:
    bad = await _not_done(plan.journal)
    if settings.json:
        refused = [as_json(row) for row in bad]
        columns = columns_as_json(plan.mapping)
        dump(
            "plan",
            {**attrs.asdict(plan.forecast), "dry_run": True, "columns": columns, "rows_not_done": refused},
        )
    else:
        show.forecast(plan.forecast, limit)
        if not plan.forecast.rows:
            show.say(_NO_ROWS)
        for line in bad_lines(bad):
            show.say(line)
        show.say("dry run: nothing was sent")
    for line in await _write(plan.journal, settings):
        show.say(line)
    return Exit.PARTIAL if plan.forecast.refused else Exit.OK


async def _run(run: bulk.Run, show: Show, settings: RunSettings) -> bulk.JobStoppedError | None:
    with show, _signals(run, show):
        async with _ticking(run, show):
            try:
                async for _ in run:
                    pass
            except bulk.JobStoppedError as stopped:
                return stopped
            except asyncio.CancelledError:
                show.say(_left_behind(run, settings))
                raise
            finally:
                show.progress(run.progress)
    return None


@contextlib.asynccontextmanager
async def _ticking(run: bulk.Run, show: Show) -> AsyncGenerator[None]:
    """Show the progress by the clock, not by the row, so that a waiting job shows its ETA too."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.25)
            show.progress(run.progress)

    ticker = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticker.cancel()


@contextlib.contextmanager
def _signals(run: bulk.Run, show: Show) -> Generator[None]:
    """Stop after the rows in flight at the first SIGINT or SIGTERM, and at once at the second."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def stop() -> None:
        if run.stopped and task is not None:
            task.cancel()
        else:
            show.say("stopping after the requests in flight (again: stop at once)")
            run.stop()

    installed: list[signal.Signals] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: the default handlers end the run at once
            loop.add_signal_handler(number, stop)
            installed.append(number)
    try:
        yield
    finally:
        for number in installed:
            loop.remove_signal_handler(number)


async def _not_done(journal: bulk.Journal) -> list[bulk.RowResult]:
    def collect() -> list[bulk.RowResult]:
        found: list[bulk.RowResult] = []
        for row in journal.rows(unfinished=True):
            if row.what not in {"repeated", "skipped"} and len(found) < _KEPT:
                found.append(bulk.RowResult(row.line, row.payload, row.outcome))
        return found

    return await journal.in_thread(collect)


async def _results(journal: bulk.Journal) -> list[bulk.RowResult]:
    def collect() -> list[bulk.RowResult]:
        done = (row for row in journal.rows() if row.state == bulk.State.DONE)
        return [bulk.RowResult(row.line, row.payload, row.outcome) for row in itertools.islice(done, _KEPT)]

    return await journal.in_thread(collect)


async def _write(journal: bulk.Journal, settings: RunSettings) -> list[str]:
    """Write the files that were asked for, and return a line about each.

    Raises:
        JournalError: one cannot be written. The message names the journal that has the rows.
    """
    written: list[str] = []
    try:
        if settings.report == STANDARD:
            await print_report(journal)
        elif settings.report is not None:
            await bulk.write_report(journal, settings.report, bom=settings.bom)
            written.append(f"all rows: {settings.report}")
        if settings.rejects == STANDARD:
            written.append(f"{counted(await print_rejects(journal), 'row')} to correct: standard output")
        elif settings.rejects is not None:
            count = await bulk.write_rejects(journal, settings.rejects)
            written.append(f"{counted(count, 'row')} to correct: {settings.rejects}")
    except OSError as error:
        kept = await journal.keep()
        raise bulk.JournalError(
            f"the report {error.filename or settings.report} cannot be written: {error.strerror}; all rows are in the "
            f"journal {kept}; print them with:  lemlist-async report {kept}"
        ) from None
    return written


def _left_behind(run: bulk.Run, settings: RunSettings) -> str:
    progress = run.progress
    rows = f"{progress.total - progress.done:,} rows are left, and those in flight may have been done"
    if settings.journal is None:
        return f"stopped at once: {rows}; there is no journal to resume from"
    return f"stopped at once: {rows}; go on with:  {resume_command(settings.journal)}"


def _how_to_go_on(report: bulk.Report, settings: RunSettings) -> str:
    if settings.journal is not None:
        return f"{report.left:,} rows are left; resume with:  {resume_command(settings.journal)}"
    if report.left and report.calls and settings.paid:
        return f"{report.left:,} rows are left that may have been paid for, and there is no journal to ask for them"
    return f"{report.left:,} rows are left, and there is no journal to resume from: run the command again"


def resume_command(journal: Path | bulk.PostgresJournal) -> str:
    """Return the command that goes on with a job."""
    return f"lemlist-async resume {shown(journal)}"


def _exit(
    report: bulk.Report, stopped: bulk.JobStoppedError | None, settings: RunSettings, *, interrupted: bool
) -> Exit:
    if stopped is not None:
        return exit_of(stopped)
    if interrupted and report.left:
        return Exit.INTERRUPTED
    if report.unknown:
        return Exit.UNKNOWN
    refused = 0 if settings.refused_is_fine else report.refused
    return Exit.PARTIAL if report.failed or report.left or refused else Exit.OK


def summary(counts: dict[tuple[str, str], int]) -> list[str]:
    """Return the counters of a journal, as lines."""
    order = list(bulk.State)
    return [
        f"{state}{f' ({what})' if what and what != state else ''}: {count:,}"
        for (state, what), count in sorted(
            counts.items(), key=lambda item: order.index(bulk.State(item[0][0]))
        )
    ]
