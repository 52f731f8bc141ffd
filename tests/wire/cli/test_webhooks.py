"""`lemlist-async webhooks`, as people and programs run it."""

import asyncio
import json
import signal
from pathlib import Path

import pytest

from lemlist_async.cli.exits import Exit
from lemlist_async.webhooks import Event
from tests.support.posted import SECRET, event, posted
from tests.support.receivers import post, receiver, settled
from tests.wire.cli.test_command import run, start

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("as_json", [True, False])
async def test_listen_prints_each_event_once_as_it_comes(as_json: bool) -> None:
    options = ["--json"] if as_json else []
    process = await start(
        "webhooks",
        "listen",
        "--port",
        "0",
        "--type",
        "emailsReplied",
        *options,
        LEMLIST_WEBHOOK_SECRET=SECRET,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    told = process.stderr if as_json else process.stdout
    help_ = [(await asyncio.wait_for(told.readline(), 20)).decode() for _ in range(5)]
    url = help_[0].split()[-1]
    assert "cloudflared tunnel" in help_[2]
    bodies = (
        posted(1, subject="Re: hello"),
        posted(1),
        posted(2, "emailsSent"),
        posted(3, secret="x"),
        posted(4),
    )
    assert await post(f"{url}/any/path", *bodies) == [200, 200, 200, 401, 200]
    async with asyncio.timeout(20):
        first, second = [(await process.stdout.readline()).decode() for _ in range(2)]
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert process.returncode == Exit.INTERRUPTED
    assert out == b""
    assert SECRET.encode() not in err
    if as_json:
        assert [json.loads(first), json.loads(second)] == [event(1, subject="Re: hello"), event(4)]
    else:
        assert first == "03:04:05  emailsReplied  canary-person@example.test  Spring  Re: hello\n"


async def test_dead_letters_are_printed_and_put_back(tmp_path: Path) -> None:
    made, broken = receiver(tmp_path), True

    @made.on()
    async def handle(_: Event) -> None:
        if broken:
            raise RuntimeError

    file = str(tmp_path / "hooks.db")
    async with made:
        await made.receive(posted(1))
        await made.receive(posted(2))
        await settled(made)
        told = await run("webhooks", "dead", file)
        assert told.code == 0
        assert [line.split()[0] for line in told.out.splitlines()] == ["1", "2"]
        assert "RuntimeError at " in told.out
        letters = [
            json.loads(line) for line in (await run("webhooks", "dead", file, "--json")).out.splitlines()
        ]
        assert json.loads(letters[0]["text"]) == event(1)
        broken = False
        assert (await run("webhooks", "requeue", file, "2")).out == "put back: 1\n"
        assert (await settled(made)) == {"waiting": 0, "done": 1, "dead": 1}
        assert (await run("webhooks", "requeue", file, "--all")).code == 0
        assert (await settled(made)) == {"waiting": 0, "done": 2, "dead": 0}


async def test_a_wrong_use_is_told_and_makes_no_file(tmp_path: Path) -> None:
    missing = tmp_path / "missing.db"
    assert (await run("webhooks", "dead", str(missing))).code == Exit.USAGE
    assert not missing.exists()
    missing.write_text("x" * 1000)
    assert "move it away" in (await run("webhooks", "dead", str(missing))).err
    assert (await run("webhooks", "requeue", str(missing))).code == Exit.USAGE
