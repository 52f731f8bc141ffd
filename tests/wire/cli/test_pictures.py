"""Pictures of the documentation are made by a run of the command's own output."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.project import ROOT

pytestmark = pytest.mark.slow


def test_the_script_makes_each_picture_that_the_documentation_shows(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "docs" / "pictures.py"), str(tmp_path)]
    subprocess.run(command, check=True, timeout=60, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    made = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert made.keys() == {"plan.svg", "run.svg", "report.svg"}
    for name, text in made.items():
        assert ElementTree.fromstring(text).tag.endswith("svg")
        assert "font-face" not in text, "no font of another host"
        assert f"]({name})" in (ROOT / "docs" / "bulk.md").read_text()
    assert "refused&#160;before&#160;sending" in made["report.svg"]
    assert "/s,&#160;" in made["run.svg"]
