"""Tables of figures: a benchmark prints them, and with `--json FILE` puts them into a file.

The tables of README and docs are made from that file by docs/generate_figures.py, so that no figure there is typed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

Cell = str | int | float | None
ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("aiohttp", "orjson")
LOAD = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
"""Load of the machine before the benchmark began."""


class Table(NamedTuple):
    """Figures with a name that is unique within their benchmark."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def parser_of(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser of arguments with the option that all benchmarks have."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--json", metavar="FILE", type=Path, help="keep the tables in this file")
    return parser


def publish(tables: Sequence[Table], file: Path | None) -> None:
    """Print tables, and keep them in a file in place of those that this benchmark left there before."""
    for table in tables:
        print(f"\n{table.name}\n\n{markdown(table)}", flush=True)
    if file is None:
        return
    kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    name = Path(sys.argv[0]).stem
    before: dict[str, Any] = kept.get(name, {}).get("tables", {})
    origin = _origin()
    found = {
        table.name: {
            **origin,
            "columns": list(table.columns),
            "rows": [[_short(cell) for cell in row] for row in table.rows],
        }
        for table in tables
    }
    kept[name] = {"tables": {**before, **found}}
    ordered = json.dumps(dict(sorted(kept.items())), indent=1, ensure_ascii=False)
    file.write_text(f"{ordered}\n", encoding="utf-8")


def _short(cell: Cell) -> Cell:
    return float(f"{cell:.4g}") if isinstance(cell, float) else cell


def _origin() -> dict[str, str]:
    """Return when, by which command and on which machine a table was measured."""
    script = Path(sys.argv[0]).resolve().relative_to(ROOT)
    module = sys.modules["__main__"].__spec__
    program = str(script) if module is None else f"-m {'.'.join(script.with_suffix('').parts)}"
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "command": " ".join(["python", program, *_given(sys.argv[1:])]),
        "machine": f"Python {platform.python_version()}, {versions}, {os.cpu_count()} cores of a {_processor()}",
        "load": f"{LOAD:.1f}",
    }


def _given(arguments: Sequence[str]) -> list[str]:
    """Return the arguments without the file."""
    if "--json" not in arguments:
        return list(arguments)
    at = arguments.index("--json")
    return [*arguments[:at], *arguments[at + 2 :]]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def markdown(table: Table) -> str:
    """Return a table as Markdown."""
    lines = [
        table.columns,
        ["---"] * len(table.columns),
        *([shown(cell) for cell in row] for row in table.rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown(cell: Cell) -> str:
    """Return a figure with the digits that it deserves."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) or abs(cell) >= 100:
        return f"{cell:,.0f}"
    return f"{cell:.1f}" if abs(cell) >= 10 else f"{cell:.2f}"
