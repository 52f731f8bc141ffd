"""`lemlist-async doctor --probe`: facts about a server, without the data of its account.

What is known of lemlist comes from documents and reports. The owner of a key can record how the server really answers
to reads: statuses, headers, wordings, accepted page sizes, and how the rate limit counts.
"""

from __future__ import annotations

import asyncio
import base64
import json as standard
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

import lemlist_async
from lemlist_async.core.json import loads
from lemlist_async.core.wire import is_object

if TYPE_CHECKING:
    from lemlist_async import Lemlist

_PATIENCE = 30.0
_SERIES = 24
"""Requests in a row for the rate limit: some more than a window allows, at the client's own pace."""
_SHOWN = frozenset(
    {"content-type", "retry-after", "server", "x-powered-by", "transfer-encoding", "content-encoding"}
)
"""Headers whose values are recorded; of others only the names, for they may hold ids and cookies."""
_LONGEST = 200
_ID = re.compile(r"\b[a-z]{3}_[A-Za-z0-9]{8,}\b|[\w.+-]+@[\w-]+\.[\w.]+")
_NOWHERE = "cam_AAAAAAAAAAAAAAAAA"
_READS: tuple[tuple[str, str], ...] = (
    ("team", "/team?version=v2"),
    ("credits", "/team/credits"),
    ("campaigns, limit 1", "/campaigns?version=v2&limit=1"),
    ("campaigns, limit 100", "/campaigns?version=v2&limit=100"),
    ("campaigns, limit 101", "/campaigns?version=v2&limit=101"),
    ("campaigns, limit 0", "/campaigns?version=v2&limit=0"),
    ("campaigns, version 1", "/campaigns?limit=1"),
    ("activities, limit 100", "/activities?version=v2&limit=100"),
    ("activities, limit 101", "/activities?version=v2&limit=101"),
    ("contacts, limit 500", "/contacts?limit=500"),
    ("contacts, limit 501", "/contacts?limit=501"),
    ("schedules", "/schedules?limit=1"),
    ("hooks", "/hooks"),
    ("a campaign that is not there", f"/campaigns/{_NOWHERE}"),
    ("an id of another form", "/campaigns/nothing"),
    ("a lead that is not there", "/leads/nobody%40example.invalid?version=v2"),
    ("a route that is not there", "/no-such-route"),
)
WRONG_KEY = "a wrong key"


@attrs.frozen(kw_only=True)
class Fact:
    """Answer to one read, without values of the account."""

    name: str
    request: str
    status: int
    headers: Mapping[str, str]
    """Headers by their names in lower case; values that may tell something of the account are ``…``."""
    body: Any
    """Text of a refusal, or the names and types of members."""


async def probe(lemlist: Lemlist, key: str) -> dict[str, Any]:
    """Send the reads one after the other, within the limit of the key, and return what came back.

    Raises:
        OSError: the server cannot be reached.
    """
    facts = [await _fact(lemlist, name, path, key) for name, path in _READS]
    facts.append(await _fact(lemlist, WRONG_KEY, "/team", "0" * 32))
    return {
        "base_url": lemlist.base_url,
        "version": lemlist_async.__version__,
        "facts": [attrs.asdict(fact) for fact in facts],
        "limit": [one async for one in _series(lemlist, key)],
    }


def requests_of_probe() -> int:
    """Return the number of requests that a probe sends."""
    return len(_READS) + 1 + _SERIES


async def _series(lemlist: Lemlist, key: str) -> AsyncIterator[dict[str, Any]]:
    begun = time.monotonic()
    for _ in range(_SERIES):
        status, headers, _ = await _get(lemlist, "/team", key)
        told = {name: value for name, value in headers.items() if name.startswith("x-ratelimit")}
        yield {"seconds": round(time.monotonic() - begun, 3), "status": status, **told}


async def _fact(lemlist: Lemlist, name: str, path: str, key: str) -> Fact:
    status, headers, body = await _get(lemlist, path, key)
    shown = {
        one: value if one in _SHOWN or one.startswith("x-ratelimit") else "…"
        for one, value in headers.items()
    }
    return Fact(name=name, request=f"GET {path}", status=status, headers=shown, body=_shape(status, body))


async def _get(lemlist: Lemlist, path: str, key: str) -> tuple[int, dict[str, str], bytes]:
    # beside the client, which keeps no headers; within the same limit
    slot = await lemlist.throttle.acquire()
    try:
        status, headers, body = await asyncio.to_thread(_send, lemlist.base_url + path, key)
    except BaseException:
        slot.aborted()
        raise
    if status == 429:
        slot.refused(None, by_limiter=True)
    else:
        slot.answered()
    return status, headers, body


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect, which would carry the key to another host."""

    def redirect_request(  # as the standard library calls it
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        """Return no request."""


def _send(url: str, key: str) -> tuple[int, dict[str, str], bytes]:
    credentials = base64.b64encode(f":{key}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310  # the client has checked the scheme
        url, headers={"Authorization": f"Basic {credentials}", "User-Agent": "lemlist-async doctor"}
    )
    via = os.environ.get("LEMLIST_PROXY")
    opener = urllib.request.build_opener(
        _NoRedirect, urllib.request.ProxyHandler({"http": via, "https": via} if via else {})
    )
    try:
        with opener.open(request, timeout=_PATIENCE) as response:
            return response.status, _lower(response.headers.items()), response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _lower(error.headers.items()), error.read()


def _lower(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}


def _shape(status: int, body: bytes) -> Any:
    """Return the text of a refusal without ids and addresses, or the members of a result with their types."""
    text = body.decode("utf-8", "replace")
    if status >= 400 or not text.strip():
        return _ID.sub("…", text.strip())[:_LONGEST]
    try:
        value = loads(body)
    except ValueError:
        return f"{len(text)} characters that are not JSON"
    return (
        {"list of": _members(value[0]) if value else "nothing"}
        if isinstance(value, list)
        else _members(value)
    )


def _members(value: Any) -> Any:
    if not is_object(value):
        return type(value).__name__
    # what lies deeper may be named by the user, as variables are
    return {name: type(inner).__name__ for name, inner in sorted(value.items())}


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    """Give a line for each fact that differs between two probes: status, names of headers, body."""
    theirs = {fact["name"]: fact for fact in other["facts"]}
    for fact in one["facts"]:
        against = theirs.get(fact["name"])
        if against is None:
            yield f"{fact['name']}: not in the other probe"
            continue
        if fact["status"] != against["status"]:
            yield f"{fact['name']}: status {fact['status']}, and not {against['status']}"
        if fact["body"] != against["body"]:
            yield f"{fact['name']}: {_brief(fact['body'])}, and not {_brief(against['body'])}"
        if lacking := sorted(fact["headers"].keys() ^ against["headers"].keys()):
            yield f"{fact['name']}: headers that only one has: {', '.join(lacking)}"


def _brief(body: Any) -> str:
    text = body if isinstance(body, str) else standard.dumps(body, ensure_ascii=False)
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
