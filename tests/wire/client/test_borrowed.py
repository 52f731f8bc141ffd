"""A session that was made for other servers: what its owner set for them changes nothing here."""

import gzip
from typing import Any

import aiohttp
import pytest

from lemlist_async import Call, Effect, Lemlist, Options, Retry, errors
from tests.support.clients import KEY
from tests.support.scripted import says, scripted


async def refuse(response: aiohttp.ClientResponse) -> None:
    raise AssertionError(f"the owner's check saw a {response.status}")


ODD: list[dict[str, Any]] = [
    {"auto_decompress": False},
    {"raise_for_status": True},
    {"raise_for_status": refuse},
    {"headers": {"Content-Type": "text/odd", "Accept": "text/odd", "User-Agent": "odd"}},
    {"timeout": aiohttp.ClientTimeout(total=1e-6)},
    {"base_url": "http://127.0.0.1:1/odd/"},
    {"version": aiohttp.HttpVersion10},
    {"json_serialize": lambda _: "odd"},
    {"skip_auto_headers": ["Content-Type", "User-Agent"]},
]


@pytest.mark.parametrize("kind", ODD, ids=lambda kind: next(iter(kind)))
async def test_an_odd_session_reads_and_sends_what_the_own_one_does(kind: dict[str, Any]) -> None:
    packed = says(200, gzip.compress(b'{"a": 1}'), Content_Encoding="gzip", Content_Type="application/json")
    async with (
        scripted(says(503, ""), packed) as server,
        aiohttp.ClientSession(**kind) as session,
        Lemlist(KEY, server.url, session=session, options=Options(retry=Retry(base=0.01))) as lemlist,
    ):
        found = await lemlist.request("PUT", "/x", effect=Effect.IDEMPOTENT, json={"b": 2})
    assert (found, server.bodies) == ({"a": 1}, [b'{"b":2}'] * 2)
    headers = server.seen[1].headers
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"].startswith("lemlist_async/")


@pytest.mark.parametrize("kind", ODD[:3], ids=lambda kind: next(iter(kind)))
async def test_an_odd_session_streams_and_refuses_as_the_own_one_does(kind: dict[str, Any]) -> None:
    packed = says(200, gzip.compress(b"a,b\n1,2\n"), Content_Encoding="gzip", Content_Type="text/csv")
    async with (
        scripted(packed, says(404, "Campaign not found")) as server,
        aiohttp.ClientSession(**kind) as session,
        Lemlist(KEY, server.url, session=session) as lemlist,
    ):
        async with lemlist.stream(Call("GET", "/file")) as pieces:
            assert b"".join([piece async for piece in pieces]) == b"a,b\n1,2\n"
        with pytest.raises(errors.NotFoundError, match="Campaign not found"):
            await lemlist.campaigns.get("cam_1")


async def test_the_cookies_of_a_shared_session_stay_with_nobody() -> None:
    """lemlist's cookie of team A would leave with the key of team B."""
    cookie = says(200, {"_id": "tea_1"}, Set_Cookie="lemSession=teamA; Path=/; HttpOnly")
    async with scripted(cookie) as server:
        url = server.url.replace("127.0.0.1", "localhost")  # a jar takes no cookie from an address
        async with (
            aiohttp.ClientSession(cookies={"own": "1"}) as session,
            Lemlist("key-of-team-a", url, session=session) as first,
            Lemlist("key-of-team-b", url, session=session) as second,
        ):
            await first.team.get()
            assert [one.key for one in session.cookie_jar] == ["own", "lemSession"]
            await second.team.get()
            await first.request("POST", "/x", effect=Effect.UNSAFE, json={})
    assert [request.headers.get("Cookie") for request in server.seen] == [None] * 3
    keys = [request.headers["Authorization"] for request in server.seen]
    assert keys[0] == keys[2] != keys[1]
