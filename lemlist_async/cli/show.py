"""Output of the command: a live bar for people, plain lines for pipes, one JSON object for programs."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Protocol, Self

import attrs

from lemlist_async import bulk
from lemlist_async.cli.streams import write_data
from lemlist_async.core.json import dumps

_PLAIN_EVERY = 5.0
"""Seconds between the lines of progress in a pipe."""
_SETTLED = 4.0
"""Seconds after which the share of the quota says something: a run begins with the free quota of a window."""
_SAMPLE = 24
"""Characters of a value that are shown."""
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

    def mapping(self, mapping: bulk.ColumnMapping, *, whole: bool) -> None:
        """Show the use of each column, or of the first variables only."""
        ...

    def forecast(self, forecast: bulk.Forecast, limit: str) -> None:
        """Show the forecast before the job begins."""
        ...

    def progress(self, progress: bulk.Progress) -> None:
        """Show the progress while the job runs."""
        ...

    def count(self, rows: int) -> None:
        """Show the number of rows while the total is not known."""
        ...

    def report(self, report: bulk.Report, bad: list[bulk.RowResult], results: list[bulk.RowResult]) -> None:
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


def pace(progress: bulk.Progress) -> str:
    """Return the rate, the share of the quota once a few windows have passed, and the ETA."""
    quota = f", {progress.quota:.0%} of quota" if progress.seconds >= _SETTLED else ""
    return f"{progress.rate:.1f}/s{quota}, ETA {duration(progress.eta)}"


def mapping_rows(mapping: bulk.ColumnMapping, *, whole: bool) -> tuple[list[tuple[str, str, str]], list[str]]:
    """Return column, use and first values of each column that is sent, and lines about the others."""
    sent = [use for use in mapping.uses if use.role in {"field", "opt-out"}]
    variables = [use for use in mapping.uses if use.role == "variable"]
    shown = variables if whole else variables[:_SHOWN]
    rows = [
        (use.column, becomes(mapping, use), " | ".join(_short(text) for text in use.samples))
        for use in [*sent, *shown]
    ]
    lines = [f"the names of the columns are on line {mapping.line}"] if mapping.line > 1 else []
    if more := [use.column for use in variables[len(shown) :]]:
        lines.append(f"{len(more)} more variables: {', '.join(more)}")
    if ignored := [use.column for use in mapping.uses if use.role == "ignored"]:
        lines.append(f"not sent: {', '.join(ignored)}")
    return rows, lines


def becomes(mapping: bulk.ColumnMapping, use: bulk.ColumnUse) -> str:
    """Return the use of a column in words."""
    if use.role == "ignored":
        return "not sent"
    if use.role == "opt-out":
        return "refuses the row if it says so"
    if use.role == "variable":
        return "variable" if use.variable == use.column else f"variable {use.variable}"
    others = mapping.before(use)
    where = f", where {others[-1]} is empty" if others else ""
    return " or ".join(field.replace("_", " ") for field in use.fields) + where


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SAMPLE else f"{line[: _SAMPLE - 1]}…"


def columns_as_json(mapping: bulk.ColumnMapping | None) -> list[dict[str, object]]:
    """Return the use of each column, for programs."""
    return [] if mapping is None else [attrs.asdict(use) for use in mapping.uses]


def forecast_lines(forecast: bulk.Forecast, limit: str) -> list[str]:
    """Return the forecast of a plan, as lines."""
    twins = f", {forecast.repeated:,} the same as an earlier row" if forecast.repeated else ""
    lines = [
        f"{counted(forecast.rows, 'row')}: {forecast.to_send:,} to send, {forecast.refused:,} refused{twins}"
    ]
    if forecast.finished or forecast.ambiguous or forecast.pending:
        lines.append(
            f"from an earlier run: {forecast.finished:,} finished, {forecast.ambiguous:,} ambiguous, "
            f"{forecast.pending:,} without a result"
        )
    lines.append(
        f"{counted(forecast.requests, 'request')}, {duration(forecast.seconds)} at the limit of {limit}"
    )
    if forecast.credits:
        lines.append(f"up to {forecast.credits:,} credits")
    return lines


def report_rows(report: bulk.Report) -> list[tuple[str, str]]:
    """Return a report as pairs of name and value: counts that add up to the rows, and then what it took.

    What is zero and need not reassure is left out.
    """
    done = {what: count for what, count in report.done.items() if what != "duplicate"} or {"done": 0}
    counts = [
        ("rows", report.rows, True),
        *((what, count, True) for what, count in done.items()),
        ("duplicates, skipped", report.duplicates, False),
        ("refused before sending", report.refused, False),
        ("failed", report.failed, True),
        ("unknown", report.unknown, True),
        ("left for another run", report.left, False),
        ("responses lost, found done", report.confirmed, False),
        ("retries", report.retries, False),
        ("429s met", report.rate_limited, False),
    ]
    best = (
        f"; the limit allows {duration(report.seconds_at_limit)} at best" if report.seconds_at_limit else ""
    )
    return [
        *((name, f"{count:,}") for name, count, always in counts if always or count),
        ("time", f"{duration(report.seconds)} for {counted(report.calls, 'call')}{best}"),
    ]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 row``, ``2,000 rows``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


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

    def mapping(self, mapping: bulk.ColumnMapping, *, whole: bool) -> None:
        """Print one line each."""
        rows, rest = mapping_rows(mapping, whole=whole)
        for column, becomes, samples in rows:
            self.say(f"{column} -> {becomes}" + (f"  ({samples})" if samples else ""))
        for line in rest:
            self.say(line)

    def forecast(self, forecast: bulk.Forecast, limit: str) -> None:
        """Print one line each."""
        for line in forecast_lines(forecast, limit):
            self.say(line)

    def progress(self, progress: bulk.Progress) -> None:
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
        self.say(f"{progress.done:,} of {progress.total:,} rows, {pace(progress)}{steps}")

    def count(self, rows: int) -> None:
        """Print a line every few seconds."""
        now = time.monotonic()
        if now - self._last >= _PLAIN_EVERY:
            self._last = now
            self.say(f"{rows:,} rows")

    def report(self, report: bulk.Report, bad: list[bulk.RowResult], results: list[bulk.RowResult]) -> None:
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

    def mapping(self, mapping: bulk.ColumnMapping, *, whole: bool) -> None:
        """Print nothing: a dry run prints the columns with the forecast."""

    def forecast(self, forecast: bulk.Forecast, limit: str) -> None:
        """Print nothing: a dry run prints the forecast with `dump`."""

    def progress(self, progress: bulk.Progress) -> None:
        """Print nothing: the report comes at the end."""

    def count(self, rows: int) -> None:
        """Print nothing: the number comes at the end."""

    def report(self, report: bulk.Report, bad: list[bulk.RowResult], results: list[bulk.RowResult]) -> None:
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


def as_json(row: bulk.RowResult) -> dict[str, object]:
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


def bad_lines(bad: list[bulk.RowResult]) -> list[str]:
    """Return the first rows that were not done, with line and reason."""
    lines = [f"line {row.line}: {row.outcome.what}: {row.outcome.reason}" for row in bad[:_SHOWN]]
    if len(bad) > _SHOWN:
        lines.append(f"… and {len(bad) - _SHOWN:,} more; --report FILE.csv has all")
    return lines


def result_lines(results: list[bulk.RowResult]) -> list[str]:
    """Return lemlist's response for each row: the numbers that are not zero."""
    return [f"{row.outcome.id}: {_figures(row.outcome.result) or 'nothing yet'}" for row in results]


def _figures(result: Any) -> str:
    named: dict[str, Any] = result or {}
    return ", ".join(f"{name} {value:,}" for name, value in named.items() if isinstance(value, int) and value)
