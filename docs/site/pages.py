"""Everything of the reference that is written from the code, as Markdown by path."""

from __future__ import annotations

import asyncio
import inspect
import re
from pathlib import Path
from typing import Any

import typer
from typer.cli import get_docs_for_click

from docs.site import types
from docs.site.examples import Example, shortest
from docs.site.operations import AREAS, area_page, entries, markdown, table
from lemlist_async import Lemlist, Options, Retry, ThrottleOptions, Timeouts, errors, observe
from lemlist_async.cli.app import command
from lemlist_async.options import AuthBreaker
from tests.contract.operations import ROWS

ROOT = Path(__file__).parents[2]
_OPTIONS = (Options, Retry, Timeouts, AuthBreaker, ThrottleOptions)


def pages() -> dict[str, str]:
    """Return all pages, by their path below docs/."""
    examples = asyncio.run(all_examples())
    found = {f"reference/{area}.md": area_page(area, examples) for area in AREAS}
    found["reference/index.md"] = _index()
    found["reference/options.md"] = _options()
    found["reference/errors.md"] = _errors()
    found["reference/events.md"] = _events()
    found["reference/cli.md"] = _cli()
    programs = sorted((ROOT / "examples").glob("*.py"))
    found |= {f"examples/{program.stem}.md": _example(program) for program in programs}
    found["examples/index.md"] = _examples(programs)
    return found


async def all_examples() -> dict[str, Example]:
    """Return the example of each operation."""
    names = dict.fromkeys(row.name for row in ROWS)
    found = {name: await shortest(name) for name in names}
    return {name: example for name, example in found.items() if example is not None}


def _index() -> str:
    areas = "\n".join(AREAS)
    return f"""\
# Reference

Every operation of the API with its arguments, its effect and its errors, and the models of the responses; the options,
the errors, the events, and the command line. These pages are written from the code.

```{{toctree}}
:caption: Everywhere

options
errors
events
cli
```

```{{toctree}}
:caption: Areas of the API

{areas}
```
"""


def _options() -> str:
    parts = ["# Options\n\n", "`Lemlist(…)` takes these arguments.\n\n", _arguments_of(Lemlist), "\n"]
    for options in _OPTIONS:
        doc = markdown(inspect.getdoc(options) or "")
        rows = "\n".join(table(("option", "type", "default", ""), types.options_of(options)))
        parts.append(f"({options.__name__})=\n## {options.__name__}\n\n{doc}\n\n{rows}\n\n")
    return "".join(parts)


def _arguments_of(cls: Any) -> str:
    section = (inspect.getdoc(cls) or "").split("Args:\n")[1].split("\n\n")[0]
    rows = [f"| `{name}` | {markdown(about)} |\n" for name, about in entries(section)]
    return "".join(["| argument | |\n|---|---|\n", *rows])


def _errors() -> str:
    tree = (errors.__doc__ or "").partition("\n\n")[2]
    parts = ["# Errors\n\nAll are in `lemlist_async.errors`.\n\n```text\n", tree, "\n```\n\n"]
    for name, error in vars(errors).items():
        if (
            inspect.isclass(error)
            and issubclass(error, errors.LemlistError)
            and error.__module__ == errors.__name__
        ):
            above = ", ".join(f"`{base.__name__}`" for base in error.__bases__)
            parts.append(
                f"({name})=\n## {name}\n\nA kind of {above}. {markdown(inspect.getdoc(error) or '')}\n\n"
            )
    return "".join(parts)


def _events() -> str:
    parts = [f"# Events\n\n```text\n{observe.__doc__}\n```\n\n"]
    for name, event in vars(observe).items():
        if (
            inspect.isclass(event)
            and getattr(event, "__attrs_attrs__", None)
            and event.__module__ == observe.__name__
        ):
            rows = "\n".join(table(("field", "type", "default", ""), types.options_of(event)))
            if rows and not name.startswith("_"):
                parts.append(f"({name})=\n## {name}\n\n{markdown(inspect.getdoc(event) or '')}\n\n{rows}\n\n")
    return "".join(parts)


def _cli() -> str:
    whole = command()
    context = typer.Context(whole, info_name="lemlist-async")
    text = get_docs_for_click(obj=whole, ctx=context, name="lemlist-async", title="Command line")
    return re.sub(r"^#+ `", "## `", text, flags=re.MULTILINE)


def _example(program: Path) -> str:
    source = program.read_text()
    first = source.removeprefix('"""').partition("\n")[0].strip('"')
    return f"# {program.name}\n\n{first}\n\n```python\n{source}```\n"


def _examples(programs: list[Path]) -> str:
    names = "\n".join(program.stem for program in programs)
    return f"# Examples\n\nWhole programs, each of which runs in the tests.\n\n```{{toctree}}\n{names}\n```\n"


def write(folder: Path) -> None:
    """Write all pages that have changed below a folder."""
    for path, text in pages().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_text() != text:
            target.write_text(text)
