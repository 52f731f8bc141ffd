"""Sentences and tables of the command, as text: forecasts, mappings, progress and reports."""

from __future__ import annotations

import shlex
from typing import Any

from lemlist_async import bulk

_SETTLED = 4.0
"""Seconds after which the share of the quota says something: a run begins with the free quota of a window."""
_SAMPLE = 24
"""Characters of a value that are shown."""
_SHOWN = 10
"""Rows of a kind that are printed; the report file has all."""


def duration(seconds: float | None) -> str:
    """``1 h 02 min``, ``3 min 20 s``, ``6.0 s``."""
    if seconds is None:
        return "…"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 row``, ``2,000 rows``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def pace(progress: bulk.Progress, *, brief: bool = False) -> str:
    """Return the rate, the share of the quota once a few windows have passed, and the ETA; or (`brief`) no share."""
    if brief:
        return f"{progress.rate:.1f}/s, ETA {duration(progress.eta)}"
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
    left_out = [use for use in mapping.uses if use.role == "ignored"]
    if private := [use.column for use in left_out if use.reason == "private"]:
        sends = shlex.quote(f"{private[0]}=variable:{private[0]}")
        lines.append(f"private, not sent: {', '.join(private)} (--map {sends} sends one)")
    if others := [use.column for use in left_out if use.reason != "private"]:
        lines.append(f"not sent: {', '.join(others)}")
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


def forecast_lines(forecast: bulk.Forecast, limit: str) -> list[str]:
    """Return the forecast of a plan, as lines."""
    twins = f", {forecast.repeated:,} the same as an earlier row" if forecast.repeated else ""
    if forecast.skipped:
        twins += f", {forecast.skipped:,} skipped since they have it"
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
        ("skipped, had it already", report.skipped, False),
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


def bad_lines(bad: list[bulk.RowResult]) -> list[str]:
    """Return the first rows that were not done, with line and reason."""
    lines = [f"line {row.line}: {row.outcome.what}: {row.outcome.reason}" for row in bad[:_SHOWN]]
    if len(bad) > _SHOWN:
        lines.append(f"… and {len(bad) - _SHOWN:,} more; --report FILE.csv has all")
    return lines


def result_lines(results: list[bulk.RowResult]) -> list[str]:
    """Return lemlist's response for each row: the numbers that are not zero."""
    return [f"{_title(row)}: {_figures(row.outcome.result) or 'nothing yet'}" for row in results]


def _title(row: bulk.RowResult) -> str:
    name = row.payload.get("name")
    return f"{row.outcome.id} {name}" if name else f"{row.outcome.id}"


def _figures(result: Any) -> str:
    named: dict[str, Any] = result or {}
    return ", ".join(f"{name} {value:,}" for name, value in named.items() if isinstance(value, int) and value)
