"""Calls that are refused before sending: the server sees no request."""

import math
from typing import Any

import pytest

from lemlist_async import Effect
from lemlist_async.errors import InvalidInputError
from tests.support.clients import quick
from tests.support.scripted import says, scripted

PATHS = [
    "/../x", "/x/..", "/./x", "/%2e%2e/x", "/.%2E/x", "/x/%2e", "/..%2fx", "/..%5cx", "//evil.example/x", "/x?y",
    "/x#y", "/x y", "/x\r\nX: y", "/\\x", "/ü", "x", "/", "", "/x\n", None, 5, b"/x",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_that_would_reach_another_route_is_refused(path: Any) -> None:
    async with scripted(says(200, {})) as server, quick(server.url) as lemlist:
        with pytest.raises(InvalidInputError):
            await lemlist.request("GET", path, effect=Effect.READ)
    assert server.seen == []


@pytest.mark.parametrize("method", [None, "", "HEAD", "GET\r\n", 5])
async def test_a_method_that_is_none_is_refused(method: Any) -> None:
    async with scripted(says(200, {})) as server, quick(server.url) as lemlist:
        with pytest.raises(InvalidInputError, match="no method"):
            await lemlist.request(method, "/x", effect=Effect.READ)
    assert server.seen == []


@pytest.mark.parametrize("path", ["/x", "/x/", "/a.b/..c", "/x@y", "/...", "/x%20y"])
async def test_other_paths_are_sent_as_they_are(path: str) -> None:
    async with scripted(says(200, {})) as server, quick(server.url) as lemlist:
        await lemlist.request("GET", path, effect=Effect.READ)
    assert server.seen[0].raw_path == f"/api{path}"


@pytest.mark.parametrize(
    "body",
    [
        {"x": math.nan}, {"x": (1, math.nan)}, {"x": {math.inf}}, {"x": [{"y": -math.inf}]}, math.nan,
        {"x": ({"y": (math.nan,)},)}, {"x": frozenset({math.inf})},
    ],
)  # fmt: skip
async def test_a_number_that_json_cannot_say_is_refused_wherever_it_stands(body: Any) -> None:
    async with scripted(says(200, {})) as server, quick(server.url) as lemlist:
        with pytest.raises(InvalidInputError, match="not a number"):
            await lemlist.request("POST", "/x", effect=Effect.READ, json=body)
    assert server.seen == []


@pytest.mark.parametrize(
    "query", [{"a": math.nan}, {"a": math.inf}, {"a": [1]}, {"a": {}}, {"a": b"x"}, "ab", ["ab"], {5: 1}]
)
async def test_a_query_that_would_not_arrive_as_given_is_refused(query: Any) -> None:
    async with scripted(says(200, {})) as server, quick(server.url) as lemlist:
        with pytest.raises(InvalidInputError):
            await lemlist.request("GET", "/x", effect=Effect.READ, query=query)
    assert server.seen == []


async def test_one_text_where_campaigns_are_meant_asks_for_no_letters() -> None:
    async with scripted(says(200, [])) as server, quick(server.url) as lemlist:
        with pytest.raises(InvalidInputError, match="campaign_ids must be a list, not one text"):
            await lemlist.campaigns.list_reports("cam_1")
        with pytest.raises(InvalidInputError, match="names must be a list, not one text"):
            await lemlist.leads.clear_variables("lea_1", "Note")
    assert server.seen == []
