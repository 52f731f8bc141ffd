"""The API key, which never shows, and the only origin it is sent to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import string
from typing import NoReturn, cast
from urllib.parse import quote, urlsplit

import attrs

from lemlist_async.errors import APIKeyError, ConfigurationError
from lemlist_async.masked import Masked

DEFAULT_BASE_URL = "https://api.lemlist.com/api"
_DEFAULT_PORTS = {"https": 443, "http": 80}
_PRINTABLE = frozenset(string.ascii_letters + string.digits + string.punctuation)


class ApiKey:
    """An API key without a readable form: not in `repr`, not in `str`, not in a pickle.

    Raises:
        APIKeyError: the key is empty, or holds anything but printable ASCII without spaces.
    """

    __slots__ = ("__authorization", "__value")

    def __init__(self, value: str) -> None:
        if not isinstance(cast("object", value), str):
            raise APIKeyError(f"the API key must be a string, not {type(value).__name__}")
        if not value:
            raise APIKeyError("the API key is empty: create one in lemlist under Settings > Integrations")
        if not _PRINTABLE.issuperset(value):
            raise APIKeyError(
                "the API key holds a space, a line break or another character that no key has: "
                "was it read from a file with its newline?"
            )
        self.__value = value
        self.__authorization = "Basic " + base64.b64encode(f":{value}".encode()).decode()

    @property
    def authorization(self) -> str:
        """The header value: Basic, with an empty user name and the standard base64 alphabet."""
        return self.__authorization

    @property
    def fingerprint(self) -> str:
        """A name for the key that does not give it away: 16 hex digits of its SHA-256."""
        return hashlib.sha256(b"lemlist_async:" + self.__value.encode()).hexdigest()[:16]

    def redact(self, text: str) -> str:
        """`text` without the key, in any form it is likely to take."""
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


class ProxyURL:
    """Address of an HTTP proxy; its user name and password are not in `repr`, not in `str`, not in a pickle.

    Raises:
        ConfigurationError: it is no http or https address of a host, or has more than that, a port and credentials.
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
        """The whole address, as a text that shows itself to no printer."""
        return self.__url

    def __repr__(self) -> str:
        return f"ProxyURL({self.__shown})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a ProxyURL cannot be pickled: it may hold a password")


@attrs.frozen
class BaseURL:
    """Where the API is: an origin (`https://api.lemlist.com`) and the path below it (`/api`)."""

    origin: str
    path: str

    @classmethod
    def parse(cls, text: str, *, allow_insecure: bool = False) -> BaseURL:
        """Check and split a base URL.

        Raises:
            ConfigurationError: not http(s), no host, user info, a query or a fragment in it; or plain http to
                a host that is not this machine, without `allow_insecure`.
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
            # one spelling for one host: clients that name it differently share its limit all the same
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
