"""Fill the figures of README and docs from benchmarks/results.json, which `nox -s bench` writes.

    python docs/figures.py

A table stands between `<!-- table: BENCHMARK: NAME -->` and `<!-- end -->`, and is followed by where its figures come
from. A single figure in a sentence stands between `<!-- figure: BENCHMARK: NAME: ROW: COLUMN -->` and `<!-- end -->`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks._tables import Table, markdown, shown  # noqa: E402  # the path has to be there first

RESULTS = ROOT / "benchmarks" / "results.json"
PLACE = re.compile(r"<!-- (table|figure): (.+?) -->.*?<!-- end -->", re.DOTALL)


def pages() -> Iterator[Path]:
    """Yield the pages that have figures."""
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        if PLACE.search(page.read_text(encoding="utf-8")):
            yield page


def filled(text: str) -> str:
    """Return a page with the figures of the last run.

    Raises:
        KeyError: no benchmark left a table, row or column of this name.
    """
    return PLACE.sub(_place, text)


def _place(match: re.Match[str]) -> str:
    kind, address = match.groups()
    benchmark, _, rest = address.partition(": ")
    name, *cell = [rest] if kind == "table" else rest.split(": ")
    found = results()[benchmark]["tables"][name]
    table = Table(name, found["columns"], found["rows"])
    inner = (
        f"\n\n{markdown(table)}\n\n{_origin(found)}\n\n" if kind == "table" else shown(_cell(table, *cell))
    )
    return f"<!-- {kind}: {address} -->{inner}<!-- end -->"


def _cell(table: Table, row: str, column: str) -> Any:
    rows = {str(cells[0]): cells for cells in table.rows}
    return rows[row][list(table.columns).index(column)]


def _origin(found: dict[str, Any]) -> str:
    return f"({found['date']}, `{found['command']}`, {found['machine']}, at a load of {found['load']})"


@cache
def results() -> dict[str, Any]:
    """Return what the benchmarks left."""
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    for path in pages():
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
