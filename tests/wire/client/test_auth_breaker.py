"""The breaker in a client: a forbidden route blocks nothing, a wrong key is not sent for ever."""

import asyncio

import pytest

from lemlist_async import AuthBreaker, Lemlist, Options, Throttle, ThrottleOptions, errors
from lemlist_async.errors import ConfigurationError
from tests.support.clients import KEY, quick
from tests.support.scripted import Answer, says, scripted, waits

FORBIDDEN = says(401, {"error": "Route unauthorized", "code": "ROUTE_UNAUTHORIZED"})
WRONG = says(401, "The authentication you supplied is incorrect")
OK = says(200, {"_id": "tea_1"})


async def test_a_forbidden_route_says_nothing_about_the_key() -> None:
    async with scripted(*[FORBIDDEN] * 5, OK) as server, quick(server.url) as lemlist:
        for _ in range(5):
            with pytest.raises(errors.PermissionDeniedError):
                await lemlist.database.list_personas()
        assert (await lemlist.team.get()).id == "tea_1"
        assert "<AuthBreaker closed>" in repr(lemlist)


async def test_a_wrong_key_is_sent_three_times_and_its_state_is_shown() -> None:
    async with scripted(WRONG) as server, quick(server.url) as lemlist:
        for _ in range(5):
            with pytest.raises(errors.AuthenticationError):
                await lemlist.team.get()
        assert len(server.seen) == 3
        assert "<AuthBreaker open, 3 refusals in a row>" in repr(lemlist)


@pytest.mark.parametrize("ending", ["cancelled", "succeeds"])
async def test_a_key_that_worked_is_tried_by_one_call_while_the_others_fail_at_once(ending: str) -> None:
    answers: list[Answer] = [OK, WRONG, WRONG, WRONG, waits(0.1, OK), OK]
    async with scripted(*answers) as server, quick(server.url) as lemlist:
        await lemlist.team.get()
        for _ in range(3):
            with pytest.raises(errors.AuthenticationError):
                await lemlist.team.get()
        probe = asyncio.create_task(lemlist.team.get())
        await asyncio.sleep(0.03)
        with pytest.raises(errors.AuthenticationError, match="not sent"):
            await lemlist.team.get()
        if ending == "cancelled":
            probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        assert (await lemlist.team.get()).id == "tea_1"


async def test_the_threshold_is_an_option_of_the_client() -> None:
    options = Options(auth_breaker=AuthBreaker(failure_threshold=1))
    throttle = Throttle(ThrottleOptions(limit=10_000, pacer=None))
    async with (
        scripted(WRONG) as server,
        Lemlist(KEY, server.url, options=options, throttle=throttle) as lemlist,
    ):
        for _ in range(3):
            with pytest.raises(errors.AuthenticationError):
                await lemlist.team.get()
        assert len(server.seen) == 1
        with pytest.raises(ConfigurationError, match="auth_breaker"):
            lemlist.with_options(auth_breaker=AuthBreaker())
