"""What the command prints: a live bar for people, plain lines for pipes, one JSON object for programs."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Protocol, Self

import attrs
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from lemlist_async.bulk.jobs.job import RowResult
from lemlist_async.bulk.plan import Forecast
from lemlist_async.bulk.run.progress import Progress as RunProgress
from lemlist_async.bulk.run.progress import Report
from lemlist_async.cli.streams import write_data
from lemlist_async.core.json import dumps

_PLAIN_EVERY = 5.0
"""Seconds between the lines of progress in a pipe."""
_SHOWN = 10
"""Rows of a kind that are printed; the report file has all."""


class Show(Protocol):
    """How a job is shown while it runs, and after."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def say(self, line: str) -> None:
        """A remark."""
        ...

    def forecast(self, forecast: Forecast, limit: str) -> None:
        """Before it begins."""
        ...

    def progress(self, progress: RunProgress) -> None:
        """While it runs."""
        ...

    def count(self, rows: int) -> None:
        """While rows come, of which nobody knows how many there are."""
        ...

    def report(self, report: Report, bad: list[RowResult], results: list[RowResult]) -> None:
        """After it ended: the counters, rows that were not done, and what lemlist answered."""
        ...


def duration(seconds: float | None) -> str:
    """``1 h 02 min``, ``3 min 20 s``, ``6.0 s``."""
    if seconds is None:
        return "…"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _pace(progress: RunProgress) -> str:
    return f"{progress.rate:.1f}/s, {progress.quota:.0%} of quota, ETA {duration(progress.eta)}"


def forecast_lines(forecast: Forecast, limit: str) -> list[str]:
    """What a plan says."""
    lines = [f"{forecast.rows:,} rows: {forecast.to_send:,} to send, {forecast.refused:,} refused"]
    if forecast.finished or forecast.doubtful or forecast.pending:
        lines.append(
            f"from an earlier run: {forecast.finished:,} finished, {forecast.doubtful:,} in doubt, "
            f"{forecast.pending:,} without a result"
        )
    lines.append(f"{forecast.requests:,} requests, {duration(forecast.seconds)} at the limit of {limit}")
    if forecast.credits:
        lines.append(f"up to {forecast.credits:,} credits")
    return lines


def report_rows(report: Report) -> list[tuple[str, str]]:
    """What a report says, as pairs."""
    share = report.seconds_at_limit / report.seconds if report.seconds else 1.0
    done = {what: count for what, count in report.done.items() if what != "duplicate"} or {"done": 0}
    return [
        *((what, f"{count:,}") for what, count in done.items()),
        ("duplicates, skipped", f"{report.duplicates:,}"),
        ("refused before sending", f"{report.refused:,}"),
        ("failed", f"{report.failed:,}"),
        ("unknown", f"{report.unknown:,}"),
        ("left for another run", f"{report.left:,}"),
        ("answers lost, found done", f"{report.confirmed:,}"),
        ("calls made", f"{report.calls:,}"),
        ("429s met", f"{report.rate_limited:,}"),
        ("retries", f"{report.retries:,}"),
        (
            "time",
            f"{duration(report.seconds)}, of {duration(report.seconds_at_limit)} the limit allows ({share:.0%})",
        ),
    ]


class Terminal:
    """For a person."""

    def __init__(self) -> None:
        self.console: Console = Console(stderr=False, highlight=False)
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def say(self, line: str) -> None:
        """Above the bar."""
        self._bar.console.print(line, markup=False)

    def forecast(self, forecast: Forecast, limit: str) -> None:
        """One line each."""
        for line in forecast_lines(forecast, limit):
            self.say(line)

    def progress(self, progress: RunProgress) -> None:
        """Move the bars: one for each step, with the rate under way beside the last that has begun."""
        current = next((step.name for step in progress.steps if step.done < step.total), None)
        for step in progress.steps:
            note = _pace(progress) if step.name == current or len(progress.steps) == 1 else ""
            self._move(step.name, step.done, step.total, note)

    def count(self, rows: int) -> None:
        """A bar without an end."""
        self._move("rows", rows, None, "")

    def _move(self, name: str, done: int, total: int | None, note: str) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(name, total=total, note=note)
        self._bar.update(self._tasks[name], total=total, completed=done, note=note)

    def report(self, report: Report, bad: list[RowResult], results: list[RowResult]) -> None:
        """A table, and under it the first rows that did not go through."""
        table = Table(title="Report", show_header=False, title_justify="left")
        for name, value in report_rows(report):
            table.add_row(name, value)
        self.console.print(table)
        for line in (*result_lines(results), *bad_lines(bad)):
            self.console.print(line, markup=False, soft_wrap=True)


class _Lines:
    """What needs no screen to be set up and put back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class Plain(_Lines):
    """For a pipe or a log."""

    def __init__(self) -> None:
        self._last = 0.0

    def say(self, line: str) -> None:
        """A line."""
        print(line, flush=True)

    def forecast(self, forecast: Forecast, limit: str) -> None:
        """One line each."""
        for line in forecast_lines(forecast, limit):
            self.say(line)

    def progress(self, progress: RunProgress) -> None:
        """A line every few seconds."""
        now = time.monotonic()
        if now - self._last < _PLAIN_EVERY and progress.done < progress.total:
            return
        self._last = now
        steps = "".join(
            f", {step.name}: {step.done:,} of {step.total:,}"
            for step in progress.steps
            if len(progress.steps) > 1
        )
        self.say(f"{progress.done:,} of {progress.total:,} rows, {_pace(progress)}{steps}")

    def count(self, rows: int) -> None:
        """A line every few seconds."""
        now = time.monotonic()
        if now - self._last >= _PLAIN_EVERY:
            self._last = now
            self.say(f"{rows:,} rows")

    def report(self, report: Report, bad: list[RowResult], results: list[RowResult]) -> None:
        """One line each."""
        for name, value in report_rows(report):
            self.say(f"{name}: {value}")
        for line in (*result_lines(results), *bad_lines(bad)):
            self.say(line)


class Json(_Lines):
    """For a program: remarks go to the error stream, and one object to the output."""

    def say(self, line: str) -> None:
        """Not among the output."""
        print(line, file=sys.stderr, flush=True)

    def forecast(self, forecast: Forecast, limit: str) -> None:
        """Only a dry run has nothing else to tell; see `dump`."""

    def progress(self, progress: RunProgress) -> None:
        """Nothing: the report comes at the end."""

    def count(self, rows: int) -> None:
        """Nothing: the number comes at the end."""

    def report(self, report: Report, bad: list[RowResult], results: list[RowResult]) -> None:
        """The object."""
        dump(
            {
                **attrs.asdict(report),
                "created": report.created,
                "duplicates": report.duplicates,
                "complete": report.complete,
                "rows_not_done": [as_json(row) for row in bad],
                **({"results": [row.outcome.result for row in results]} if results else {}),
            }
        )


def as_json(row: RowResult) -> dict[str, object]:
    """A row that was not done, for programs."""
    return {
        "line": row.line,
        "state": row.outcome.state,
        "what": row.outcome.what,
        "reason": row.outcome.reason,
    }


def dump(value: object) -> None:
    """One JSON object on the output."""
    write_data([dumps(value, indent=True).decode() + "\n"])


def bad_lines(bad: list[RowResult]) -> list[str]:
    """The first rows that were not done, with line and reason."""
    lines = [f"line {row.line}: {row.outcome.what}: {row.outcome.reason}" for row in bad[:_SHOWN]]
    if len(bad) > _SHOWN:
        lines.append(f"… and {len(bad) - _SHOWN:,} more; --report FILE.csv has all")
    return lines


def result_lines(results: list[RowResult]) -> list[str]:
    """What lemlist answered for each row: its numbers that are not zero."""
    return [f"{row.outcome.id}: {_figures(row.outcome.result) or 'nothing yet'}" for row in results]


def _figures(result: Any) -> str:
    named: dict[str, Any] = result or {}
    return ", ".join(f"{name} {value:,}" for name, value in named.items() if isinstance(value, int) and value)


def choose(*, json: bool) -> Show:
    """The way that fits where the output goes."""
    if json:
        return Json()
    return Terminal() if sys.stdout.isatty() else Plain()
