"""The `lemlist-async` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; its libraries come with the extra `cli`."""
    try:
        from lemlist_async.cli.app import run
    except ModuleNotFoundError as missing:
        if missing.name not in {"typer", "rich", "click"}:
            raise
        print(
            f"lemlist-async needs {missing.name}: install it with  pip install 'lemlist-async[cli]'",
            file=sys.stderr,
        )
        sys.exit(2)
    run()
