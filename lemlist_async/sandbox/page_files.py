"""Files of the page at ``/_sandbox``, which the package ships as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lemlist_async.sandbox.responses import HTML, RouteResponse

__all__ = ["page_file"]

_FOLDER: Final = Path(__file__).with_name("page")
_FILES: Final = {
    "": ("index.html", HTML),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
# the page needs nothing from elsewhere, and what a record holds is no script
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
}


def page_file(path: str) -> RouteResponse | None:
    """Return the file of a path below the prefix, if it is one of the page's."""
    if path not in _FILES:
        return None
    name, kind = _FILES[path]
    return RouteResponse(200, (_FOLDER / name).read_bytes(), kind, _HEADERS)
