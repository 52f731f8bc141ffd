"""A throw-away certificate authority, so that clients can speak HTTPS with the sandbox."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Final

try:
    import trustme
except ImportError:
    raise ImportError("TLS needs the extra: pip install 'lemlist-async[sandbox]'") from None

__all__ = ["write_authority"]

_NAMES: Final = ("api.lemlist.com", "*.lemlist.com", "localhost", "127.0.0.1", "::1")


def write_authority(host: str, ca_file: str | os.PathLike[str] | None) -> ssl.SSLContext:
    """Make an authority and a certificate for lemlist's hosts and this one.

    The authority's own certificate is written to the file, its key nowhere.
    """
    authority = trustme.CA()
    own = () if host in (*_NAMES, "0.0.0.0", "::") else (host,)  # noqa: S104 - compared only
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = authority.issue_cert(*_NAMES, *own)
    certificate.configure_cert(context)  # pyright: ignore[reportUnknownMemberType] - it takes pyOpenSSL's as well
    if ca_file is not None:
        Path(ca_file).write_bytes(authority.cert_pem.bytes())
    return context
