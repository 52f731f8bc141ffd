"""The page at /_sandbox: its files, its stream of news, and a real browser where there is one."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from lemlist_async.sandbox import Sandbox, Team
from lemlist_async.sandbox.lifecycle.kinds import KINDS
from tests.support.chromium import BROWSER, browser
from tests.support.project import ROOT
from tests.support.sandbox_api import Api

FOLDER = ROOT / "lemlist_async" / "sandbox" / "page"


@pytest.fixture
def site(sandbox: Sandbox) -> str:
    return sandbox.url.removesuffix("/api") + "/_sandbox"


@pytest.fixture
def order(api: Api, site: str) -> Api:
    return Api(api.session, site)


@pytest.mark.parametrize(
    ("path", "kind"),
    [("", "text/html"), ("/", "text/html"), ("/page.css", "text/css"), ("/page.js", "text/javascript")],
)
async def test_the_files_of_the_page_are_served_and_may_load_nothing_else(
    order: Api, path: str, kind: str
) -> None:
    status, headers = await order.headers(f"GET {path}")
    assert (status, headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")
    assert headers["Content-Security-Policy"].startswith("default-src 'self'")


@pytest.mark.parametrize("name", ["index.html", "page.css", "page.js"])
def test_a_file_of_the_page_names_no_other_site_and_writes_no_markup(name: str) -> None:
    text = (FOLDER / name).read_text()
    assert not re.findall(r"https?://|innerHTML|insertAdjacentHTML|document\.write|style=\"", text)


def test_the_events_that_the_page_offers_are_events_of_lemlist() -> None:
    script, markup = (FOLDER / "page.js").read_text(), (FOLDER / "index.html").read_text()
    offered = set(
        re.findall(r"\w+", "".join(re.findall(r'"([^"]*)"', script.split("KINDS =")[1].split(";")[0])))
    )
    buttons = set(re.findall(r'type="submit" value="(\w+)"', markup))
    assert len(buttons) > 4
    assert offered | buttons <= KINDS


def test_every_element_that_the_script_names_is_on_the_page() -> None:
    script, markup = (FOLDER / "page.js").read_text(), (FOLDER / "index.html").read_text()
    named = set(re.findall(r'part\("([\w-]+)"\)', script)) | set(re.findall(r'fill\("([\w-]+)"', script))
    assert len(named) > 15
    assert named <= set(re.findall(r'id="([\w-]+)"', markup))


async def news(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """Yield the messages of the stream."""
    async for line in response.content:
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


async def test_the_stream_tells_what_happens(api: Api, sandbox: Sandbox, team: Team, site: str) -> None:
    lead = team.add_lead(team.add_campaign("Spring")["_id"], "ann@b.example")
    async with api.session.get(f"{site}/stream") as response:
        told = news(response)
        first = await anext(told)
        assert (first["leads"], first["events"], first["requests"]) == (1, [], [])
        assert first["campaigns"][0]["states"] == [["scanned", 1]]
        sandbox.happen("emailsReplied", lead)
        await api.ok("GET /team")
        while not (seen := await anext(told))["requests"]:
            pass
        assert seen["events"][0] | {"at": ""} == {
            "type": "emailsReplied",
            "at": "",
            "lead": "ann@b.example",
            "campaign": "Spring",
        }
        assert seen["requests"][0]["path"] == "/team"
        assert seen["limit"]["recent"][0][1] == 200
        assert sandbox.key not in json.dumps(seen)


async def test_a_stream_ends_with_the_sandbox(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        async with Sandbox() as sandbox:
            response = await session.get(sandbox.url.removesuffix("/api") + "/_sandbox/stream")
            await response.content.readline()
        async with asyncio.timeout(5):
            await response.read()
        response.release()


async def test_leads_of_a_campaign_are_listed_latest_first(order: Api, team: Team) -> None:
    home = team.add_campaign()["_id"]
    for name in ("ann", "bob"):
        team.add_lead(home, f"{name}@b.example")
    rows = await order.ok(f"GET /leads?campaign={home}")
    assert [row["name"] for row in rows] == ["bob@b.example", "ann@b.example"]
    for wrong in ("/leads", "/leads?campaign=x", "/overview?team=9", "/overview?team=x", "/stream?team=9"):
        assert (await order(f"GET {wrong}"))[0] == 400


async def test_the_overview_of_a_busy_sandbox_is_complete(order: Api, api: Api, sandbox: Sandbox) -> None:
    await order.ok("POST /faults", json={"fault": "gateway", "match": "GET /team"})
    await order.ok("POST /faults", json={"fault": "Slow", "seconds": 0.01, "match": "GET /team"})
    await api("GET /team")
    await api("GET /team")
    seen = await order.ok("GET /overview")
    assert seen["faults"] == {"pending": False, "injected": ["Slow at GET /team", "502 at GET /team"]}
    assert [row["status"] for row in seen["requests"]] == [200, 502]


async def test_a_page_of_another_site_orders_nothing(order: Api, sandbox: Sandbox) -> None:
    for origin in ("http://evil.example", "null"):
        status, answer = await order("POST /reset", headers={"Origin": origin})
        assert (status, "another site" in answer["error"]) == (403, True)
    await order.ok("POST /reset", headers={"Origin": sandbox.url.removesuffix("/api")})


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
async def test_the_page_works_in_a_browser_by_keyboard(
    tmp_path: Path, sandbox: Sandbox, team: Team, api: Api, site: str, width: int, scheme: str
) -> None:
    home = team.add_campaign("Spring & <b>summer</b>")["_id"]
    lead = team.add_lead(home, "ann@b.example")
    async with browser(tmp_path) as page:
        await page.open(site, width=width, height=800, scheme=scheme)
        await page.until("document.querySelector('.campaign b')")
        assert (
            await page.run("return document.querySelector('.campaign b').textContent")
            == "Spring & <b>summer</b>"
        )
        # the first Tab leads past the header
        await page.press("Tab")
        assert await page.run("return document.activeElement.className") == "skip"
        await page.run("document.querySelector('button[value=emailsReplied]').click()")
        await page.until("document.getElementById('said').textContent.startsWith('Name a lead first')")
        await page.run("document.querySelector('.campaign summary').focus()")
        await page.press("Enter", "\r")
        await page.until("document.querySelector('.people button')")
        await page.press("Tab")
        if await page.run("return document.activeElement.tagName") != "BUTTON":
            await page.press("Tab")  # the list scrolls, so it may be a stop of its own
        await page.press("Enter", "\r")
        await page.until("document.getElementById('lead').value === 'ann@b.example'")
        await page.run("document.querySelector('button[value=emailsReplied]').focus()")
        await page.press("Enter", "\r")
        await page.until("document.getElementById('said').textContent.includes('emailsReplied happened')")
        assert lead["state"] == "emailsReplied"
        before = sandbox.now
        await page.run("document.querySelector('[data-clock*=days]').click()")
        await page.until("document.getElementById('said').textContent.startsWith('It is')")
        assert sandbox.now - before >= 86400
        await api.ok("GET /team")
        await page.until("document.querySelector('#requests code')?.textContent === 'GET /team'")
        await page.until("document.querySelector('#events td:nth-child(2)')?.textContent === 'emailsReplied'")
        # nothing is wider than the window
        assert await page.run("return document.documentElement.scrollWidth <= innerWidth")
        paper = await page.run("return getComputedStyle(document.body).backgroundColor")
        assert paper == {"dark": "rgb(21, 23, 26)", "light": "rgb(246, 246, 243)"}[scheme]
        assert page.complaints == []
