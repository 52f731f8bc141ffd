"""Addresses of calls: below the base URL, or of a file that a response named."""

from __future__ import annotations

from typing import Any

import attrs
from yarl import URL

from lemlist_async.core.validation import is_web_address
from lemlist_async.core.wire import Call
from lemlist_async.credentials import BaseURL
from lemlist_async.errors import InvalidInputError


@attrs.define(eq=False)
class Address:
    """Address of one call."""

    origin: str = attrs.field(repr=False)
    """Scheme, host and port; empty for a file."""
    target: str = attrs.field(repr=False)
    """Path and query, which error trackers would show with the variables of a frame; the whole address of a file."""
    ours: bool
    """Whether it is on the API's own origin, so that the key may be sent there."""

    @property
    def url(self) -> URL:
        """The address as aiohttp takes it."""
        return URL(self.origin + self.target, encoded=True)


class Addresses:
    """Resolves calls to addresses, and decides whether the key may be sent there."""

    def __init__(self, base: BaseURL) -> None:
        self._base = base
        self._own = _origin(URL(base.origin))

    def of(self, call: Call[Any]) -> Address:
        """Return the address of a call.

        Raises:
            InvalidInputError: a value cannot be part of a path, or the address of a file is not a URL.
        """
        if call.url is None:
            return Address(self._base.origin, self._base.path + call.target, True)
        ours = _origin(_file(call.url, call.operation)) == self._own
        return Address("", call.url, ours)


def _file(address: str, operation: str) -> URL:
    """Return the URL of a file; the address may hold a signature, so no error shows it."""
    try:
        url = URL(address, encoded=True)
        # aiohttp would send user information as an Authorization header
        anonymous = url.raw_user is None and url.raw_password is None
        if is_web_address(address) and anonymous and url.host and url.host.encode("idna") and url.port:
            return url
    except ValueError:
        pass
    raise InvalidInputError("the address of the file is not a URL that can be fetched", operation=operation)


def _origin(url: URL) -> tuple[str, str, int | None]:
    """Return scheme, host and port in one spelling."""
    # a trailing dot names the same host
    return url.scheme, (url.host or "").rstrip("."), url.port
