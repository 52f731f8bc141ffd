"""Order of the commands in the help."""

import typer.main

from lemlist_async.cli.app import ORDER, app, command


def test_the_help_lists_every_command_once_and_what_to_try_first_at_its_top() -> None:
    assert sorted(ORDER) == sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert next(iter(command().commands)) == "demo"
