"""Output of the command: a live bar for people, plain lines for pipes, one JSON object for programs."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Protocol, Self

import attrs
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from lemlist_async.bulk import Forecast, Report, RowResult
from lemlist_async.bulk import Progress as RunProgress
from lemlist_async.cli.streams import write_data
from lemlist_async.core.json import dumps

_PLAIN_EVERY = 5.0
"""Seconds between the lines of progress in a pipe."""
_SHOWN = 10
"""Rows of a kind that are printed; the report file has all."""


class Show(Protocol):
    """Interface for showing a job while it runs, and after."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def say(self, line: str) -> None:
        """Print a remark."""
        ...

    def forecast(self, forecast: Forecast, limit: str) -> None:
        """Show the forecast before the job begins."""
        ...

    def progress(self, progress: RunProgress) -> None:
        """Show the progress while the job runs."""
        ...

    def count(self, rows: int) -> None:
        """Show the number of rows while the total is not known."""
        ...

    def report(self, report: Report, bad: list[RowResult], results: list[RowResult]) -> None:
        """Show the end: the counters, the rows that were not done, and lemlist's responses."""
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
    """Return the forecast of a plan, as lines."""
    lines = [f"{forecast.rows:,} rows: {forecast.to_send:,} to send, {forecast.refused:,} refused"]
    if forecast.finished or forecast.ambiguous or forecast.pending:
        lines.append(
            f"from an earlier run: {forecast.finished:,} finished, {forecast.ambiguous:,} ambiguous, "
            f"{forecast.pending:,} without a result"
        )
    lines.append(f"{forecast.requests:,} requests, {duration(forecast.seconds)} at the limit of {limit}")
    if forecast.credits:
        lines.append(f"up to {forecast.credits:,} credits")
    return lines


def report_rows(report: Report) -> list[tuple[str, str]]:
    """Return a report as pairs of name and value."""
    share = report.seconds_at_limit / report.seconds if report.seconds else 1.0
    done = {what: count for what, count in report.done.items() if what != "duplicate"} or {"done": 0}
    return [
        *((what, f"{count:,}") for what, count in done.items()),
        ("duplicates, skipped", f"{report.duplicates:,}"),
        ("refused before sending", f"{report.refused:,}"),
        ("failed", f"{report.failed:,}"),
        ("unknown", f"{report.unknown:,}"),
        ("left for another run", f"{report.left:,}"),
        ("responses lost, found done", f"{report.confirmed:,}"),
        ("calls made", f"{report.calls:,}"),
        ("429s met", f"{report.rate_limited:,}"),
        ("retries", f"{report.retries:,}"),
        (
            "time",
            f"{duration(report.seconds)}, of {duration(report.seconds_at_limit)} the limit allows ({share:.0%})",
        ),
    ]


class Terminal:
    """Output for a person at a terminal."""

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
        """Print a remark above the bar."""
        self._bar.console.print(line, markup=False)

    def forecast(self, forecast: Forecast, limit: str) -> None:
        """Print one line each."""
        for line in forecast_lines(forecast, limit):
            self.say(line)

    def progress(self, progress: RunProgress) -> None:
        """Move the bars: one for each step, with the rate under way beside the last that has begun."""
        current = next((step.name for step in progress.steps if step.done < step.total), None)
        for step in progress.steps:
            note = _pace(progress) if step.name == current or len(progress.steps) == 1 else ""
            self._move(step.name, step.done, step.total, note)

    def count(self, rows: int) -> None:
        """Show a bar without an end."""
        self._move("rows", rows, None, "")

    def _move(self, name: str, done: int, total: int | None, note: str) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(name, total=total, note=note)
        self._bar.update(self._tasks[name], total=total, completed=done, note=note)

    def report(self, report: Report, bad: list[RowResult], results: list[RowResult]) -> None:
        """Print a table, and under it the first rows that were not done."""
        table = Table(title="Report", show_header=False, title_justify="left")
        for name, value in report_rows(report):
            table.add_row(name, value)
        self.console.print(table)
        for line in (*result_lines(results), *bad_lines(bad)):
            self.console.print(line, markup=False, soft_wrap=True)


class _Lines:
    """Output that needs no set-up of a screen."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class Plain(_Lines):
    """Output for a pipe or a log."""

    def __init__(self) -> None:
        self._last = 0.0

    def say(self, line: str) -> None:
        """Print a line."""
        print(line, flush=True)

    def forecast(self, forecast: Forecast, limit: str) -> None:
        """Print one line each."""
        for line in forecast_lines(forecast, limit):
            self.say(line)

    def progress(self, progress: RunProgress) -> None:
        """Print a line every few seconds."""
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
        """Print a line every few seconds."""
        now = time.monotonic()
        if now - self._last >= _PLAIN_EVERY:
            self._last = now
            self.say(f"{rows:,} rows")

    def report(self, report: Report, bad: list[RowResult], results: list[RowResult]) -> None:
        """Print one line each."""
        for name, value in report_rows(report):
            self.say(f"{name}: {value}")
        for line in (*result_lines(results), *bad_lines(bad)):
            self.say(line)


class Json(_Lines):
    """Output for a program: remarks on standard error, one JSON object on standard output."""

    def say(self, line: str) -> None:
        """Print a remark on standard error."""
        print(line, file=sys.stderr, flush=True)

    def forecast(self, forecast: Forecast, limit: str) -> None:
        """Print nothing: a dry run prints the forecast with `dump`."""

    def progress(self, progress: RunProgress) -> None:
        """Print nothing: the report comes at the end."""

    def count(self, rows: int) -> None:
        """Print nothing: the number comes at the end."""

    def report(self, report: Report, bad: list[RowResult], results: list[RowResult]) -> None:
        """Print the object."""
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
    """Return a row that was not done, for programs."""
    return {
        "line": row.line,
        "state": row.outcome.state,
        "what": row.outcome.what,
        "reason": row.outcome.reason,
    }


def dump(value: object) -> None:
    """Print one JSON object on standard output."""
    write_data([dumps(value, indent=True).decode() + "\n"])


def bad_lines(bad: list[RowResult]) -> list[str]:
    """Return the first rows that were not done, with line and reason."""
    lines = [f"line {row.line}: {row.outcome.what}: {row.outcome.reason}" for row in bad[:_SHOWN]]
    if len(bad) > _SHOWN:
        lines.append(f"… and {len(bad) - _SHOWN:,} more; --report FILE.csv has all")
    return lines


def result_lines(results: list[RowResult]) -> list[str]:
    """Return lemlist's response for each row: the numbers that are not zero."""
    return [f"{row.outcome.id}: {_figures(row.outcome.result) or 'nothing yet'}" for row in results]


def _figures(result: Any) -> str:
    named: dict[str, Any] = result or {}
    return ", ".join(f"{name} {value:,}" for name, value in named.items() if isinstance(value, int) and value)


def choose(*, json: bool) -> Show:
    """Return the output that fits the destination."""
    if json:
        return Json()
    return Terminal() if sys.stdout.isatty() else Plain()
