"""Public names of a package that are imported on first use (PEP 562), so that importing the package is light."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def lazy_names(
    package: str, homes: Mapping[str, str], *own: str
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return the `__getattr__`, `__dir__` and `__all__` of a package.

    `homes` has the module of each public name; a module that is public itself is its own home. `own` are public
    names that the package defines itself.
    """
    public = sorted([*homes, *own])

    def __getattr__(name: str) -> Any:  # noqa: N807  # the module's own
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = importlib.import_module(homes[name])
        found = home if home.__name__ == f"{package}.{name}" else getattr(home, name)
        setattr(sys.modules[package], name, found)
        return found

    def __dir__() -> list[str]:  # noqa: N807  # the module's own
        return public

    return __getattr__, __dir__, public
