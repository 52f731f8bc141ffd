"""What goes out and what comes back, as values."""

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
    """Whether parsed JSON is an object; its keys are then strings."""
    return isinstance(value, dict)


def is_array(value: Any) -> TypeGuard[list[Any]]:
    """Whether parsed JSON is an array."""
    return isinstance(value, list)


class ShapeError(ValueError):
    """A parsed answer has not the shape that the operation promises."""


class NoIdError(ShapeError):
    """A success of an operation that makes something came without the id of it."""


UnexpectedTypes = dict[str, int]
"""How often a field (``Campaign.status``) came with a value of an unexpected type."""


class Effect(enum.Enum):
    """What a repeat of the operation would do. HTTP verbs lie here, so each operation states its own."""

    READ = "read"
    """Changes nothing."""
    IDEMPOTENT = "idempotent"
    """Done twice is the same as done once."""
    DEDUPABLE = "dedupable"
    """A repeat is refused by lemlist with a message that tells so."""
    UNSAFE = "unsafe"
    """A repeat does it again: a second campaign, a second message, credits charged twice."""

    @property
    def repeatable(self) -> bool:
        """Whether the operation may be sent again when nobody knows if it happened."""
        return self is Effect.READ or self is Effect.IDEMPOTENT


_NO_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
"""Control characters, which would begin another header or end this one, and lone surrogates."""


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
        InvalidInputError: a name or the type is no string, or holds a control character or a lone surrogate.
    """

    name: str = attrs.field(validator=_in_a_header)
    filename: str = attrs.field(validator=_in_a_header)
    content: bytes = attrs.field(repr=False)
    content_type: str = attrs.field(default="application/octet-stream", validator=_in_a_header)


@attrs.frozen
class Call(Generic[T]):
    """One operation with its values: all that is needed to send it, and to send it again."""

    method: str
    path: str
    """The document's own template, ``/campaigns/{campaignId}``."""
    ids: tuple[str, ...] = ()
    """Values for the template's places, in order."""
    url: str | None = attrs.field(default=None, kw_only=True, repr=False)
    """The whole address of a file, in place of path and query; the key goes along to our own origin only."""
    effect: Effect = Effect.READ
    query: Query = attrs.field(default=(), repr=False)
    body: Any = attrs.field(default=None, repr=False)
    """To be sent as JSON; None means no body. Like the query it may hold passwords and personal data: not shown."""
    upload: Upload | None = None
    decode: Decode[T] | None = None
    """From parsed JSON to the result; None keeps the JSON as it is."""
    text: bool = False
    """The answer is text, or a JSON string: both are taken."""
    plan_limited: bool = False
    """A 429 here may be a limit of the plan rather than of the rate."""
    verify: str | None = None
    """How a caller finds out whether the operation took effect."""

    @property
    def operation(self) -> str:
        """Verb and template; the only form in which a call is named in errors and logs."""
        return f"{self.method} {self.path}"

    @property
    def target(self) -> str:
        """Path and query as they go on the wire."""
        path = fill(self.path, self.ids)
        return f"{path}?{encode_query(self.query)}" if self.query else path


@attrs.frozen
class Response:
    """A whole answer: status, headers, bytes."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    """Looked up without regard to case."""
    body: bytes = attrs.field(default=b"", repr=lambda body: f"<{len(body)} bytes>")

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def text(self, limit: int | None = None) -> str:
        """The body as text; what is not UTF-8 becomes U+FFFD rather than an exception."""
        return self.body[:limit].decode("utf-8", "replace")


_PLACE = re.compile(r"\{\w+\}")
_HARMLESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.~-]*")
"""What stays as it is: every id of lemlist's own."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def fill(template: str, ids: Sequence[str]) -> str:
    """Put `ids` into the places of `template`, each quoted so that the server decodes just what was given.

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
    """The literal parts of a template, and the places between them."""
    return _PLACE.split(template), _PLACE.findall(template)


def _quote(value: object, place: str) -> str:
    if isinstance(value, str) and _HARMLESS.fullmatch(value):
        return value
    if not isinstance(value, str):
        raise InvalidInputError(f"{place} must be a string, not {type(value).__name__}")
    # an empty or dotted segment would name another route; yarl and proxies normalise them away
    if value in {"", ".", ".."} or _CONTROL.search(value):
        raise InvalidInputError(f"{place} is empty, a dot segment, or holds a control character")
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise InvalidInputError(f"{place} holds a lone surrogate, which no URL can carry") from None


def encode_query(query: Query) -> str:
    """Percent-encode a query; spaces as ``%20``, nothing left to a normaliser."""
    try:
        return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
    except UnicodeEncodeError:
        raise InvalidInputError("a query value holds a lone surrogate, which no URL can carry") from None
