"""Help of the command: its order, and a sentence for everything in it."""

from collections.abc import Iterator
from typing import Any

import typer.main

from lemlist_async.cli.app import ORDER, app, command


def test_the_help_lists_every_command_once_and_what_to_try_first_at_its_top() -> None:
    assert sorted(ORDER) == sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert next(iter(command().commands)) == "demo"


def parts(whole: Any, name: str = "lemlist-async") -> Iterator[tuple[str, str | None]]:
    """Each command, option and argument, with its help."""
    yield name, whole.help
    yield from ((f"{name} {one.name}", getattr(one, "help", None)) for one in whole.params)
    for inner, found in getattr(whole, "commands", {}).items():
        yield from parts(found, f"{name} {inner}")


def test_every_command_option_and_argument_has_its_sentence() -> None:
    assert [name for name, about in parts(command()) if not about] == []
