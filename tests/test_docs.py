"""Every snippet of the README and the docs runs, and every generated page is up to date."""

import ast
import asyncio
import functools
import importlib.util
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import aiohttp
import pytest

from benchmarks import hand_written
from docs.site import links
from lemlist_async import Lemlist, errors
from lemlist_async.sandbox import Sandbox, gateway, lost_response

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NEEDED = {
    "activity-sync.md": ("pyarrow",),
    "README.md": ("fastapi",),
    "pool.md": ("fastapi",),
    "web.md": ("fastapi", "django"),
    "telemetry.md": ("opentelemetry.sdk", "opentelemetry.exporter.prometheus", "structlog", "sentry_sdk"),
}
"""Packages that the programs of a page need beyond this library: those of the group `test`."""
MODULES_OF_TESTS = ("testing.md",)
"""Pages whose blocks are modules of tests: tests/wire/sandbox/test_testing_page.py runs them."""
ON_A_SERVER = {"scaling.md"}
"""Pages whose snippets use a PostgreSQL database."""
SNIPPET = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def snippets(page: Path) -> Iterator[tuple[str, str]]:
    """Each Python block of a page, with the line it begins on."""
    text = page.read_text()
    for found in SNIPPET.finditer(text):
        yield found[1], f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, found.start()) + 2}"


def compiled(source: str, name: str) -> CodeType:
    """Compile a snippet, which may await at its top level."""
    return compile(source, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Provide what snippets use: a sandbox with a campaign, an address in the environment, a folder with a file."""
    async with Sandbox(limit=None) as sandbox:
        team = sandbox.team()
        campaign = team.add_campaign(name="Spring")["_id"]
        for n in range(3):
            lead = team.add_lead(campaign, email=f"lead{n}@example.com", firstName=f"Lead {n}")
            team.add_activity("emailsOpened", lead)
        monkeypatch.setenv("LEMLIST_API_KEY", sandbox.key)
        monkeypatch.setenv("LEMLIST_BASE_URL", sandbox.url)
        monkeypatch.setenv("LEMLIST_WEBHOOK_SECRET", "s3cret")
        monkeypatch.chdir(tmp_path)
        _ = (tmp_path / "leads.csv").write_text(
            "email,First Name\nann@example.com,Ann\nbob@example.com,Bob\n"
        )
        yield {"campaign_id": campaign, "sandbox": sandbox, "lemlist_key": sandbox.key}


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in MODULES_OF_TESTS], ids=lambda page: page.name
)
async def test_the_snippets_of_a_page_run_one_after_the_other(
    page: Path, world: dict[str, Any], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    needed = {package: pytest.importorskip(package) for package in NEEDED.get(page.name, ())}
    if sentry := needed.get("sentry_sdk"):
        # it would patch the frameworks of this process for good
        init = functools.partial(sentry.init, default_integrations=False, auto_enabling_integrations=False)
        monkeypatch.setattr(sentry, "init", init)
    if page.name in ON_A_SERVER:
        world["database"] = request.getfixturevalue("own_database")
    names = {"__name__": "__snippet__", **world}
    for source, place in snippets(page):
        if "asyncio.run(" in source:  # a whole program, with an event loop of its own
            await asyncio.to_thread(exec, compile(source, place, "exec"), names)
            continue
        result = eval(compiled(source, place), names)
        if inspect.iscoroutine(result):
            await result


def script(path: Path) -> ModuleType:
    """Load a script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("generate_*.py")), ids=lambda path: path.stem)
def test_a_generated_page_is_up_to_date(path: Path) -> None:
    page = ROOT / "docs" / f"{path.stem.removeprefix('generate_')}.md"
    assert script(path).page() == page.read_text(), f"run: python docs/{path.name}"


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            made = target.startswith(("reference/", "examples/"))  # the site has these pages made
            assert made or (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_page_of_errors_says_what_to_do_about_each() -> None:
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    raised = [kind for kind in kinds if issubclass(kind, errors.LemlistError)]
    assert len(raised) > 30
    assert [kind.__name__ for kind in raised if f"`{kind.__name__}`" not in page] == []


def test_the_check_of_the_site_finds_dead_links_and_what_comes_from_other_hosts(tmp_path: Path) -> None:
    page = """
      <head><link rel="canonical" href="https://here.example/"><script src="https://cdn.example/m.js"></script></head>
      <h1 id="top"></h1><a href="#top"></a><a href="#no"></a><a href="b.html"></a><a href="https://x.example/"></a>
      <a href="c/d.html#e"></a><a href="c/d.html#f"></a>
    """
    _ = (tmp_path / "a.html").write_text(page)
    (tmp_path / "c").mkdir()
    _ = (tmp_path / "c" / "d.html").write_text('<p id="e"></p>')
    assert sorted(links.faults(tmp_path)) == [
        "a.html links to #no, a place that is not on that page",
        "a.html links to b.html, which is not there",
        "a.html links to c/d.html#f, a place that is not on that page",
        "a.html loads https://cdn.example/m.js",
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_the_hand_written_client_fails_as_its_page_says() -> None:
    async with Sandbox(limit=None) as sandbox:
        client = hand_written.old_client()(sandbox.key, sandbox.url)
        async with client.session:
            sandbox.faults.add(gateway(502, effect=True), match="POST /campaigns")
            campaign = await client.create_campaign("Spring")
            assert len(sandbox.team().campaigns) == 2
            sandbox.requests.clear()
            sandbox.faults.add(lost_response(), match="GET /team")
            _ = await client.request("GET", "/team")
            assert len(sandbox.requests) == 2  # aiohttp sent it again, past the limiter
            sandbox.faults.add(lost_response(), match="POST /campaigns")
            with pytest.raises(aiohttp.ClientConnectionError):
                await client.create_campaign("Autumn")
            with pytest.raises(aiohttp.ClientResponseError) as refused:
                await client.add_lead(campaign["_id"], "a#b@example.com")
            assert sandbox.requests[-1].path.endswith("/leads/a")
            assert hand_written.shows_key(refused.value, sandbox.key)
            with pytest.raises(aiohttp.ContentTypeError):
                await client.add_lead(campaign["_id"], "a/b@example.com")


async def test_this_library_does_none_of_it() -> None:
    async with Sandbox(limit=None) as sandbox, Lemlist(sandbox.key, sandbox.url) as lemlist:
        sandbox.faults.add(gateway(502, effect=True), match="POST /campaigns")
        with pytest.raises(errors.AmbiguousServerError) as lost:
            await lemlist.campaigns.create(name="Spring")
        [campaign] = sandbox.team().campaigns
        assert not hand_written.shows_key(lost.value, sandbox.key)
        for email in ("a#b@example.com", "a/b@example.com"):
            assert (await lemlist.leads.create(campaign, email=email)).email == email
