"""Responses of the routes, as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import attrs

from lemlist_async.core.json import dumps
from lemlist_async.sandbox.tables import Record

__all__ = ["CSV", "HTML", "JSON", "TEXT", "Refusal", "RouteResponse", "refuse", "respond", "text"]

JSON: Final = "application/json"
TEXT: Final = "text/plain"
HTML: Final = "text/html"
CSV: Final = "text/csv"


@attrs.frozen
class RouteResponse:
    """Response of a route before it becomes bytes on a socket."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])


def respond(body: object, status: int = 200) -> RouteResponse:
    """Build a response as lemlist's own routes do: text stays text, None is empty, anything else is JSON."""
    if body is None:
        return RouteResponse(status, b"", TEXT)
    if isinstance(body, str):
        return RouteResponse(status, body.encode(), TEXT)
    return RouteResponse(status, _bytes_of(body), JSON)


def _bytes_of(body: object) -> bytes:
    try:
        return dumps(body)
    except TypeError:  # an integer of more than 64 bits, which came in and goes out again
        return json.dumps(body).encode()


def text(sentence: str) -> RouteResponse:
    """Build a bare sentence under a JSON content type, as some confirmations have."""
    return RouteResponse(200, sentence.encode(), JSON)


class Refusal(Exception):  # noqa: N818 - an answer that a route gives early, not an error of the sandbox
    """Response that a route raises to end early."""

    def __init__(self, response: RouteResponse) -> None:
        super().__init__(response.status)
        self.response = response


def refuse(status: int, body: str | Record | None = None) -> Refusal:
    """Build a refusal to raise: a sentence becomes text, a mapping JSON, None an empty body."""
    return Refusal(respond(body, status))
