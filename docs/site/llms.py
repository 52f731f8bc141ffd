"""Plain texts for language models: each page as Markdown beside its HTML, and a list of them in llms.txt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx

_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_HEAD = """\
# lemlist_async

> An async Python client for the lemlist API with a rate-limit throttler: typed operations, retries by effect, durable
> bulk jobs, webhooks, and a sandbox that behaves like lemlist.

"""


def write(app: Sphinx, error: Exception | None) -> None:
    """Write both into the finished site."""
    if error is not None or app.builder.name not in {"html", "dirhtml"}:
        return
    out, lines = Path(app.outdir), [_HEAD]
    for name in _in_order(app):
        text = Path(app.env.doc2path(name)).read_text()
        target = out / f"{name}.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        lines.append(f"- [{app.env.titles[name].astext()}]({name}.md){_about(text)}\n")
    (out / "llms.txt").write_text("".join(lines))


def _in_order(app: Sphinx) -> Iterator[str]:
    """Yield the pages as the menu has them, each with those below it."""
    waiting = [str(app.config.root_doc)]
    while waiting:
        name = waiting.pop(0)
        yield name
        waiting = [*app.env.toctree_includes.get(name, ()), *waiting]


def _about(text: str) -> str:
    """Return the first sentence of a page, if it has one below its title."""
    _, _, below = text.partition("\n\n")
    first = " ".join(below.partition("\n\n")[0].split())
    sentence = re.split(r"(?<=\.)\s", first)[0].rstrip(":")
    plain = _LINK.sub(r"\1", sentence)
    return f": {plain}" if re.match(r"\w|\*|`(?!`)", plain) else ""
