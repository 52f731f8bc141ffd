"""`lemlist-async schema`: JSON Schemas of what the commands print with --json."""

from __future__ import annotations

from importlib import resources
from typing import Annotated

import typer

from lemlist_async.cli.execute import execute
from lemlist_async.cli.exits import Exit
from lemlist_async.cli.show import Show
from lemlist_async.cli.streams import write_data
from lemlist_async.errors import ConfigurationError

_SUFFIX = ".json"


def names() -> list[str]:
    """Return the names of all schemas."""
    files = resources.files(__name__).iterdir()
    return sorted(file.name.removesuffix(_SUFFIX) for file in files if file.name.endswith(_SUFFIX))


def text_of(name: str) -> str:
    """Return a schema.

    Raises:
        ConfigurationError: there is none of this name.
    """
    if name not in names():
        raise ConfigurationError(f"there is no schema {name!r}; there are {', '.join(names())}")
    return (resources.files(__name__) / f"{name}{_SUFFIX}").read_text("utf-8")


def schema(
    name: Annotated[
        str | None, typer.Argument(help="Value of 'schema' in the output; without it, all names.")
    ] = None,
) -> None:
    """Print the JSON Schema of an object that --json prints."""

    async def work(_show: Show) -> Exit:
        write_data([text_of(name)] if name else [f"{one}\n" for one in names()])
        return Exit.OK

    execute(work, json=False)


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(schema)
