"""Calls and responses as values."""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeGuard, TypeVar
from urllib.parse import quote

import attrs

from lemlist_async.errors import InvalidInputError

T = TypeVar("T")

Query = Sequence[tuple[str, str]]
Decode = Callable[[Any, "UnexpectedTypes"], T]


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Return whether parsed JSON is an object, whose keys are strings."""
    return isinstance(value, dict)


def is_array(value: Any) -> TypeGuard[list[Any]]:
    """Return whether parsed JSON is an array."""
    return isinstance(value, list)


class ShapeError(ValueError):
    """A parsed response does not have the shape that the operation promises."""


class NoIdError(ShapeError):
    """The response to a successful creation has no id."""


UnexpectedTypes = dict[str, int]
"""Counts of values of unexpected types, by field (``Campaign.status``)."""


class Effect(enum.Enum):
    """Effect of repeating an operation. HTTP verbs lie here, so each operation states its own."""

    READ = "read"
    """Changes nothing."""
    IDEMPOTENT = "idempotent"
    """Doing it twice is the same as doing it once."""
    DEDUPABLE = "dedupable"
    """lemlist refuses a repeat with a message that says so."""
    UNSAFE = "unsafe"
    """A repeat does it again: a second campaign, a second message, credits charged twice."""

    @property
    def repeatable(self) -> bool:
        """Whether the operation may be sent again when its outcome is unknown."""
        return self is Effect.READ or self is Effect.IDEMPOTENT


_NO_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
"""Control characters, which would end the header or begin another one, and lone surrogates."""


def _in_a_header(_: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str):
        raise InvalidInputError(f"Upload.{attribute.name} must be a string, not {type(value).__name__}")
    if found := _NO_HEADER.search(value):
        raise InvalidInputError(
            f"Upload.{attribute.name} holds {found[0]!r} at index {found.start()}, which no header can carry"
        )


@attrs.frozen
class Upload:
    """One file part of a multipart body.

    Raises:
        InvalidInputError: a name or the type is not a string, or holds a control character or a lone surrogate.
    """

    name: str = attrs.field(validator=_in_a_header)
    filename: str = attrs.field(validator=_in_a_header)
    content: bytes = attrs.field(repr=False)
    content_type: str = attrs.field(default="application/octet-stream", validator=_in_a_header)


@attrs.define
class Call(Generic[T]):
    """One operation with its values: everything needed to send it, once or repeatedly."""

    # not frozen, which would double the cost of making one; nothing changes it

    method: str
    path: str
    """The document's own template, ``/campaigns/{campaignId}``."""
    ids: tuple[str, ...] = ()
    """Values for the template's places, in order."""
    url: str | None = attrs.field(default=None, kw_only=True, repr=False)
    """Full address of a file, in place of path and query; the key is sent only to the API's own origin."""
    effect: Effect = Effect.READ
    query: Query = attrs.field(default=(), repr=False)
    body: Any = attrs.field(default=None, repr=False)
    """Body to send as JSON; None for no body. It may hold passwords and personal data, and so is never shown."""
    upload: Upload | None = None
    decode: Decode[T] | None = None
    """Function from parsed JSON to the result; None returns the JSON itself."""
    text: bool = False
    """Whether the response may be plain text as well as a JSON string."""
    plan_limited: bool = False
    """Whether a 429 may be a limit of the plan rather than of the rate."""
    verify: str | None = None
    """Advice on finding out whether the operation took effect."""

    @property
    def operation(self) -> str:
        """Verb and template, the only name of a call in errors and logs."""
        return f"{self.method} {self.path}"

    @property
    def target(self) -> str:
        """Path and query as sent on the wire."""
        path = fill(self.path, self.ids)
        return f"{path}?{encode_query(self.query)}" if self.query else path


@attrs.frozen
class Response:
    """Complete response: status, headers, body."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    """Headers; names are case-insensitive."""
    body: bytes = attrs.field(default=b"", repr=lambda body: f"<{len(body)} bytes>")

    @property
    def content_type(self) -> str:
        """Media type in lower case, without parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def text(self, limit: int | None = None) -> str:
        """Decode the body as UTF-8; invalid bytes become U+FFFD."""
        return self.body[:limit].decode("utf-8", "replace")


_PLACE = re.compile(r"\{\w+\}")
_HARMLESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.~-]*")
"""Values that need no quoting, such as every id of lemlist's own."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def fill(template: str, ids: Sequence[str]) -> str:
    """Put `ids` into the placeholders of `template`, each quoted so that the server decodes exactly the given value.

    Raises:
        InvalidInputError: a value is empty, ``.``, ``..``, not a string, or holds a control character or a
            lone surrogate.
    """
    if not ids:
        return template
    literals, places = _split(template)
    path = literals[0]
    for value, place, literal in zip(ids, places, literals[1:], strict=True):
        path += _quote(value, place) + literal
    return path


@functools.lru_cache(256)
def _split(template: str) -> tuple[list[str], list[str]]:
    """Return the literal parts of a template, and the placeholders between them."""
    return _PLACE.split(template), _PLACE.findall(template)


def _quote(value: object, place: str) -> str:
    if isinstance(value, str) and _HARMLESS.fullmatch(value):
        return value
    if not isinstance(value, str):
        raise InvalidInputError(f"{place} must be a string, not {type(value).__name__}")
    # an empty or dotted segment would name another route, since yarl and proxies normalise it away
    if value in {"", ".", ".."} or _CONTROL.search(value):
        raise InvalidInputError(f"{place} is empty, a dot segment, or holds a control character")
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise InvalidInputError(f"{place} holds a lone surrogate, which no URL can carry") from None


def _percent(text: str) -> str:
    return text if _HARMLESS.fullmatch(text) else quote(text, safe="")


def encode_query(query: Query) -> str:
    """Percent-encode a query, with spaces as ``%20``; nothing is left to a normaliser."""
    try:
        return "&".join([f"{_percent(name)}={_percent(value)}" for name, value in query])
    except UnicodeEncodeError:
        raise InvalidInputError("a query value holds a lone surrogate, which no URL can carry") from None
