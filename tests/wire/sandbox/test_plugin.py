"""The pytest plugin in a pytest of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import ROOT

STRICT = """
import os
import aiohttp
import pytest

@pytest.fixture
def lemlist_sandbox_options(lemlist_sandbox_options):
    return {"seed": 5, **lemlist_sandbox_options}

@pytest.mark.asyncio
@pytest.mark.lemlist_sandbox(limit=1, window=60)
async def test_running(lemlist_sandbox):
    assert (lemlist_sandbox.limit, lemlist_sandbox.seed) == (1, 5)
    headers = {"Authorization": aiohttp.encode_basic_auth("", lemlist_sandbox.key)}
    async with aiohttp.ClientSession(headers=headers) as session:
        for expected in (200, 429):
            async with session.get(lemlist_sandbox.url + "/team") as response:
                assert response.status == expected

@pytest.mark.asyncio
async def test_client(lemlist_sandbox, lemlist_client):
    await lemlist_client.campaigns.create(name="Made by the client")
    assert len(lemlist_sandbox.team().campaigns) == 1

@pytest.mark.asyncio
async def test_environment(lemlist_environment):
    assert os.environ["LEMLIST_BASE_URL"] == lemlist_environment.url
    assert os.environ["LEMLIST_API_KEY"] == lemlist_environment.key
"""
INI = """
[pytest]
filterwarnings = error
addopts = --strict-markers
asyncio_default_fixture_loop_scope = function
"""
LIGHT = """
import sys

def test_light():
    assert "aiohttp" not in sys.modules
"""


def run(folder: Path, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_inner.py").write_text(source)
    (folder / "pytest.ini").write_text(INI)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        *("-p", "pytest_asyncio.plugin", "-p", "lemlist_async.testing.plugin"),
        *options,
        str(folder),
    ]
    # autoload is off: an installed package would register the plugin a second time by its entry point
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=env)


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_the_fixtures_work_in_both_modes_without_a_warning(tmp_path: Path, mode: str) -> None:
    done = run(tmp_path, STRICT, "-o", f"asyncio_mode={mode}")
    assert "3 passed" in done.stdout, done.stdout + done.stderr
    assert "warning" not in done.stdout


def test_the_plugin_itself_brings_no_web_server(tmp_path: Path) -> None:
    done = run(tmp_path, LIGHT)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
