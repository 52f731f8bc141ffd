"""Output of the command: a live bar for people, plain lines for pipes, one JSON object for programs."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self, TextIO

import attrs

from lemlist_async import bulk
from lemlist_async.cli.streams import write_data
from lemlist_async.cli.wording import bad_lines, forecast_lines, mapping_rows, pace, report_rows, result_lines
from lemlist_async.core.json import dumps

_PLAIN_EVERY = 5.0
"""Seconds between the lines of progress in a pipe."""


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

    def report(
        self,
        report: bulk.Report,
        bad: list[bulk.RowResult],
        results: list[bulk.RowResult],
        end: Mapping[str, object],
    ) -> None:
        """Show the end: the counters, the rows that were not done, and lemlist's responses; programs get `end` too."""
        ...


def columns_as_json(mapping: bulk.ColumnMapping | None) -> list[dict[str, object]]:
    """Return the use of each column, for programs."""
    return [] if mapping is None else [attrs.asdict(use) for use in mapping.uses]


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

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._last = 0.0

    def say(self, line: str) -> None:
        """Print a line."""
        print(line, file=self._stream, flush=True)

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
        if not progress.total or (now - self._last < _PLAIN_EVERY and progress.done < progress.total):
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

    def report(
        self,
        report: bulk.Report,
        bad: list[bulk.RowResult],
        results: list[bulk.RowResult],
        end: Mapping[str, object],
    ) -> None:
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

    def report(
        self,
        report: bulk.Report,
        bad: list[bulk.RowResult],
        results: list[bulk.RowResult],
        end: Mapping[str, object],
    ) -> None:
        """Print the object."""
        dump(
            "report",
            {
                **attrs.asdict(report),
                **end,
                "created": report.created,
                "duplicates": report.duplicates,
                "complete": report.complete,
                "rows_not_done": [as_json(row) for row in bad],
                **({"results": [_result(row) for row in results]} if results else {}),
            },
        )


def _result(row: bulk.RowResult) -> object:
    name = row.payload.get("name")
    return row.outcome.result | {"name": name} if name else row.outcome.result


def as_json(row: bulk.RowResult) -> dict[str, object]:
    """Return a row that was not done, for programs."""
    return {
        "line": row.line,
        "state": row.outcome.state,
        "what": row.outcome.what,
        "reason": row.outcome.reason,
    }


def dump(schema: str, value: Mapping[str, object]) -> None:
    """Print one JSON object on standard output, under the name of its schema, which `schemas/` has."""
    write_data([dumps({"schema": f"{schema}.v1", **value}, indent=True).decode() + "\n"])
