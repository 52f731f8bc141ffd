"""The blocks of the page about testing are test modules that pass."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import ROOT

PAGE = (ROOT / "docs" / "testing.md").read_text("utf-8")
BLOCKS = re.findall(r"^## ([^\n]+)\n(?:(?!^## ).)*?^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
NEEDED = {
    "FastAPI": ("fastapi", "httpx2"),
    "Django": ("django",),
    "Celery": ("celery",),
    "Plain tests": ("requests",),
}
INI = "[pytest]\nfilterwarnings = error\naddopts = --strict-markers\nasyncio_default_fixture_loop_scope = function\n"


def test_every_block_is_found() -> None:
    assert len(BLOCKS) == PAGE.count("```python\n") > 4


@pytest.mark.slow
@pytest.mark.parametrize(("title", "source"), BLOCKS, ids=[title for title, _ in BLOCKS])
def test_a_block_passes_as_a_module_of_tests(tmp_path: Path, title: str, source: str) -> None:
    for package in NEEDED.get(title, ()):
        pytest.importorskip(package)
    (tmp_path / "test_block.py").write_text(source)
    (tmp_path / "pytest.ini").write_text(INI)
    plugins = ("-p", "pytest_asyncio.plugin", "-p", "lemlist_async.testing.plugin")
    # autoload is off: an installed package would register the plugin a second time by its entry point
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", *plugins, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=env, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{source.count('def test_')} passed" in done.stdout
