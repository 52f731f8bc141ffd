"""From a posted body to an event: size, secret, JSON, type."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Any

import attrs

from lemlist_async.core import json
from lemlist_async.core.wire import is_object
from lemlist_async.errors import ConfigurationError
from lemlist_async.masked import Masked
from lemlist_async.webhooks.errors import BodyTooLargeError, MalformedBodyError, SecretMismatchError
from lemlist_async.webhooks.events import Event, event_of, type_of

MAX_BODY = 256 * 1024
"""Bytes of the largest body that is parsed."""
_MOST_BRACKETS = 20_000
"""Arrays and objects in a body, above which it is not repaired."""
_KEY = 16
"""Bytes of a key."""


class Secrets:
    """Secrets that a body may carry: one, or two while they are exchanged; None to accept any body.

    Raises:
        ConfigurationError: a secret is empty or no text, or there is none in the list.
    """

    def __init__(self, given: str | Iterable[str] | None) -> None:
        self.open: bool = given is None
        """Whether no secret is asked for."""
        texts = [] if given is None else [given] if isinstance(given, str) else list(given)
        if any(not isinstance(text, str) or not text for text in texts) or not (texts or self.open):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError("a secret is a text that is not empty; None accepts any body")
        self.newest: Masked | None = Masked(texts[0]) if texts else None
        """The first one, with which hooks are made."""
        self._digests = [_digest(text) for text in texts]

    def admits(self, given: object) -> bool:
        """Tell whether a body's secret is one of these, in a time that tells nothing about them."""
        if self.open:
            return True
        digest = _digest(given) if isinstance(given, str) else b""
        # a sum and not any(): each is compared, so that the time does not tell which one it was
        return sum(hmac.compare_digest(digest, one) for one in self._digests) > 0

    def token(self) -> str:
        """Return a text for addresses: it proves that an address is ours, and reveals no secret."""
        return self._tokens()[0]

    def admits_token(self, given: str) -> bool:
        """Tell whether a text is the token of one of the secrets."""
        sent = given.encode("utf-8", "surrogatepass")
        return sum(hmac.compare_digest(sent, one.encode()) for one in self._tokens()) > 0

    def _tokens(self) -> list[str]:
        return [hmac.digest(one, b"lemlist_async results", "sha256").hex()[:32] for one in self._digests]

    def __repr__(self) -> str:
        return f"Secrets({len(self._digests)})"


def _digest(text: str) -> bytes:
    # of equal length, whatever the length of the text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


@attrs.frozen
class Delivery:
    """An accepted body, without its secret."""

    key: bytes = attrs.field(repr=False)
    """Same for the same event: of id and type, or of the whole body where lemlist posts no id."""
    type: str
    data: dict[str, Any] = attrs.field(repr=False)
    text: str = attrs.field(repr=False)
    """The body as JSON."""
    named: bool = True
    """Whether the event has an id. One without may happen again with the same body."""

    @property
    def event(self) -> Event:
        """The body as a model."""
        return event_of(self.type, self.data)


def parse(
    body: bytes | bytearray | str, *, secret: str | Iterable[str] | None, max_body: int = MAX_BODY
) -> Event:
    """Check a posted body, and return its event; the secret is not in it.

    `secret` is the hook's, or a list of two while they are exchanged: each is accepted. None accepts any body, for
    addresses that are secret themselves. `max_body` is in bytes.

    Raises:
        BodyTooLargeError: answer 413.
        MalformedBodyError: answer 400.
        SecretMismatchError: answer 401.
        ConfigurationError: the secret is empty.
    """
    return delivery_of(body, Secrets(secret), max_body).event


def delivery_of(body: bytes | bytearray | str, secrets: Secrets, max_body: int) -> Delivery:
    """Check a posted body as `parse` does, and return what is to be stored."""
    if len(body) > max_body or (isinstance(body, str) and len(body.encode("utf-8", "replace")) > max_body):
        raise BodyTooLargeError(f"the body is larger than {max_body} bytes")
    data = _object(body)
    # taken out first: from here on nothing has the secret
    if not secrets.admits(data.pop("secret", None)):
        raise SecretMismatchError("the body does not carry the hook's secret")
    return delivery(data)


def _object(body: bytes | bytearray | str) -> dict[str, Any]:
    text = bytes(body) if isinstance(body, bytearray) else body
    try:
        # a damaged body is repaired, but not one that is made to keep the parser busy: the sender is not known yet
        data = json.loads(text) if _brackets(text) > _MOST_BRACKETS else json.read(text)
    except ValueError:
        raise MalformedBodyError("the body is not JSON") from None
    if not is_object(data):
        raise MalformedBodyError("the body is not a JSON object")
    return data


def _brackets(text: bytes | str) -> int:
    if isinstance(text, str):
        return text.count("[") + text.count("{")
    return text.count(b"[") + text.count(b"{")


def delivery(data: dict[str, Any]) -> Delivery:
    """Return what is to be stored of an event.

    Raises:
        MalformedBodyError: it has no type, or is nested too deeply to be stored.
    """
    kind = type_of(data)
    if kind is None:
        raise MalformedBodyError("the body is a JSON object without a type")
    try:
        name = data.get("_id")
        named = isinstance(name, str) and name != ""
        # the order of the keys is no difference between two bodies
        what = f"{name}\0{kind}".encode() if named else json.dumps(data, sort_keys=True)
        text = json.dumps(data).decode()
    except (TypeError, ValueError):
        raise MalformedBodyError("the body is nested too deeply") from None
    return Delivery(hashlib.sha256(what).digest()[:_KEY], kind, data, text, named)
