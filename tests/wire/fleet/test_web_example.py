"""The example of a web backend whose uploads are jobs of a fleet."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import psycopg
import pytest

from lemlist_async.fleet import Jobs, Worker, WorkerOptions
from lemlist_async.sandbox import Sandbox
from tests.support.asgi_server import served
from tests.support.project import ROOT

pytestmark = pytest.mark.slow


async def test_an_upload_is_a_job_with_its_row_and_its_progress_is_seen_live(
    own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Sandbox() as sandbox:
        monkeypatch.setenv("LEMLIST_API_KEY", sandbox.key)
        monkeypatch.setenv("LEMLIST_BASE_URL", sandbox.url)
        monkeypatch.setenv("DATABASE", own_database)
        monkeypatch.setenv("CAMPAIGN", sandbox.team().add_campaign(name="Spring")["_id"])
        monkeypatch.syspath_prepend(ROOT / "examples")
        import fastapi_fleet

        async with served(fastapi_fleet.make_app()) as url, aiohttp.ClientSession(url) as visitor:
            worker = Worker(own_database, options=WorkerOptions(sweep_every=0.2))
            running = asyncio.create_task(worker.run())
            rows = "\n".join(["email", *(f"p{n}@example.com" for n in range(40)), "broken"])
            async with visitor.post("/uploads", data=rows.encode()) as response:
                assert response.status == 202
                (job,) = (await response.json()).values()
            async with visitor.get(f"/uploads/{job}/events") as response:
                assert response.content_type == "text/event-stream"
                lines = [line async for line in response.content if line.startswith(b"data: ")]
            seen: list[Any] = [json.loads(line.removeprefix(b"data: ")) for line in lines]
            # a file that is no table leaves neither a job nor a row
            async with visitor.post("/uploads", data=b"%PDF-1.7 not a table") as response:
                assert response.status >= 400
            worker.stop()
            await running
        async with Jobs.at(own_database) as jobs:
            assert [one.name for one in await jobs.all()] == [job]
    assert seen[0]["rows"] == 41
    assert len(seen) > 2
    assert seen[-1]["phase"] == "finished"
    assert seen[-1]["counts"] == {"done created": 40, "refused refused": 1}
    with psycopg.connect(own_database) as connection:
        assert connection.execute("SELECT job FROM uploads").fetchall() == [(job,)]
