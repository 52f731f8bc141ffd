"""Each fault with each effect: how often the server sees the request, and what the caller gets."""

import asyncio
import gc
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
import trustme

from lemlist_async import Effect, Lemlist, Options, Retry, Throttle, ThrottleOptions, Timeouts, errors
from tests.support.clients import KEY, quick
from tests.support.fault_server import Behaviour, answer, fault_server, packed, sends
from tests.support.faults_table import FAULTS, FINE, TRIES, Fault

RETRY = Retry(attempts=TRIES, base=0.001, cap=0.002)
BODY = {Effect.READ: None, Effect.IDEMPOTENT: {"a": 1}, Effect.DEDUPABLE: {"a": 1}, Effect.UNSAFE: {"a": 1}}
METHOD = {Effect.READ: "GET", Effect.IDEMPOTENT: "PUT", Effect.DEDUPABLE: "POST", Effect.UNSAFE: "DELETE"}


def impatient(url: str, **options: object) -> Lemlist:
    """A client that waits briefly and holds little."""
    timeouts = Timeouts(connect=2, attempt=0.3, read=0.3)
    return quick(url, retry=RETRY, timeouts=timeouts, max_body=1_000_000, **options)


async def call(lemlist: Lemlist, effect: Effect) -> object:
    """An operation of that effect, over a verb that lies about it."""
    if effect is Effect.READ:
        return await lemlist.campaigns.get("cam_1")
    return await lemlist.request(METHOD[effect], "/things/{id}", "1", effect=effect, json=BODY[effect])


def settled(lemlist: Lemlist) -> bool:
    """Whether pool and queue are as before the call."""
    connector = lemlist._pipeline._session.get().connector
    assert connector is not None
    return not connector._acquired and not sum(lemlist.throttle.queued.values())


CASES = [
    pytest.param(fault, effect, id=f"{fault.name}-{effect.value}")
    for fault in FAULTS
    for effect in Effect
    if effect is Effect.READ or not fault.typed_only
]


@pytest.mark.parametrize(("fault", "effect"), CASES)
async def test_a_fault_is_met_by_what_the_operation_allows(fault: Fault, effect: Effect) -> None:
    async with fault_server(fault.behaviour, read=fault.read) as server, impatient(server.url) as lemlist:
        with pytest.raises(errors.LemlistError) as caught:
            await call(lemlist, effect)
        error = caught.value
        assert type(error) is fault.error_for(effect), repr(error)
        assert len(error.attempts) == fault.attempts(effect)
        if fault.read:
            assert server.requests == fault.attempts(effect)
        assert isinstance(error, errors.AmbiguousError) == (
            not effect.repeatable and issubclass(fault.other, errors.AmbiguousError)
        )
        assert error.__context__ is None
        assert error.__cause__ is None
        assert settled(lemlist)


@pytest.mark.parametrize("behaviour", FINE.values(), ids=list(FINE))
async def test_what_is_odd_but_sound_is_an_answer(behaviour: Behaviour) -> None:
    async with fault_server(behaviour) as server, impatient(server.url) as lemlist:
        for _ in range(3):
            assert (await lemlist.campaigns.get("cam_1")).name == "One"
        assert settled(lemlist)


async def test_a_gzipped_answer_is_unpacked() -> None:
    async with fault_server(sends(packed())) as server, impatient(server.url) as lemlist:
        assert (await lemlist.campaigns.get("cam_1")).name == "One"


async def test_a_second_answer_that_nobody_asked_for_is_not_taken_for_the_next_one() -> None:
    other = answer(b'{"_id":"cam_2","name":"Smuggled"}')
    async with (
        fault_server(sends(answer() + other), sends(answer())) as server,
        impatient(server.url) as lemlist,
    ):
        names = {(await lemlist.campaigns.get("cam_1")).name for _ in range(3)}
    assert names == {"One"}


async def test_a_gzip_bomb_does_not_fill_the_memory() -> None:
    from tests.support.fault_server import bomb

    process = psutil.Process()
    async with fault_server(sends(bomb(256 * 2**20))) as server, impatient(server.url) as lemlist:
        gc.collect()
        before = process.memory_info().rss
        with pytest.raises(errors.TransportError, match=r"larger than|unpacked|in time"):
            await lemlist.campaigns.get("cam_1")
        assert process.memory_info().rss - before < 100 * 2**20


@pytest.mark.parametrize("effect", list(Effect))
async def test_a_refused_connection_surely_sent_nothing_and_is_tried_again_whatever_the_effect(
    effect: Effect,
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/api"
        async with impatient(url) as lemlist:
            with pytest.raises(errors.NotSentError) as caught:
                await call(lemlist, effect)
            assert caught.value.kind == "refused"
            assert "ECONNREFUSED" in str(caught.value)
            assert [attempt.outcome for attempt in caught.value.attempts] == ["refused"] * TRIES
            assert lemlist.throttle.in_flight == 0
            assert lemlist.throttle.stats.returned == TRIES


async def test_an_unknown_host_surely_sent_nothing() -> None:
    throttle = Throttle(ThrottleOptions(limit=1000, pacer=None))
    options = Options(retry=Retry(attempts=1))
    url = "https://no-such-host.invalid/api"
    async with Lemlist(KEY, url, options=options, throttle=throttle) as lemlist:
        with pytest.raises(errors.NotSentError) as caught:
            await lemlist.team.get()
    assert caught.value.kind == "dns"


NOW = datetime.now(UTC)
CERTIFICATES = {
    "expired": {"identities": ("127.0.0.1",), "not_after": NOW - timedelta(days=1)},
    "of another name": {"identities": ("example.org",)},
}


@pytest.mark.parametrize("case", [*CERTIFICATES, "of an unknown authority"])
async def test_a_certificate_that_is_not_valid_sends_nothing_and_is_final(case: str) -> None:
    ca, stranger = trustme.CA(), trustme.CA()
    options = dict(CERTIFICATES.get(case, {"identities": ("127.0.0.1",)}))
    cert = (stranger if "authority" in case else ca).issue_cert(*options.pop("identities"), **options)  # type: ignore[misc]
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    cert.configure_cert(serving)
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)
    throttle = Throttle(ThrottleOptions(limit=1000, pacer=None))
    async with fault_server(sends(answer()), tls=serving) as server:
        lemlist = Lemlist(KEY, server.url, ssl=trusting, throttle=throttle)
        with pytest.raises(errors.NotSentError) as caught:
            await lemlist.campaigns.create(name="x")
        await lemlist.aclose()
    assert caught.value.kind == "certificate"
    assert len(caught.value.attempts) == 1
    assert server.requests == 0


async def test_a_private_authority_is_trusted_when_it_is_given() -> None:
    ca = trustme.CA()
    serving, trusting = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    ca.issue_cert("127.0.0.1").configure_cert(serving)
    ca.configure_trust(trusting)
    async with fault_server(sends(answer()), tls=serving) as server:
        lemlist = Lemlist("tls-key", server.url, ssl=trusting)
        assert (await lemlist.campaigns.get("cam_1")).name == "One"
        await lemlist.aclose()


async def test_a_client_certificate_is_shown_when_it_is_given() -> None:
    ca = trustme.CA()
    serving, showing = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    ca.issue_cert("127.0.0.1").configure_cert(serving)
    ca.configure_trust(serving)
    serving.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(showing)
    ca.issue_cert("client@example.com").configure_cert(showing)
    async with fault_server(sends(answer()), tls=serving) as server:
        lemlist = Lemlist("mtls-key", server.url, ssl=showing)
        assert (await lemlist.campaigns.get("cam_1")).name == "One"
        await lemlist.aclose()


async def test_a_server_that_closes_idle_connections_costs_nothing() -> None:
    async def once(writer: asyncio.StreamWriter) -> None:
        writer.write(answer())
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()

    async with fault_server(once) as server, impatient(server.url) as lemlist:
        for pause in (0.0, 0.2, 0.2):
            await asyncio.sleep(pause)
            await lemlist.campaigns.get("cam_1")
        assert server.requests <= 4


async def test_the_environments_proxy_and_netrc_are_never_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    _ = netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with fault_server(sends(answer())) as server, impatient(server.url) as lemlist:
        assert (await lemlist.campaigns.get("cam_1")).name == "One"


@pytest.mark.parametrize("effect", [Effect.READ, Effect.UNSAFE])
@pytest.mark.parametrize(
    ("status", "kind", "attempts"),
    [(code, "proxy_busy", 3) for code in (408, 429, 500, 502, 503, 504)]
    + [(code, "proxy", 1) for code in (400, 403, 407)],
)
async def test_a_proxy_that_cannot_connect_for_now_is_asked_again_whatever_the_effect(
    status: int, kind: str, attempts: int, effect: Effect
) -> None:
    async with fault_server(sends(answer(b"", f"{status} X", "text/plain", "Connection: close"))) as proxy:
        address = proxy.url.removesuffix("/api").replace("http://", "http://me:s3cret@")
        options = Options(retry=Retry(attempts=3, base=0.01))
        throttle = Throttle(ThrottleOptions(limit=10_000, pacer=None))
        async with Lemlist(
            KEY, "https://lemlist.invalid/api", proxy=address, options=options, throttle=throttle
        ) as lemlist:
            with pytest.raises(errors.NotSentError) as caught:
                await lemlist.request("POST", "/x", effect=effect, json={})
        assert proxy.requests == attempts
    assert caught.value.kind == kind
    assert "s3cret" not in f"{caught.value!r} {caught.value.__dict__} {caught.value.__context__!r}"


async def test_a_proxy_that_cannot_be_reached_is_tried_again() -> None:
    options = Options(retry=Retry(attempts=3, base=0.01))
    async with Lemlist(
        "unproxied",
        "http://lemlist.invalid/api",
        proxy="http://127.0.0.1:1",
        options=options,
        allow_insecure=True,
    ) as lemlist:
        with pytest.raises(errors.NotSentError) as caught:
            await lemlist.team.get()
    assert [one.outcome for one in caught.value.attempts] == ["proxy_unreachable"] * 3


async def test_a_proxy_is_used_when_it_is_given() -> None:
    async with fault_server(sends(answer())) as proxy:
        address = proxy.url.removesuffix("/api")
        lemlist = Lemlist("proxied", "http://lemlist.invalid/api", proxy=address, allow_insecure=True)
        async with lemlist:
            assert (await lemlist.campaigns.get("cam_1")).name == "One"
        assert proxy.requests == 1
