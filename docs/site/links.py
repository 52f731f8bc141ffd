"""Check of a finished site: each link leads to a place that is there, and nothing comes from another host."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import attrs

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_LOADED = {("script", "src"), ("img", "src"), ("source", "src"), ("link", "href"), ("iframe", "src")}
"""Attributes whose address a browser asks for by itself."""


@attrs.define
class _Page(HTMLParser):
    ids: set[str] = attrs.field(factory=set[str])
    links: list[str] = attrs.field(factory=list[str])
    loaded: list[str] = attrs.field(factory=list[str])

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        for name, value in given:
            if name in {"id", "name"} and value:
                self.ids.add(value)
            elif (tag, name) in _LOADED and value and dict(given).get("rel") not in {"canonical", "search"}:
                self.loaded.append(value)
            elif name == "href" and tag == "a" and value:
                self.links.append(value)


def faults(site: Path) -> Iterator[str]:
    """Yield what is wrong with the links of a site, one line for each."""
    pages = {path: _Page() for path in sorted(site.rglob("*.html")) if "_static" not in path.parts}
    for path, page in pages.items():
        page.feed(path.read_text("utf-8"))
    for path, page in pages.items():
        name = path.relative_to(site)
        for address in page.loaded:
            if urlsplit(address).netloc:
                yield f"{name} loads {address}"
        for link in page.links + page.loaded:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                yield f"{name} links to {link}, which is not there"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                yield f"{name} links to {link}, a place that is not on that page"


def check(app: Sphinx, error: Exception | None) -> None:
    """Warn of each fault, which ends a build that takes warnings for errors."""
    from sphinx.util import logging

    if error is None and app.builder.name == "html":
        for fault in faults(Path(app.outdir).resolve()):
            logging.getLogger(__name__).warning(fault)
