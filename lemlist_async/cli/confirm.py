"""Questions before changes that cannot be undone."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lemlist_async.errors import ConfigurationError

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


class DeclinedError(ConfigurationError):
    """The answer was no; nothing was sent."""


def confirm(question: str, *, yes: bool) -> None:
    """Ask a person at a terminal; anywhere else ``--yes`` has to be given.

    Raises:
        DeclinedError: the person did not agree.
        ConfigurationError: there is no person to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigurationError(f"{question} Give --yes to do it without being asked")
    if not typer.confirm(question, default=False, err=True):
        raise DeclinedError("nothing was sent")
