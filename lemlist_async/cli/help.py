"""Help texts that fit any terminal, of all commands and groups."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

import typer

_NARROW = 72
"""Columns below which explanations stand under their options, and not beside them."""
_WIDEST = 100
_HYPHEN = "\ue000"
"""Stand-in for a hyphen while lines are broken, since an option's name must not be broken at one."""


_Pairs = Sequence[tuple[str, str]]
"""Names, and what they mean."""


class _Context(typer.Context):
    """Context whose help is as wide as the terminal, and never wider."""

    def make_formatter(self) -> Any:
        """Return a formatter that cuts no name."""
        columns = shutil.get_terminal_size().columns
        return _fitted(super().make_formatter(), columns)


def _fitted(formatter: Any, columns: int) -> Any:
    write_text, write_pairs, text_of = formatter.write_text, formatter.write_dl, formatter.getvalue

    def write_beside(rows: _Pairs, *args: Any, **options: Any) -> None:
        write_pairs([(term, _unbroken(text)) for term, text in rows], *args, **options)

    def write_stacked(rows: _Pairs, *_args: Any, **_options: Any) -> None:
        _write_stacked(formatter, rows)

    def write_usage(program: str, rest: str = "", _prefix: str | None = None) -> None:
        _write_usage(formatter, f"{program} {rest}")

    def write_unbroken(text: str) -> None:
        write_text(_unbroken(text))

    def joined() -> str:
        return str(text_of()).replace(_HYPHEN, "-")

    formatter.width = max(min(columns, _WIDEST) - 2, 20)
    formatter.write_text, formatter.getvalue, formatter.write_dl = write_unbroken, joined, write_beside
    if columns < _NARROW:
        formatter.write_usage, formatter.write_dl = write_usage, write_stacked
    return formatter


def _write_usage(formatter: Any, usage: str) -> None:
    formatter.write("Usage:\n")
    with formatter.indentation():
        formatter.write_text(usage)


def _unbroken(text: str) -> str:
    return text.replace("-", _HYPHEN)


def _write_stacked(formatter: Any, rows: _Pairs) -> None:
    for term, text in rows:
        formatter.write_text(term)
        if text:
            with formatter.indentation():
                formatter.write_text(text)


def fit(command: Any) -> Any:
    """Make the help of a command and of all below it fit the terminal, and return the command."""
    for one in _all(command):
        one.context_class = _Context
        if one.help and not one.short_help:
            # the whole first sentence: without it a list of commands cuts it off
            one.short_help = inspect.cleandoc(one.help).split("\n\n")[0].replace("\n", " ")
        for option in one.params:
            if getattr(option, "is_flag", False):
                option.show_default = False
    return command


def _all(command: Any) -> Iterator[Any]:
    yield command
    for inner in getattr(command, "commands", {}).values():
        yield from _all(inner)
