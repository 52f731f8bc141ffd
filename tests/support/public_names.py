"""Write tests/public_names.txt, the public names and signatures: `python -m tests.support.public_names`."""

import dataclasses
import enum
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from typing import Any, TypeVar

from lemlist_async.resources._base import Resource
from tests.support.project import ROOT

PAGE = ROOT / "tests" / "public_names.txt"
MODULES = (
    "lemlist_async",
    "lemlist_async.bulk",
    "lemlist_async.deadlines",
    "lemlist_async.errors",
    "lemlist_async.fleet",
    "lemlist_async.integrations.aiohttp_web",
    "lemlist_async.integrations.asgi",
    "lemlist_async.integrations.background",
    "lemlist_async.integrations.django",
    "lemlist_async.integrations.fastapi",
    "lemlist_async.integrations.mcp",
    "lemlist_async.integrations.otel",
    "lemlist_async.integrations.wsgi",
    "lemlist_async.observe",
    "lemlist_async.sandbox",
    "lemlist_async.testing.plugin",
    "lemlist_async.testing.virtual_time",
    "lemlist_async.throttle",
    "lemlist_async.webhooks",
)


def page() -> str:
    """Return the whole snapshot: a line per name, sorted within its module."""
    parts = ["# Written by `python -m tests.support.public_names`.\n"]
    for name in MODULES:
        module = importlib.import_module(name)
        lines = [line for public in names_of(module) for line in described(public, getattr(module, public))]
        parts.append(f"\n## {name}\n\n" + "\n".join(lines) + "\n")
    parts.append("\n## Resources\n\n")
    parts += [f"{line}\n" for resource in resources() for line in class_lines(resource.__name__, resource)]
    return "".join(parts)


def names_of(module: Any) -> list[str]:
    """Return the names in ``__all__``, or those that the module itself defines."""
    here = module.__name__
    defined = (
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and getattr(value, "__module__", None) == here
        and not isinstance(value, TypeVar)
    )
    return sorted(getattr(module, "__all__", None) or defined)


def resources() -> list[type]:
    """Return the classes of the API's areas."""
    rooms = importlib.import_module("lemlist_async.resources")
    for found in pkgutil.iter_modules(rooms.__path__, f"{rooms.__name__}."):
        importlib.import_module(found.name)
    return sorted(subclasses(Resource), key=lambda kind: kind.__name__)


def subclasses(kind: type) -> Iterator[type]:
    """Return the subclasses of the package's own, at any depth."""
    for child in kind.__subclasses__():
        if child.__module__.startswith("lemlist_async."):
            yield child
        yield from subclasses(child)


def described(name: str, value: Any) -> list[str]:
    """Return the lines of one public name."""
    if inspect.isclass(value):
        return class_lines(name, value)
    if type(value).__module__.startswith("_pytest."):
        return [f"{name}: fixture"]
    if callable(value):
        return [signature(name, value)]
    return [f"{name}: {type(value).__name__}"]


def class_lines(name: str, kind: type) -> list[str]:
    """Return the line of a class, and one for each public member of its own."""
    # bases from elsewhere differ between platforms, as those of an event loop do
    ours = [base for base in kind.__bases__ if base.__module__.startswith(("lemlist_async", "builtins"))]
    bases = ", ".join(base.__name__ for base in ours if base is not object)
    head = f"class {name}({bases})"
    if issubclass(kind, enum.Enum):
        return [head, *(f"{name}.{member.name} = {member.value!r}" for member in kind)]
    built = [] if issubclass(kind, BaseException) or "__init__" not in vars(kind) else [signature(name, kind)]
    members = sorted(member for member in vars(kind) if not member.startswith("_"))
    return [head, *built, *(member_line(f"{name}.{member}", vars(kind)[member]) for member in members)]


def member_line(name: str, value: Any) -> str:
    """Return the line of one member of a class."""
    if isinstance(value, (staticmethod, classmethod)):
        value = value.__func__
    if inspect.isfunction(value):
        return signature(name, value)
    return f"{name}  # attribute"


def signature(name: str, function: Any) -> str:
    """Return name and signature, without what differs from run to run or between Pythons."""
    try:
        found = inspect.signature(function)
    except ValueError:
        return f"{name}(...)"
    parameters = [
        parameter.replace(annotation=text(parameter.annotation), default=shown(parameter.default))
        for parameter in found.parameters.values()
        if parameter.name != "self"
    ]
    kind = "async " if inspect.iscoroutinefunction(function) else ""
    line = str(found.replace(parameters=parameters, return_annotation=text(found.return_annotation)))
    return kind + name + line


@dataclasses.dataclass(frozen=True)
class Shown:
    """A text that is its own repr."""

    words: str

    def __repr__(self) -> str:
        return self.words


def text(annotation: Any) -> Any:
    """Return an annotation as its source writes it."""
    if annotation is inspect.Signature.empty:
        return annotation
    return Shown(annotation if isinstance(annotation, str) else inspect.formatannotation(annotation))


def shown(default: Any) -> Any:
    """Return a default value in words that are alike in every process."""
    if default is inspect.Parameter.empty:
        return default
    return Shown(re.sub(r" at 0x[0-9a-fA-F]+", "", repr(default)))


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
