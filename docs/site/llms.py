"""Plain texts for language models: each page as Markdown beside its HTML, and a list of them in llms.txt."""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

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
    for name in sorted(app.env.found_docs):
        text = Path(app.env.doc2path(name)).read_text()
        target = out / f"{name}.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        lines.append(f"- [{app.env.titles[name].astext()}]({name}.md)\n")
    (out / "llms.txt").write_text("".join(lines))
