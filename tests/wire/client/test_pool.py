"""Many keys in one process: they share connections, and nothing else."""

import asyncio
import base64
import gc
import os
import weakref
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from lemlist_async import ApiKey, AuthBreaker, LemlistPool, Options, Retry, ThrottleOptions, errors
from lemlist_async import pool as pool_module
from lemlist_async.observe import CallEnd
from lemlist_async.sandbox import Sandbox
from tests.support.clients import KEY
from tests.support.fault_server import fault_server, silence
from tests.support.scripted import Script, says, scripted

TEAM = says(200, {"_id": "tea_1"})
FAST = ThrottleOptions(limit=10_000, pacer=None, scope="process")


def key_in(request: web.Request) -> str:
    """Return the key that a request carries."""
    return base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()[1:]


def open_pool(server: Script, **more: Any) -> LemlistPool:
    """Make a pool whose keys are made from the names of the tenants."""

    async def key_of(tenant: str) -> str | None:
        return None if tenant.startswith("unknown") else f"{KEY}-{tenant}"

    more = {"throttle": FAST, "options": Options(retry=Retry(attempts=1))} | more
    return LemlistPool(more.pop("key_of", key_of), base_url=server.url, **more)


async def test_each_tenant_calls_with_its_own_key_over_shared_connections() -> None:
    async with scripted(TEAM) as server, open_pool(server) as pool:
        for tenant in ("a", "b", "a", "c"):
            await (await pool.client(tenant)).team.get()
        assert [key_in(request) for request in server.seen] == [f"{KEY}-{tenant}" for tenant in "abac"]
        assert len({request.transport for request in server.seen}) == 1
        assert await pool.client("a") is await pool.client("a")
        assert KEY not in f"{pool!r} {await pool.client('a')!r}"


async def test_a_key_is_asked_for_once_however_many_wait_and_whoever_gives_up() -> None:
    asked: list[str] = []
    answer = asyncio.Event()

    async def key_of(tenant: str) -> str:
        asked.append(tenant)
        if tenant == "slow":
            await answer.wait()
        return f"{KEY}-{tenant}"

    async with scripted(TEAM) as server, open_pool(server, key_of=key_of) as pool:
        waiting = [asyncio.create_task(pool.client("slow")) for _ in range(5)]
        await asyncio.sleep(0)
        # others are not kept waiting by a tenant whose key does not come
        async with asyncio.timeout(2):
            await (await pool.client("fast")).team.get()
        waiting[0].cancel()
        answer.set()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(ended[0], asyncio.CancelledError)
        assert len(set(map(id, ended[1:]))) == 1
        assert asked == ["slow", "fast"]


async def test_an_unknown_tenant_is_told_each_time_and_becomes_known_later() -> None:
    keys: dict[str, str] = {}

    async def key_of(tenant: str) -> str | None:
        return keys.get(tenant)

    async with scripted(TEAM) as server, open_pool(server, key_of=key_of) as pool:
        for _ in range(2):
            with pytest.raises(errors.UnknownTenantError):
                await pool.client("new")
        assert len(pool) == 0
        keys["new"] = KEY
        await (await pool.client("new")).team.get()


@pytest.mark.parametrize("given", [LookupError("a secret"), "no key\n", 3, ""])
async def test_a_function_that_fails_is_told_without_what_it_said(given: Any) -> None:
    async def key_of(_tenant: str) -> Any:
        if isinstance(given, Exception):
            raise given
        return given

    async with scripted(TEAM) as server, open_pool(server, key_of=key_of) as pool:
        with pytest.raises(errors.APIKeyError) as caught:
            await pool.client("a")
        assert "secret" not in str(caught.value)


# Refused keys -----------------------------------------------------------------------------------------


async def refuse_bad(request: web.Request) -> web.StreamResponse:
    """Refuse keys with `bad` in them."""
    answer = says(401, "no") if "bad" in key_in(request) else TEAM
    return await answer(request)


async def test_a_refused_key_is_asked_for_again_and_its_successor_works() -> None:
    keys = {"a": f"{KEY}-bad"}
    asked: list[str] = []

    async def key_of(tenant: str) -> str:
        asked.append(tenant)
        return keys[tenant]

    async with scripted(refuse_bad) as server, open_pool(server, key_of=key_of) as pool:
        old = await pool.client("a")
        with pytest.raises(errors.AuthenticationError):
            await old.team.get()
        keys["a"] = f"{KEY}-good"
        pool._entries["a"].asked -= pool_module.RECHECK
        new = await pool.client("a")
        assert new is not old
        await new.team.get()
        assert await pool.client("a") is new
        assert asked == ["a", "a"]


async def test_a_key_that_stays_refused_keeps_its_breaker_and_costs_the_others_nothing() -> None:
    options = Options(retry=Retry(attempts=1), auth_breaker=AuthBreaker(failure_threshold=2))
    asked: Counter[str] = Counter()

    async def key_of(tenant: str) -> str:
        asked[tenant] += 1
        return f"{KEY}-{tenant}"

    async with scripted(refuse_bad) as server, open_pool(server, key_of=key_of, options=options) as pool:
        for _ in range(10):
            with pytest.raises(errors.AuthenticationError):
                await (await pool.client("bad")).team.get()
            await (await pool.client("good")).team.get()
        assert Counter(key_in(request).rsplit("-")[-1] for request in server.seen) == {"bad": 2, "good": 10}
        assert asked == {"bad": 1, "good": 1}
        before = await pool.client("bad")
        pool._entries["bad"].asked -= pool_module.RECHECK
        assert await pool.client("bad") is before
        assert asked["bad"] == 2


# Bounds -----------------------------------------------------------------------------------------------


async def test_the_least_recently_used_are_forgotten_and_those_in_use_go_on() -> None:
    async with scripted(TEAM) as server, open_pool(server, size=2) as pool:
        held = await pool.client("a")
        throttle = held.throttle
        for tenant in ("b", "c", "d"):
            await pool.client(tenant)
        assert len(pool) == 2
        assert (await held.team.get()).id == "tea_1"
        again = await pool.client("a")
        # another client, the same limit
        assert again is not held
        assert again.throttle is throttle


async def test_a_forgotten_client_that_is_not_in_use_is_freed() -> None:
    async with scripted(TEAM) as server, open_pool(server, size=1) as pool:
        client = await pool.client("a")
        await client.team.get()
        gone = weakref.ref(client._pipeline)
        del client
        await pool.client("b")
        await asyncio.sleep(0.01)
        gc.collect()
        assert gone() is None
        assert len(pool.throttles) == 1


async def test_the_key_of_a_tenant_that_was_forgotten_while_asked_for_is_not_remembered() -> None:
    answer, keys = asyncio.Event(), iter([f"{KEY}-old", f"{KEY}-new"])

    async def key_of(_tenant: str) -> str:
        key = next(keys)
        await answer.wait()
        return key

    async with scripted(TEAM) as server, open_pool(server, key_of=key_of) as pool:
        first = asyncio.create_task(pool.client("a"))
        await asyncio.sleep(0)
        pool.forget("a")
        second = asyncio.create_task(pool.client("a"))
        await asyncio.sleep(0)
        answer.set()
        await first
        await (await second).team.get()
        await (await pool.client("a")).team.get()
        assert {key_in(request) for request in server.seen} == {f"{KEY}-new"}


async def test_a_client_needs_no_closing() -> None:
    async with scripted(TEAM) as server, open_pool(server) as pool:
        for _ in range(2):
            async with await pool.client("a") as lemlist:
                await lemlist.team.get()
        await lemlist.aclose()
        await lemlist.team.get()


async def test_a_pool_that_closes_ends_every_call_and_every_question() -> None:
    async def key_of(tenant: str) -> str:
        if tenant == "slow":
            await asyncio.sleep(60)
        return f"{KEY}-{tenant}"

    async with fault_server(silence) as server:
        pool = LemlistPool(key_of, base_url=server.url, throttle=ThrottleOptions(limit=2, pacer=None))
        client = await pool.client("a")
        calls = [asyncio.create_task(client.team.get()) for _ in range(9)]
        question = asyncio.create_task(pool.client("slow"))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(2):
            await pool.aclose()
            await pool.aclose()
            ended = await asyncio.gather(*calls, question, return_exceptions=True)
        kinds = Counter(type(end) for end in ended)
        assert kinds == {errors.ClosedError: 9, asyncio.CancelledError: 1}
        for use in (pool.client("a"), client.team.get()):
            with pytest.raises(errors.ClosedError):
                await use


@pytest.mark.parametrize("options", [{"size": 0}, {"connections": True}, {"size": 1.5}, {"base_url": "x"}])
def test_a_bound_that_cannot_work_is_refused(options: Any) -> None:
    async def key_of(_tenant: str) -> str:
        return KEY

    with pytest.raises(errors.ConfigurationError):
        LemlistPool(key_of, **options)


async def test_an_observer_sees_the_calls_of_every_tenant() -> None:
    async with scripted(TEAM) as server, open_pool(server) as pool:
        ends: list[CallEnd] = []
        pool.on(CallEnd, ends.append)
        for tenant in ("a", "b"):
            await (await pool.client(tenant)).team.get()
        assert len({end.call_id for end in ends}) == 2


# Nothing crosses --------------------------------------------------------------------------------------


async def test_neither_cookies_nor_errors_nor_limits_cross_between_tenants() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        assert "Cookie" not in request.headers
        key = key_in(request)
        said: Callable[..., Any] = says(429, "no", Retry_After="30") if key.endswith("-busy") else TEAM
        response: web.StreamResponse = await said(request)
        response.set_cookie("team", "x")
        return response

    async with scripted(answer) as server, open_pool(server) as pool:
        with pytest.raises(errors.RateLimitError):
            await (await pool.client("busy")).team.get()
        async with asyncio.timeout(2):
            for _ in range(3):
                await (await pool.client("free")).team.get()
        assert (await pool.client("busy")).throttle.paused_for > 20
        assert (await pool.client("free")).throttle.paused_for == 0


async def test_fifty_tenants_use_their_whole_quota_at_once_without_a_429() -> None:
    keys = [f"key-of-tenant-{number}" for number in range(50)]

    async def key_of(tenant: str) -> ApiKey:
        return ApiKey(keys[int(tenant)])

    async with Sandbox(keys=keys) as sandbox:
        pool = LemlistPool(key_of, base_url=sandbox.url)
        async with pool:

            async def work(tenant: str) -> None:
                client = await pool.client(tenant)
                await asyncio.gather(*(client.team.get() for _ in range(18)))

            await asyncio.gather(*(work(str(number)) for number in range(50)))
        assert len(sandbox.requests) == 900
        assert sandbox.counters.refused == 0


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors of Linux")
async def test_descriptors_come_back_after_a_burst_and_ledgers_are_closed_at_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool_module, "REST", 0.2)
    limits = ThrottleOptions(limit=5, window=0.1, margin=0.01)
    async with scripted(TEAM) as server:
        before = len(os.listdir("/proc/self/fd"))
        async with open_pool(server, throttle=limits) as pool:

            async def work(tenant: str) -> None:
                client = await pool.client(tenant)
                await asyncio.gather(*(client.team.get() for _ in range(4)))

            await asyncio.gather(*(work(f"t{number}") for number in range(60)))
            assert {throttle.trouble for throttle in pool.throttles} == {None}
            scopes = {throttle.scope for throttle in pool.throttles}
            async with asyncio.timeout(10):
                # the server of this test has a descriptor for each connection too
                while len(os.listdir("/proc/self/fd")) > before + 2 * pool_module.IDLE:  # noqa: ASYNC110  # no event
                    await asyncio.sleep(0.05)
            assert {throttle.scope for throttle in pool.throttles} == {"process"}
            # and they are opened again
            await work("t1")
            assert (await pool.client("t1")).throttle.scope in scopes
