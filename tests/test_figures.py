"""Figures of README and docs: made from what the benchmarks left, never typed."""

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from benchmarks._tables import Table, markdown, publish, shown

ROOT = Path(__file__).parents[1]


def script() -> ModuleType:
    """Load docs/figures.py, which is no module of a package."""
    spec = importlib.util.spec_from_file_location("figures", ROOT / "docs" / "figures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_figure_of_a_page_is_that_of_the_last_run() -> None:
    figures = script()
    pages = list(figures.pages())
    assert len(pages) >= 8
    for page in pages:
        text = page.read_text()
        assert figures.filled(text) == text, f"{page.name}: run python docs/figures.py"


def test_every_table_says_when_how_and_where_it_was_measured() -> None:
    for benchmark in script().results().values():
        for table in benchmark["tables"].values():
            assert re.fullmatch(r"\d{4}-\d\d-\d\d", table["date"])
            assert table["command"].startswith("python ")
            assert "Python 3." in table["machine"]
            assert float(table["load"]) >= 0
            assert {len(row) for row in table["rows"]} == {len(table["columns"])}


def test_a_place_without_figures_is_an_error() -> None:
    with pytest.raises(KeyError):
        script().filled("<!-- table: overhead: no such table --><!-- end -->")


def test_a_benchmark_replaces_its_own_tables_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "results.json"
    monkeypatch.setattr(sys, "argv", [str(ROOT / "benchmarks" / "one.py"), "--fast", "--json", str(file)])
    publish([Table("a", ["", "µs"], [["x", 1.23456]]), Table("b", ["n"], [[1]])], file)
    monkeypatch.setattr(sys, "argv", [str(ROOT / "benchmarks" / "two.py")])
    publish([Table("a", ["n"], [[3]])], file)
    monkeypatch.setattr(sys, "argv", [str(ROOT / "benchmarks" / "one.py")])
    publish([Table("b", ["n"], [[2]])], file)
    kept: dict[str, Any] = json.loads(file.read_text())
    assert kept["one"]["tables"]["a"]["rows"] == [["x", 1.235]]
    assert kept["one"]["tables"]["a"]["command"].endswith(" --fast")
    assert kept["one"]["tables"]["b"]["rows"] == [[2]]
    assert kept["two"]["tables"]["a"]["rows"] == [[3]]
    assert "| x | 1.23 |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        ("a", "a"),
        (12345, "12,345"),
        (0.123, "0.12"),
        (12.34, "12.3"),
        (123.4, "123"),
        (-5.0, "-5.00"),
    ],
)
def test_a_figure_is_shown_with_the_digits_that_it_deserves(cell: Any, text: str) -> None:
    assert shown(cell) == text


def test_a_table_is_shown_as_markdown() -> None:
    table = Table("a", ["", "n"], [["x", 1], ["y", None]])
    assert markdown(table) == "|  | n |\n| --- | --- |\n| x | 1 |\n| y |  |"
