"""The key of a request: HTTP Basic with an empty user name, or the old ``access_token`` parameter."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

__all__ = ["TOKEN_PARAMETER", "basic_header", "credential"]

TOKEN_PARAMETER: Final = "access_token"  # noqa: S105 - a name


def basic_header(key: str) -> str:
    """Build the header that carries a key."""
    return "Basic " + base64.b64encode(b":" + key.encode()).decode()


def credential(header: str | None, query: Mapping[str, list[str]]) -> str | None:
    """Return the key of a request, "" for an unreadable one, None if there is none.

    Bearer tokens and a user name before the colon make the key unreadable. The documents of 2024 allowed the query
    parameter; the header takes precedence.
    """
    if header is None:
        tokens = query.get(TOKEN_PARAMETER)
        return tokens[-1] if tokens else None
    return _key_of(header)


@lru_cache(maxsize=64)
def _key_of(header: str) -> str:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        user, colon, key = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return key if colon and not user else ""
