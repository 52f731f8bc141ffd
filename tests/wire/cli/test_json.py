"""Output for programs: each command prints one object, as its JSON Schema says, on errors too."""

import ast
import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from lemlist_async.cli.exits import Exit
from lemlist_async.cli.schemas import names, text_of
from lemlist_async.sandbox import Sandbox, Status
from tests.support.project import ROOT
from tests.wire.cli.test_jobs import run, write

pytestmark = pytest.mark.slow


def checked(out: str) -> dict[str, Any]:
    """Return an object that is as its schema says."""
    jsonschema = pytest.importorskip("jsonschema")
    found: dict[str, Any] = json.loads(out)
    schema = json.loads(text_of(found["schema"]))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(found)
    return found


def test_every_object_has_a_schema_and_every_schema_an_object() -> None:
    printed: set[str] = set()
    for path in (ROOT / "lemlist_async" / "cli").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dump":
                (name, _) = node.args
                assert isinstance(name, ast.Constant), path
                printed.add(f"{name.value}.v1")
    assert printed == set(names())


async def test_the_object_of_every_command_is_as_its_schema_says(tmp_path: Path) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    file = write(tmp_path / "a.csv", "E-Mail,Stage,x", "a@x.com,won,1", "a@x.com,won,2", "no address,lost,3")
    people = write(
        tmp_path / "p.csv", "linkedin,email", "https://linkedin.com/in/p,", "https://linkedin.com/in/q,q@x.io"
    )
    async with Sandbox(limit=None, polls=0) as sandbox:
        campaign = sandbox.team().add_campaign(name="C")["_id"]
        listed = sandbox.team().add_contact_list("L")["_id"]
        import_ = ("leads", "import", file, "--campaign", campaign)
        commands: list[tuple[str, tuple[str, ...]]] = [
            ("plan", (*import_, "--dry-run")),
            ("report", import_),
            ("report", ("leads", "update", file, "--campaign", campaign)),
            ("report", ("leads", "pause", file, "--campaign", campaign)),
            ("leads", ("leads", "list", "--campaign", campaign)),
            ("export", ("leads", "export", "--campaign", campaign, "--out", str(tmp_path / "o.csv"))),
            ("report", ("contacts", "upsert", file)),
            ("report", ("contacts", "add-to-list", file, "--list", listed)),
            ("report", ("unsubscribes", "add", file)),
            ("report", ("enrich", people, "--find", "find_email", "--max-credits", "9")),
            ("report", ("campaigns", "stats", "--since", "2026-01-01")),
            ("campaigns", ("campaigns", "list")),
            ("campaign", ("campaigns", "create", "D")),
            ("campaign", ("campaigns", "pause", campaign)),
            ("whoami", ("whoami",)),
            ("doctor", ("doctor",)),
            ("sync", ("activities", "sync", "--out", str(tmp_path / "e.db"), "--since", "2026-01-01")),
            ("jobs", ("jobs",)),
            ("kept", ("jobs", "keep", "9")),
            ("pruned", ("jobs", "prune", "--older-than", "9")),
            ("error", ("campaigns", "pause", "cam_none")),
            ("error", ("leads", "import", file, "--campaign", "cam_none")),
            ("error", ("leads", "import", file)),
            ("error", ("leads", "import", str(tmp_path / "none.csv"), "--campaign", campaign)),
        ]  # fmt: skip
        for name, command in commands:
            done = await run(sandbox, *command, "--json", **state)
            found = checked(done.out)
            assert found["schema"] == f"{name}.v1", (command, done.err)
            if name == "error":
                assert found["error"]["exit_code"] == done.code != 0
                assert found["error"]["message"]
        sandbox.faults.add(Status(status=402, body="no credits"), match="POST /campaigns/{campaignId}/leads/")
        other = write(tmp_path / "b.csv", "email", "b@x.com", "c@x.com")
        stopped = checked(
            (await run(sandbox, "leads", "import", other, "--campaign", campaign, "--json", **state)).out
        )
        sandbox.faults.clear()
        job = stopped["journal"]
        status = checked((await run(sandbox, "status", job, "--json", **state)).out)
        resumed = checked((await run(sandbox, "resume", job, "--json", "--retry-failed", **state)).out)
    assert "no credits" in stopped["stopped"]
    assert status["kind"] == "leads.import"
    assert resumed["stopped"] is None
    refused = checked((await run(None, "whoami", "--json")).out)
    assert (refused["error"]["kind"], refused["error"]["exit_code"]) == ("APIKeyError", Exit.AUTHENTICATION)


async def test_schemas_are_printed_by_name() -> None:
    listed, one, none = await asyncio.gather(
        run(None, "schema"), run(None, "schema", "report.v1"), run(None, "schema", "report")
    )
    assert listed.out.split() == names()
    assert json.loads(one.out)["title"] == "report.v1"
    assert (none.code, "there is no schema 'report'; there are campaign.v1" in none.err) == (Exit.USAGE, True)
