"""LinkedIn pages: one key for all the ways in which the address of a page is written."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote, urlsplit

from lemlist_async.bulk.source.addresses import strip

_SCHEME = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_NAMED = frozenset({"in", "company", "school", "showcase"})
"""Kinds of pages with one identifying word behind the kind; a language may follow."""


def page_key(url: str) -> str:
    """Return what is the same for all spellings of a LinkedIn page, such as ``linkedin.com/in/ann``.

    Scheme, ``www``, the country's subdomain, case, percent-encoding, query, fragment, a language behind the name
    and a last slash make no difference. A text that is not on linkedin.com is only stripped and case-folded.
    """
    text = strip(url)
    try:
        parts = urlsplit(_SCHEME.sub("//", text) if _SCHEME.match(text) else f"//{text}")
        host = (parts.hostname or "").rstrip(".")
    except ValueError:  # brackets that are no IPv6 address
        return text.casefold()
    if host != "linkedin.com" and not host.endswith(".linkedin.com"):
        return text.casefold()
    path = unicodedata.normalize("NFC", unquote(parts.path)).casefold()
    names = [strip(name) for name in path.split("/") if strip(name)]
    if names and names[0] == "mwlite":  # the site for old telephones
        names = names[1:]
    kept = names[:2] if names and names[0] in _NAMED else names
    return "/".join(["linkedin.com", *kept])
