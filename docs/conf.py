"""Settings of the documentation's site: `nox -s docs` builds it into docs/_build/html."""

from __future__ import annotations

import os
import re
import sys
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from docs.site import links, llms, pages  # noqa: E402  # the path has to be there first

project = "lemlist_async"
author = "the authors of lemlist_async"
release = version = installed("lemlist-async")
extensions = ["myst_parser", "sphinx_copybutton", "sphinxext.opengraph", "docs.site.diagrams"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}
nitpicky = True

myst_enable_extensions = ["colon_fence"]
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 3

html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = "lemlist_async"
html_static_path = ["site/static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
ogp_site_name = "lemlist_async"
# a site that is not told its address has no tag with one
ogp_site_url = os.environ.get("LEMLIST_DOCS_URL", os.environ.get("READTHEDOCS_CANONICAL_URL", ""))
html_baseurl = ogp_site_url
ogp_enable_meta_description = True
ogp_social_cards = {"enable": False}

# Pygments does not know `await` outside of a function
suppress_warnings = ["misc.highlighting_failure"]
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"\A# .*\n")
_OUTSIDE = """\
*Blocks that await outside of a function go into one, such as `async def main()`, or are pasted at the prompt of
`python -m asyncio`.*
"""
_PROGRAM = re.compile(r"\]\(\.\./examples/(\w+)\.py\)")
_ADDRESS = re.compile(r'<meta property="og:(?:url|image)"[^>]*>\n?')
_MODULE = re.compile(r"\[([^\]]+)\]\(\.\./lemlist_async/observe\.py\)")


def rewrite(app: Sphinx, name: str, source: list[str]) -> None:
    """Lead links into the repository to the pages that show the same."""
    text = _PROGRAM.sub(r"](examples/\1.md)", source[0])
    text = _MODULE.sub(r"[\1](reference/events.md)", text)
    source[0] = _TITLE.sub(rf"\g<0>\n{_OUTSIDE}\n", text, count=1) if awaits_outside(text) else text


def awaits_outside(text: str) -> bool:
    """Return whether a block of a page awaits outside of a function, and so is no program when it is saved."""
    for block in _BLOCK.findall(text):
        try:
            compile(block, "block", "exec")
        except SyntaxError:
            return True
    return False


def drop_addresses(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Leave out Open Graph's address of a page where it would be a relative one, which means nothing there."""
    if not ogp_site_url:
        context["metatags"] = _ADDRESS.sub("", context.get("metatags", ""))


def setup(app: Sphinx) -> None:
    """Write the reference before Sphinx looks for pages, and what language models read after it."""
    pages.write(HERE)
    app.connect("source-read", rewrite)
    app.connect("html-page-context", drop_addresses, priority=900)  # after the extension has written them
    app.connect("build-finished", llms.write)
    app.connect("build-finished", links.check, priority=900)  # once all files are there
