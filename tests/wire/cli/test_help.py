"""Help of all commands at four widths of the terminal."""

import asyncio
import os
import re
import sys

import pytest

pytestmark = pytest.mark.slow

_WALK = """
import io, os, sys, typer
from contextlib import redirect_stdout
from lemlist_async.cli.app import app
from lemlist_async.cli.help import fit

def walk(command, names):
    for width in (100, 80, 60, 40):
        os.environ["COLUMNS"] = str(width)
        text = io.StringIO()
        with redirect_stdout(text):
            command([*names, "--help"], prog_name="lemlist-async", standalone_mode=False)
        print(f"== {width} {' '.join(names)}")
        print(text.getvalue())
    one = command
    for name in names:
        one = one.commands[name]
    for name, inner in getattr(one, "commands", {}).items():
        walk(command, [*names, name])

walk(fit(typer.main.get_command(app)), [])
"""


async def texts() -> list[tuple[int, str, str]]:
    """Return width, command and text of each help."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WALK, stdout=asyncio.subprocess.PIPE, env={**os.environ, "TERM": "dumb"}
    )
    out, _ = await process.communicate()
    parts = re.split(r"^== (\d+) (.*)\n", out.decode(), flags=re.MULTILINE)[1:]
    return [
        (int(width), name, text)
        for width, name, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    ]


def words(text: str) -> list[str]:
    """Return the words of a text, as its lines have them."""
    return text.split()


async def test_no_line_is_wider_than_the_terminal_and_no_name_is_cut() -> None:
    found = await texts()
    assert len(found) > 100
    widest = {name: words(text) for width, name, text in found if width == 100}
    for width, name, text in found:
        lines = text.splitlines()
        assert max(map(len, lines)) <= width, (name, width, max(lines, key=len))
        assert words(text) == widest[name], (name, width)
        assert "…]" not in text
