"""The examples do what they say."""

import importlib.util
import subprocess
import sys
from types import ModuleType

import pytest
from aiohttp.test_utils import TestClient, TestServer

from lemlist_async import Lemlist
from lemlist_async.sandbox import Sandbox, lost_response
from tests.support.project import ROOT

EXAMPLES = ROOT / "examples"


def load(name: str) -> ModuleType:
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_the_quickstart_runs(capsys: pytest.CaptureFixture[str]) -> None:
    await load("quickstart").main()
    told = capsys.readouterr().out
    assert "as expected: 400 POST /campaigns/{campaignId}/leads/: Lead already in the campaign" in told
    assert "Cleo cleo@example.com" in told


async def test_results_are_posted_to_the_program_itself(capsys: pytest.CaptureFixture[str]) -> None:
    await load("enrich_by_webhook").main()
    told = capsys.readouterr().out
    assert told.count(" found ann.last@found.example") == 5
    assert "2 requests" in told  # the balance, and one submission for all


async def test_webhooks_are_received_once(capsys: pytest.CaptureFixture[str]) -> None:
    await load("webhook_receiver").main()
    told = capsys.readouterr().out
    assert [line for line in told.splitlines() if line.startswith("answered")] == [
        "answered 200",
        "answered 200",
        "answered 401",
    ]
    assert told.count("replied: ann@example.com - Yes") == 1
    assert "hooks: ['emailsReplied']" in told


async def test_a_web_backend_embeds_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Sandbox(limit=None) as sandbox:
        monkeypatch.setenv("LEMLIST_API_KEY", sandbox.key)
        monkeypatch.setenv("LEMLIST_BASE_URL", sandbox.url)
        app = load("web_backend").make_app(sandbox.team().add_campaign(name="C")["_id"])
        sandbox.faults.add(lost_response(), match="POST /campaigns/{campaignId}/leads/", after=2)
        async with TestClient(TestServer(app)) as visitor:
            statuses = []
            for email in ("ann@example.com", "ann@example.com", "bob@example.com", "nobody"):
                async with visitor.post("/signup", json={"email": email}) as answer:
                    statuses.append(answer.status)
    assert statuses == [201, 200, 502, 422]


def test_the_leads_file_is_what_its_script_writes() -> None:
    script = load("make_leads_csv")
    lines = (EXAMPLES / "leads.csv").read_text(encoding="utf-8")
    for row in script.rows():
        assert row[0] in lines
    assert len(script.rows()) == 240


@pytest.mark.parametrize(
    "name", ["quickstart", "enrich_people", "enrich_by_webhook", "sync_activities", "webhook_receiver"]
)
def test_an_example_can_be_run_by_itself(name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


async def test_the_list_of_leads_has_rows_of_every_kind() -> None:
    async with (
        Lemlist("key", "http://127.0.0.1:9/api") as lemlist,
        await lemlist.bulk.plan_leads("cam_1", EXAMPLES / "leads.csv") as plan,
    ):
        counts = await plan.journal.counts()
    assert counts == {("new", ""): 229, ("refused", "refused"): 6, ("refused", "repeated"): 5}
