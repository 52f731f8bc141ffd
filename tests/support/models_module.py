"""Write lemlist_async/models.py, which has every model and every group of arguments under one name.

python -m tests.support.models_module
"""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "lemlist_async" / "models.py"
_RESOURCES = ROOT / "lemlist_async" / "resources"
_HEAD = '''\
"""Models of responses, groups of arguments and closed sets of values, of all areas of the API.

Each is imported on first use from the module of its area. Written by ``python -m tests.support.models_module``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lemlist_async.lazy_names import lazy_names

if TYPE_CHECKING:
'''
_TAIL = """
if not TYPE_CHECKING:  # as in the package itself
    _HOMES = {
        name: f"lemlist_async.resources.{area}" for area, names in _NAMES.items() for name in names.split()
    }
    __getattr__, __dir__, __all__ = lazy_names(__name__, _HOMES)
"""


def text() -> str:
    """Return the module."""
    areas = {path.stem: names for path in sorted(_RESOURCES.glob("*.py")) if (names := _names(path))}
    imports = [
        f"    from lemlist_async.resources.{area} import {name} as {name}\n"
        for area, names in areas.items()
        for name in names
    ]
    table = [f'    "{area}": """\n{_wrapped(names)}\n    """,\n' for area, names in areas.items()]
    return f"{_HEAD}{''.join(imports)}\n_NAMES = {{\n{''.join(table)}}}\n{_TAIL}"


def _wrapped(names: list[str]) -> str:
    return textwrap.fill(" ".join(names), 108, initial_indent=" " * 8, subsequent_indent=" " * 8)


def _names(path: Path) -> list[str]:
    """Return the public classes of a module but the resource, and its closed sets of values."""
    found: list[str] = []
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef) and not node.name.endswith("Resource"):
            found.append(node.name)
        elif isinstance(node, ast.Assign) and "Literal[" in ast.unparse(node.value):
            found += [target.id for target in node.targets if isinstance(target, ast.Name)]
    public = sorted(name for name in found if name[0].isupper() and not name.isupper())
    return [] if path.name.startswith("_") else public


if __name__ == "__main__":
    MODULE.write_text(text())
