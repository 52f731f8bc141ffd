"""The log of requests, which a test may ask for what was sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import attrs

from lemlist_async.core.json import loads
from lemlist_async.sandbox.auth import TOKEN_PARAMETER
from lemlist_async.sandbox.tables import Record

__all__ = ["LOG_LENGTH", "LoggedRequest", "RequestLog", "without_key"]

LOG_LENGTH: Final = 10_000
MOST_OF_A_BODY: Final = 1024 * 1024
MOST_OF_ALL_BODIES: Final = 32 * 1024 * 1024
_NOTHING: Final[Mapping[str, list[str]]] = MappingProxyType({})


@attrs.define
class LoggedRequest:
    """One logged request. It holds no key; its repr shows nothing personal either."""

    method: str
    template: str
    """The document's path template; "" for an unknown path."""
    at: float
    """Time of arrival on the clock of the limit."""
    status: int | None = None
    """Status of the response; None while it is under way, and for good if none was sent."""
    path: str = attrs.field(default="", repr=False)
    """The path below the base address, with its ids, decoded."""
    query: Mapping[str, list[str]] = attrs.field(default=_NOTHING, repr=False)
    """The query without a key in it."""
    team: str = ""
    """Id of the team of the key; "" for a request without a valid one."""
    raw: bytes | None = attrs.field(default=None, repr=False)
    """The body; None if it was not read or is no longer kept."""

    @property
    def body(self) -> Any:
        """The body as JSON, or as text if it is none; None if there is none."""
        if not self.raw:
            return None
        try:
            return loads(self.raw)
        except ValueError:
            return self.raw.decode(errors="replace")

    def view(self) -> Record:
        """Return the request as JSON shows it."""
        own = {
            name: getattr(self, name)
            for name in ("method", "template", "path", "status", "at", "team", "body")
        }
        return own | {"query": {name: values[-1] for name, values in self.query.items()}}


class RequestLog(deque[LoggedRequest]):
    """The last 10,000 requests, oldest first, with 32 MB of their bodies at most."""

    def __init__(self) -> None:
        super().__init__(maxlen=LOG_LENGTH)
        self._with_body: deque[LoggedRequest] = deque()
        self._held = 0

    def clear(self) -> None:
        """Forget all requests."""
        super().clear()
        self._with_body.clear()
        self._held = 0

    def keep_body(self, request: LoggedRequest, body: bytes) -> None:
        """Keep the body of a request: a megabyte of it, and no longer than there is room."""
        request.raw = body[:MOST_OF_A_BODY]
        self._with_body.append(request)
        self._held += len(request.raw)
        while self._held > MOST_OF_ALL_BODIES:
            oldest = self._with_body.popleft()
            self._held -= len(oldest.raw or b"")
            oldest.raw = None


def without_key(query: Mapping[str, list[str]]) -> Mapping[str, list[str]]:
    """Return a query in which no key can be read."""
    return {**query, TOKEN_PARAMETER: ["(the key)"]} if TOKEN_PARAMETER in query else query
