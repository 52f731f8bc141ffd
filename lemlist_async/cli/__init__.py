"""The `lemlist-async` command."""

from __future__ import annotations

import sys

from lemlist_async import __version__
from lemlist_async.cli.streams import guard_streams, lost_output


def main() -> None:
    """Run the command; its libraries come with the extra `cli`."""
    guard_streams()
    if sys.argv[1:] == ["--version"]:
        print(f"lemlist-async {__version__}")  # without the libraries of the other commands
        return
    try:
        from lemlist_async.cli.app import run
    except ModuleNotFoundError as missing:
        if missing.name not in {"typer", "rich", "click", "platformdirs"}:
            raise
        print(
            f"lemlist-async needs {missing.name}: install it with  pip install 'lemlist-async[cli]'",
            file=sys.stderr,
        )
        sys.exit(2)
    try:
        run()
    except SystemExit as end:
        why = lost_output()
        if why is None or end.code:
            raise
        print(f"lemlist-async: the output is not complete: {why}", file=sys.stderr)
        sys.exit(1)
