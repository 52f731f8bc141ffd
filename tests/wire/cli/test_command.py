"""The command as people and programs run it: a process of its own, its output, its exit code."""

import asyncio
import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from lemlist_async.cli.exits import Exit
from lemlist_async.sandbox import Sandbox, Slow, Status
from tests.support.project import ROOT

pytestmark = pytest.mark.slow

LEADS = ROOT / "examples" / "leads.csv"


class Done(NamedTuple):
    """Output and exit code of a process."""

    code: int
    out: str
    err: str


async def start(*args: str, **env: str) -> asyncio.subprocess.Process:
    """Start the command without any key or address but what is given."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEMLIST_")}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lemlist_async", *args,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**clean, **env},
    )  # fmt: skip


async def run(*args: str, **env: str) -> Done:
    """Run the command to its end."""
    process = await start(*args, **env)
    out, err = await process.communicate()
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())


def environment(sandbox: Sandbox) -> dict[str, str]:
    """Environment that points to a sandbox."""
    return {"LEMLIST_BASE_URL": sandbox.url, "LEMLIST_API_KEY": sandbox.key}


def write(path: Path, *lines: str, encoding: str = "utf-8") -> str:
    """A file of lines."""
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return str(path)


async def test_help_explains_every_command_and_the_exit_codes() -> None:
    text = (await run("--help")).out
    for word in ("demo", "sandbox", "leads", "resume", "status", "report", "LEMLIST_API_KEY", "Exit codes"):
        assert word in text
    assert "--dry-run" in (await run("leads", "import", "--help")).out


async def test_a_dry_run_needs_no_key_sends_nothing_and_tells_requests_time_and_refused_rows(
    tmp_path: Path,
) -> None:
    file = write(tmp_path / "a.csv", "email", *(f"a{n}@x.com" for n in range(41)), "broken")
    done = await run("leads", "import", file, "--campaign", "cam_1", "--dry-run", "--json")
    told = json.loads(done.out)
    assert (told["to_send"], told["refused"], told["requests"], told["seconds"]) == (41, 1, 42, 4.0)
    assert told["rows_not_done"][0]["line"] == 43
    assert done.code == Exit.PARTIAL
    plain = await run("leads", "import", file, "--campaign", "cam_1", "--dry-run")
    assert "42 requests, 4.0 s at the limit of 20 requests per 2 s" in plain.out
    assert "line 43: refused" in plain.out


async def test_an_error_speaks_of_options_and_variables_and_not_of_python(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.csv", "Name,Stadt", "Ann,Ulm")
    latin = write(tmp_path / "b.csv", "email,note", "a@x.com,caf\u00e9", encoding="latin-1")
    values = write(tmp_path / "v.csv", "rival.example", "other.example")
    utf16 = tmp_path / "u.csv"
    utf16.write_bytes("email\na@x.com\n".encode("utf-16-le"))
    leads = ("leads", "import", "--campaign", "cam_1", "--dry-run")
    journal = str(tmp_path / "j")
    await run("unsubscribes", "add", values, "--no-header", "--journal", journal, "--dry-run")
    Path(values).write_text("a@x.com\n")  # noqa: ASYNC240  # a test
    key = {"LEMLIST_API_KEY": "k"}
    cases: list[tuple[tuple[str, ...], dict[str, str], str]] = [
        (("whoami",), {}, "no API key: set LEMLIST_API_KEY"),
        (("whoami",), {**key, "LEMLIST_BASE_URL": "http://x.example/"}, "LEMLIST_BASE_URL http://x.example/ would"),
        (("whoami",), {**key, "LEMLIST_PROXY": "socks5://localhost:1"}, "LEMLIST_PROXY speaks HTTP only\n"),
        ((*leads, plain), {}, "or give --map COLUMN=email"),
        ((*leads, latin), {}, "or give its --encoding (often cp1252"),
        ((*leads, str(utf16)), {}, "give --encoding utf-16-le"),
        ((*leads, plain, "--delimiter", "ab"), {}, "--delimiter is one character"),
        (("unsubscribes", "add", values, "--journal", journal, "--dry-run"), {}, "(--force rows goes on with those"),
        (("unsubscribes", "add", values, "--journal", journal, "--force", "all"), key, "--force takes rows, key"),
        (("activities", "sync", "--out", str(tmp_path / "o"), "--cursor", str(tmp_path / "c")), key, "give --since"),
        (("enrich", plain, "--find", "mail", "--max-credits", "1"), key, ", linkedin_enrichment, not 'mail'"),
    ]  # fmt: skip
    for (args, _, said), done in zip(
        cases, await asyncio.gather(*(run(*args, **env) for args, env, _ in cases)), strict=True
    ):
        assert said in done.err, (args, done.err)
        assert done.code in {Exit.USAGE, Exit.AUTHENTICATION}


async def test_an_import_reports_honestly_and_its_codes_tell_success_from_partial(tmp_path: Path) -> None:
    report = tmp_path / "out.csv"
    async with Sandbox() as sandbox:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        good = write(tmp_path / "good.csv", "email", "a@x.com", "b@x.com")
        bad = write(tmp_path / "bad.csv", "email", "a@x.com", "c@x.com", "broken")
        first = await run("leads", "import", good, "--campaign", campaign, **environment(sandbox))
        second = await run(
            "leads",
            "import",
            bad,
            "--campaign",
            campaign,
            "--json",
            "--report",
            str(report),
            **environment(sandbox),
        )
    assert first.code == Exit.OK, first.err
    assert "created: 2" in first.out
    assert second.code == Exit.PARTIAL
    told = json.loads(second.out)
    assert (told["created"], told["duplicates"], told["refused"], told["rate_limited"]) == (1, 1, 1, 0)
    lines = report.read_text().splitlines()
    assert lines[0] == "\ufeffemail,row.line,row.state,row.what,row.reason,row.id"
    assert lines[1].startswith("a@x.com,2,done,duplicate,already in the campaign")
    assert "sandbox-key" not in first.out + first.err + second.out + second.err


@pytest.mark.parametrize(
    ("lines", "encoding", "said"),
    [
        (["name", "A"], "utf-8", "no column for the e-mail address among 'name'"),
        (["email,note", "a@x.com,caf\u00e9"], "latin-1", "not utf-8"),
        (["email,note", 'a@x.com,"open'], "utf-8", "line 2: a quote is opened and never closed"),
        (["email,email", "a,b"], "utf-8", "'email' is there twice"),
    ],
)
async def test_a_file_that_cannot_be_used_is_one_clear_sentence(
    tmp_path: Path, lines: list[str], encoding: str, said: str
) -> None:
    file = write(tmp_path / "a.csv", *lines, encoding=encoding)
    done = await run("leads", "import", file, "--campaign", "cam_1", LEMLIST_API_KEY="k")
    assert done.code == Exit.USAGE
    assert said in done.err
    assert "Traceback" not in done.err
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("env", "code", "said"),
    [
        ({}, Exit.AUTHENTICATION, "no API key"),
        ({"LEMLIST_API_KEY": "a\n"}, Exit.AUTHENTICATION, "line break"),
        ({"LEMLIST_API_KEY": "k", "LEMLIST_BASE_URL": "http://example.com/api"}, Exit.USAGE, "unencrypted"),
        (
            {"LEMLIST_API_KEY": "k", "LEMLIST_BASE_URL": "http://127.0.0.1:9/api"},
            Exit.CONNECTION,
            "no connection",
        ),
    ],
)
async def test_a_key_or_address_that_cannot_work_is_one_clear_sentence(
    env: dict[str, str], code: Exit, said: str, tmp_path: Path
) -> None:
    file = write(tmp_path / "a.csv", "email", "a@x.com")
    done = await run("leads", "import", file, "--campaign", "cam_1", **env)
    assert done.code == code
    assert said in done.err
    assert "Traceback" not in done.err


async def test_a_wrong_key_an_unknown_campaign_and_a_bad_option_have_their_codes(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "email", "a@x.com")
    async with Sandbox() as sandbox:
        env = environment(sandbox)
        wrong = await run(
            "leads", "import", file, "--campaign", "cam_1", **{**env, "LEMLIST_API_KEY": "wrong"}
        )
        unknown = await run("leads", "import", file, "--campaign", "cam_none", **env)
        prefix = await run("leads", "import", file, "--campaign", "1234", **env)
    assert (wrong.code, unknown.code, prefix.code) == (Exit.AUTHENTICATION, Exit.USAGE, Exit.USAGE)
    assert "has no campaign cam_none" in unknown.err
    assert "cam_" in prefix.err
    assert (await run("leads", "import", file)).code == Exit.USAGE


async def test_a_job_goes_on_from_its_journal_after_sigint_and_tells_its_state(tmp_path: Path) -> None:
    journal = str(tmp_path / "job.db")
    file = write(tmp_path / "a.csv", "email", *(f"a{n}@x.com" for n in range(60)))
    async with Sandbox() as sandbox:
        env = environment(sandbox)
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        process = await start("leads", "import", file, "--campaign", campaign, "--journal", journal, **env)
        assert process.stdout is not None
        while not re.match(rb"[1-9]\d* of 60 rows", await process.stdout.readline()):
            pass
        process.send_signal(signal.SIGINT)
        out, _ = await process.communicate()
        held = len(sandbox.team().leads)
        assert process.returncode == Exit.INTERRUPTED
        assert f"lemlist-async resume {journal}" in out.decode()
        state = json.loads((await run("status", journal, "--json")).out)
        assert state["counts"] == {"done created": held, "new": 60 - held}
        resumed = await run("resume", journal, "--json", **env)
        assert resumed.code == Exit.OK, resumed.err
        assert len(sandbox.team().leads) == 60
    assert "done (created): 60" in (await run("status", journal)).out
    assert len((await run("report", journal)).out.splitlines()) == 61
    assert (
        json.loads((await run("report", journal, "--format", "json")).out.splitlines()[0])["state"] == "done"
    )


async def test_a_second_sigint_ends_at_once_and_still_writes_what_was_done(tmp_path: Path) -> None:
    report, rejects = tmp_path / "report.csv", tmp_path / "rejects.csv"
    file = write(tmp_path / "a.csv", "email", "no address", *(f"a{n}@x.com" for n in range(60)))
    async with Sandbox() as sandbox:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        command = ("leads", "import", file, "--campaign", campaign, "--report", str(report))
        env = environment(sandbox) | {"XDG_STATE_HOME": str(tmp_path)}
        process = await start(*command, "--rejects", str(rejects), **env)
        assert process.stdout is not None
        while not re.match(rb"[1-9]\d* of 60 rows", await process.stdout.readline()):
            pass
        sandbox.faults.add(Slow(seconds=20), match="POST /campaigns/{campaignId}/leads/")
        while not sandbox.faults.injected:  # noqa: ASYNC110  # a sandbox has no event for it
            await asyncio.sleep(0.01)
        process.send_signal(signal.SIGINT)
        await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, _ = await process.communicate()
    assert process.returncode == Exit.INTERRUPTED
    assert b"stopped at once: " in out
    assert b"may have been done; go on with:  lemlist-async resume" in out
    done = report.read_text().count(",done,created,")
    assert 0 < done < 60
    assert len(report.read_text().splitlines()) == 62
    assert "no address" in rejects.read_text()


async def test_rows_that_nobody_can_know_have_a_code_of_their_own(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "email", "a@x.com")
    async with Sandbox() as sandbox:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        sandbox.faults.add(Status(status=502), match="POST /campaigns/{campaignId}/leads/")
        done = await run(
            "leads",
            "import",
            file,
            "--campaign",
            campaign,
            "--on-ambiguous",
            "report",
            **environment(sandbox),
        )
    assert done.code == Exit.UNKNOWN
    assert "line 2: unknown: 502" in done.out


async def test_the_sandbox_is_served_until_it_is_told_to_end(tmp_path: Path) -> None:
    process = await start("sandbox", "--port", "0", "--key", "mine")
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    env = dict(re.findall(r"(LEMLIST_\w+)=(\S+)", line))
    assert env["LEMLIST_API_KEY"] == "mine"
    file = write(tmp_path / "a.csv", "email", "a@x.com")
    done = await run("leads", "import", file, "--campaign", "cam_none", **env)
    assert "has no campaign cam_none" in done.err
    process.send_signal(signal.SIGINT)
    await process.communicate()
    assert process.returncode == Exit.INTERRUPTED
    for wrong in (["--policy", "none"], ["--rank", "opened=x"], ["--latency", "x"]):
        assert (await run("sandbox", *wrong)).code == Exit.USAGE, wrong


async def test_the_sandbox_takes_its_options_from_the_command(tmp_path: Path) -> None:
    options = [
        "--demo",
        "--limit",
        "0",
        "--keys",
        "one",
        "--key",
        "two",
        "--rank",
        "opened=3",
        "--speed",
        "0",
    ]
    process = await start("sandbox", "--port", "0", *options)
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    env = dict(re.findall(r"(LEMLIST_\w+)=(\S+)", line))
    assert env["LEMLIST_API_KEY"] == "one"
    told = await run("campaigns", "list", **env | {"LEMLIST_API_KEY": "one"})
    assert "Spring launch" in told.out
    assert (await run("whoami", **env | {"LEMLIST_API_KEY": "two"})).code == Exit.OK
    process.send_signal(signal.SIGINT)
    await process.communicate()


async def test_the_demo_survives_its_faults_and_says_so(tmp_path: Path) -> None:
    # the last fault is met at the 141st lead; the whole file would take ten seconds more at the limit
    file = write(tmp_path / "leads.csv", *LEADS.read_text("utf-8").splitlines()[:191])
    done = await run("demo", file)
    assert done.code == Exit.OK, done.err
    assert "created: 145" in done.out
    assert "429s met" not in done.out
    assert "refused before sending: 4" in done.out
    assert "line 25: refused: the e-mail address 'no-at-sign.example.com' is not valid: no @" in done.out
    for fault in ("a response with status 502", "whose response was lost", "a slow response"):
        assert fault in done.out


async def test_the_demo_with_a_campaign_imports_there() -> None:
    async with Sandbox() as sandbox:
        done = await run("demo", str(LEADS), "--campaign", "cam_none", "--yes", **environment(sandbox))
    assert done.code == Exit.USAGE
    assert "has no campaign cam_none" in done.err


async def test_verbose_tells_retries_and_nothing_is_told_without_it() -> None:
    async with Sandbox() as sandbox:
        sandbox.faults.add(Status(status=503), match="GET /team", after=0)
        quiet = await run("whoami", **environment(sandbox))
        sandbox.faults.add(Status(status=429, headers={"Retry-After": "1"}), match="GET /team", after=0)
        told = await run("-v", "whoami", **environment(sandbox))
    assert (quiet.code, quiet.err) == (Exit.OK, "")
    assert told.code == Exit.OK
    assert re.search(r"attempt 1 failed, the next one follows in [\d.]+ s: 429 GET /team", told.err)
