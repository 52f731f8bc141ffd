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
PLAIN = """
import urllib.request
import pytest

def asked(sandbox):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(sandbox.url + "/team", timeout=5)
    refused.value.close()
    return refused.value.code

@pytest.mark.lemlist_sandbox(seed=7)
def test_plain(lemlist_sandbox):
    assert (asked(lemlist_sandbox), lemlist_sandbox.seed) == (400, 7)

def test_plain_environment(lemlist_environment):
    assert asked(lemlist_environment) == 400

class TestMethods:
    def test_method(self, lemlist_sandbox):
        assert asked(lemlist_sandbox) == 400

    @pytest.mark.asyncio
    async def test_async_method(self, lemlist_client):
        await lemlist_client.team.get()
"""
CLIENT_IN_A_PLAIN_TEST = """
def test_client(lemlist_client):
    pass
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


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_plain_tests_and_methods_have_a_sandbox_that_answers(tmp_path: Path, mode: str) -> None:
    done = run(tmp_path, PLAIN, "-o", f"asyncio_mode={mode}")
    assert "4 passed" in done.stdout, done.stdout + done.stderr


def test_a_client_in_a_plain_test_is_refused_with_the_reason(tmp_path: Path) -> None:
    done = run(tmp_path, CLIENT_IN_A_PLAIN_TEST)
    assert "lemlist_client is for async tests" in done.stdout


def test_the_plugin_itself_brings_no_web_server(tmp_path: Path) -> None:
    done = run(tmp_path, LIGHT)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
