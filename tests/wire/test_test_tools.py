"""Tools that change Python for a test: frozen clocks, and what stands in for aiohttp."""

import asyncio
import time
from pathlib import Path
from typing import Any

import aiohttp
import freezegun
import pytest
import vcr

from lemlist_async import Lemlist, Retry, ThrottleOptions, clock, errors
from tests.support.clients import quick
from tests.support.scripted import says, scripted

OK = says(200, {"_id": "tea_1"})
SMALL = ThrottleOptions(limit=5, window=0.2)


async def test_a_frozen_clock_stops_no_throttle() -> None:
    async with scripted(OK) as server:
        with freezegun.freeze_time("2026-01-01", real_asyncio=True):
            async with Lemlist("frozen-key", server.url, throttle=SMALL) as lemlist, asyncio.timeout(20):
                for _ in range(12):
                    await lemlist.team.get()
        assert len(server.seen) == 12


def test_a_clock_that_is_first_looked_for_while_time_is_frozen_goes_on() -> None:
    with freezegun.freeze_time("2026-01-01"):
        late = clock._clock()
        before = late(), clock.steady()
        for _ in range(10_000):
            pass
        assert late() > before[0]
        assert clock.steady() > before[1]
        assert clock.stands_still(time.monotonic)
        assert not clock.stands_still(late)
    assert not clock.stands_still(time.monotonic)


async def test_a_frozen_loop_is_told_where_a_wait_would_have_no_end() -> None:
    async with scripted(OK) as server:
        with freezegun.freeze_time("2026-01-01"):
            async with Lemlist("frozen-loop-key", server.url, throttle=SMALL) as lemlist:
                calls = [lemlist.team.get() for _ in range(12)]
                found = await asyncio.gather(*calls, return_exceptions=True)
    refused = [error for error in found if isinstance(error, errors.ConfigurationError)]
    assert len(refused) + len(server.seen) == 12
    assert refused
    assert "real_asyncio=True" in str(refused[0])


async def test_a_frozen_loop_waits_for_no_other_try() -> None:
    async with scripted(says(503, "busy")) as server:
        with freezegun.freeze_time("2026-01-01"):
            async with quick(server.url, retry=Retry(attempts=3, base=1)) as lemlist:
                with pytest.raises(errors.ServerError):
                    await lemlist.team.get()
        assert len(server.seen) == 1


async def test_a_clock_that_ticks_is_not_taken_for_a_frozen_one() -> None:
    async with scripted(says(503, "busy"), OK) as server:
        with freezegun.freeze_time("2026-01-01", tick=True):
            async with quick(server.url) as lemlist:
                assert (await lemlist.team.get()).id == "tea_1"


async def test_a_cassette_does_not_turn_an_error_into_a_success(tmp_path: Path) -> None:
    cassette = str(tmp_path / "cassette.yaml")
    async with scripted(says(404, {"error": "Campaign not found"})) as server:
        with vcr.use_cassette(cassette):
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{server.url}/campaigns/cam_1") as answer,
            ):
                assert answer.status == 404
        with vcr.use_cassette(cassette, record_mode="none"):
            async with quick(server.url) as lemlist:
                with pytest.raises(errors.ConfigurationError, match="middleware did not run"):
                    await lemlist.campaigns.get("cam_1")


@pytest.mark.parametrize("status", [200, 204, 401, 500])
async def test_whatever_stands_in_for_aiohttp_is_named(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real = aiohttp.ClientSession._request

    async def stand_in(self: Any, method: str, url: Any, **more: Any) -> aiohttp.ClientResponse:
        more.pop("middlewares", None)
        return await real(self, method, url, **more)

    monkeypatch.setattr(aiohttp.ClientSession, "_request", stand_in)
    async with scripted(says(status, b"")) as server, quick(server.url) as lemlist:
        with pytest.raises(errors.ConfigurationError, match="_request"):
            await lemlist.team.get()
        with pytest.raises(errors.ConfigurationError, match="_request"):
            await lemlist.campaigns.create(name="C")
        assert len(server.seen) == 2
