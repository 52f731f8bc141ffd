"""Where a call goes: below the base URL, or to a file that an answer named."""

from __future__ import annotations

import re
from typing import Any

from yarl import URL

from lemlist_async.core.wire import Call
from lemlist_async.credentials import BaseURL
from lemlist_async.errors import InvalidInputError

_WEB = re.compile(r"https?://[^\s\x00-\x1f\x7f\ud800-\udfff]+", re.IGNORECASE)


class Addresses:
    """Addresses of calls, and whether the key may go along."""

    def __init__(self, base: BaseURL) -> None:
        self._base = str(base)
        self._own = _place(URL(base.origin))

    def of(self, call: Call[Any]) -> tuple[URL, bool]:
        """The address of a call, and whether it is on the own host.

        Raises:
            InvalidInputError: a value that no path can carry, or a file whose address is none.
        """
        if call.url is None:
            return URL(self._base + call.target, encoded=True), True
        url = _file(call.url, call.operation)
        return url, _place(url) == self._own


def _file(address: str, operation: str) -> URL:
    """The address of a file; it may hold a signature, so no error shows it."""
    try:
        url = URL(address, encoded=True)
        # user info would be sent along as a header
        nobody = url.raw_user is None and url.raw_password is None
        if _WEB.fullmatch(address) and nobody and url.host and url.host.encode("idna") and url.port:
            return url
    except ValueError:
        pass
    raise InvalidInputError("the address of the file is no URL that can be fetched", operation=operation)


def _place(url: URL) -> tuple[str, str, int | None]:
    """Scheme, host and port, which one place may spell in several ways."""
    return url.scheme, (url.host or "").rstrip("."), url.port
