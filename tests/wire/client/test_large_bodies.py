"""Bodies above the size that aiohttp warns of: written in pieces, and whole at each try."""

import aiohttp
import pytest

from lemlist_async import Call, Effect
from lemlist_async.core.wire import Upload
from lemlist_async.transport.session import LARGE, piecemeal
from tests.support.clients import quick
from tests.support.scripted import says, scripted

QUOTES = 2
"""Bytes around a JSON string."""


@pytest.mark.parametrize("size", [LARGE, LARGE + 1, 3 * LARGE])
async def test_json_of_any_size_goes_out_whole_at_each_try(size: int) -> None:
    text = "x" * (size - QUOTES)
    async with scripted(says(503, ""), says(200, {})) as server, quick(server.url) as lemlist:
        await lemlist.request("PUT", "/x", effect=Effect.IDEMPOTENT, json=text)
    assert server.bodies == [f'"{text}"'.encode()] * 2
    for request in server.seen:
        assert request.headers["Content-Length"] == str(size)
        assert request.headers["Content-Type"] == "application/json"
        assert "Content-Disposition" not in request.headers


def test_a_small_body_is_left_as_it_is() -> None:
    content = b"x" * LARGE
    assert piecemeal(content) is content


async def test_a_large_part_of_a_form_goes_out_whole() -> None:
    content = b"x" * (LARGE + 1)
    form = aiohttp.FormData()
    form.add_field("file", piecemeal(content), filename="a.csv", content_type="text/csv")
    async with scripted(says(200, {})) as server, aiohttp.ClientSession() as session:
        async with session.post(server.url, data=form) as response:
            assert response.status == 200
        assert content in server.bodies[0]
        assert b'filename="a.csv"' in server.bodies[0]


@pytest.mark.parametrize("size", [1, LARGE + 1])
async def test_a_file_goes_out_whole_at_each_try(size: int) -> None:
    upload = Upload("file", "a.csv", b"x" * size, "text/csv")
    async with scripted(says(503, ""), says(200, {})) as server, quick(server.url) as lemlist:
        await lemlist.send(Call("POST", "/file", effect=Effect.IDEMPOTENT, upload=upload))
    assert len(server.bodies) == 2
    for body in server.bodies:
        assert upload.content + b"\r\n--" in body
        assert b'filename="a.csv"' in body
        assert b"Content-Type: text/csv" in body
