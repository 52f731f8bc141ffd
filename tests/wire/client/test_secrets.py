"""The key appears nowhere: not in an error, a traceback with its locals, a pickle, an event, a journal."""

import base64
import contextlib
import io
import pickle
import pprint
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import aiohttp
import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.pretty import pretty_repr
from rich.traceback import Traceback

from lemlist_async import Call, Effect, Lemlist, Options, Retry, Throttle, ThrottleOptions, Timeouts, errors
from lemlist_async.bulk import Outcome, State
from lemlist_async.core.wire import Upload, fill
from lemlist_async.errors import InvalidInputError
from lemlist_async.observe import Event
from lemlist_async.resources.team import Team
from lemlist_async.resources.webhooks import Webhook
from lemlist_async.sandbox import Sandbox
from tests.conftest import FORMS, Canary
from tests.support.clients import KEY, quick
from tests.support.fault_server import answer, fault_server, sends, silence
from tests.support.scripted import hangs_up, says, scripted

ECHO = f"the key {KEY} and Basic {base64.b64encode(f':{KEY}'.encode()).decode()} are wrong"
FAILURES = {
    "an answer that echoes it": says(401, ECHO),
    "a JSON answer that echoes it": says(500, {"error": ECHO, "code": KEY}),
    "HTML that echoes it": says(200, f"<html>{ECHO}", Content_Type="text/html"),
    "a lost connection": hangs_up(),
    "JSON that is none": says(200, f"{{{ECHO}".encode()),
    "a redirect": says(302, "", Location=f"https://{quote(KEY, safe='')}.example.com/{KEY}"),
}


def leaks(text: str | bytes) -> list[str]:
    """The forms of the key in a text."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return [form for form in FORMS if form in text]


async def failure(lemlist: Lemlist) -> errors.LemlistError:
    """Error that a call ends in."""
    with pytest.raises(errors.LemlistError) as caught:
        await lemlist.leads.list_by_email("person@example.com")
    return caught.value


def everything(error: errors.LemlistError) -> str:
    """All that a log, a debugger or an error tracker would show."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    told = io.StringIO()
    shown.print(file=told)
    parts: list[Any] = [
        told.getvalue(),
        repr(error),
        str(error),
        error.__dict__,
        error.__context__,
        error.__cause__,
    ]
    return " ".join(map(str, parts)) + pickle.dumps(error).decode("latin-1")


@pytest.mark.parametrize("fault", FAILURES.values(), ids=list(FAILURES))
async def test_no_error_tells_the_key_or_the_person(fault: Any) -> None:
    events: list[Any] = []
    async with scripted(fault) as server, quick(server.url, retry=Retry(attempts=2, base=0)) as lemlist:
        lemlist.on(Event, events.append)
        error = await failure(lemlist)
        told = everything(error)
        assert not leaks(told.replace(repr(ECHO), ""))
        assert "person" not in f"{error} {error!r} {events}"
        assert not leaks(repr(events))
        assert not leaks(repr(lemlist) + str(lemlist) + repr(vars(lemlist._pipeline)))


async def test_a_reset_while_writing_leaves_no_header_in_the_traceback() -> None:
    for behaviour, read in ((sends(then="reset"), False), (sends(then="close"), True), (silence, True)):
        async with fault_server(behaviour, read=read) as server:
            lemlist = quick(server.url, retry=Retry(attempts=1), timeouts=Timeouts(attempt=0.1))
            assert not leaks(everything(await failure(lemlist)))
            await lemlist.aclose()


async def test_a_secret_inside_an_answer_is_not_shown_by_its_repr() -> None:
    """Older answers of /team carried the key itself, and hooks' addresses are secrets of others."""
    body = (
        b'{"_id":"tea_1","apiKey":"'
        + KEY.encode()
        + b'","hooks":[{"_id":"hoo_1","targetUrl":"https://x/secret"}]}'
    )
    async with fault_server(sends(answer(body))) as server, quick(server.url) as lemlist:
        team = await lemlist.team.get()
    assert team.api_key == KEY
    assert not leaks(repr(team))
    assert "secret" not in repr(team)


def raises_with(**held: Any) -> str:
    """Traceback as rich shows it, of a frame that holds some objects."""
    console = Console(file=io.StringIO(), width=400)
    try:
        raise RuntimeError(len(held))
    except RuntimeError:
        console.print_exception(show_locals=True, max_frames=5)
    shown = console.file
    assert isinstance(shown, io.StringIO)
    return shown.getvalue()


SECRET_TEAM = {
    "_id": "tea_1",
    "apiKey": KEY * 5,  # longer than what rich shows of a text
    "billing": {"key": KEY},
    "slackWebhook": {"url": f"https://hooks.example/{KEY}"},
    "hooks": [{"_id": "hoo_1", "targetUrl": f"https://me.example/{KEY}", "secret": KEY}],
    "unheard": KEY,
}


def test_no_printer_shows_a_secret_of_a_model() -> None:
    team = Team.from_dict(SECRET_TEAM)
    shown = (
        repr(team),
        f"{team}",
        pprint.pformat(team),
        pretty_repr(team, max_width=400),
        raises_with(team=team),
    )
    for text in shown:
        assert not leaks(text)
        assert "hoo_1" in text
    assert (team.api_key, team.hooks[0].target_url) == (KEY * 5, f"https://me.example/{KEY}")


def test_a_secret_keeps_its_mask_where_it_is_copied_to() -> None:
    team = Team.from_dict(SECRET_TEAM)
    copied = {"key": team.api_key, "hook": team.hooks[0].target_url, "slack": team.slack_webhook.url}
    assert not leaks(f"{copied} {pretty_repr(copied)} {raises_with(copied=copied)}")
    known = {name: value for name, value in SECRET_TEAM.items() if name not in {"billing", "unheard"}}
    for team in (Team(id="tea_1", api_key=KEY), Team.from_dict(known)):
        assert not leaks(f"{attrs.asdict(team)} {pretty_repr(attrs.asdict(team))}")
    hook = Webhook.from_dict({"_id": "hoo_1", "secret": KEY, "note": "plain"})
    assert (hook.extra["secret"], hook.extra["note"]) == (KEY, "plain")
    assert hook.to_dict() == {"_id": "hoo_1", "secret": KEY, "note": "plain"}
    assert not leaks(f"{hook.extra} {pretty_repr(hook.extra)} {raises_with(extra=hook.extra)}")
    assert "plain" in repr(hook.extra)
    team = Team.from_dict(SECRET_TEAM)
    again = pickle.loads(pickle.dumps(team.api_key))
    assert (again, repr(again)) == (KEY * 5, "…")
    assert team.to_dict() == SECRET_TEAM
    assert type(team.to_dict()["apiKey"]) is str


def test_what_a_call_carries_is_not_shown() -> None:
    call: Call[Any] = Call("POST", "/x", query=[("a", KEY)], body={"smtp_password": KEY})
    file: Call[Any] = Call("GET", "/file", url=f"https://files.example/{KEY}")
    upload = Upload("file", "a.m4a", KEY.encode())
    for shown in (call, file, upload):
        assert not leaks(f"{shown!r} {pretty_repr(shown)} {raises_with(shown=shown)}")


PROXY = "http://me:" + KEY.replace("/", "%2F") + "@127.0.0.1:"


@pytest.mark.parametrize("rest", ["1", "99999", "1/path", "1?query", "x"])
async def test_no_printer_shows_the_password_of_a_proxy(rest: str) -> None:
    password = PROXY.partition("me:")[2].partition("@")[0]
    try:
        lemlist = Lemlist(KEY, "http://127.0.0.1:1/api", proxy=PROXY + rest)
    except errors.ConfigurationError as error:
        shown = f"{error} {error!r} {error.__dict__} {error.__context__!r} {rich_traceback(error)}"
    else:
        await lemlist.aclose()
        network = lemlist._pipeline._session._network
        shown = f"{network} {pretty_repr(network)} {network.proxy} {vars(lemlist._pipeline._session)}"
        shown += raises_with(network=network, session=vars(lemlist._pipeline._session))
        with pytest.raises(TypeError, match="pickled"):
            pickle.dumps(network.proxy)
    assert password not in shown


def rich_traceback(error: BaseException) -> str:
    """Frames of this library in a traceback as rich shows it; the caller's frames hold its own key."""
    console = Console(file=io.StringIO(), width=400)
    trace = error.__traceback__
    assert trace is not None
    console.print(Traceback.from_exception(type(error), error, trace.tb_next, show_locals=True))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def test_a_constructor_that_fails_shows_nothing_in_its_frames() -> None:
    held = Lemlist(KEY, "http://127.0.0.1:1/api", throttle=ThrottleOptions(limit=10))
    with pytest.raises(errors.ConfigurationError) as caught:
        Lemlist(KEY, "http://127.0.0.1:1/api", proxy=PROXY + "1", throttle=ThrottleOptions(limit=7))
    shown = rich_traceback(caught.value)
    assert not leaks(shown)
    assert PROXY.partition("me:")[2].partition("@")[0] not in shown
    await held.aclose()


def content(folder: Path) -> list[bytes]:
    """Content of all files of a folder."""
    return [path.read_bytes() for path in folder.iterdir()]


@pytest.mark.parametrize("result", ["model", "json", "text", "outcome"])
async def test_a_journal_keeps_no_secret_that_a_job_of_ones_own_gives_back(
    result: str, tmp_path: Path
) -> None:
    async def each(lemlist: Lemlist, row: dict[str, Any]) -> Any:
        team = await lemlist.team.get()
        return {
            "model": team,
            "json": {"team": [team.to_dict()], KEY: 1},
            "text": f"it is {KEY}",
            "outcome": Outcome(State.DONE, "done", f"with {KEY}", result=team),
        }[result]

    async with scripted(says(200, SECRET_TEAM)) as server, quick(server.url) as lemlist:
        run = lemlist.bulk.run_function([{"n": 1}], each, effect=Effect.READ, journal=tmp_path / "j")
        rows = [row async for row in run]
    assert rows[0].outcome.state is State.DONE
    kept = b"".join(content(tmp_path))
    assert not leaks(kept)
    assert not leaks(repr(rows))


async def test_neither_journal_nor_the_sandboxs_log_tells_the_key(tmp_path: Path) -> None:
    async with Sandbox(limit=None, keys=(KEY,)) as sandbox, Lemlist(KEY, sandbox.url) as lemlist:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        rows = [{"email": f"p{n}@example.com"} for n in range(3)]
        async with await lemlist.bulk.plan_leads(campaign, rows, journal=tmp_path / "j") as plan:
            async for _ in lemlist.bulk.run(plan):
                pass
            kept = [(tmp_path / name).read_bytes() for name in ("j", "j-wal") if (tmp_path / name).exists()]
        assert not leaks(b"".join(kept))
        assert not leaks(repr(sandbox) + repr(list(sandbox.requests)) + repr(sandbox.counters))


TRACES = (
    "request_start", "request_end", "request_exception", "request_chunk_sent", "response_chunk_received",
    "request_headers_sent", "connection_create_end", "connection_reuseconn", "request_redirect",
)  # fmt: skip


def told(params: Any) -> str:
    """All that a trace hook can look at: names, headers, exceptions, and the request behind an answer."""
    parts = [getattr(params, name.name) for name in attrs.fields(type(params))]
    response = getattr(params, "response", None)
    if response is not None:
        info = response.request_info
        parts += [info, info.headers, response.headers, getattr(response, "method", "")]
    parts += [str(part) for part in parts]
    return " ".join(f"{part!r} {getattr(part, '__dict__', '')}" for part in parts)


def traced(seen: list[str]) -> aiohttp.TraceConfig:
    """Hooks on everything, as tracers have them."""

    async def look(_session: Any, _context: Any, params: Any) -> None:
        seen.append(f"{type(params).__name__} {told(params)}")

    config = aiohttp.TraceConfig()
    for name in TRACES:
        getattr(config, f"on_{name}").append(look)
    return config


@pytest.mark.parametrize("borrowed", [False, True])
@pytest.mark.parametrize("fault", [says(200, {"_id": "tea_1"}), *FAILURES.values()], ids=["fine", *FAILURES])
async def test_no_trace_hook_sees_the_key(
    fault: Any, borrowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenTelemetry and its like put their hooks into every session that is made."""
    seen: list[str] = []
    made = aiohttp.ClientSession.__init__

    def instrumented(self: aiohttp.ClientSession, **more: Any) -> None:
        made(self, **more, trace_configs=[traced(seen)])

    monkeypatch.setattr(aiohttp.ClientSession, "__init__", instrumented)
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(scripted(fault))
        session = await stack.enter_async_context(aiohttp.ClientSession()) if borrowed else None
        throttle = Throttle(ThrottleOptions(limit=10_000, pacer=None))
        options = Options(retry=Retry(attempts=2, base=0))
        lemlist = await stack.enter_async_context(
            Lemlist(KEY, server.url, session=session, throttle=throttle, options=options)
        )
        with contextlib.suppress(errors.LemlistError):
            await lemlist.request("PUT", "/x", effect=Effect.IDEMPOTENT, json={"a": 1})
        assert server.seen[0].headers["Authorization"].startswith("Basic ")
    assert any(line.startswith("TraceRequestHeadersSentParams") for line in seen)
    assert not leaks(" ".join(seen))


def test_the_canary_can_sing(canary: Canary) -> None:
    import logging

    logging.getLogger("somebody").warning("it is %s", FORMS[1])
    assert canary.leaks
    canary.leaks.clear()


@given(st.text())
def test_any_text_reaches_the_server_as_it_was_given_or_is_refused(text: str) -> None:
    with contextlib.suppress(InvalidInputError):
        path = fill("/leads/{email}/x", (text,))
        assert path.count("/") == 3
        assert unquote_to_bytes(path.removeprefix("/leads/").removesuffix("/x")) == text.encode()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(min_size=1), name=st.text(min_size=1))
async def test_any_text_in_path_and_query_is_decoded_as_given_by_a_real_server(value: str, name: str) -> None:
    from lemlist_async import Effect

    async with scripted(says(200, {})) as server, quick(server.url) as lemlist:
        with contextlib.suppress(InvalidInputError):
            await lemlist.request("GET", "/x/{id}", value, effect=Effect.READ, query={name: value})
            assert server.seen[0].match_info["tail"] == f"api/x/{value}"
            assert list(server.seen[0].query.items()) == [(name, value)]
