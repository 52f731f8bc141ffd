"""First contact with an account from the command line, and questions before what cannot be undone."""

import asyncio
import json
import os
import socket
import sys
from pathlib import Path

import pytest

from lemlist_async.cli.exits import Exit
from lemlist_async.sandbox import Rewrite, Sandbox, Status
from tests.wire.cli.test_jobs import run, write

pytestmark = pytest.mark.slow


async def test_whoami_tells_the_team_its_members_and_credits() -> None:
    async with Sandbox(limit=None) as sandbox:
        told, data = await asyncio.gather(run(sandbox, "whoami"), run(sandbox, "whoami", "--json"))
    found = json.loads(data.out)
    assert (told.code, data.code) == (0, 0)
    assert f"enrichment credits: {found['credits']:,}" in told.out
    assert found["team"]["id"].startswith("tea_")
    assert found["credits"] > 0
    assert "sandbox-key" not in told.out + data.out


async def test_campaigns_are_created_listed_started_and_paused(tmp_path: Path) -> None:
    async with Sandbox(limit=None) as sandbox:
        made = json.loads((await run(sandbox, "campaigns", "create", "Spring", "--json")).out)
        campaign = made["campaign"]["_id"]
        team = sandbox.team()
        team.campaigns[campaign]["state"] = "paused"
        refused = await run(sandbox, "campaigns", "start", campaign)
        state = team.campaigns[campaign]["state"]
        started = await run(sandbox, "campaigns", "start", campaign, "--yes")
        paused = await run(sandbox, "campaigns", "pause", campaign, "--json")
        team.add_lead(campaign, "a@x.com", firstName="Ann", lastName="Lee")
        leads = await run(sandbox, "leads", "list", "--campaign", campaign)
        listed, data = await asyncio.gather(
            run(sandbox, "campaigns", "list"), run(sandbox, "campaigns", "list", "--json")
        )
        missing = await run(sandbox, "campaigns", "pause", "cam_none")
    assert refused.code == Exit.USAGE
    assert "Start Spring? lemlist will send its messages to real people. Give --yes" in refused.err
    assert state == "paused"
    assert (started.code, paused.code) == (0, 0), started.err + paused.err
    assert f"{campaign}  " in listed.out
    assert "Spring" in listed.out
    assert [one["name"] for one in json.loads(data.out)["campaigns"]] == ["Spring"]
    assert "  a@x.com  Ann Lee\n1 lead\n" in leads.out
    assert missing.code == Exit.USAGE


async def test_what_cannot_be_undone_asks_first(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "email", "a@x.com")
    async with Sandbox(limit=None) as sandbox:
        team = sandbox.team()
        campaign = team.add_campaign(name="C")["_id"]
        team.add_lead(campaign, "a@x.com")
        remove = ("leads", "remove", file, "--campaign", campaign)
        refused = await run(sandbox, *remove)
        assert len(team.leads) == 1
        dry = await run(sandbox, *remove, "--dry-run")
        done = await run(sandbox, *remove, "--yes")
        assert not team.leads
        demo = await run(sandbox, "demo", "--campaign", campaign)
        assert not team.leads
    assert refused.code == demo.code == Exit.USAGE
    assert "Give --yes" in refused.err
    assert "invented people" in demo.err
    assert (dry.code, done.code) == (0, 0), dry.err + done.err


@pytest.mark.parametrize(
    ("key", "code", "said"),
    [
        (None, 1, "FAULT key: no API key"),
        ("'quoted'", 1, "FAULT key: the API key is in quotes: set it without them"),
        ("with blank", 1, "FAULT key: the API key holds a space"),
        ("wrong", 1, "FAULT account: lemlist does not take this key"),
        ("sandbox-key", 0, "ok    account: the team"),
    ],
)
async def test_the_doctor_has_a_sentence_for_each_kind_of_key(key: str | None, code: int, said: str) -> None:
    async with Sandbox(limit=None) as sandbox:
        variables = {"LEMLIST_BASE_URL": sandbox.url} | ({"LEMLIST_API_KEY": key} if key else {})
        done = await run(None, "doctor", **variables)
    assert (done.code, said in done.out) == (code, True), done.out + done.err
    assert "lemlist_async" in done.out


async def test_the_doctor_tells_faults_of_the_network_the_clock_and_the_account() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/api"
        key = {"LEMLIST_API_KEY": "sandbox-key", "HTTPS_PROXY": "http://127.0.0.1:9"}
        away, odd = await asyncio.gather(
            run(None, "doctor", LEMLIST_BASE_URL=closed, **key),
            run(None, "doctor", LEMLIST_BASE_URL="ftp://x", **key),
        )
    async with Sandbox(limit=None) as sandbox:
        environment = {"LEMLIST_BASE_URL": sandbox.url, "LEMLIST_API_KEY": sandbox.key}
        sandbox.faults.add(Rewrite(headers={"Date": "Mon, 01 Jan 2024 00:00:00 GMT"}), match=None, times=None)
        late = await run(None, "doctor", "--json", **environment)
        sandbox.faults.clear()
        sandbox.faults.add(
            Status(status=403, body="User linked to this API key is blocked"), match="GET /team"
        )
        blocked = await run(None, "doctor", **environment)
    assert away.code == odd.code == blocked.code == 1
    assert "FAULT network: the server takes no connection" in away.out
    assert "note  proxy: HTTPS_PROXY is set" in away.out
    assert "FAULT address:" in odd.out
    assert "is blocked; ask an administrator" in blocked.out
    assert {one["check"]: one["state"] for one in json.loads(late.out)["findings"]}["clock"] in {"note", "ok"}


async def test_the_demo_brings_its_own_file_wherever_it_is_run(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lemlist_async", "leads", "import", "--help", cwd=tmp_path, env=os.environ,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    await process.communicate()
    assert process.returncode == 0
    script = "from lemlist_async.cli.demo_file import demo_leads; print(sum(1 for _ in demo_leads().open()))"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert int(out) > 240


async def test_a_probe_asks_first_sends_reads_only_and_records_no_value_of_the_account(
    tmp_path: Path,
) -> None:
    file = tmp_path / "facts.json"
    async with Sandbox() as sandbox:
        team = sandbox.team()
        campaign = team.add_campaign(name="Secret plan")["_id"]
        team.add_lead(campaign, "ann@secret.example", **{"Secret size": "7"})
        asked = await run(sandbox, "doctor", "--probe", str(file))
        assert not file.exists()
        before = len(sandbox.requests)
        done = await run(sandbox, "doctor", "--probe", str(file), "--compare", "--yes", "--json")
        sent = list(sandbox.requests)[before:]
    assert asked.code == Exit.USAGE
    assert "Send 42 reads to http://127.0.0.1:" in asked.err
    assert done.code == Exit.OK, done.err
    told = json.loads(done.out)
    assert {one.method for one in sent} <= {"GET", "HEAD"}
    assert not [one for one in sent if one.status == 429]
    text = file.read_text()
    for secret in ("Secret", "secret", campaign, sandbox.key, "ann@"):
        assert secret not in text
    found = json.loads(text)
    facts = {fact["name"]: fact for fact in found["facts"]}
    assert facts["a campaign that is not there"]["body"] == "Campaign not found"
    assert facts["a wrong key"]["status"] == 401
    assert facts["campaigns, limit 1"]["body"]["campaigns"] == "list"
    assert facts["team"]["headers"]["x-ratelimit-limit"] == "20"
    assert [one["status"] for one in found["limit"]] == [200] * 24
    assert [one["x-ratelimit-remaining"] for one in found["limit"][:2]] != [None, None]
    # an empty account answers alike, but for what its lists hold
    assert not [line for line in told["differences"] if "status" in line or "headers" in line], told[
        "differences"
    ]
