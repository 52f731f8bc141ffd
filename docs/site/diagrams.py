"""Diagrams of the pages, drawn when the site is built: a reader's browser loads nothing from another host."""

from __future__ import annotations

import re
from typing import ClassVar

import mmdr
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_LOOK = (
    '%%{init: {"theme": "neutral", "sequence": {"actorMargin": 12, "width": 120, "wrap": true, '
    '"mirrorActors": false}}}%%\n'
)
"""Narrow enough for a column of text."""
_PATH = re.compile(r"(participant \w+ as [\w/]+/)(\w)")
"""Name of a participant that is a path: it is broken before the file."""


class Diagram(SphinxDirective):
    """Draw the Mermaid text of a block as an SVG in the page."""

    has_content = True
    option_spec: ClassVar = {}

    def run(self) -> list[nodes.Node]:
        """Return the drawing, for HTML only: elsewhere the text says as much."""
        text = "\n".join(self.content)
        # the styles of a drawing are bound to its id, which is the same for all
        name = f"diagram-{self.env.new_serialno('diagram')}"
        drawn = mmdr.render(_LOOK + _PATH.sub(r"\1<br/>\2", text)).svg()
        svg = drawn.decode() if isinstance(drawn, bytes) else str(drawn)
        return [nodes.raw("", f'<div class="diagram">{svg.replace("merman", name)}</div>', format="html")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Make the block known."""
    app.add_directive("mermaid", Diagram)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
