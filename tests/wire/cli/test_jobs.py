"""Every job, export and sync from the command line."""

import asyncio
import contextlib
import csv
import json
import os
import shutil
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lemlist_async.bulk import Journal
from lemlist_async.cli.exits import Exit
from lemlist_async.sandbox import Cut, Sandbox, Slow, Status

pytestmark = pytest.mark.slow


class Done(NamedTuple):
    """Output and exit code of a process."""

    code: int
    out: str
    err: str


async def run(sandbox: Sandbox | None, *args: str, **variables: str) -> Done:
    """Run the command to its end, against a sandbox if one is given."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("LEMLIST_")} | variables
    if sandbox is not None:
        env |= {"LEMLIST_BASE_URL": sandbox.url, "LEMLIST_API_KEY": sandbox.key}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lemlist_async", *args,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=env,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())


def write(path: Path, *lines: str) -> str:
    """A file of lines."""
    path.write_text("\n".join(lines) + "\n")
    return str(path)


async def test_every_command_has_help_and_all_row_jobs_share_their_options() -> None:
    texts = await asyncio.gather(
        *(run(None, group, "--help") for group in ("leads", "contacts", "unsubscribes"))
    )
    for done, words in zip(
        texts,
        (
            "import update remove unsubscribe pause export",
            "upsert add-to-list remove-from-list",
            "add remove export",
        ),
        strict=True,
    ):
        assert all(word in done.out for word in words.split())
    enrich = (await run(None, "enrich", "--help")).out
    for option in (
        "--max-credits",
        "--find",
        "--dry-run",
        "--journal",
        "--report",
        "--json",
        "--retry-failed",
    ):
        assert option in enrich


async def test_leads_are_updated_paused_exported_and_removed(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    async with Sandbox(limit=None) as sandbox:
        team = sandbox.team()
        campaign = team.add_campaign(name="C")["_id"]
        leads = [team.add_lead(campaign, f"p{n}@x.com") for n in range(3)]
        file = write(tmp_path / "a.csv", "email,First Name", *(f"p{n}@x.com,N{n}" for n in range(4)))
        updated = await run(sandbox, "leads", "update", file, "--campaign", campaign, "--json")
        paused = await run(sandbox, "leads", "pause", file, "--campaign", campaign)
        exported = await run(sandbox, "leads", "export", "--campaign", campaign, "--out", str(out))
        assert {lead["isPaused"] for lead in leads} == {True}
        removed = await run(sandbox, "leads", "remove", file, "--campaign", campaign, "--json", "--yes")
        assert not team.leads
    assert updated.code == Exit.PARTIAL, updated.err
    assert json.loads(updated.out)["done"] == {"updated": 3}
    assert json.loads(updated.out)["rows_not_done"][0]["what"] == "missing"
    assert "paused: 3" in paused.out
    assert "absent: 1" in paused.out
    assert "3 rows:" in exported.out
    assert "N1" in out.read_text()
    assert json.loads(removed.out)["done"] == {"absent": 1, "removed": 3}


async def test_contacts_and_unsubscribes_have_their_commands(tmp_path: Path) -> None:
    async with Sandbox(limit=None) as sandbox:
        target = sandbox.team().add_contact_list("L")
        file = write(tmp_path / "a.csv", "email", "a@x.com", "b@x.com")
        upsert = await run(sandbox, "contacts", "upsert", file, "--json")
        added = await run(sandbox, "contacts", "add-to-list", file, "--list", target["_id"], "--json")
        assert len(target["contactIds"]) == 2
        taken = await run(sandbox, "contacts", "remove-from-list", file, "--list", target["_id"], "--json")
        assert not target["contactIds"]
        saved = await run(sandbox, "contacts", "export", "--out", str(tmp_path / "c.jsonl"), "--json")
        blocked = await run(sandbox, "unsubscribes", "add", file, "--json")
        values = await run(sandbox, "unsubscribes", "export", "--out", str(tmp_path / "u.csv"))
        freed = await run(sandbox, "unsubscribes", "remove", file, "--json")
        assert not sandbox.team().unsubscribes
        sandbox.faults.add(Cut(), match="GET /contacts/export", times=None)
        cut = await run(sandbox, "contacts", "export", "--out", str(tmp_path / "d.csv"))
    done = [json.loads(one.out)["done"] for one in (upsert, added, taken, blocked, freed)]
    assert done == [{"created": 2}, {"added": 2}, {"removed": 2}, {"blocked": 2}, {"unblocked": 2}]
    assert json.loads(saved.out)["rows"] == 2
    assert "2 rows:" in values.out
    assert cut.code != Exit.OK
    assert "Traceback" not in cut.err
    assert sorted(file.name for file in list(tmp_path.iterdir())) == ["a.csv", "c.jsonl", "u.csv"]  # noqa: ASYNC240  # a test


async def test_enrichment_tells_its_price_keeps_to_the_bound_and_writes_what_it_found(tmp_path: Path) -> None:
    journal, report = str(tmp_path / "j"), tmp_path / "r.jsonl"
    pages = (f"https://www.linkedin.com/in/p{n}" for n in range(4))
    file = write(tmp_path / "a.csv", "linkedin", *pages)
    common = ("enrich", file, "--find", "find_email", "--journal", journal)
    async with Sandbox(limit=None, polls=0) as sandbox:
        dry = await run(None, "enrich", file, "--find", "find_email", "--max-credits", "20", "--dry-run")
        above = await run(sandbox, *common, "--max-credits", "9")
        assert not sandbox.team().enrichments
        done = await run(sandbox, *common, "--max-credits", "20", "--report", str(report), "--json")
        wrong = await run(sandbox, "enrich", file, "--find", "age", "--max-credits", "9")
    assert "up to 20 credits" in dry.out
    assert above.code == wrong.code == Exit.USAGE
    assert "4 people may cost 20 credits, more than --max-credits 9" in above.err
    assert done.code == Exit.OK, done.err
    assert json.loads(done.out)["done"] == {"found": 4}
    assert "@found.example" in json.loads(report.read_text().splitlines()[0])["result"]["email"]


async def test_figures_of_all_campaigns_or_of_some_are_printed() -> None:
    async with Sandbox(limit=None) as sandbox:
        ids = [sandbox.team().add_campaign(name=f"C{n}")["_id"] for n in range(3)]
        sandbox.team().add_lead(ids[1], "a@x.com")
        every = await run(sandbox, "campaigns", "stats", "--since", "2026-01-01")
        some = await run(
            sandbox, "campaigns", "stats", "--since", "2026-01-01", "--until", "2026-12-31",
            "--campaign", ids[1], "--campaign", "cam_00000000000000000", "--json",
        )  # fmt: skip
    assert every.code == Exit.OK, every.err
    assert f"{ids[1]} C1: nbLeads 1" in every.out
    assert f"{ids[0]} C0: nothing yet" in every.out
    told = json.loads(some.out)
    assert some.code == Exit.PARTIAL
    assert [(one["campaignId"], one["name"]) for one in told["results"]] == [(ids[1], "C1")]
    assert told["rows_not_done"][0]["reason"] == "Campaign not found"


async def test_activities_are_appended_once_each_also_after_a_run_that_died(tmp_path: Path) -> None:
    out, cursor = tmp_path / "events.jsonl", tmp_path / "cursor.json"
    args = ("activities", "sync", "--out", str(out), "--cursor", str(cursor))
    async with Sandbox(limit=None) as sandbox:
        team = sandbox.team()
        lead = team.add_lead(team.add_campaign(name="C")["_id"], "a@x.com")
        team.activities.clear()
        for _ in range(5):
            team.add_activity("emailsSent", lead)
        await asyncio.sleep(0.01)
        nowhere = await run(sandbox, *args)
        first = await run(sandbox, *args, "--since", "2020-01-01")
        with out.open("a") as file:  # a test
            file.write('{"half": ')
        team.add_activity("emailsOpened", lead)
        await asyncio.sleep(0.01)
        second = await run(sandbox, *args, "--json")
        third = await run(sandbox, *args, "--json")
        ids = [json.loads(line)["_id"] for line in out.read_text().splitlines()]
        modes = {file.stat().st_mode & 0o777 for file in (out, cursor)}
        cursor.write_text("{}")
        damaged = await run(sandbox, *args)
    assert nowhere.code == Exit.USAGE
    assert "5 new events" in first.out
    assert [json.loads(done.out)["added"] for done in (second, third)] == [1, 0]
    assert sorted(ids) == sorted(team.activities)
    assert modes == {0o600}
    assert damaged.code == Exit.USAGE
    assert "is not the cursor of a sync" in damaged.err


async def test_activities_go_into_dated_files_which_may_be_moved_away_and_into_a_table(
    tmp_path: Path,
) -> None:
    pattern, table = tmp_path / "events-%Y-%m.jsonl", tmp_path / "events.db"
    dated = ("activities", "sync", "--out", str(pattern), "--since", "2020-01-01", "--json")
    async with Sandbox(limit=None) as sandbox:
        team = sandbox.team()
        lead = team.add_lead(team.add_campaign(name="C")["_id"], "a@x.com")
        team.activities.clear()
        for month in (1, 1, 2):
            team.add_activity("emailsSent", lead)["createdAt"] = f"2026-0{month}-03T00:00:00.000Z"
        first = await run(sandbox, *dated)
        january, february = tmp_path / "events-2026-01.jsonl", tmp_path / "events-2026-02.jsonl"
        lines = [len(file.read_text().splitlines()) for file in (january, february)]
        january.rename(tmp_path / "rotated")
        february.write_text("")
        team.add_activity("emailsOpened", lead)["createdAt"] = "2026-01-04T00:00:00.000Z"
        team.add_activity("emailsOpened", lead)
        await asyncio.sleep(0.01)
        second = await run(sandbox, *dated)
        into = ("activities", "sync", "--out", str(table), "--json")
        stored = [await run(sandbox, *into, *more) for more in (("--since", "2020-01-01"), ())]
        printed = await shell(sandbox, "$L activities sync --out - --since 2020-01-01 | head -n 1")
        refused = await run(sandbox, *into, "--cursor", str(tmp_path / "c"))
    assert [json.loads(done.out)["added"] for done in (first, second)] == [3, 1], (
        "events before the cursor are not new"
    )
    assert lines == [2, 1]
    assert [json.loads(done.out)["added"] for done in stored] == [5, 0]
    with contextlib.closing(sqlite3.connect(table)) as db:
        rows = db.execute(
            "SELECT type, lead_email, created_at, data FROM activities ORDER BY created_at"
        ).fetchall()
    assert rows[0][:3] == ("emailsSent", "a@x.com", "2026-01-03T00:00:00.000Z")
    assert json.loads(rows[0][3])["leadId"] == lead["_id"]
    assert table.stat().st_mode & 0o777 == 0o600
    assert json.loads(printed.out)["type"] == "emailsSent"
    assert (refused.code, "a database holds its own" in refused.err) == (Exit.USAGE, True)


async def test_a_dash_is_standard_input_and_output(tmp_path: Path) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path)}
    rows = r"printf 'E-Mail,Stage\na@x.com,won\nno address,lost\n'"
    async with Sandbox(limit=None) as sandbox:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        command = f"$L leads import - --campaign {campaign}"
        report = await shell(sandbox, f"{rows} | {command} --report - 2> {tmp_path / 'said'}", **state)
        rejects = await shell(sandbox, f"{rows} | {command} --rejects - 2> /dev/null", **state)
        export = f"$L leads export --campaign {campaign} --out -"
        chained = await shell(sandbox, f"{export} | $L leads import - --campaign {campaign} --json", **state)
        lines = await shell(sandbox, f"{export} --format jsonl | head -n 1", **state)
        empty = await shell(sandbox, f"true | {command}", **state)
        both = await shell(sandbox, f"{rows} | {command} --json --report -", **state)
        mapping = await shell(sandbox, f"{rows} | {command} --dry-run --save-mapping -", **state)
    assert report.out.splitlines()[0] == "E-Mail,Stage,row.line,row.state,row.what,row.reason,row.id"
    assert report.out.splitlines()[1].startswith("a@x.com,won,2,done,created,,lea_")
    assert "created: 1" in (tmp_path / "said").read_text()
    assert "no address,lost" in rejects.out
    assert json.loads(chained.out)["done"] == {"duplicate": 1}
    assert json.loads(lines.out)["email"] == "a@x.com"
    assert (empty.code, empty.err) == (Exit.USAGE, "lemlist-async: standard input is empty\n")
    assert "--json and --report - would both write to standard output" in both.err
    assert json.loads(mapping.out)["columns"] == {"E-Mail": "email", "Stage": None}


@pytest.mark.parametrize("command", ["status", "report"])
async def test_a_journal_can_be_read_while_a_runner_holds_it(command: str, tmp_path: Path) -> None:
    held = await Journal.open(tmp_path / "j")
    try:
        await held.describe(kind="leads.import", source="a.csv")
        await held.complete_plan(rows=0, digest="")
        done = await run(None, command, str(tmp_path / "j"))
    finally:
        await held.close()
    assert done.code == Exit.OK, done.err
    assert ("leads.import" if command == "status" else "row.line,row.state") in done.out
    missing: Any = await run(None, command, str(tmp_path / "none"))
    assert missing.code == Exit.USAGE


# Output that fails ------------------------------------------------------------------------------------


async def shell(sandbox: Sandbox, command: str, **env: str) -> Done:
    """Run a shell line in which `$L` is the command."""
    process = await asyncio.create_subprocess_shell(
        command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            **os.environ, "L": f"{sys.executable} -m lemlist_async", "LEMLIST_BASE_URL": sandbox.url,
            "LEMLIST_API_KEY": sandbox.key, **env,
        },
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())


async def test_a_closed_pipe_costs_neither_report_nor_rows(tmp_path: Path) -> None:
    people = write(tmp_path / "p.csv", "linkedin", *(f"https://linkedin.com/in/p{n}" for n in range(3)))
    report = tmp_path / "found.csv"
    async with Sandbox(limit=None, polls=0) as sandbox:
        done = await shell(
            sandbox,
            f"{{ $L enrich {people} --find find_email --max-credits 50 --report {report}; echo $? >&2; }} | head -n 1",
        )
    assert (done.code, done.err) == (0, "0\n")
    assert report.read_text().count("@found.example") == 3


async def test_what_is_paid_for_never_exists_on_the_screen_alone(tmp_path: Path) -> None:
    people = write(tmp_path / "p.csv", "linkedin", "https://linkedin.com/in/p")
    async with Sandbox(limit=None, polls=0) as sandbox:
        command = ("enrich", people, "--find", "find_email", "--max-credits", "50")
        done = await run(sandbox, *command, "--no-journal")
        assert done.code == Exit.USAGE
        assert "name a --report, or keep the journal" in done.err
        assert not sandbox.team().enrichments
        kept = await run(sandbox, *command)
        name = next(line.split()[-1] for line in kept.out.splitlines() if "resume with" in line)
        assert "@found.example" in (await run(None, "report", name)).out


async def test_a_report_that_cannot_be_written_leaves_its_rows_in_the_journal(tmp_path: Path) -> None:
    people = write(tmp_path / "p.csv", "linkedin", "https://linkedin.com/in/p")
    async with Sandbox(limit=None, polls=0) as sandbox:
        # the folder goes away while the job runs, after it was looked at
        folder = tmp_path / "out"
        folder.mkdir()
        sandbox.faults.add(Slow(seconds=0.5), match="POST /v2/enrichments/bulk")
        job = ("enrich", people, "--find", "find_email", "--max-credits", "50")
        process = asyncio.create_task(run(sandbox, *job, "--report", str(folder / "r.csv")))
        while not sandbox.faults.injected:  # noqa: ASYNC110  # a sandbox has no event for it
            await asyncio.sleep(0.01)
        folder.rmdir()
        done = await process
        assert "the report" in done.err
        assert "cannot be written" in done.err
        journal = done.err.split()[-1]
        kept = await run(None, "report", journal)
    assert "@found.example" in kept.out
    shutil.rmtree(Path(journal).parent)


@pytest.mark.parametrize("target", [">&-", "> /dev/full", ">&- 2>&-"])
async def test_output_that_nobody_can_read_does_not_end_the_job(target: str, tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "email", "a@x.com", "b@x.com")
    async with Sandbox(limit=None) as sandbox:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        done = await shell(sandbox, f"$L leads import {file} --campaign {campaign} {target}")
        assert len(sandbox.team().leads) == 2
    full = "full" in target
    assert done.code == (Exit.ERROR if full else Exit.OK)
    assert done.err == (
        "lemlist-async: the output is not complete: No space left on device\n" if full else ""
    )


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
async def test_letters_that_a_terminal_lacks_are_escaped_and_json_stays_utf8(
    encoding: str, tmp_path: Path
) -> None:
    file = write(tmp_path / "a.csv", "email", "a@x.com", "李@x")
    async with Sandbox(limit=None) as sandbox:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        line = f"$L leads import {file} --campaign {campaign}"
        people = await shell(sandbox, line, PYTHONIOENCODING=encoding)
        programs = await shell(sandbox, f"{line} --json", PYTHONIOENCODING=encoding)
    assert people.code == programs.code == Exit.PARTIAL
    assert r"\u674e@x" in people.out
    assert "李@x" in json.loads(programs.out)["rows_not_done"][0]["reason"]


async def test_a_file_without_rows_is_told(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "email,firstName")
    async with Sandbox(limit=None) as sandbox:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        for more in ((), ("--dry-run",)):
            done = await run(sandbox, "leads", "import", file, "--campaign", campaign, *more)
            assert "there are no rows" in done.out


async def test_a_list_of_values_needs_no_header(tmp_path: Path) -> None:
    plain = write(tmp_path / "v.csv", "ceo@rival.example", "bob@example.com")
    domains = write(tmp_path / "d.csv", "rival.example", "other.example")
    async with Sandbox(limit=None) as sandbox:
        assert (await run(sandbox, "unsubscribes", "add", plain)).code == Exit.OK
        unsure = await run(sandbox, "unsubscribes", "add", domains)
        assert unsure.code == Exit.USAGE
        assert "may be a column's name or the first value" in unsure.err
        assert (await run(sandbox, "unsubscribes", "add", domains, "--no-header")).code == Exit.OK
        blocked = {entry["value"] for entry in sandbox.team().unsubscribes.values()}
    assert blocked == {"ceo@rival.example", "bob@example.com", "rival.example", "other.example"}


# Bindings and personal data ---------------------------------------------------------------------------


async def test_a_journal_of_another_key_or_of_other_rows_needs_force(tmp_path: Path) -> None:
    file, journal = write(tmp_path / "a.csv", "value", "a@x.com"), str(tmp_path / "j")
    async with Sandbox(limit=None) as sandbox, Sandbox(limit=None, keys=("other-key",)) as other:
        dry = await run(None, "unsubscribes", "add", file, "--journal", journal, "--dry-run")
        assert dry.code == Exit.OK
        # a dry run has no key, and binds the journal to none
        assert (await run(sandbox, "unsubscribes", "add", file, "--journal", journal)).code == Exit.OK
        write(tmp_path / "a.csv", "value", "b@x.com")
        changed = await run(sandbox, "unsubscribes", "add", file, "--journal", journal)
        assert changed.code == Exit.USAGE
        assert "the file has changed" in changed.err
        forced = await run(sandbox, "unsubscribes", "add", file, "--journal", journal, "--force", "rows")
        assert forced.code == Exit.OK
        assert [one["value"] for one in sandbox.team().unsubscribes.values()] == ["a@x.com"]
        elsewhere = await run(other, "resume", journal)
        assert elsewhere.code == Exit.USAGE
        assert "another API key" in elsewhere.err
        both = await run(other, "resume", journal, "--force", "key", "--force", "host")
        assert both.code == Exit.OK


async def test_personal_data_of_a_finished_job_are_erased_and_its_status_stays(tmp_path: Path) -> None:
    file, journal = write(tmp_path / "a.csv", "value", "ann@secret.example"), str(tmp_path / "j")
    async with Sandbox(limit=None) as sandbox:
        dry = await run(sandbox, "unsubscribes", "add", file, "--journal", journal, "--dry-run")
        assert dry.code == Exit.OK
        early = await run(None, "erase", journal)
        assert (early.code, "not finished" in early.err) == (Exit.ERROR, True)
        assert (await run(sandbox, "unsubscribes", "add", file, "--journal", journal)).code == Exit.OK
        assert (await run(None, "erase", journal)).code == Exit.OK
        assert b"secret" not in (tmp_path / "j").read_bytes()
        status = await run(None, "status", journal)
        assert "done (blocked): 1" in status.out
        assert (await run(sandbox, "resume", journal)).code == Exit.ERROR


async def test_a_job_has_a_journal_without_asking_which_is_listed_resumed_and_pruned(tmp_path: Path) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    file = write(tmp_path / "a.csv", "email,Stage", *(f"p{n}@x.com,won" for n in range(30)))
    async with Sandbox(limit=None) as sandbox:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        command = ("leads", "import", file, "--campaign", campaign)
        dry = await run(sandbox, *command, "--dry-run", **state)
        lost = await run(sandbox, "leads", "import", file, "--campaign", "cam_none", **state)
        empty = await run(sandbox, "jobs", **state)
        sandbox.faults.add(
            Status(status=402, body="no credits"), match="POST /campaigns/{campaignId}/leads/", after=9
        )
        first = await run(sandbox, *command, **state)
        sandbox.faults.clear()
        listed = json.loads((await run(sandbox, "jobs", "--json", **state)).out)["jobs"]
        kept = await run(sandbox, "jobs", "prune", "--older-than", "0", **state)
        (left,) = [job for job in listed if 0 < job["left"] < 30]
        resumed = await run(sandbox, "resume", left["name"][:-3], "--json", **state)
        table = await run(sandbox, "jobs", **state)
        erased = await run(sandbox, "jobs", "prune", "--older-than", "0", "--erase", "--json", **state)
        again = await run(sandbox, "jobs", "prune", "--older-than", "0", "--erase", "--json", **state)
        status = await run(sandbox, "status", left["name"], **state)
        pruned = await run(sandbox, "jobs", "prune", "--older-than", "0", **state)
        rest = await run(sandbox, "jobs", "prune", "--older-than", "0", "--unfinished", "--yes", **state)
        assert len(sandbox.team().leads) == 30
    assert "not sent: Stage" in dry.out
    assert lost.code == Exit.USAGE
    assert "there are no jobs" in empty.out, "neither a dry run nor a job that never began keeps a journal"
    assert first.code != Exit.OK
    assert f"lemlist-async resume {left['name']}" in first.out
    assert "removed" in kept.out
    assert json.loads(resumed.out)["done"]["created"] >= 29
    assert f"{left['name']}  leads.import from a.csv: 30 rows, finished" in table.out
    assert json.loads(erased.out)["pruned"] == [left["name"]]
    assert json.loads(again.out)["pruned"] == []
    assert "leads.import" in status.out
    assert "removed 1 job" in pruned.out
    assert "removed 0 jobs" in rest.out
    assert not list((tmp_path / "state").rglob("*.db*"))
    assert (tmp_path / "state" / "lemlist-async" / "jobs").stat().st_mode & 0o777 == 0o700


async def test_a_job_above_its_bound_of_credits_is_told_at_once_and_leaves_no_journal(tmp_path: Path) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    people = write(tmp_path / "p.csv", "linkedin", *(f"https://linkedin.com/in/p{n}" for n in range(3)))
    journal = tmp_path / "j"
    command = ("enrich", people, "--find", "find_email", "--max-credits")
    async with Sandbox(limit=None, polls=0) as sandbox:
        dry = await run(None, *command, "14", "--dry-run", **state)
        bound = await run(sandbox, *command, "14", **state)
        named = await run(sandbox, *command, "14", "--journal", str(journal), **state)
        sandbox.team().credits.update(freemium=0, subscription=0, gifted=0, paid=10)
        poor = await run(sandbox, *command, "15", **state)
        jobs = await run(sandbox, "jobs", **state)
        assert not sandbox.team().enrichments
    for done in (dry, bound, named):
        assert done.code == Exit.USAGE
        assert "3 people may cost 15 credits, more than --max-credits 14; nothing was submitted" in done.err
    assert "3 people may cost 15 credits, and the team has 10" in poor.err
    assert "there are no jobs" in jobs.out
    assert not journal.exists()


async def test_a_name_that_is_nearly_a_field_is_asked_about_and_private_columns_stay_here(
    tmp_path: Path,
) -> None:
    file = write(tmp_path / "a.csv", "Kontakt,Geburtstag,Notizen,Größe", "a@x.com,1980-01-01,mag Tee,43")
    kept = tmp_path / "kept.json"
    command = ("leads", "import", file, "--campaign", "cam_1", "--dry-run")
    near = await run(None, *command, "--map", "Kontakt=emial")
    mapped = await run(None, *command, "--map", "Größe=variable:emial", "--save-mapping", str(kept))
    again = await run(None, *command, "--mapping", str(kept), "--json")
    assert near.code == Exit.USAGE
    assert "'emial' is no field of lemlist: is 'email' meant?" in near.err
    assert "Größe -> variable emial" in mapped.out
    assert (
        "private, not sent: Geburtstag, Notizen (--map Geburtstag=variable:Geburtstag sends one)"
        in mapped.out
    )
    assert json.loads(kept.read_text())["columns"] == {
        "Kontakt": "email", "Geburtstag": None, "Notizen": None, "Größe": "variable:emial"
    }  # fmt: skip
    assert again.code == Exit.OK, again.err


async def test_personal_data_of_finished_jobs_are_erased_after_the_time_that_the_user_sets(
    tmp_path: Path,
) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    file = write(tmp_path / "a.csv", "value", "ann@secret.example")
    async with Sandbox(limit=None) as sandbox:
        told = [(await run(None, "jobs", "keep", *more, **state)).out for more in ((), ("30",), ())]
        await run(sandbox, "unsubscribes", "add", file, **state)
        (journal,) = (tmp_path / "state").rglob("*.db")
        young = await run(None, "jobs", **state)
        assert b"secret" in journal.read_bytes()
        month = time.time() - 31 * 86_400
        os.utime(journal, (month, month))
        old = await run(sandbox, "unsubscribes", "add", file, **state)
        assert b"secret" not in journal.read_bytes()
        second = await run(None, "jobs", **state)
        at_once = await run(None, "jobs", **state, LEMLIST_KEEP_DAYS="0")
        wrong = await run(None, "jobs", **state, LEMLIST_KEEP_DAYS="a year")
        forever = await run(None, "jobs", "keep", "--forever", "--json", **state)
        both = await run(None, "jobs", "keep", "3", "--forever", **state)
    assert told == ["for ever\n", "30 days\n", "30 days\n"]
    assert "erased" not in young.out
    assert old.out.startswith("erased the personal data of 1 finished job after 30 days\n")
    assert second.out.count("erased") == 1
    assert "erased the personal data of 1 finished job after 0 days" in at_once.out
    assert (wrong.code, "is a number of days, not 'a year'" in wrong.err) == (Exit.USAGE, True)
    assert json.loads(forever.out) == {"schema": "kept.v1", "keep_days": None}
    assert both.code == Exit.USAGE


async def test_rejects_are_corrected_and_imported_and_a_report_has_columns(tmp_path: Path) -> None:
    rows = ("a@x.com,Ann,7", "no address,=Bob,8", "a@x.com,Twin,9", "c@x.com,Cid,10")
    file = write(tmp_path / "a.csv", "E-Mail,Name,Shoe size", *rows)
    rejects, report = tmp_path / "rejects.csv", tmp_path / "report.csv"
    async with Sandbox(limit=None) as sandbox:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        bad = Status(status=400, body="Bad request")
        sandbox.faults.add(bad, match="POST /campaigns/{campaignId}/leads/", after=1)
        command = ("leads", "import", "--campaign", campaign)
        first = await run(sandbox, *command, file, "--rejects", str(rejects), "--report", str(report))
        assert first.code == Exit.PARTIAL, first.err
        text = rejects.read_text("utf-8-sig")
        rejects.write_text(text.replace("no address", "b@x.com"), encoding="utf-8-sig")
        # with the options of the first import, whatever the encoding of its file was
        second = await run(sandbox, *command, str(rejects), "--encoding", "cp1252", "--json")
        leads = {lead["variables"]["email"]: lead["variables"] for lead in sandbox.team().leads.values()}
    assert text.splitlines()[0] == "Reject line,Reject reason,E-Mail,Name,Shoe size"
    assert [line.split(",")[0] for line in text.splitlines()[1:]] == ["3", "5"]
    assert f"2 rows to correct: {rejects}" in first.out
    assert json.loads(second.out)["done"] == {"created": 2}
    assert leads["b@x.com"] == {"email": "b@x.com", "firstName": "=Bob", "Shoe size": "8"}
    with report.open(newline="", encoding="utf-8-sig") as lines:
        (one, *_) = csv.DictReader(lines)
    assert one == {
        "E-Mail": "a@x.com", "Name": "Ann", "Shoe size": "7", "row.line": "2", "row.state": "done",
        "row.what": "created", "row.reason": "", "row.id": one["row.id"],
    }  # fmt: skip


async def test_the_report_of_an_enrichment_keeps_all_columns_and_is_imported_as_it_is(tmp_path: Path) -> None:
    rows = (
        "1,https://linkedin.com/in/ann,Ann,won",
        "2,,Bob,lost",
        "3,https://linkedin.com/in/cid,Nobody,won",
    )
    file = write(tmp_path / "a.csv", "CRM ID,LinkedIn,First Name,Stage", *rows)
    report, again = tmp_path / "found.csv", tmp_path / "again.csv"
    state = {"XDG_STATE_HOME": str(tmp_path)}
    enrich = ("--find", "find_email", "--max-credits", "50")
    async with Sandbox(limit=None, polls=0) as sandbox:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        done = await run(sandbox, "enrich", file, *enrich, "--report", str(report), **state)
        imported = await run(
            sandbox, "leads", "import", str(report), "--campaign", campaign, "--json", **state
        )
        leads = [lead["variables"] for lead in sandbox.team().leads.values()]
        job = next(line.split()[-1] for line in done.out.splitlines() if "resume with" in line)
        second = await run(sandbox, "enrich", str(report), *enrich, "--report", str(again), "--json", **state)
        Path(file).unlink()  # noqa: ASYNC240  # a test
        rest = await run(None, "report", job, **state)
    text = report.read_text("utf-8-sig").splitlines()
    assert (
        text[0]
        == "CRM ID,LinkedIn,First Name,Stage,row.line,row.state,row.what,row.reason,row.id,result.email"
    )
    assert text[1].startswith("1,https://linkedin.com/in/ann,Ann,won,2,done,found,")
    assert text[2].startswith("2,,Bob,lost,3,refused,refused,")
    assert json.loads(imported.out)["done"] == {"created": 2}
    assert sorted(leads, key=str) == [
        {"email": "ann.last@found.example", "linkedinUrl": "https://linkedin.com/in/ann", "firstName": "Ann"},
        {"linkedinUrl": "https://linkedin.com/in/cid", "firstName": "Nobody"},
    ]
    told = json.loads(second.out)
    assert (told["skipped"], told["done"]) == (1, {"not found": 1})
    assert again.read_text("utf-8-sig").splitlines()[0] == text[0]
    assert "won" not in rest.out, "the file is gone: the journal has what was sent"
    assert "linkedin_url" in rest.out.splitlines()[0]


async def test_rejects_of_a_file_without_a_header_are_imported_with_the_same_options(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "Ann;a@x.com;7", "Bob;no address;8", "Cid;c@x.com")
    rejects, report = tmp_path / "rejects.csv", tmp_path / "report.csv"
    async with Sandbox(limit=None) as sandbox:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        options = ("--no-header", "--map", "2=email", "--map", "1=first_name", "--delimiter", ";", "--no-bom")
        command = ("leads", "import", "--campaign", campaign, *options)
        await run(sandbox, *command, file, "--rejects", str(rejects), "--report", str(report))
        rejects.write_text(rejects.read_text().replace("no address", "b@x.com"))
        second = await run(sandbox, *command, str(rejects), "--json")
        leads = [lead["variables"] for lead in sandbox.team().leads.values()]
    assert json.loads(second.out)["done"] == {"created": 1}
    assert leads[-1] == {"email": "b@x.com", "firstName": "Bob", "3": "8"}
    assert report.read_text().startswith("1,2,3,row.line,")
    assert "2 cells where the header has 3: the others are empty" in report.read_text()


async def test_options_about_columns_that_cannot_work_end_in_one_line_and_harm_no_file(
    tmp_path: Path,
) -> None:
    rows = ("a@x.com,yes", "b@x.com,no")
    file = write(tmp_path / "a.csv", "email,Unsubscribed", *rows)
    kept, bad = tmp_path / "kept.json", write(tmp_path / "bad.json", "{}")
    command = ("leads", "import", file, "--campaign", "cam_1", "--dry-run")
    faults = await asyncio.gather(
        run(None, *command, "--map", "email"),
        run(None, *command, "--mapping", bad),
        run(None, *command, "--mapping", str(tmp_path / "none.json")),
        run(None, *command, "--save-mapping", file),
        run(None, "resume", "/"),
    )
    assert [done.code for done in faults] == [Exit.USAGE] * 4 + [Exit.AUTHENTICATION]
    assert not [done.err for done in faults if "Traceback" in done.err]
    assert Path(file).read_text().startswith("email,")  # noqa: ASYNC240  # a test
    await run(None, *command, "--save-mapping", str(kept))
    again = json.loads((await run(None, *command, "--mapping", str(kept), "--json")).out)
    assert (again["to_send"], again["refused"]) == (1, 1), "a kept mapping does not turn opt-outs off"


async def test_a_name_that_no_job_has_and_one_that_several_have_are_told(tmp_path: Path) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    folder = tmp_path / "state" / "lemlist-async" / "jobs"
    folder.mkdir(parents=True)
    for name in ("20260101-a.db", "20260101-b.db"):
        (folder / name).write_text("no database")
    none, several, listed = await asyncio.gather(
        run(None, "status", "2025", **state), run(None, "status", "2026", **state), run(None, "jobs", **state)
    )
    assert none.code == several.code == Exit.USAGE
    assert "there is no journal and no job 2025" in none.err
    assert "2 jobs begin with 2026: 20260101-a, 20260101-b" in several.err
    assert listed.out.count("cannot be read") == 2
