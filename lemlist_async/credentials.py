"""The API key, which never shows, and the only origin it is sent to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import string
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NoReturn, cast
from urllib.parse import quote, urlsplit

import attrs

from lemlist_async.errors import APIKeyError, ConfigurationError
from lemlist_async.masked import Masked

DEFAULT_BASE_URL = "https://api.lemlist.com/api"
_DEFAULT_PORTS = {"https": 443, "http": 80}
_REMEMBERED = 3
"""Tokens that are taken out of a server's texts: a late response may show the one before."""
_PRINTABLE = frozenset(string.ascii_letters + string.digits + string.punctuation)


class ApiKey:
    """An API key without a readable form: not in `repr`, not in `str`, not in a pickle.

    Raises:
        APIKeyError: the key is empty, or holds anything but printable ASCII without spaces.
    """

    __slots__ = ("__authorization", "__value")
    version = 0
    """A key never changes."""

    def __init__(self, value: str) -> None:
        _check_printable(value, "API key")
        self.__value = value
        self.__authorization = "Basic " + base64.b64encode(f":{value}".encode()).decode()

    @property
    def authorization(self) -> str:
        """The header value: Basic, with an empty user name and the standard base64 alphabet."""
        return self.__authorization

    @property
    def fingerprint(self) -> str:
        """Name of the key that does not reveal it: 16 hex digits of its SHA-256."""
        return hashlib.sha256(b"lemlist_async:" + self.__value.encode()).hexdigest()[:16]

    def redact(self, text: str) -> str:
        """Remove the key, in every likely spelling, from a text."""
        encoded = self.authorization.removeprefix("Basic ")
        for form in (self.__value, encoded, quote(self.__value, safe=""), quote(encoded, safe="")):
            text = text.replace(form, "…")
        return text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ApiKey):
            return NotImplemented
        return hmac.compare_digest(self.__value, other.__value)

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return "ApiKey(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an ApiKey cannot be pickled or copied into another process")


TokenSource = Callable[[], Awaitable[str]]
"""An async function that returns a token that is valid now."""


class Token:
    """An OAuth token without a readable form, or the function that gets one; sent as a Bearer.

    lemlist's documentation says "API key (or OAuth token)"; that has not been tried on the real host. A function is
    called before the first request, and once more when lemlist refuses what it returned: once for all calls that are
    waiting for it. `limit_key` names the account whose limit the token shares; a function has to give one, since its
    tokens change.

    Raises:
        APIKeyError: the token is empty or holds what no token has.
        ConfigurationError: a function without `limit_key`.
    """

    __slots__ = ("__forms", "__lock", "__name", "__source", "__value", "version")

    def __init__(self, source: str | TokenSource, limit_key: str | None = None) -> None:
        self.__forms: deque[str] = deque(maxlen=_REMEMBERED)
        self.__lock = asyncio.Lock()
        self.__value: str | None = None
        self.version: int = 0
        """Number of tokens so far."""
        self.__source = None if isinstance(source, str) else source
        if isinstance(source, str):
            self.__take(source)
        elif not callable(source):
            raise APIKeyError(f"token must be a string or an async function, not {type(source).__name__}")
        elif not limit_key:
            raise ConfigurationError(
                "a function for token= needs limit_key=, the account whose limit it shares"
            )
        self.__name = limit_key or str(self.__value)

    @property
    def authorization(self) -> str:
        """The header value. A function's token is there once `ready` was awaited."""
        return f"Bearer {self.__value}"

    @property
    def fingerprint(self) -> str:
        """Name of the account that does not reveal the token: 16 hex digits of a SHA-256."""
        return hashlib.sha256(b"lemlist_async:token:" + self.__name.encode()).hexdigest()[:16]

    async def ready(self) -> None:
        """Get the first token, if a function gives it.

        Raises:
            APIKeyError: the function failed, or returned no token.
        """
        if self.__value is None:
            await self.renew(0)

    async def renew(self, refused: int) -> bool:
        """Get a new token in place of the one of this version; False if there is no function.

        Raises:
            APIKeyError: the function failed, or returned no token.
        """
        if self.__source is None:
            return False
        # one call of the function for all who wait; a call that is cancelled leaves the lock to the next one
        async with self.__lock:
            if self.version == refused:
                self.__take(await self.__call(self.__source))
        return True

    async def __call(self, source: TokenSource) -> str:
        try:
            return await source()
        except Exception as error:
            raise APIKeyError(f"the function for token= failed: {type(error).__name__}") from error

    def __take(self, value: str) -> None:
        _check_printable(value, "token")
        self.__value = value
        self.version += 1
        self.__forms.append(value)

    def redact(self, text: str) -> str:
        """Return `text` without the token and the ones before it."""
        for value in self.__forms:
            for form in (value, quote(value, safe="")):
                text = text.replace(form, "…")
        return text

    def __repr__(self) -> str:
        return "Token(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Token cannot be pickled or copied into another process")


Credential = ApiKey | Token
"""Proof of who calls: sent to the API's own origin only, and never shown."""


def _check_printable(value: object, name: str) -> None:
    if not isinstance(value, str):
        raise APIKeyError(f"the {name} must be a string, not {type(value).__name__}")
    if not value:
        raise APIKeyError(f"the {name} is empty: create one in lemlist under Settings > Integrations")
    if value[0] == value[-1] and value[0] in "\"'`":
        raise APIKeyError(f"the {name} is in quotes: set it without them")
    if not _PRINTABLE.issuperset(value):
        raise APIKeyError(
            f"the {name} holds a space, a line break or another character that no {name} has: "
            "was it read from a file with its newline?"
        )


class ProxyURL:
    """Address of an HTTP proxy; its user name and password are not in `repr`, not in `str`, not in a pickle.

    Raises:
        ConfigurationError: the text is not an http or https address of a host with at most a port and credentials.
    """

    __slots__ = ("__shown", "__url")

    def __init__(self, text: str) -> None:
        if not isinstance(cast("object", text), str):
            raise ConfigurationError(f"proxy is of the wrong kind: {type(text).__name__}")
        if any(character.isspace() or not character.isprintable() for character in text):
            raise ConfigurationError("proxy holds a space or another character that no address has")
        try:
            url = urlsplit(text)
            host, port = url.hostname, url.port
        except ValueError:
            raise ConfigurationError("proxy is no address: is the port from 1 to 65535?") from None
        if url.scheme.startswith("socks"):
            raise ConfigurationError(
                "proxy speaks HTTP only; for SOCKS give a session= whose connector does, such as aiohttp-socks has"
            )
        if url.scheme not in _DEFAULT_PORTS or not host or port == 0:
            raise ConfigurationError(
                "proxy must look like http://host:port or http://user:password@host:port"
            )
        if url.path not in {"", "/"} or url.query or url.fragment:
            raise ConfigurationError("proxy must not hold a path, a query or a fragment")
        self.__url = Masked(text)
        place = f"[{host}]" if ":" in host else host
        credentials = "…@" if "@" in url.netloc else ""
        self.__shown = f"{url.scheme}://{credentials}{place}{f':{port}' if port else ''}"

    @property
    def url(self) -> str:
        """Full address, as a text that is never printed."""
        return self.__url

    def __repr__(self) -> str:
        return f"ProxyURL({self.__shown})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a ProxyURL cannot be pickled: it may hold a password")


@attrs.frozen
class BaseURL:
    """Address of the API: an origin (`https://api.lemlist.com`) and the path below it (`/api`)."""

    origin: str
    path: str

    @classmethod
    def parse(cls, text: str, *, allow_insecure: bool = False) -> BaseURL:
        """Check and split a base URL.

        Raises:
            ConfigurationError: the text is not an http(s) URL of a host, or has user information, a query or a
                fragment; or it is plain http to another machine, without `allow_insecure`.
        """
        shown = "the given one" if "@" in str(text) else str(text)
        try:
            url = urlsplit(text)
            host, port = url.hostname, url.port
        except (ValueError, AttributeError):
            raise ConfigurationError(f"base_url is not a URL: {shown}") from None
        if url.scheme not in {"https", "http"} or not host or any(c.isspace() for c in text):
            raise ConfigurationError(f"base_url must look like {DEFAULT_BASE_URL}, not {shown}")
        if "@" in url.netloc or url.query or url.fragment:
            raise ConfigurationError("base_url must not hold a user name, a password, a query or a fragment")
        if url.scheme == "http" and not (allow_insecure or _is_loopback(host)):
            raise ConfigurationError(
                f"base_url {shown} would send the API key unencrypted: use https, "
                "or allow_insecure=True if the network is yours"
            )
        try:
            # one spelling per host: clients that spell it differently must share its limit
            host = host if ":" in host else host.rstrip(".").encode("idna").decode()
        except UnicodeError:
            raise ConfigurationError(f"base_url has a host that no name server knows: {shown}") from None
        netloc = f"[{host}]" if ":" in host else host
        port = None if port == _DEFAULT_PORTS[url.scheme] else port
        return cls(f"{url.scheme}://{netloc}{f':{port}' if port else ''}", url.path.rstrip("/"))

    @property
    def host(self) -> str:
        """Host and port, as in a Host header."""
        return self.origin.partition("://")[2]

    def __str__(self) -> str:
        return self.origin + self.path


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
