"""Imports inside a room form no circle, those for type checkers and those inside functions included."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.project import ROOT

PACKAGE = ROOT / "lemlist_async"
FILES = sorted(PACKAGE.rglob("*.py"))
ROOMS = ["bulk", "cli", "core", "export", "resources", "sandbox", "testing", "throttle", "transport"]


def module(path: Path) -> str:
    """Return the dotted name of a file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module(path): path for path in FILES}


def relative_imports(path: Path) -> Iterator[ast.ImportFrom]:
    """Return the imports that begin with a dot."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return (node for node in nodes if isinstance(node, ast.ImportFrom) and node.level)


def imported(path: Path) -> Iterator[str]:
    """Return the modules of the package that a file imports, wherever the import stands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            inner = {f"{node.module}.{name.name}" for name in node.names}
            yield from inner & MODULES.keys() or {node.module}


@pytest.mark.parametrize("room", ROOMS)
def test_the_imports_inside_a_room_form_no_circle(room: str) -> None:
    inside = {name: path for name, path in MODULES.items() if f"{name}.".startswith(f"lemlist_async.{room}.")}
    graph = {name: set(imported(path)) & inside.keys() - {name} for name, path in inside.items()}
    assert graph
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize("path", FILES, ids=module)
def test_imports_are_absolute(path: Path) -> None:
    assert not list(relative_imports(path))
