"""Whether a text can be an e-mail address, as far as a look at it can tell."""

from __future__ import annotations

import re

_LOCAL = r"[^\s@<>()\[\],;:\\\"\x00-\x1f]+"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_ADDRESS = re.compile(rf"{_LOCAL}@(?:{_LABEL}\.)+(?=[^\d])[^\W_](?:[\w-]{{0,61}}[^\W_])")


def fault_of(address: str) -> str | None:
    """What is wrong with an address; None if nothing is. Lengths as in RFC 5321: 64 before the @, 254 in all."""
    if len(address) > 254:
        return "longer than 254 characters"
    local, at, domain = address.rpartition("@")
    if not at:
        return "no @"
    if len(local) > 64:
        return "more than 64 characters before the @"
    if "." not in domain:
        return "no dot after the @"
    if not _ADDRESS.fullmatch(address) or local.startswith(".") or local.endswith(".") or ".." in address:
        return "not an address"
    return None
