"""Output for a person at a terminal: a live bar, and a table at the end."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from lemlist_async import bulk
from lemlist_async.cli.wording import (
    bad_lines,
    duration,
    forecast_lines,
    mapping_rows,
    pace,
    report_rows,
    result_lines,
)

_WIDE = 60
"""Columns of a terminal from which on first values fit beside names."""


_BARS = ((100, 30), (80, 14), (60, 8), (0, 0))
"""From so many columns on, the length of a bar: names, counts and the ETA beside it must not be cut."""
_ROOMY = 80
"""Columns from which on the share of the quota fits too."""


class Terminal:
    """Output for a person at a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self.console: Console = console or Console(stderr=False, highlight=False)
        bar = next(length for columns, length in _BARS if self.console.width >= columns)
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            *([BarColumn(bar_width=bar)] if bar else []),
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
        # unwrapped: a command in it is copied from the screen
        self._bar.console.print(line, markup=False, soft_wrap=True)

    def mapping(self, mapping: bulk.ColumnMapping, *, whole: bool) -> None:
        """Print a table of the columns that are sent, and lines about the others."""
        rows, rest = mapping_rows(mapping, whole=whole)
        table = Table(box=None, pad_edge=False, show_header=False)
        wide = self.console.width >= _WIDE
        share = self.console.width // (3 if wide else 2) - 2  # names go before first values, which may be cut
        for part in range(2):
            longest = max((len(row[part]) for row in rows), default=0)
            table.add_column(overflow="fold", min_width=min(longest, share), style="bold" if part else "")
        if wide:
            table.add_column(overflow="ellipsis", no_wrap=True, style="dim")
        for row in rows:
            table.add_row(*map(Text, row[: len(table.columns)]))
        self.console.print(table)
        for line in rest:
            self.console.print(line, markup=False)

    def forecast(self, forecast: bulk.Forecast, limit: str) -> None:
        """Print one line each."""
        for line in forecast_lines(forecast, limit):
            self.console.print(line, markup=False)

    def progress(self, progress: bulk.Progress) -> None:
        """Move the bars: one for each step, with the rate under way beside the last that has begun."""
        current = next((step.name for step in progress.steps if step.done < step.total), None)
        for step in progress.steps:
            note = self._pace(progress) if step.name == current or len(progress.steps) == 1 else ""
            self._move(step.name, step.done, step.total, note)

    def _pace(self, progress: bulk.Progress) -> str:
        if self.console.width < _WIDE:
            return f"ETA {duration(progress.eta)}"
        return pace(progress, brief=self.console.width < _ROOMY)

    def count(self, rows: int) -> None:
        """Show a bar without an end."""
        self._move("rows", rows, None, "")

    def still(self) -> None:
        """Print the bars as they are now."""
        self.console.print(self._bar.get_renderable())

    def _move(self, name: str, done: int, total: int | None, note: str) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(name, total=total, note=note)
        self._bar.update(self._tasks[name], total=total, completed=done, note=note)

    def report(
        self,
        report: bulk.Report,
        bad: list[bulk.RowResult],
        results: list[bulk.RowResult],
        end: Mapping[str, object],
    ) -> None:
        """Print a table, and under it the first rows that were not done."""
        table = Table(box=None, pad_edge=False, show_header=False)
        for name, value in report_rows(report):
            table.add_row(Text(name), Text(value, style="bold"))
        self.console.print(table)
        for line in (*result_lines(results), *bad_lines(bad)):
            self.console.print(line, markup=False)
