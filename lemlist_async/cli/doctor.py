"""`lemlist-async doctor`: what works between this machine and lemlist, and what to do about the rest."""

from __future__ import annotations

import asyncio
import os
import platform
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import attrs

import lemlist_async
from lemlist_async.cli.messages import spoken
from lemlist_async.errors import (
    APIKeyError,
    AuthenticationError,
    ConfigurationError,
    LemlistError,
    NotSentError,
    PermissionDeniedError,
    RateLimitError,
    TransportError,
    UserBlockedError,
)

_SKEW = 30.0
"""Seconds between the clocks from which on they are told apart."""
_PATIENCE = 10.0
"""Seconds for the look at the server's clock."""
_LIBRARIES = ("aiohttp", "aiolimiter", "attrs", "backoff", "python-backoff", "orjson", "typer", "rich")
_NETWORK = {
    "dns": "the name of the server cannot be resolved: is this machine online, is LEMLIST_BASE_URL right?",
    "refused": "the server takes no connection: is LEMLIST_BASE_URL right, does a firewall close the port?",
    "connect_timeout": "the server cannot be reached in time: a firewall or a proxy may drop the connection",
    "tls": "the connection cannot be encrypted: something between here and lemlist does not speak TLS",
    "certificate": "the server's certificate is not valid here: if a proxy replaces it, name its CA in SSL_CERT_FILE",
    "proxy": "the proxy refuses the connection: look at its address, user name and password",
    "proxy_unreachable": "the proxy cannot be reached: look at LEMLIST_PROXY",
    "proxy_busy": "the proxy fails: try again, or without it",
}

State = Literal["ok", "note", "fault"]


@attrs.frozen
class Finding:
    """Result of one check."""

    check: str
    state: State
    text: str


async def examine() -> AsyncIterator[Finding]:
    """Check one thing after the other; what depends on a fault is left out."""
    yield Finding("versions", "ok", _versions())
    if found := _environment():
        yield found
    try:
        lemlist = lemlist_async.Lemlist(proxy=os.environ.get("LEMLIST_PROXY") or None)
    except APIKeyError as error:
        yield Finding("key", "fault", spoken(str(error)))
        return
    except ConfigurationError as error:
        yield Finding("address", "fault", spoken(str(error)))
        return
    async with lemlist:
        yield Finding("key", "ok", f"there is one; its fingerprint is {lemlist.key_fingerprint}")
        yield await _account(lemlist)
        yield await _clock(lemlist.base_url)
        throttle = lemlist.throttle
        yield Finding(
            "limit", "ok", f"{throttle.limit} requests per {throttle.window:g} s, shared by: {throttle.scope}"
        )


def _versions() -> str:
    found = [
        f"lemlist_async {lemlist_async.__version__}",
        f"Python {platform.python_version()}",
        platform.platform(),
    ]
    for library in _LIBRARIES:
        try:
            found.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def _environment() -> Finding | None:
    proxies = [
        name for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy") if os.environ.get(name)
    ]
    if not proxies:
        return None
    text = (
        f"{', '.join(proxies)} is set, and not used: set LEMLIST_PROXY if lemlist is only reached through it"
    )
    return Finding("proxy", "note", text)


async def _account(lemlist: lemlist_async.Lemlist) -> Finding:
    try:
        team = await lemlist.team.get()
    except UserBlockedError as error:
        return Finding(
            "account", "fault", f"{error}: the user of this key is blocked; ask an administrator of the team"
        )
    except (AuthenticationError, PermissionDeniedError) as error:
        text = (
            f"lemlist does not take this key ({error}): create one in lemlist under Settings > Integrations"
        )
        return Finding("account", "fault", text)
    except NotSentError as error:
        return Finding("network", "fault", _NETWORK.get(error.kind, str(error)))
    except RateLimitError as error:
        return Finding("account", "note", f"another program uses the whole limit of this key: {error}")
    except TransportError as error:
        return Finding("network", "fault", f"lemlist was reached, and gave no whole response: {error}")
    except LemlistError as error:
        return Finding("account", "fault", str(error))
    return Finding("account", "ok", f"the team {team.name or team.id}, at {lemlist.base_url}")


async def _clock(base_url: str) -> Finding:
    before = time.time()
    try:
        date = await asyncio.to_thread(_server_date, base_url)
    except (OSError, ValueError):
        return Finding("clock", "note", "the server's clock could not be read")
    skew = date - (before + time.time()) / 2
    if abs(skew) <= _SKEW:
        return Finding("clock", "ok", f"within {max(1.0, abs(skew)):.0f} s of the server's")
    return Finding(
        "clock",
        "note",
        f"{abs(skew):,.0f} s {'behind' if skew > 0 else 'ahead of'} the server's; TLS and reports need it right",
    )


def _server_date(base_url: str) -> float:
    # without the key; the status does not matter, since every response has a date
    request = urllib.request.Request(base_url, method="HEAD")  # noqa: S310  # the client has checked the scheme
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as response:  # noqa: S310  # as above
            date = response.headers["Date"]
    except urllib.error.HTTPError as error:
        date = error.headers["Date"]
    return parsedate_to_datetime(date or "").timestamp()
