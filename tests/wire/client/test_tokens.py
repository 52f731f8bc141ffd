"""OAuth tokens: sent as a Bearer, renewed once for all, and shown as little as a key."""

import asyncio
import copy
import pickle
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from lemlist_async import Effect, Lemlist, errors
from lemlist_async.credentials import Token
from lemlist_async.throttle import Throttle, ThrottleOptions
from tests.support.scripted import scripted

WRONG = "The authentication you supplied is incorrect"


def accepting(*tokens: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A server that takes these tokens, and echoes others in its refusal."""

    async def answer(request: web.Request) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        if given.removeprefix("Bearer ") in tokens and given.startswith("Bearer "):
            return web.json_response({"_id": "tea_1"})
        return web.Response(status=401, text=f"{WRONG}: {given}")

    return answer


def client(url: str, token: Any, **options: Any) -> Lemlist:
    """A client without a limit worth speaking of."""
    throttle = Throttle(ThrottleOptions(limit=1000, pacer=None))
    return Lemlist(token=token, base_url=url, throttle=throttle, limit_key="team", **options)


class Source:
    """A function that returns the next token each time."""

    def __init__(self, *tokens: str, wait: float = 0.0) -> None:
        self.tokens = list(tokens)
        self.calls = 0
        self._wait = wait

    async def __call__(self) -> str:
        self.calls += 1
        await asyncio.sleep(self._wait)
        return self.tokens[min(self.calls, len(self.tokens)) - 1]


async def test_a_token_is_sent_as_a_bearer() -> None:
    async with (
        scripted(accepting("tok-one")) as server,
        Lemlist(token="tok-one", base_url=server.url) as lemlist,
    ):
        assert (await lemlist.team.get()).id == "tea_1"


async def test_a_function_is_called_once_for_all_calls_that_wait() -> None:
    source = Source("tok-one", wait=0.02)
    async with scripted(accepting("tok-one")) as server, client(server.url, source) as lemlist:
        await asyncio.gather(*(lemlist.team.get() for _ in range(20)))
    assert source.calls == 1


async def test_a_refused_token_is_renewed_once_for_all_and_every_call_succeeds_whatever_it_does() -> None:
    source = Source("tok-old", "tok-new", wait=0.02)
    async with scripted(accepting("tok-new")) as server, client(server.url, source) as lemlist:
        reads = (lemlist.team.get() for _ in range(10))
        writes = (
            lemlist.request("POST", "/campaigns", json={"name": "x"}, effect=Effect.UNSAFE) for _ in range(5)
        )
        await asyncio.gather(*reads, *writes)
        assert "<AuthBreaker closed>" in repr(lemlist)
    assert source.calls == 2


async def test_a_token_that_stays_wrong_is_renewed_once_a_call_and_then_an_error() -> None:
    source = Source("tok-a", "tok-b", "tok-c")
    async with scripted(accepting()) as server, client(server.url, source) as lemlist:
        with pytest.raises(errors.AuthenticationError) as refused:
            await lemlist.team.get()
    assert (len(server.seen), source.calls, len(refused.value.attempts)) == (2, 2, 2)


async def test_a_plain_token_that_is_refused_is_not_sent_again() -> None:
    async with scripted(accepting()) as server, client(server.url, "tok-one") as lemlist:
        with pytest.raises(errors.AuthenticationError):
            await lemlist.team.get()
    assert len(server.seen) == 1


async def test_a_call_that_is_cancelled_while_it_renews_leaves_that_to_the_next() -> None:
    source = Source("tok-one", wait=0.05)
    async with scripted(accepting("tok-one")) as server, client(server.url, source) as lemlist:
        first = asyncio.create_task(lemlist.team.get())
        second = asyncio.create_task(lemlist.team.get())
        await asyncio.sleep(0.01)
        first.cancel()
        assert (await second).id == "tea_1"
    assert source.calls == 2


async def test_the_trouble_of_a_function_is_one_clear_error_and_nothing_is_sent() -> None:
    async def broken() -> str:
        raise KeyError("the store")

    async def empty() -> str:
        return ""

    async with scripted(accepting("tok")) as server:
        for source, said in ((broken, "failed: KeyError"), (empty, "the token is empty")):
            async with client(server.url, source) as lemlist:
                with pytest.raises(errors.APIKeyError, match=said):
                    await lemlist.team.get()
    assert not server.seen


def test_what_does_not_fit_is_refused_in_the_constructor() -> None:
    with pytest.raises(errors.ConfigurationError, match="not both"):
        Lemlist("key", token="tok")
    with pytest.raises(errors.ConfigurationError, match="limit_key= goes with token="):
        Lemlist("key", limit_key="team")
    with pytest.raises(errors.ConfigurationError, match="needs limit_key="):
        Lemlist(token=Source("tok"))
    for wrong in ("", "two words", "line\n", 7):
        with pytest.raises(errors.APIKeyError):
            Lemlist(token=wrong)  # type: ignore[arg-type]  # that is the point


def test_tokens_of_one_account_share_a_limit() -> None:
    one = Lemlist(token="tok-one", limit_key="team-7", base_url="http://127.0.0.1:1/api")
    two = Lemlist(token=Source("tok-two"), limit_key="team-7", base_url="http://127.0.0.1:1/api")
    other = Lemlist(token="tok-one", limit_key="team-8", base_url="http://127.0.0.1:1/api")
    assert one.throttle is two.throttle is not other.throttle


async def test_no_token_shows_in_errors_reprs_or_pickles() -> None:
    source = Source("canary-token-one", "canary-token-two")
    async with scripted(accepting()) as server, client(server.url, source) as lemlist:
        try:
            await lemlist.team.get()
        except errors.AuthenticationError as error:
            told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
            told += repr(error) + str(error) + str(error.body) + repr(lemlist)
    assert "canary-token" not in told.replace(repr(source.tokens), "")
    for spoil in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            spoil(Token("canary-token"))
    assert "canary" not in repr(Token("canary-token"))
