"""What passes between the server and the routes: a call comes in as a value, an answer goes out as one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import attrs

from lemlist_async.core.json import SURROGATE, UTF8, dumps, read

if TYPE_CHECKING:
    from .state import Team
    from .world import World

__all__ = [
    "CSV",
    "HTML",
    "JSON",
    "TEXT",
    "Answer",
    "Call",
    "Handler",
    "Record",
    "Refusal",
    "Route",
    "answer",
    "refuse",
    "text",
]

Record: TypeAlias = dict[str, Any]
"""A JSON object as the API shows it; the sandbox keeps its whole state in such."""

JSON: Final = "application/json"
TEXT: Final = "text/plain"
HTML: Final = "text/html"
CSV: Final = "text/csv"
_NAMES: Final = re.compile(r"{(\w+)}")


@attrs.frozen
class Answer:
    """A response before it becomes bytes on a socket."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])


def answer(body: object, status: int = 200) -> Answer:
    """Text stays text, nothing stays nothing, anything else is JSON: how lemlist's own routes differ."""
    if body is None:
        return Answer(status, b"", TEXT)
    if isinstance(body, str):
        return Answer(status, body.encode(), TEXT)
    return Answer(status, dumps(body), JSON)


def text(sentence: str) -> Answer:
    """A bare sentence under a JSON content type, as some confirmations really come."""
    return Answer(200, sentence.encode(), JSON)


class Refusal(Exception):  # noqa: N818 - an answer that a route gives early, not an error of the sandbox
    """Raised by a route to answer at once."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def refuse(status: int, body: str | Record | None = None) -> Refusal:
    """A refusal ready to raise: a sentence becomes text, a mapping JSON, None an empty body."""
    return Refusal(answer(body, status))


@attrs.define
class Call:
    """One request, decoded as far as every route needs it."""

    world: World
    team: Team
    ids: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: bytes
    content_type: str

    def one(self, name: str) -> str | None:
        """The last value of a query parameter, None if absent."""
        values = self.query.get(name)
        return values[-1] if values else None

    def flag(self, name: str) -> bool:
        """Whether a query parameter says ``true``, in lower case as documented."""
        return self.one(name) == "true"

    def many(self, name: str) -> list[str]:
        """The parts of a comma list, without the empty ones."""
        return [part for part in (self.one(name) or "").split(",") if part]

    def number(self, name: str, default: int, low: int = 0, high: int | None = None) -> int:
        """An integer of the query, cut to its range; 400 if it is no integer."""
        given = self.one(name)
        if given is None:
            return default
        if not re.fullmatch(r"-?\d{1,15}", given):
            raise refuse(400, f"Bad params: {name} must be an integer")
        value = max(low, int(given))
        return value if high is None else min(high, value)

    def json(self) -> Any:
        """The JSON body; 400 if it is none."""
        # Node takes half a surrogate pair and bytes that are not UTF-8, and nothing else that is no JSON
        damage: dict[str, int] = {}
        try:
            found = read(self.body, damage)
        except ValueError:
            raise refuse(400, "Bad request") from None
        if damage.keys() - {SURROGATE, UTF8}:
            raise refuse(400, "Bad request")
        return found

    def record(self) -> Record:
        """The body as a JSON object, an absent one as an empty object; 400 for anything else."""
        data: object = self.json() if self.body else {}
        if not isinstance(data, dict):
            raise refuse(400, "Bad request")
        return cast("Record", data)


Handler: TypeAlias = Callable[[Call], object]
"""Answers a call: an Answer as it is, anything else as the body of a 200; raising Refusal ends it early."""


@attrs.define
class Route:
    """One operation of the API: verb, template, handler, and how it words a wrong key."""

    method: str
    template: str
    handler: Handler
    unauthorized: str | Record | None = "The authentication you supplied is incorrect"
    """The body of its 401: a sentence, JSON, or None where the document shows no body."""
    bad_method: str | Record = "Bad method"
    """The body of the 405 that its path gives to other verbs."""
    public: bool = False
    """Answers without a key and outside the limit; only the download of exports does."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The parameters of the path, in order."""
        return tuple(_NAMES.findall(self.template))

    def fits(self, values: list[str]) -> bool:
        """Whether the values look right for the names; it only matters where two templates share a URL."""
        return not any(
            name == "email" and "@" not in value for name, value in zip(self.names, values, strict=True)
        )
